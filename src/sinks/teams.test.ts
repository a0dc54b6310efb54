import { afterEach, expect, test } from 'vitest';
import { seenMarkdown } from '../../test/support/chat-markdown.ts';
import { createCleanup } from '../../test/support/cleanup.ts';
import { testSink } from '../../test/support/sink-suite.ts';
import { attemptOf, payload, sinkDelivery, sinkWorld } from '../../test/support/sink-world.ts';
import { startVendor } from '../../test/support/vendor.ts';
import { teams } from './teams.ts';

const path = '/powerautomate/automations/direct/workflows/0a1b/triggers/manual/paths/invoke';
const secrets = (url: string) => ({ 'teams/token': `${url}${path}?api-version=1&sig=a-signature` });

interface Element {
  readonly type?: string;
  readonly text?: string;
  readonly spacing?: string;
  readonly inlines?: readonly { readonly type?: string; readonly text?: string }[];
}

interface Card {
  readonly type?: string;
  readonly version?: string;
  readonly body?: readonly Element[];
  readonly actions?: readonly { readonly type?: string; readonly url?: string }[];
  readonly msteams?: { readonly entities?: unknown };
}

/** The trigger "When a Teams webhook request is received", which answers 202 and nothing else. */
async function startTeams() {
  const cards: Card[] = [];
  const shown: string[] = [];
  const vendor = await startVendor(({ method, path: at, query, text, json }) => {
    if (method !== 'POST' || at !== path) return { status: 404 };
    if (query.get('sig') !== 'a-signature')
      return { status: 401, body: { error: { code: 'DirectApiAuthorizationRequired' } } };
    if (Buffer.byteLength(text) > 28_000) return { status: 413 };
    const { type, attachments = [] } = json as {
      type?: string;
      attachments?: { contentType?: string; content?: Card }[];
    };
    const [attachment] = attachments;
    if (type !== 'message' || attachment?.contentType !== 'application/vnd.microsoft.card.adaptive')
      return { status: 400 };
    const card = attachment.content ?? {};
    if (!isCard(card)) return { status: 400 };
    cards.push(card);
    shown.push(seen(card));
    return { status: 202 };
  });
  return { vendor, effects: () => cards.length, shown: () => shown, cards };
}

function isCard({ type, version = '', body = [], actions = [] }: Card): boolean {
  if (type !== 'AdaptiveCard' || Number(version) > 1.5 || body.length === 0) return false;
  if (!actions.every((it) => it.type === 'Action.OpenUrl' && /^https?:/.test(it.url ?? ''))) return false;
  return body.every(({ type: of, text = '', inlines = [] }) =>
    of === 'TextBlock'
      ? text !== ''
      : of === 'RichTextBlock' &&
        inlines.length > 0 &&
        inlines.every((run) => run.type === 'TextRun' && (run.text ?? '') !== ''),
  );
}

function seen({ body = [], actions = [], msteams }: Card): string {
  const texts = body.flatMap(({ text, inlines = [] }) => [
    ...(text === undefined ? [] : [seenMarkdown(text)]),
    ...inlines.map((run) => run.text ?? ''),
  ]);
  return [
    ...texts,
    ...actions.map(({ url }) => `⟦link ${url}⟧`),
    msteams?.entities === undefined ? '' : '⟦mention⟧',
  ].join('\n');
}

testSink({
  backend: teams,
  secrets,
  config: () => ({ endpointSecret: 'teams' }),
  start: startTeams,
  isIdempotent: false,
  effectsOfStart: 1,
  effectsOfEnd: 1,
  forbidden: [/⟦(?!link https:\/\/fist\.example\/)/],
});

const cleanup = createCleanup();
afterEach(() => cleanup.run());

test('paragraphs stay apart, lines keep their place; what is too long is cut by its bytes', async () => {
  const { vendor, shown, cards } = await startTeams();
  const world = sinkWorld({ secrets: secrets(vendor.url) });
  cleanup.defer(() => world.close());
  cleanup.defer(() => vendor.stop());
  const deliver = (text: string) =>
    attemptOf(teams, world.io, { endpointSecret: 'teams' }, sinkDelivery({ payload: { ...payload, text } }));
  await deliver('FIRING\n\nThe cause\nis known.\n\nWhat to do\n  1. kubectl get pods');
  expect(cards[0]?.body?.map(({ spacing, inlines }) => [spacing, inlines?.[0]?.text])).toEqual([
    ['Default', '🔴 FIRING'],
    ['Medium', 'The cause'],
    ['None', 'is known.'],
    ['Medium', 'What to do'],
    ['None', '\u00a0\u00a01. kubectl get pods'],
  ]);
  await deliver(`${'FIRING '.repeat(200)}\n${'東京 & "the report"\n'.repeat(1000)}`);
  expect(vendor.refusals).toEqual([]);
  expect(shown()[1]).toContain('[cut: ');
});
