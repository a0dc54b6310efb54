import { describe, expect, test } from 'vitest';
import { createRandom } from '../../test/support/random.ts';
import type { Random } from '../../test/support/random.ts';
import { payload, resolvedPayload, sinkDelivery } from '../../test/support/sink-world.ts';
import { placeOf, referenceOf, stillRecent } from './chat-place.ts';
import { mostPosts, tellIncident } from './chat-thread.ts';
import type { ChatAnswer, ChatRoom } from './chat-thread.ts';
import type { KnownReferences, SinkDelivery } from './define.ts';
import { nothingKnown } from './known.ts';

const io = { now: () => Date.parse(payload.timestamp), othersFireAt: () => Promise.resolve(false) };
const unanswered = { ok: false, retry: true, reason: 'no answer', ambiguous: true } as const;
const refused = { ok: false, retry: true, reason: '503' } as const;

interface Message {
  readonly key: string;
  readonly thread: string | null;
}

/** A chat in memory. What it is asked for fails by dice, before or after it was done, and messages vanish. */
function fakeChat(
  random: Random,
  { hasThreads, isLoose, mayFind }: Record<'hasThreads' | 'isLoose' | 'mayFind', boolean>,
  /** Shows a reply in the channel where its thread is gone; else it refuses it. */
  showsAlone = false,
) {
  const messages = new Map<string, Message>();
  const seen = { channel: 0, first: 0, lost: 0 };

  function finish(id: string, isAlone = false): ChatAnswer {
    if (random.next() >= 0.15) return { ok: true, room: 'room', id, isAlone };
    seen.lost += 1;
    return { ok: false, isGone: false, verdict: unanswered };
  }

  const room = (key: string): ChatRoom => ({
    room: 'room',
    hasThreads,
    isLoose,
    post({ thread, isShown, isFirst }) {
      if (random.next() < 0.15) return Promise.resolve({ ok: false, isGone: false, verdict: refused });
      const isAlone = thread !== null && !messages.has(thread);
      if (isAlone && !showsAlone) return Promise.resolve({ ok: false, isGone: true, verdict: refused });
      const id = `m${seen.channel}-${messages.size}-${random.between(0, 1e9)}`;
      messages.set(id, { key, thread: isAlone ? null : thread });
      if (thread === null || isAlone || isShown || !hasThreads) seen.channel += 1;
      if (isFirst) seen.first += 1;
      return Promise.resolve(finish(id, isAlone));
    },
    update: (_, id) => Promise.resolve(messages.has(id) ? finish(id) : { ok: false, isGone: true, verdict: refused }),
    ...(mayFind
      ? {
          find: (_room: string, thread: string | null) =>
            Promise.resolve({
              ok: true,
              id: [...messages].find(([, it]) => it.key === key && it.thread === thread)?.[0] ?? null,
              isGone: thread !== null && !messages.has(thread),
            }),
        }
      : {}),
  });
  return { room, messages, seen };
}

const events = [
  { event: 'run-started', payload },
  { event: 'run-finished', payload },
  { event: 'run-finished', payload: { ...payload, alert: { ...payload.alert, severity: 'warning' } } },
  { event: 'approval-requested', payload },
  { event: 'alert-resolved', payload: resolvedPayload },
] as const satisfies readonly Partial<SinkDelivery>[];

/** An incident of many deliveries, each tried some times, with what is remembered of it in between. */
async function incident(chat: ReturnType<typeof fakeChat>, random: Random): Promise<void> {
  let known: KnownReferences = nothingKnown;
  for (let step = 0; step < 80; step += 1) {
    const told = random.pick(events);
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      if (random.next() < 0.05) chat.messages.delete([...chat.messages.keys()][0] ?? '');
      const delivery = sinkDelivery({ ...told, idempotencyKey: `${step}`, isRepeat: attempt > 1, known });
      const verdict = await tellIncident(chat.room(`${step}`), delivery, io);
      if (verdict.ok) {
        const { reference } = verdict;
        const isEnd = told.event === 'alert-resolved';
        known = { ...nothingKnown, ...(isEnd ? { closed: reference } : { open: reference }) };
        break;
      }
      if (verdict.reference !== undefined) known = { ...known, own: verdict.reference };
      if (!verdict.retry) break;
    }
    if (known.own !== null) known = { ...nothingKnown, open: known.own };
  }
}

describe('an incident in a chat', () => {
  const kinds = [true, false].flatMap((hasThreads) =>
    [true, false].flatMap((isLoose) => [true, false].map((mayFind) => ({ hasThreads, isLoose, mayFind }))),
  );

  test.each(kinds)('the channel gets at most twelve messages, whatever happens: %j', async (kind) => {
    for (let seed = 1; seed <= 25; seed += 1) {
      const random = createRandom(seed);
      const chat = fakeChat(random, kind, kind.hasThreads && kind.mayFind && seed % 2 === 0);
      await incident(chat, random);
      expect(chat.seen.channel, `seed ${seed}`).toBeLessThanOrEqual(mostPosts);
      expect(chat.seen.channel).toBeGreaterThan(0);
      // Twice only where nobody knew that the first had come.
      expect(chat.seen.first).toBeLessThanOrEqual(kind.mayFind ? 1 : 1 + chat.seen.lost);
    }
  });

  test('without threads the end is a message too, and a report that points at another has one of its own', async () => {
    const chat = fakeChat(
      { ...createRandom(1), next: () => 0.9 },
      { hasThreads: false, isLoose: false, mayFind: false },
    );
    const told = async (changes: Partial<SinkDelivery>) => {
      const verdict = await tellIncident(chat.room('k'), sinkDelivery(changes), io);
      return verdict.reference ?? null;
    };
    const first = await told({});
    await told({ event: 'alert-resolved', payload: resolvedPayload, known: { ...nothingKnown, open: first } });
    expect(chat.seen.channel).toBe(2);
    await told({ known: { ...nothingKnown, incident: first } });
    expect([...chat.messages.values()].at(-1)?.thread).toBeNull();
  });

  test('whose cause was told by another mentions nobody there, and whoever is to be told once it has one of its own', async () => {
    const chat = fakeChat(
      { ...createRandom(1), next: () => 0.9 },
      { hasThreads: true, isLoose: false, mayFind: false },
    );
    const told = async (changes: Partial<SinkDelivery>) => {
      const verdict = await tellIncident(chat.room('k'), sinkDelivery(changes), io);
      return verdict.reference ?? null;
    };
    const incident = await told({});
    const guest = await told({ known: { ...nothingKnown, incident } });
    expect(chat.seen).toMatchObject({ channel: 1, first: 1 });
    await told({ known: { ...nothingKnown, open: guest } });
    expect(chat.seen).toMatchObject({ channel: 2, first: 2 });
  });

  test('references come back as they were; others are none', () => {
    const place = {
      room: '@a/b',
      id: '7',
      posts: 3,
      told: 'run-finished',
      severity: 'warning',
      since: 1_772_359_242,
    } as const;
    expect(placeOf(referenceOf(place))).toEqual(place);
    expect(placeOf(referenceOf({ ...place, id: null, told: null }))).toEqual({ ...place, id: null, told: null });
    for (const text of [null, '', 'OPS-1', 'a/b/c/d/e/f']) expect(placeOf(text)).toBeNull();
    expect(stillRecent(place, place.since * 1000 + 3_599_999)).toEqual(place);
    expect(stillRecent(place, place.since * 1000 + 3_600_000)).toBeNull();
  });
});
