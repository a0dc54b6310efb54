import { describe, expect, test } from 'vitest';
import { createFakeClock } from '../../../test/support/clock.ts';
import type { FakeClock } from '../../../test/support/clock.ts';
import { createRandom } from '../../../test/support/random.ts';
import { KubeFailure } from '../connection/failure.ts';
import { createKeyedDelays } from './keyed-delays.ts';
import { createWorkQueue } from './work-queue.ts';
import type { Handled, WorkQueueOptions } from './work-queue.ts';
import { silentLog } from '../../lib/silent-log.ts';

function queueOf(clock: FakeClock, handle: WorkQueueOptions['handle'], more: Partial<WorkQueueOptions> = {}) {
  const handled: Handled[] = [];
  const queue = createWorkQueue({
    name: 'test',
    handle,
    clock,
    random: () => 1,
    log: silentLog,
    onHandled: (one) => handled.push(one),
    ...more,
  });
  return { queue, handled };
}

describe('createWorkQueue', () => {
  test('many adds of a key are one look; while it is in work, one more after it', async () => {
    const clock = createFakeClock();
    const began: string[] = [];
    const { queue } = queueOf(clock, async (key) => {
      began.push(`${key} ${clock.monotonic()}`);
      await clock.sleep(100);
      return null;
    });
    for (let time = 0; time < 5; time += 1) queue.add('a');
    queue.add('b');
    await clock.advance(50);
    expect(began).toEqual(['a 0', 'b 0']);
    for (let time = 0; time < 5; time += 1) queue.add('a');
    expect(queue.depth).toBe(2);
    await clock.advance(1000);
    expect(began).toEqual(['a 0', 'b 0', 'a 100']);
    expect(queue.depth).toBe(0);
    expect(await queue.stop(1000)).toBe(true);
  });

  test('failures are tried again from 5 ms on, twice as late each time, at most 5 minutes; success begins anew', async () => {
    const clock = createFakeClock();
    let isBroken = true;
    const at: number[] = [];
    const { queue, handled } = queueOf(clock, async () => {
      at.push(clock.monotonic());
      if (isBroken) throw new Error('no');
      return null;
    });
    queue.add('a');
    await clock.advance(5 + 10 + 20 + 40);
    expect(at).toEqual([0, 5, 15, 35, 75]);
    await clock.advance(60 * 60_000);
    const last = at.slice(-2);
    expect((last[1] ?? 0) - (last[0] ?? 0)).toBe(5 * 60_000);
    expect(queue.failing).toBe(1);
    expect(handled.at(-1)).toMatchObject({ key: 'a', error: { message: 'no' }, failures: at.length });
    isBroken = false;
    // A change is looked at at once, whatever the pause is.
    const before = clock.monotonic();
    queue.add('a');
    await clock.advance(1);
    expect(at.at(-1)).toBe(before);
    expect(queue.failing).toBe(0);
    isBroken = true;
    queue.add('a');
    await clock.advance(6);
    expect(at.slice(-2)).toEqual([before + 1, before + 6]);
    await queue.stop(1000);
  });

  test('the pause is as long as the API server asks for', async () => {
    const clock = createFakeClock();
    const at: number[] = [];
    const details = { status: 429, next: undefined, owners: [], afterMs: 30_000 };
    const { queue } = queueOf(clock, async () => {
      at.push(clock.monotonic());
      throw new KubeFailure('Busy', 'too many requests', details);
    });
    queue.add('a');
    await clock.advance(70_000);
    expect(at).toEqual([0, 30_000, 60_000]);
    await queue.stop(1000);
  });

  test('what is asked for later comes later, and the sooner of two times counts', async () => {
    const clock = createFakeClock();
    const at: string[] = [];
    const { queue } = queueOf(clock, async (key) => {
      at.push(`${key} ${clock.monotonic()}`);
      return key === 'again' && at.length < 4 ? 10_000 : null;
    });
    queue.addAfter('late', 5000);
    queue.addAfter('late', 3000);
    queue.addAfter('late', 8000);
    queue.addAfter('gone', 100);
    queue.forget('gone');
    queue.add('again');
    await clock.advance(60_000);
    expect(at).toEqual(['again 0', 'late 3000', 'again 10000', 'again 20000']);
    await queue.stop(1000);
  });

  test('no more than the rate allows, whatever comes', async () => {
    const clock = createFakeClock();
    const at: number[] = [];
    const handle = async (): Promise<null> => {
      at.push(clock.monotonic());
      return null;
    };
    const { queue } = queueOf(clock, handle, { rate: { requestsPerMinute: 60, burst: 3 } });
    for (let key = 0; key < 6; key += 1) queue.add(String(key));
    await clock.advance(10_000);
    expect(at).toEqual([0, 0, 0, 1000, 2000, 3000]);
    await queue.stop(1000);
  });

  test('a stop takes nothing more, lets end what is in work, and then aborts it', async () => {
    const clock = createFakeClock();
    const ended: string[] = [];
    const { queue } = queueOf(clock, async (key, signal) => {
      await clock.sleep(key === 'short' ? 50 : 100_000, signal).catch(() => undefined);
      ended.push(`${key} ${signal.aborted ? 'aborted' : 'done'}`);
      return null;
    });
    queue.add('short');
    queue.add('long');
    queue.add('never');
    await clock.advance(1);
    const stopped = queue.stop(5000, 1000);
    queue.add('short');
    await clock.advance(10_000);
    expect(await stopped).toBe(true);
    expect(ended).toEqual(['short done', 'long aborted']);
  });
});

test('property: a key is never in work twice at once, the last change of each is looked at, nobody waits for ever', async () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const random = createRandom(seed);
    const clock = createFakeClock();
    const inWork = new Set<string>();
    const twice: string[] = [];
    /** Version of each object, and the one that was last looked at with success. */
    const wanted = new Map<string, number>();
    const seen = new Map<string, number>();
    let mostAtOnce = 0;
    const concurrency = random.between(1, 5);
    const { queue } = queueOf(
      clock,
      async (key) => {
        if (inWork.has(key)) twice.push(`seed ${seed}: ${key}`);
        inWork.add(key);
        mostAtOnce = Math.max(mostAtOnce, inWork.size);
        const version = wanted.get(key) ?? 0;
        await clock.sleep(random.between(0, 30));
        inWork.delete(key);
        if (random.next() < 0.2) throw new Error('by chance');
        seen.set(key, version);
        return random.next() < 0.1 ? random.between(1, 500) : null;
      },
      { concurrency, random: () => random.next(), rate: { requestsPerMinute: 60_000, burst: 50 } },
    );
    for (let step = 0; step < 60; step += 1) {
      const key = `o${random.between(1, 8)}`;
      wanted.set(key, (wanted.get(key) ?? 0) + 1);
      if (random.next() < 0.7) queue.add(key);
      else queue.addAfter(key, random.between(0, 200));
      if (random.next() < 0.5) await clock.advance(random.between(0, 20));
    }
    await clock.advance(60_000);
    expect(Object.fromEntries(seen), `seed ${seed}`).toEqual(Object.fromEntries(wanted));
    expect(twice).toEqual([]);
    expect(mostAtOnce, `seed ${seed}`).toBeLessThanOrEqual(concurrency);
    expect(queue.failing).toBe(0);
    await queue.stop(0);
  }
});

test('property: delays come out in the order of their times, each key once', () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const random = createRandom(seed);
    const delays = createKeyedDelays();
    const model = new Map<string, { atMs: number; order: number }>();
    for (let step = 0; step < 200; step += 1) {
      const key = `k${random.between(1, 30)}`;
      const atMs = random.between(0, 50);
      const known = model.get(key);
      if (random.next() < 0.6) {
        delays.add(key, atMs);
        if (known === undefined || atMs < known.atMs) model.set(key, { atMs, order: step });
      } else if (random.next() < 0.3) {
        delays.remove(key);
        model.delete(key);
      } else {
        const sorted = [...model].sort(([, one], [, other]) => one.atMs - other.atMs || one.order - other.order);
        const [first] = sorted;
        expect(delays.nextAtMs()).toBe(first?.[1].atMs ?? null);
        expect(delays.dueCount(25)).toBe(sorted.filter(([, { atMs: at }]) => at <= 25).length);
        const taken = delays.take(25);
        expect(taken, `seed ${seed}`).toBe(first !== undefined && first[1].atMs <= 25 ? first[0] : undefined);
        if (taken !== undefined) model.delete(taken);
      }
    }
  }
});
