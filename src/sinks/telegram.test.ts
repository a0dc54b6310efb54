import { afterEach, expect, test } from 'vitest';
import type { DeliveryVerdict } from '../core/delivery.ts';
import { createCleanup } from '../../test/support/cleanup.ts';
import { testSink } from '../../test/support/sink-suite.ts';
import { attemptOf, payload, resolvedPayload, sinkDelivery, sinkWorld } from '../../test/support/sink-world.ts';
import { startVendor } from '../../test/support/vendor.ts';
import type { VendorAnswer } from '../../test/support/vendor.ts';
import { nothingKnown } from './known.ts';
import { telegram } from './telegram.ts';

const token = '110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw';
const secrets = { 'telegram/token': token };
const chat = '-1001234567890';

interface Message {
  readonly chat_id?: unknown;
  readonly message_id?: unknown;
  readonly text?: string;
  readonly parse_mode?: unknown;
  readonly link_preview_options?: { readonly is_disabled?: unknown };
  readonly reply_parameters?: { readonly message_id?: number };
}

/** sendMessage and editMessageText (core.telegram.org/bots/api). */
async function startTelegram() {
  const messages = new Map<number, Message>();
  const shown: string[] = [];
  let made = 0;
  let moved: number | null = null;
  const no = (status: number, description: string, parameters = {}): VendorAnswer => ({
    status,
    body: { ok: false, error_code: status, description, parameters },
  });
  const vendor = await startVendor(({ method, path, json }): VendorAnswer => {
    const [, given, name] = /^\/bot([^/]+)\/(\w+)$/.exec(path) ?? [];
    if (given !== token) return no(401, 'Unauthorized');
    if (method !== 'POST') return no(405, 'Method Not Allowed');
    const message = json as Message;
    if (moved !== null) return no(400, 'Bad Request: group chat was upgraded', { migrate_to_chat_id: moved });
    if (message.chat_id !== chat) return no(400, 'Bad Request: chat not found');
    const problem = problemOf(message);
    if (problem !== null) return no(400, `Bad Request: ${problem}`);
    if (name === 'editMessageText') {
      const id = Number(message.message_id);
      const old = messages.get(id);
      if (old === undefined) return no(400, 'Bad Request: message to edit not found');
      if (old.text === message.text) return no(400, 'Bad Request: message is not modified');
      messages.set(id, message);
    } else if (name === 'sendMessage') {
      made += 1;
      messages.set(made, message);
    } else return no(404, 'Not Found');
    shown.push(seen(message));
    return { status: 200, body: { ok: true, result: { message_id: Number(message.message_id ?? made) } } };
  });
  return { vendor, effects: () => made, shown: () => shown, messages, move: (id: number) => void (moved = id) };
}

function problemOf({ text = '', parse_mode: mode }: Message): string | null {
  if (mode !== 'HTML') return null;
  const open: string[] = [];
  for (const [, slash, tag = ''] of text.matchAll(/<(\/?)([^<>\s]*)[^<>]*>/g)) {
    if (!['b', 'i', 'code', 'pre', 'a'].includes(tag)) return `can't parse entities: unsupported start tag "${tag}"`;
    if (slash === '') open.push(tag);
    else if (open.pop() !== tag) return "can't parse entities: unmatched end tag";
  }
  if (open.length > 0) return "can't parse entities: can't find end tag";
  const plain = text.replace(/<[^>]*>/g, '').replace(/&(?:amp|lt|gt|quot);/g, '&');
  if (plain.trim() === '') return 'message text is empty';
  return plain.length > 4096 ? 'message is too long' : null;
}

/** What Telegram makes of text that stands in no code is in ⟦ ⟧. */
function seen({ text = '', link_preview_options: preview }: Message): string {
  const parts = text.split(/(<(?:code|pre)>[\s\S]*?<\/(?:code|pre)>)/).map((part, index) =>
    index % 2 === 1
      ? part.replace(/<[^>]*>/g, '')
      : part
          .replace(/<a href="([^"]*)">/g, '⟦link $1⟧')
          .replace(/<[^>]*>/g, '')
          .replace(/(?<!⟦link )(?:https?|tg):\S+/g, '⟦link $&⟧')
          .replace(/(?<![A-Za-z0-9:/])[@#/][a-z]\w+/gi, '⟦mention $&⟧'),
  );
  return `${parts.join('')}${preview?.is_disabled === true ? '' : '⟦preview⟧'}`;
}

const config = (url: string) => ({ endpoint: url, channel: chat, botToken: 'telegram' });
const forbidden = [/⟦(?!link https:\/\/fist\.example\/)/];
const suite = { backend: telegram, secrets, start: startTelegram, isIdempotent: false, effectsOfEnd: 1, forbidden };
testSink({ ...suite, config });
testSink({
  ...suite,
  config: (url) => ({ ...config(url), template: '<b>Cause</b> {{ .text }} of {{ .alert.labels.pod }}' }),
});

const cleanup = createCleanup();
afterEach(() => cleanup.run());

async function start() {
  const on = await startTelegram();
  const world = sinkWorld({ secrets });
  cleanup.defer(() => world.close());
  cleanup.defer(() => on.vendor.stop());
  const deliver = (changes: object): Promise<DeliveryVerdict> =>
    attemptOf(telegram, world.io, config(on.vendor.url), sinkDelivery(changes));
  return { ...on, deliver };
}

test('a message is edited, and its end replies to it; what is the same already is no failure', async () => {
  const { messages, deliver } = await start();
  const first = await deliver({});
  expect(first).toEqual({ ok: true, reference: '-1001234567890/1/1/run-finished/critical/1772359242' });
  const open = { ...nothingKnown, open: first.reference ?? null };
  expect(await deliver({ known: open })).toMatchObject({ ok: true });
  await deliver({ event: 'alert-resolved', payload: resolvedPayload, known: open });
  expect(messages.size).toBe(2);
  expect(messages.get(1)?.text).toContain('🟢 <code>RESOLVED');
  expect(messages.get(2)).toMatchObject({ reply_parameters: { message_id: 1, allow_sending_without_reply: true } });
  messages.delete(1);
  expect(await deliver({ known: open })).toMatchObject({ ok: true });
  expect(messages.get(3)?.text).toContain('🔴');
});

test('what is too long is cut where markup stays whole', async () => {
  const { vendor, shown, deliver } = await start();
  const text = `${'FIRING '.repeat(100)}\n${'<line> & of the report\n'.repeat(1000)}`;
  expect(await deliver({ payload: { ...payload, text } })).toMatchObject({ ok: true });
  expect(vendor.refusals).toEqual([]);
  expect(shown()[0]).toContain('characters in all; https://fist.example/api/v1/runs/r1]');
});

test('a group that has a new id says so', async () => {
  const { move, deliver } = await start();
  move(-100987);
  expect(await deliver({})).toMatchObject({
    ok: false,
    retry: false,
    reason: 'the group has a new id; set channel to -100987',
  });
});
