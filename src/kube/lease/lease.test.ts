import { describe, expect, test } from 'vitest';
import { createFakeClock } from '../../../test/support/clock.ts';
import { createLeaseServer, startFakeProcess } from '../../../test/support/leases.ts';
import { createRandom } from '../../../test/support/random.ts';
import { decideLease, heldSpec, seeLease, standardTimings } from './lease-decision.ts';
import { startElection } from './lease.ts';
import type { Term } from './lease-term.ts';
import type { Election } from './lease.ts';
import { silentLog } from '../../lib/silent-log.ts';

const exact = { wallMs: Date.parse('2026-01-01T00:00:00Z'), monotonicMs: 0, rate: 1 };

function world(seed = 1) {
  const clock = createFakeClock();
  const random = createRandom(seed);
  const server = createLeaseServer(clock, random);
  /** `name +2` where it begins to lead in term 2, `name -` where that ends. */
  const told: string[] = [];
  const start = (identity: string, more: Partial<typeof exact> & { readonly endsMs?: number } = {}) => {
    const process = startFakeProcess(identity, clock, { ...exact, ...more });
    const terms: Term[] = [];
    const election = startElection({
      writer: server.of(process),
      namespace: 'fist',
      name: 'fist-leader',
      identity,
      clock: process.clock,
      random: () => random.next(),
      log: silentLog,
      async lead(term) {
        terms.push(term);
        told.push(`${identity} +${term.number}`);
        await new Promise((resolve) => term.signal.addEventListener('abort', resolve, { once: true }));
        told.push(`${identity} -`);
        await process.clock.sleep(more.endsMs ?? 0);
      },
    });
    return { process, election, terms };
  };
  return { clock, random, server, told, start };
}

describe('decideLease', () => {
  const lease = (holder: string, renewTime: string, version = '1') => ({
    metadata: { name: 'x', resourceVersion: version },
    spec: { holderIdentity: holder, renewTime, leaseDurationSeconds: 15, leaseTransitions: 3 },
  });

  test('another holder is believed until its Lease was seen unchanged for its duration, whatever times it names', () => {
    const seen = seeLease(lease('other', '1999-01-01T00:00:00.000000Z'), null, 1000);
    expect(decideLease(seen, 'me', 15_999, standardTimings)).toMatchObject({ action: 'wait', reason: 'HeldByAnother' });
    expect(decideLease(seen, 'me', 16_000, standardTimings)).toMatchObject({ action: 'take', reason: 'Expired' });
    const again = seeLease(lease('other', '1999-01-01T00:00:00.000000Z', '2'), seen, 9000);
    expect(again).toMatchObject({ sinceMs: 1000, resourceVersion: '2' });
    const renewed = seeLease(lease('other', '1999-01-01T00:00:00.000001Z', '3'), again, 9000);
    expect(decideLease(renewed, 'me', 16_000, standardTimings)).toMatchObject({ action: 'wait' });
  });

  test('nobody, this process, no Lease at all', () => {
    expect(decideLease(null, 'me', 0, standardTimings).reason).toBe('Absent');
    expect(decideLease(seeLease(lease('', 'x'), null, 0), 'me', 0, standardTimings).reason).toBe('Released');
    expect(decideLease(seeLease(lease('me', 'x'), null, 0), 'me', 0, standardTimings).reason).toBe('Held');
  });

  test('a longer duration of the holder counts, up to an hour', () => {
    const seen = { ...seeLease(lease('other', 'x'), null, 0), durationMs: 60_000 };
    expect(decideLease(seen, 'me', 59_999, standardTimings).action).toBe('wait');
    const forever = { ...seen, durationMs: 1e12 };
    expect(decideLease(forever, 'me', 3_600_000, standardTimings).action).toBe('take');
  });

  test('a renewal is a change even where the clock stands still', () => {
    const wallMs = Date.parse('2026-01-01T00:00:00Z');
    const first = heldSpec(null, 'me', wallMs, 15_000, true);
    expect(first).toEqual({
      holderIdentity: 'me',
      leaseDurationSeconds: 15,
      acquireTime: '2026-01-01T00:00:00.000000Z',
      renewTime: '2026-01-01T00:00:00.000000Z',
      leaseTransitions: 0,
    });
    const seen = seeLease({ metadata: { name: 'x', resourceVersion: '1' }, spec: { ...first } }, null, 0);
    const second = heldSpec(seen, 'me', wallMs, 15_000, false);
    expect(second).toEqual({ ...first, renewTime: '2026-01-01T00:00:00.000001Z' });
    const third = heldSpec({ ...seen, renewTime: second.renewTime }, 'me', wallMs, 15_000, false);
    expect(third.renewTime).toBe(first.renewTime);
  });
});

describe('startElection', () => {
  test('an answer that comes when the term would be over begins none', async () => {
    const { clock, random, server } = world();
    const process = startFakeProcess('a', clock, exact);
    const { create, ...writer } = server.of(process);
    const began: number[] = [];
    const election = startElection({
      writer: {
        ...writer,
        create: (...written) => {
          const answer = create(...written);
          process.pause(12_000);
          return answer;
        },
      },
      namespace: 'fist',
      name: 'fist-leader',
      identity: 'a',
      clock: process.clock,
      random: () => random.next(),
      log: silentLog,
      lead: async ({ number, signal }) => {
        began.push(number);
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      },
    });
    await clock.advance(12_500);
    expect(server.lease?.spec).toMatchObject({ holderIdentity: 'a', leaseTransitions: 0 });
    expect({ began, isLeading: election.isLeading() }).toEqual({ began: [], isLeading: false });
    await clock.advance(3000);
    expect({ began, isLeading: election.isLeading() }).toEqual({ began: [1], isLeading: true });
  });

  test('one leads and renews; the next one begins at once where the first stops, and only when its Lease expires where it dies', async () => {
    const { clock, server, told, start } = world();
    const first = start('a');
    await clock.advance(1);
    const second = start('b');
    const third = start('c');
    await clock.advance(60_000);
    expect(told).toEqual(['a +0']);
    expect([first, second, third].map(({ election }) => election.isLeading())).toEqual([true, false, false]);
    expect(second.election.holder).toBe('a');
    expect(server.writes.length).toBeGreaterThan(25);
    const stopped = first.election.stop(5000);
    await clock.advance(3000);
    expect(await stopped).toBe(true);
    const next = told[2]?.[0] === 'b' ? second : third;
    const last = next === second ? third : second;
    expect(told).toEqual(['a +0', 'a -', `${next.process.identity} +1`]);
    next.process.pause(Number.MAX_SAFE_INTEGER);
    const diedMs = clock.monotonic();
    await clock.advance(30_000);
    expect(told.at(-1)).toBe(`${last.process.identity} +2`);
    const taken = server.writes.find(({ holder, atMs }) => holder === last.process.identity && atMs > diedMs);
    expect((taken?.atMs ?? 0) - diedMs).toBeGreaterThan(12_000);
    expect((taken?.atMs ?? 0) - diedMs).toBeLessThan(20_000);
    const ended = last.election.stop(1000);
    await clock.advance(1000);
    expect(await ended).toBe(true);
    expect(server.lease?.spec).toMatchObject({ holderIdentity: '', leaseTransitions: 2 });
  });

  test('a leader that cannot reach the server leads no more 10 s after its last renewal, and again when it can', async () => {
    const { clock, server, told, start } = world();
    const { election } = start('a');
    await clock.advance(5000);
    const lastMs = server.writes.at(-1)?.atMs ?? 0;
    server.network.isCut = () => true;
    await clock.advance(lastMs + 9999 - clock.monotonic());
    expect(election.isLeading()).toBe(true);
    await clock.advance(2);
    expect(election.isLeading()).toBe(false);
    expect(told).toEqual(['a +0', 'a -']);
    server.network.isCut = () => false;
    await clock.advance(15_000);
    expect(told).toEqual(['a +0', 'a -', 'a +1']);
    const stopped = election.stop(0);
    await clock.advance(0);
    await stopped;
  });

  test('a process that was stopped for too long leads no more when it wakes, before anything of it runs', async () => {
    const { clock, told, start } = world();
    const { election, process, terms } = start('a');
    await clock.advance(1000);
    process.pause(21_000);
    const other = start('b');
    await clock.advance(19_999);
    expect(other.election.isLeading()).toBe(true);
    expect(terms[0]?.isCurrent()).toBe(false);
    expect(election.isLeading()).toBe(false);
    await clock.advance(3000);
    expect(terms[0]?.signal.aborted).toBe(true);
    expect(told).toEqual(['a +0', 'b +1', 'a -']);
  });

  test('while what leads ends, the Lease is kept; what does not end in time keeps it until it expires', async () => {
    const slow = world();
    const first = slow.start('a', { endsMs: 20_000 });
    await slow.clock.advance(1000);
    const second = slow.start('b');
    const stopped = first.election.stop(30_000);
    await slow.clock.advance(19_900);
    expect(slow.told).toEqual(['a +0', 'a -']);
    await slow.clock.advance(3000);
    expect(await stopped).toBe(true);
    expect(second.election.isLeading()).toBe(true);

    const stuck = world();
    const never = stuck.start('a', { endsMs: 10_000_000 });
    await stuck.clock.advance(1000);
    const late = never.election.stop(2000);
    await stuck.clock.advance(2000);
    expect(await late).toBe(false);
    expect(stuck.server.lease?.spec).toMatchObject({ holderIdentity: 'a' });
  });

  test('a term that was lost is not followed by another before its work has ended', async () => {
    const { clock, server, told, start } = world();
    start('a', { endsMs: 40_000 });
    await clock.advance(1000);
    server.network.isCut = () => true;
    await clock.advance(15_000);
    server.network.isCut = () => false;
    await clock.advance(30_000);
    expect(told).toEqual(['a +0', 'a -']);
    await clock.advance(10_000);
    expect(told).toEqual(['a +0', 'a -', 'a +1']);
  });

  test('work that ends by itself gives another process its chance', async () => {
    const { clock, server, told, start } = world();
    const process = startFakeProcess('broken', clock, exact);
    const election = startElection({
      writer: server.of(process),
      namespace: 'fist',
      name: 'fist-leader',
      identity: 'broken',
      clock: process.clock,
      random: () => 0,
      log: silentLog,
      lead: () => Promise.reject(new Error('a defect')),
    });
    await clock.advance(1);
    expect(election.isLeading()).toBe(false);
    start('a');
    await clock.advance(5000);
    expect(told).toEqual(['a +1']);
  });

  test('a Lease that somebody deletes is made anew by who leads, and taken by nobody who has seen a holder', async () => {
    const { clock, server, told, start } = world();
    start('a');
    await clock.advance(3000);
    start('b');
    await clock.advance(3000);
    server.lease = null;
    await clock.advance(30_000);
    expect(told).toEqual(['a +0']);
    expect(server.lease).toMatchObject({ spec: { holderIdentity: 'a' } });
  });
});

interface Member {
  readonly process: ReturnType<typeof startFakeProcess>;
  readonly election: Election;
}

/** Runs three contenders for two minutes of faults and one of peace; the most that led at once, by two ways to look. */
async function runFaults(seed: number, mostPauseMs: number) {
  const { clock, random, server, start, told } = world(seed);
  server.network = {
    lost: random.next() * 0.4,
    mostMs: random.pick([5, 300, 3000]),
    isCut: () => false,
  };
  const members: Member[] = ['a', 'b', 'c'].map((name) =>
    start(name, {
      // Ten years apart, and clocks that are a twentieth too fast or too slow.
      wallMs: exact.wallMs + random.between(-1, 1) * 3.15e11,
      monotonicMs: random.between(0, 1e9),
      rate: 0.95 + random.next() / 10,
    }),
  );
  let most = 0;
  const sample = (): void => {
    const acting = members.filter(({ process, election }) => !process.isPaused() && election.isLeading());
    most = Math.max(most, acting.length);
  };
  for (let step = 0; step < 600; step += 1) {
    if (step < 400 && random.next() < 0.05)
      random.pick(members).process.pause(clock.monotonic() + random.between(0, mostPauseMs));
    if (random.next() < 0.015) {
      const from = clock.monotonic();
      const lastsMs = random.between(5000, 40_000);
      const cut = random.pick(members).process.identity;
      server.network.isCut = (name) => step < 400 && name === cut && clock.monotonic() < from + lastsMs;
    }
    if (step === 400) server.network = { lost: 0, mostMs: 100, isCut: () => false };
    await clock.advance(300);
    sample();
  }
  // Whose signal was not aborted yet: what asks `isCurrent` never sees this.
  let signalled = 0;
  let mostSignalled = 0;
  for (const line of told) {
    signalled += line.includes('+') ? 1 : -1;
    mostSignalled = Math.max(mostSignalled, signalled);
  }
  const leading = members.filter(({ election }) => election.isLeading()).length;
  const stopped = Promise.all(members.map(({ election }) => election.stop(1000)));
  await clock.advance(20_000);
  await stopped;
  return { most, mostSignalled, leading, terms: told.filter((line) => line.includes('+')).length };
}

describe('property: never two leaders, and in the end one', () => {
  test('by the time of its own clock, however long processes are stopped', async () => {
    let terms = 0;
    for (let seed = 1; seed <= 12; seed += 1) {
      const { most, leading, ...more } = await runFaults(seed, 60_000);
      expect({ seed, most, leading }).toEqual({ seed, most: 1, leading: 1 });
      terms += more.terms;
    }
    expect(terms).toBeGreaterThan(24);
  });

  test('by the signal alone, where no stop is longer than the Lease outlives a term', async () => {
    for (let seed = 101; seed <= 112; seed += 1) {
      const { most, mostSignalled, leading } = await runFaults(seed, 3000);
      expect({ seed, most, mostSignalled, leading }).toEqual({ seed, most: 1, mostSignalled: 1, leading: 1 });
    }
  });
});
