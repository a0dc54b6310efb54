import { afterEach, expect, test } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { testSink } from '../../test/support/sink-suite.ts';
import { attemptOf, payload, sinkDelivery, sinkWorld } from '../../test/support/sink-world.ts';
import { startVendor } from '../../test/support/vendor.ts';
import { googlechat } from './googlechat.ts';
import { nothingKnown } from './known.ts';

const secrets = (url: string) => ({ 'google/token': `${url}/v1/spaces/AAAA/messages?key=a-key&token=a-token` });

interface Widget {
  readonly textParagraph?: { readonly text?: string };
  readonly buttonList?: {
    readonly buttons?: readonly {
      readonly text?: string;
      readonly onClick?: { readonly openLink?: { readonly url?: string } };
    }[];
  };
}

interface Message {
  readonly text?: string;
  readonly fallbackText?: string;
  readonly thread?: { readonly threadKey?: string };
  readonly cardsV2?: readonly {
    readonly card?: {
      readonly header?: { readonly title?: string };
      readonly sections?: readonly { readonly widgets?: readonly Widget[] }[];
    };
  }[];
}

/** spaces.messages.create by a webhook (developers.google.com/workspace/chat). A known `requestId` makes no second message. */
async function startGoogle() {
  const messages = new Map<string, Message>();
  const shown: string[] = [];
  const vendor = await startVendor(({ method, path, query, text, json }) => {
    if (method !== 'POST' || path !== '/v1/spaces/AAAA/messages') return { status: 404 };
    if (query.get('key') !== 'a-key' || query.get('token') !== 'a-token') return { status: 401 };
    const message = json as Message;
    if (Buffer.byteLength(text) > 32_000 || !isMessage(message)) return { status: 400 };
    const id = query.get('requestId') ?? String(messages.size);
    if (!/^[\w-]{1,63}$/.test(id)) return { status: 400 };
    if (query.get('messageReplyOption') === null && message.thread !== undefined) return { status: 400 };
    messages.set(id, messages.get(id) ?? message);
    shown.push(seen(message));
    return { status: 200, body: { name: `spaces/AAAA/messages/${id}` } };
  });
  return { vendor, effects: () => messages.size, shown: () => shown, messages };
}

function widgetsOf({ cardsV2 = [] }: Message): readonly Widget[] {
  return cardsV2.flatMap(({ card }) => card?.sections ?? []).flatMap(({ widgets = [] }) => widgets);
}

function isMessage(message: Message): boolean {
  const { cardsV2 = [], thread } = message;
  if (cardsV2.length === 0 || (thread?.threadKey?.length ?? 0) > 4000) return false;
  if (cardsV2.some(({ card }) => (card?.header?.title ?? '') === '')) return false;
  return widgetsOf(message).every(({ textParagraph, buttonList }) =>
    textParagraph === undefined
      ? buttonList?.buttons?.every(({ onClick }) => /^https?:/.test(onClick?.openLink?.url ?? '')) === true
      : (textParagraph.text ?? '') !== '',
  );
}

function seen(message: Message): string {
  const texts = widgetsOf(message).map(({ textParagraph, buttonList }) => [
    (textParagraph?.text ?? '')
      .replace(/<br>/g, '\n')
      .replace(/<[^>]*>/g, '⟦tag $&⟧')
      .replace(/&lt;/g, '<')
      .replace(/&gt;/g, '>')
      .replace(/&amp;/g, '&'),
    ...(buttonList?.buttons ?? []).map(({ onClick }) => `⟦link ${onClick?.openLink?.url ?? ''}⟧`),
  ]);
  const head = message.cardsV2?.[0]?.card?.header?.title ?? '';
  return [head, message.text === undefined ? '' : '⟦text⟧', ...texts.flat()].join('\n');
}

testSink({
  backend: googlechat,
  secrets,
  config: () => ({ endpointSecret: 'google' }),
  start: startGoogle,
  isIdempotent: true,
  effectsOfStart: 1,
  effectsOfEnd: 1,
  forbidden: [/⟦(?!link https:\/\/fist\.example\/)/],
});

const cleanup = createCleanup();
afterEach(() => cleanup.run());

async function start() {
  const on = await startGoogle();
  const world = sinkWorld({ secrets: secrets(on.vendor.url) });
  cleanup.defer(() => world.close());
  cleanup.defer(() => on.vendor.stop());
  const deliver = (changes: object) =>
    attemptOf(googlechat, world.io, { endpointSecret: 'google' }, sinkDelivery(changes));
  return { ...on, deliver };
}

test('an incident is a thread, which what points at it joins and goes on in', async () => {
  const { messages, deliver } = await start();
  const first = await deliver({});
  expect(first).toEqual({ ok: true, reference: 'fist-01990000-0000-7000-8000-000000000001' });
  const other = { subjectKey: 'other', idempotencyKey: 'r2/out/run-finished' };
  const guest = await deliver({ ...other, known: { ...nothingKnown, incident: first.reference ?? null } });
  await deliver({ ...other, idempotencyKey: 'a2/end', known: { ...nothingKnown, open: guest.reference ?? null } });
  expect(new Set([...messages.values()].map(({ thread }) => thread?.threadKey))).toEqual(new Set([first.reference]));
});

test('what is too long is cut by its bytes', async () => {
  const { vendor, shown, deliver } = await start();
  const text = `${'FIRING '.repeat(50)}\n${'&<東京>\n'.repeat(2000)}`;
  expect(await deliver({ payload: { ...payload, text } })).toMatchObject({ ok: true });
  expect(vendor.refusals).toEqual([]);
  expect(shown()[0]).toContain('[cut: ');
});
