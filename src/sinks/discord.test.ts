import { afterEach, expect, test } from 'vitest';
import type { DeliveryVerdict } from '../core/delivery.ts';
import { seenMarkdown } from '../../test/support/chat-markdown.ts';
import { createCleanup } from '../../test/support/cleanup.ts';
import { testSink } from '../../test/support/sink-suite.ts';
import { attemptOf, payload, resolvedPayload, sinkDelivery, sinkWorld } from '../../test/support/sink-world.ts';
import { startVendor } from '../../test/support/vendor.ts';
import type { VendorAnswer } from '../../test/support/vendor.ts';
import { discord } from './discord.ts';
import { nothingKnown } from './known.ts';

const path = '/api/webhooks/1181/a-token-that-nobody-may-know';
const secrets = (url: string) => ({ 'discord/token': `${url}${path}` });

interface Message {
  readonly content?: string;
  readonly embeds?: readonly {
    readonly title?: string;
    readonly description?: string;
    readonly url?: string;
    readonly color?: number;
  }[];
  readonly allowed_mentions?: { readonly parse?: readonly string[] };
}

/** Execute Webhook and Edit Webhook Message (discord.com/developers/docs/resources/webhook). */
async function startDiscord() {
  const messages = new Map<string, Message>();
  const shown: string[] = [];
  let made = 0;
  const vendor = await startVendor(({ method, path: at, query, json }): VendorAnswer => {
    if (!at.startsWith(path)) return { status: 404, body: { message: 'Unknown Webhook', code: 10_015 } };
    const message = json as Message;
    if (!isMessage(message)) return { status: 400, body: { message: 'Invalid Form Body', code: 50_035 } };
    const [, id] = /\/messages\/(\w+)$/.exec(at) ?? [];
    if (method === 'PATCH' && id !== undefined) {
      if (!messages.has(id)) return { status: 404, body: { message: 'Unknown Message', code: 10_008 } };
      messages.set(id, message);
      shown.push(seen(message));
      return { status: 200, body: { id } };
    }
    if (method !== 'POST' || id !== undefined) return { status: 405 };
    made += 1;
    messages.set(`m${made}`, message);
    shown.push(seen(message));
    return query.get('wait') === 'true' ? { status: 200, body: { id: `m${made}` } } : { status: 204 };
  });
  return { vendor, effects: () => made, shown: () => shown, messages };
}

function isMessage({ content = '', embeds = [] }: Message): boolean {
  if ((content === '' && embeds.length === 0) || content.length > 2000 || embeds.length > 10) return false;
  const total = embeds.reduce((sum, { title = '', description = '' }) => sum + title.length + description.length, 0);
  return (
    total <= 6000 &&
    embeds.every(({ title = '-', description = '-', url }) => {
      const isLink = url === undefined || /^https?:/.test(url);
      return (
        isLink && title.trim() !== '' && title.length <= 256 && description.trim() !== '' && description.length <= 4096
      );
    })
  );
}

function seen({ content = '', embeds = [], allowed_mentions: allowed }: Message): string {
  const parts = [content, ...embeds.flatMap(({ title = '', description = '' }) => [title, description])];
  return [...parts.map(seenMarkdown), allowed?.parse?.length === 0 ? '' : '⟦mentions allowed⟧'].join('\n');
}

const config = { endpointSecret: 'discord' };
const forbidden = [/⟦(?!link https:\/\/fist\.example\/)/];
const suite = { backend: discord, secrets, start: startDiscord, isIdempotent: false, effectsOfEnd: 1, forbidden };
testSink({ ...suite, config: () => config });
testSink({
  ...suite,
  config: () => ({
    ...config,
    template: 'Cause: {{ .text }} of {{ .alert.labels.pod }} [Guide](https://fist.example/guide)',
  }),
});

const cleanup = createCleanup();
afterEach(() => cleanup.run());

async function start(more: object = {}) {
  const on = await startDiscord();
  const world = sinkWorld({ secrets: secrets(on.vendor.url) });
  cleanup.defer(() => world.close());
  cleanup.defer(() => on.vendor.stop());
  const deliver = (changes: object): Promise<DeliveryVerdict> =>
    attemptOf(discord, world.io, { ...config, ...more }, sinkDelivery(changes));
  return { ...on, deliver };
}

test('a message is edited, and its end is a message too; one that is gone is made again', async () => {
  const { messages, effects, deliver } = await start();
  const first = await deliver({});
  expect(first).toEqual({ ok: true, reference: 'webhook/m1/1/run-finished/critical/1772359242' });
  const open = { ...nothingKnown, open: first.reference ?? null };
  await deliver({ event: 'alert-resolved', payload: resolvedPayload, known: open });
  expect([...messages.values()].map(({ embeds }) => embeds?.[0]?.title)).toEqual([
    '🟢 `RESOLVED KubePodCrashLooping pod/shop/web-1 after 21m`',
    '🟢 `RESOLVED KubePodCrashLooping pod/shop/web-1 after 21m`',
  ]);
  messages.clear();
  expect(await deliver({ known: open })).toMatchObject({
    ok: true,
    reference: expect.stringContaining('/m3/2/') as string,
  });
  expect(effects()).toBe(3);
});

test('what is too long is cut; a webhook that is gone is final, and its address is not told', async () => {
  const { vendor, deliver } = await start();
  const text = `${'FIRING '.repeat(100)}\n${'`line` of the report\n'.repeat(1000)}`;
  expect(await deliver({ payload: { ...payload, text } })).toMatchObject({ ok: true });
  expect(vendor.refusals).toEqual([]);
  const world = sinkWorld({ secrets: { 'discord/token': `${vendor.url}/api/webhooks/1/other` } });
  cleanup.defer(() => world.close());
  expect(await attemptOf(discord, world.io, config, sinkDelivery())).toMatchObject({
    ok: false,
    retry: false,
    reason: expect.stringMatching(/^127\.0\.0\.1:\d+ answered 404$/) as string,
  });
});

test.each(['not an address', 'ftp://x.example/y'])('a Secret that holds %s is missing, and not told', async (value) => {
  const world = sinkWorld({ secrets: { 'discord/token': value } });
  cleanup.defer(() => world.close());
  await expect(attemptOf(discord, world.io, config, sinkDelivery())).rejects.toMatchObject({
    code: 'SecretMissing',
    message: 'key token of Secret discord holds no address (http or https)',
  });
});
