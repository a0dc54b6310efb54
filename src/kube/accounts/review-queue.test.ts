import { expect, test } from 'vitest';
import { createFakeClock } from '../../../test/support/clock.ts';
import { createReviewQueue } from './review-queue.ts';

type Told = { readonly ok: boolean };
interface Caller {
  readonly from?: string;
  readonly ok?: boolean;
  readonly isAuthenticated?: boolean;
  /** Of the same token. */
  readonly key?: string;
}

/** An API server that answers when it is told to. */
function world() {
  const clock = createFakeClock();
  const answer = createReviewQueue(clock);
  const waiting: { readonly who: string; readonly reply: () => void }[] = [];
  const asked: string[] = [];
  function call(
    who: string,
    { from = '10.0.0.1', ok = false, isAuthenticated = false, key = who }: Caller = {},
  ): Promise<Told> {
    return answer<Told>({
      key,
      who,
      from,
      isAuthenticated,
      ask() {
        asked.push(who);
        return new Promise((resolve) => waiting.push({ who, reply: () => resolve({ ok }) }));
      },
      acceptedFor: ({ ok: isAccepted }) => (isAccepted ? 60_000 : null),
    });
  }
  /** Answers everything, also what is asked meanwhile. */
  async function replyAll(): Promise<void> {
    for (;;) {
      await clock.advance(0);
      const next = waiting.shift();
      if (next === undefined) return;
      next.reply();
    }
  }
  /** So many that nobody knows; how many have a place. */
  async function flood(count: number, from: (index: number) => string): Promise<number> {
    const all = Array.from({ length: count }, (_, index) =>
      call(`bad ${asked.length} ${from(index)} ${index}`, { from: from(index) }).then(
        () => 'answered',
        (error: unknown) => (error as { readonly code: string }).code,
      ),
    );
    const outcomes = Promise.all(all);
    await replyAll();
    const told = await outcomes;
    expect(told.filter((one) => one !== 'answered' && one !== 'RateLimited')).toEqual([]);
    return told.filter((one) => one === 'answered').length;
  }
  return { clock, call, flood, replyAll, waiting, asked };
}

test('unknown callers of one address have a share, and so have all of them together', async () => {
  const { clock, flood, asked } = world();
  expect(await flood(2000, () => '10.0.0.1')).toBe(25);
  expect(await flood(10, () => '10.0.0.2')).toBe(10);
  expect(await flood(2000, (index) => `10.1.0.${index % 200}`)).toBe(100 - 35);
  expect(asked).toHaveLength(100);
  await clock.advance(1000);
  expect(await flood(2000, () => '10.0.0.1')).toBe(2);
  await clock.advance(60_000);
  expect(await flood(2000, () => '10.0.0.1')).toBe(25);
});

test('whoever was known lately is asked about at once and first, whatever others ask', async () => {
  const { clock, call, waiting, replyAll, asked } = world();
  const first = call('good', { ok: true, from: '10.9.9.9' });
  await replyAll();
  await first;
  await clock.advance(60_000);
  asked.length = 0;
  // All places of strangers are taken by questions that the API server leaves without an answer.
  const strangers = Array.from({ length: 90 }, (_, index) => call(`bad ${index}`, { from: `10.1.0.${index}` }));
  await clock.advance(0);
  expect(asked).toHaveLength(6);
  const again = call('good', { ok: true, from: '10.9.9.9' });
  // The token has to be asked about twice: for whom it is.
  const other = call('good', { ok: false, from: '10.9.9.9', key: 'good, for somebody else' });
  await clock.advance(0);
  expect(asked.slice(6)).toEqual(['good', 'good']);
  for (const { who, reply } of waiting) if (who === 'good') reply();
  expect([await again, await other]).toEqual([{ ok: true }, { ok: false }]);
  await replyAll();
  await Promise.all(strangers);
  expect(asked).toHaveLength(92);
});

test('what somebody known may do is asked before strangers, and takes no place of whom was known lately', async () => {
  const { clock, call, waiting, replyAll, asked } = world();
  const good = call('good', { ok: true, from: '10.9.9.9' });
  await replyAll();
  await good;
  await clock.advance(60_000);
  asked.length = 0;
  const strangers = Array.from({ length: 20 }, (_, index) => call(`bad ${index}`, { from: `10.1.0.${index}` }));
  const rights = Array.from({ length: 120 }, (_, index) =>
    call(`right ${index}`, { from: 'user ada', ok: true, isAuthenticated: true }).catch(() => null),
  );
  const again = call('good', { ok: true, from: '10.9.9.9' });
  await clock.advance(0);
  expect(asked).toHaveLength(8);
  expect(asked.slice(6)).toEqual(['right 0', 'good']);
  for (const { who, reply } of waiting) if (who === 'good') reply();
  expect(await again).toEqual({ ok: true });
  await replyAll();
  // One on its way, and a hundred that waited.
  expect((await Promise.all(rights)).filter((one) => one !== null)).toHaveLength(101);
  await Promise.all(strangers);
});

test('a new token from an address of somebody known does not wait for strangers elsewhere', async () => {
  const { call, flood, replyAll } = world();
  const good = call('good', { ok: true, from: '10.9.9.9' });
  await replyAll();
  await good;
  await flood(2000, (index) => `10.1.0.${index % 200}`);
  const renewed = call('renewed', { ok: true, from: '10.9.9.9' });
  await replyAll();
  expect(await renewed).toEqual({ ok: true });
});

test('what was refused is remembered for ten seconds, and does not push out what was accepted', async () => {
  const { clock, call, flood, replyAll, asked } = world();
  const ask = async (who: string, caller: Caller = {}): Promise<Told> => {
    const told = call(who, caller);
    await replyAll();
    return told;
  };
  await ask('good', { ok: true, from: '10.9.9.9' });
  await ask('bad');
  await ask('bad', { ok: true });
  expect(asked).toEqual(['good', 'bad']);
  for (let second = 0; second < 50; second += 1) {
    await flood(1000, (index) => `10.${second}.0.${index % 200}`);
    await clock.advance(1000);
  }
  const before = asked.length;
  expect(before).toBeLessThanOrEqual(2 + 100 + 50 * 10);
  expect(await ask('good', { from: '10.9.9.9' })).toEqual({ ok: true });
  expect(asked).toHaveLength(before);
  await clock.advance(10_000);
  // Revoked in the meantime: known for a minute at most.
  expect(await ask('good', { ok: false, from: '10.9.9.9' })).toEqual({ ok: false });
  expect(await ask('bad', { ok: true })).toEqual({ ok: true });
});

test('one question for all who ask the same at the same time; one that fails is asked again', async () => {
  const { clock } = world();
  const answer = createReviewQueue(clock);
  let count = 0;
  const ask = () =>
    answer({
      key: 'k',
      who: 'k',
      from: 'a',
      isAuthenticated: false,
      ask: async () => {
        count += 1;
        if (count === 1) throw new Error('away');
        return { ok: true };
      },
      acceptedFor: () => 1000,
    });
  const results = await Promise.allSettled([ask(), ask(), ask()]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect([await ask(), await ask()]).toEqual([{ ok: true }, { ok: true }]);
  expect(count).toBe(2);
});
