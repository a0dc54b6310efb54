import { describe, expect, test } from 'vitest';
import { rounds } from '../../test/support/rounds.ts';
import { foldAlert, foldCategory, foldExpired, foldReasons } from './alert-fold.ts';
import type { FoldVerdict } from './alert-fold.ts';
import type { AlertItem, AlertState } from './alert.ts';
import { addMs } from './time.ts';

const noon = '2026-03-01T12:00:00.000Z';
const minute = 60_000;

/** A moment so many minutes after noon. */
function at(minutes: number): string {
  return addMs(noon, minutes * minute);
}

function firing(startsAt: string | null, changes: Partial<AlertItem> = {}): AlertItem {
  return {
    status: 'firing',
    name: 'A',
    severity: 'warning',
    fingerprint: 'f',
    externalId: null,
    labels: {},
    annotations: {},
    summary: null,
    description: null,
    generatorUrl: null,
    startsAt,
    endsAt: null,
    skewed: false,
    ...changes,
  };
}

function resolved(startsAt: string | null, endsAt: string | null): AlertItem {
  return firing(startsAt, { status: 'resolved', endsAt });
}

/** Folds `[item, minute of receipt]` one after the other and returns the verdicts. */
function fold(...received: readonly (readonly [AlertItem, number])[]): readonly FoldVerdict[] {
  let state: AlertState | null = null;
  return received.map(([item, minutes]) => {
    const verdict = foldAlert(state, item, at(minutes));
    state = verdict.next;
    return verdict;
  });
}

function last(...received: readonly (readonly [AlertItem, number])[]): FoldVerdict {
  const verdict = fold(...received).at(-1);
  if (verdict === undefined) throw new Error('nothing was folded');
  return verdict;
}

describe('design 3.2, line by line', () => {
  test('line 3: a start more than 10 minutes ahead is the time of receipt, marked skewed', () => {
    expect(last([firing(at(10)), 0]).next).toMatchObject({ startsAt: at(10), skewed: false });
    expect(last([firing(addMs(at(10), 1)), 0]).next).toMatchObject({ startsAt: at(0), skewed: true });
  });

  test('line 3: an end more than 10 minutes ahead, too', () => {
    const ahead = last([firing(at(0)), 0], [resolved(at(0), at(60)), 5]);
    expect(ahead).toMatchObject({ reason: 'Resolved', next: { endsAt: at(5), skewed: true } });
    expect(last([firing(at(0), { endsAt: at(60) }), 0]).next).toMatchObject({ skewed: false, endsAt: null });
  });

  test('line 3: a clock that is always ahead makes repeats, no missed resolves', () => {
    expect(last([firing(at(20)), 0], [firing(at(320)), 300]).reason).toBe('Repeated');
  });

  test('line 4: firing, unknown: open, episode 1, run', () => {
    expect(last([firing(at(-5)), 0])).toEqual({
      reason: 'Opened',
      opens: true,
      closes: false,
      updatesContent: true,
      transitions: [{ episode: 1, fromStatus: null, toStatus: 'received', reason: 'Opened', at: at(0) }],
      next: {
        status: 'received',
        severity: 'warning',
        episode: 1,
        receiveCount: 1,
        startsAt: at(-5),
        endsAt: null,
        skewed: false,
        receivedAt: at(0),
        lastReceivedAt: at(0),
        resolvedAt: null,
        announced: false,
      },
    });
  });

  test('line 4: a start that was not given is the time of receipt', () => {
    expect(last([firing(null), 0]).next.startsAt).toBe(at(0));
  });

  test('line 5: firing, open: repeat, counted, no run', () => {
    const repeat = last([firing(at(-5)), 0], [firing(at(-5)), 240]);
    expect(repeat).toMatchObject({ reason: 'Repeated', opens: false, closes: false, transitions: [] });
    expect(repeat.next).toMatchObject({
      receiveCount: 2,
      lastReceivedAt: at(240),
      receivedAt: at(0),
      startsAt: at(-5),
      episode: 1,
    });
  });

  test('line 5: the status that a run gave it stays', () => {
    const { next } = last([firing(at(0)), 0]);
    expect(foldAlert({ ...next, status: 'escalated' }, firing(at(0)), at(5)).next.status).toBe('escalated');
  });

  test('line 5: S = min(S, s)', () => {
    expect(last([firing(at(-5)), 0], [firing(at(-9)), 1]).next.startsAt).toBe(at(-9));
    expect(last([firing(at(-5)), 0], [firing(at(-3)), 1]).next.startsAt).toBe(at(-5));
  });

  test('line 5: S is never below the previous E', () => {
    const reopened = [
      [firing(at(0)), 0],
      [resolved(at(0), at(10)), 10],
      [firing(at(12)), 12],
    ] as const;
    expect(last(...reopened, [firing(at(11)), 13]).next.startsAt).toBe(at(11));
    expect(last(...reopened, [firing(at(0)), 13]).next.startsAt).toBe(at(12));
  });

  test('line 5: a start that is missing is always a repeat', () => {
    expect(last([firing(at(0)), 0], [firing(null), 500]).reason).toBe('Repeated');
  });

  test('line 6: a later start, a minute after the last receipt: the resolve was never sent', () => {
    const missed = last([firing(at(0)), 1], [firing(at(30)), 31]);
    expect(missed).toMatchObject({
      reason: 'ResolveMissed',
      opens: true,
      next: { status: 'received', episode: 2, receiveCount: 2, startsAt: at(30), endsAt: at(30), receivedAt: at(31) },
    });
    expect(missed.transitions).toEqual([
      { episode: 1, fromStatus: 'received', toStatus: 'resolved', reason: 'ResolveMissed', at: at(31) },
      { episode: 2, fromStatus: 'resolved', toStatus: 'received', reason: 'Reopened', at: at(31) },
    ]);
  });

  test('line 6: not within 60 s of the last receipt', () => {
    expect(last([firing(at(0)), 1], [firing(at(2)), 31]).reason).toBe('Repeated');
    expect(last([firing(at(0)), 1], [firing(addMs(at(2), 1)), 31]).reason).toBe('ResolveMissed');
  });

  test('line 7: resolved, open: e >= S closes', () => {
    const closed = last([firing(at(0)), 1], [resolved(at(0), at(0)), 9]);
    expect(closed).toMatchObject({ reason: 'Resolved', opens: false, closes: true });
    expect(closed.next).toMatchObject({
      status: 'resolved',
      episode: 1,
      receiveCount: 2,
      endsAt: at(0),
      resolvedAt: at(9),
    });
    expect(closed.transitions).toEqual([
      { episode: 1, fromStatus: 'received', toStatus: 'resolved', reason: 'Resolved', at: at(9) },
    ]);
  });

  test('line 7: without an end, the time of receipt', () => {
    expect(last([firing(at(0)), 1], [resolved(at(0), null), 9]).next.endsAt).toBe(at(9));
  });

  test('line 7: e < S is stale, counted only', () => {
    const open = last([firing(at(5)), 6]).next;
    const stale = foldAlert(open, resolved(at(0), at(4)), at(7));
    expect(stale).toMatchObject({
      reason: 'StaleResolve',
      opens: false,
      closes: false,
      transitions: [],
      updatesContent: false,
    });
    expect(stale.next).toEqual({ ...open, receiveCount: 2 });
  });

  test('line 8: resolved, unknown: a row that is already closed, no run', () => {
    const first = last([resolved(at(-9), at(-1)), 0]);
    expect(first).toMatchObject({ reason: 'ResolvedUnknown', opens: false, closes: false });
    expect(first.next).toMatchObject({
      status: 'resolved',
      episode: 0,
      receiveCount: 1,
      startsAt: at(-9),
      endsAt: at(-1),
      resolvedAt: at(0),
    });
  });

  test('line 8: resolved, closed: counted only', () => {
    const closed = last([firing(at(0)), 0], [resolved(at(0), at(5)), 5]).next;
    const again = foldAlert(closed, resolved(at(0), at(6)), at(6));
    expect(again.reason).toBe('ResolvedAgain');
    expect(again.next).toEqual({ ...closed, receiveCount: 3 });
  });

  test('line 9: firing, closed, s > E or none: reopen, episode + 1, run', () => {
    for (const startsAt of [addMs(at(5), 1), null]) {
      const reopened = last([firing(at(0)), 0], [resolved(at(0), at(5)), 5], [firing(startsAt), 6]);
      expect(reopened).toMatchObject({ reason: 'Reopened', opens: true });
      expect(reopened.next).toMatchObject({
        status: 'received',
        episode: 2,
        receiveCount: 3,
        startsAt: startsAt ?? at(6),
        endsAt: at(5),
        resolvedAt: null,
        receivedAt: at(6),
      });
    }
  });

  test('line 10: firing, closed, s <= E, less than 30 s after the close: a late copy, counted only', () => {
    const closed = last([firing(at(0)), 0], [resolved(at(0), at(5)), 5]).next;
    const late = foldAlert(closed, firing(at(0)), addMs(at(5), 29_999));
    expect(late).toMatchObject({ reason: 'LateCopy', opens: false, transitions: [] });
    expect(late.next).toEqual({ ...closed, receiveCount: 3 });
  });

  test('line 10: what a sender that says each thing once said before the end is late, however late it comes', () => {
    const closed = last([firing(at(0)), 0], [resolved(at(0), at(5)), 5]).next;
    const said = (minute: number) => ({ ...firing(at(0)), saidAt: at(minute) });
    const late = foldAlert(closed, said(2), at(60));
    expect(late).toMatchObject({ reason: 'LateCopy', opens: false, transitions: [] });
    expect(foldAlert(closed, said(6), at(60))).toMatchObject({ reason: 'FiringAgain', opens: true });
    const unknown = last([resolved(at(0), at(5)), 5]).next;
    expect(foldAlert(unknown, said(0), at(60))).toMatchObject({ reason: 'LateCopy', opens: false });
  });

  test('line 11: firing, closed, s <= E, later: reopen, run', () => {
    const closed = last([firing(at(0)), 0], [resolved(at(0), at(5)), 5]).next;
    const again = foldAlert(closed, firing(at(0)), addMs(at(5), 30_000));
    expect(again).toMatchObject({
      reason: 'FiringAgain',
      opens: true,
      next: { status: 'received', episode: 2, startsAt: at(5) },
    });
    expect(again.transitions).toMatchObject([
      { episode: 2, fromStatus: 'resolved', toStatus: 'received', reason: 'FiringAgain' },
    ]);
  });

  test('line 11: the copy of the resolve closes what the late copy reopened', () => {
    const verdicts = fold(
      [firing(at(0)), 0],
      [resolved(at(0), at(5)), 5],
      [firing(at(0)), 6],
      [resolved(at(0), at(5)), 6.1],
    );
    expect(verdicts.map(({ reason }) => reason)).toEqual(['Opened', 'Resolved', 'FiringAgain', 'Resolved']);
  });

  test('line 12: copies of a closed episode do not touch the one that fires now', () => {
    const verdicts = fold(
      [firing(at(0)), 0],
      [resolved(at(0), at(5)), 5],
      [firing(at(5.1)), 5.1],
      [firing(at(0)), 5.2],
      [resolved(at(0), at(5)), 5.3],
    );
    expect(verdicts.map(({ reason }) => reason)).toEqual([
      'Opened',
      'Resolved',
      'Reopened',
      'Repeated',
      'StaleResolve',
    ]);
    expect(verdicts.at(-1)?.next).toMatchObject({ status: 'received', episode: 2, receiveCount: 5, startsAt: at(5.1) });
  });

  test('line 13: where the severity is set apart, a rise starts a run', () => {
    const raised = last([firing(at(0)), 0], [firing(at(0), { severity: 'critical' }), 5]);
    expect(raised).toMatchObject({ reason: 'SeverityRaised', opens: true, closes: false });
    expect(raised.next).toMatchObject({
      status: 'received',
      severity: 'critical',
      episode: 2,
      startsAt: at(0),
      receiveCount: 2,
    });
  });

  test('line 13: a fall is recorded', () => {
    const lowered = last([firing(at(0)), 0], [firing(at(0), { severity: 'info' }), 5]);
    expect(lowered).toMatchObject({ reason: 'SeverityLowered', opens: false, next: { severity: 'info', episode: 1 } });
    expect(lowered.transitions).toMatchObject([
      { episode: 1, fromStatus: 'received', toStatus: 'received', reason: 'SeverityLowered' },
    ]);
  });

  test('line 14: the content of what counts replaces the stored one, that of copies does not', () => {
    const verdicts = fold(
      [firing(at(0)), 0],
      [firing(at(0)), 1],
      [resolved(at(0), at(2)), 2],
      [firing(at(0)), 2.1],
      [resolved(at(0), at(2)), 2.2],
    );
    expect(verdicts.map(({ updatesContent }) => updatesContent)).toEqual([true, true, true, false, false]);
  });

  test('line 16: an alert that is no longer received is closed as Expired', () => {
    const open = last([firing(at(0)), 0]).next;
    const { next, transition } = foldExpired(open, at(1500));
    expect(next).toEqual({ ...open, status: 'resolved', endsAt: at(1500), resolvedAt: at(1500) });
    expect(transition).toEqual({
      episode: 1,
      fromStatus: 'received',
      toStatus: 'resolved',
      reason: 'Expired',
      at: at(1500),
    });
    expect(foldAlert(next, firing(at(0)), at(1501)).reason).toBe('FiringAgain');
  });

  test('line 16: the end of one that expired is told once, where its firing was', () => {
    const open = { ...last([firing(at(0)), 0]).next, announced: true };
    const { next: expired } = foldExpired(open, at(1500));
    const late = foldAlert(expired, resolved(at(0), at(30)), at(1600));
    expect(late).toMatchObject({
      reason: 'ResolvedLate',
      opens: false,
      closes: true,
      next: { status: 'resolved', episode: 1, endsAt: at(30), resolvedAt: at(1600), announced: false, receiveCount: 2 },
      transitions: [{ episode: 1, fromStatus: 'resolved', toStatus: 'resolved', reason: 'ResolvedLate' }],
    });
    expect(foldAlert(late.next, resolved(at(0), at(30)), at(1601))).toMatchObject({
      reason: 'ResolvedAgain',
      closes: false,
      transitions: [],
    });
    // Of an episode before it.
    expect(foldAlert(expired, resolved(null, at(-1)), at(1600))).toMatchObject({
      reason: 'StaleResolve',
      closes: false,
    });
    // Nobody was told that it fires.
    const untold = foldAlert({ ...expired, announced: false }, resolved(at(0), at(30)), at(1600));
    expect(untold.reason).toBe('ResolvedAgain');
    // It fires again: who was told hears of the end of that.
    expect(foldAlert(expired, firing(at(1550)), at(1600)).next).toMatchObject({ episode: 2, announced: true });
  });

  test('line 20: each episode counts', () => {
    const flaps = Array.from({ length: 10 }, (_, flap): (readonly [AlertItem, number])[] => [
      [firing(at(flap * 4)), flap * 4],
      [resolved(at(flap * 4), at(flap * 4 + 2)), flap * 4 + 2],
    ]).flat();
    expect(last(...flaps).next).toMatchObject({ episode: 10, receiveCount: 20, status: 'resolved' });
  });
});

test('every reason has a category in the answer', () => {
  expect(foldReasons.map((reason) => [reason, foldCategory(reason)])).toEqual([
    ['Opened', 'opened'],
    ['Reopened', 'opened'],
    ['FiringAgain', 'opened'],
    ['ResolveMissed', 'opened'],
    ['SeverityRaised', 'opened'],
    ['SeverityLowered', 'repeated'],
    ['Repeated', 'repeated'],
    ['LateCopy', 'ignored'],
    ['Resolved', 'resolved'],
    ['ResolvedUnknown', 'resolved'],
    ['ResolvedAgain', 'ignored'],
    ['ResolvedLate', 'resolved'],
    ['StaleResolve', 'ignored'],
  ]);
  expect(foldCategory('FilterMismatch')).toBe('ignored');
  expect(foldCategory('constructor')).toBe('ignored');
});

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe('properties', () => {
  test('of any sequence: episodes, counts, status and times', () => {
    const all = rounds(1000, 4000);
    let seeds = 0;
    for (let seed = 1; seed <= all; seed += 1) {
      const random = seeded(seed);
      let state: AlertState | null = null;
      let received = 0;
      let minutes = 0;
      seeds += 1;
      for (let step = 0; step < 20; step += 1) {
        minutes += random() < 0.5 ? random() * 0.4 : random() * 60;
        const around = () => (random() < 0.15 ? null : at(minutes + (random() - 0.8) * 90));
        const severity = random() < 0.1 ? 'critical' : 'warning';
        const status = random() < 0.5 ? 'firing' : 'resolved';
        const item = firing(around(), { status, severity, endsAt: status === 'resolved' ? around() : null });
        const verdict: FoldVerdict = foldAlert(state, item, at(minutes));
        received += 1;
        const wrong = broken(state, verdict, item, received);
        if (wrong.length > 0) expect({ seed, step, wrong }).toEqual({ seed, step, wrong: [] });
        state = verdict.next;
      }
    }
    expect(seeds).toBe(all);
  });

  /** Names of the invariants that a step broke: `expect` for each would take ten times as long. */
  function broken(
    before: AlertState | null,
    verdict: FoldVerdict,
    item: AlertItem,
    received: number,
  ): readonly string[] {
    const { next, transitions, opens, closes } = verdict;
    const isClosed = next.status === 'resolved';
    let status = before?.status ?? null;
    const gaps = transitions.filter(({ fromStatus, toStatus }) => {
      const gap = fromStatus !== status;
      status = toStatus;
      return gap;
    });
    const holds: Readonly<Record<string, boolean>> = {
      'every receipt is counted once': next.receiveCount === received,
      'an episode begins with a run and never falls': next.episode - (before?.episode ?? 0) === Number(opens),
      'only firing opens': !opens || item.status === 'firing',
      'only a resolve of an open alert closes':
        !closes || (before?.status === 'received' && isClosed && item.status === 'resolved'),
      'closed alerts know when they closed':
        isClosed === (next.resolvedAt !== null) && (!isClosed || next.endsAt !== null),
      'S is not below the previous E': isClosed || next.endsAt === null || (next.startsAt ?? '') >= next.endsAt,
      'times of the end and of receipt change with the status or the episode only':
        before === null ||
        before.status !== next.status ||
        before.episode !== next.episode ||
        (before.endsAt === next.endsAt &&
          before.receivedAt === next.receivedAt &&
          before.resolvedAt === next.resolvedAt),
      'the last receipt never goes back': next.lastReceivedAt >= (before?.lastReceivedAt ?? ''),
      'the history is gapless and ends where the row is': gaps.length === 0 && status === next.status,
    };
    return Object.keys(holds).filter((name) => holds[name] === false);
  }

  test('line 12: the other of an Alertmanager pair never makes a further run, nor another end', () => {
    for (let seed = 1; seed <= rounds(750, 3000); seed += 1) {
      const random = seeded(seed);
      const first: [AlertItem, number][] = [];
      let minutes = 0;
      const episodes = 1 + Math.floor(random() * 5);
      for (let episode = 0; episode < episodes; episode += 1) {
        const startsAt = at(minutes + 0.01);
        minutes += 0.5 + random() * 10;
        first.push([firing(startsAt), minutes]);
        while (random() < 0.3) first.push([firing(startsAt), (minutes += 1 + random() * 30)]);
        if (episode === episodes - 1 && random() < 0.5) break;
        minutes += 0.5 + random() * 10;
        first.push([resolved(startsAt, at(minutes - 0.1)), minutes]);
      }
      const second = first.map(([item, minute]): [AlertItem, number] => [item, minute + random() * 0.45]);
      const both = [...first, ...second].sort(([, one], [, other]) => one - other);
      const alone = fold(...first);
      const paired = fold(...both);
      const opened = (verdicts: readonly FoldVerdict[]) => verdicts.filter(({ opens }) => opens).length;
      expect([seed, opened(paired)]).toEqual([seed, opened(alone)]);
      const { status, episode, startsAt, endsAt } = paired.at(-1)?.next ?? {};
      expect([seed, { status, episode, startsAt, endsAt, receiveCount: paired.at(-1)?.next.receiveCount }]).toEqual([
        seed,
        { ...pick(alone.at(-1)?.next), receiveCount: both.length },
      ]);
    }
  });

  function pick(state: AlertState | undefined) {
    return { status: state?.status, episode: state?.episode, startsAt: state?.startsAt, endsAt: state?.endsAt };
  }

  test('one episode within 30 s, in any order and any number of copies: closed in the end, one run at most', () => {
    for (let seed = 1; seed <= rounds(500, 2000); seed += 1) {
      const random = seeded(seed);
      const copies = () => 1 + Math.floor(random() * 3);
      const items = [
        ...Array.from({ length: copies() }, () => firing(at(0))),
        ...Array.from({ length: copies() }, () => resolved(at(0), at(1))),
      ].sort(() => random() - 0.5);
      const verdicts = fold(...items.map((item, index): [AlertItem, number] => [item, 1 + index * 0.05]));
      expect(verdicts.at(-1)?.next.status).toBe('resolved');
      expect(verdicts.filter(({ opens }) => opens).length).toBe(items[0]?.status === 'firing' ? 1 : 0);
      expect(verdicts.at(-1)?.next.receiveCount).toBe(items.length);
    }
  });
});
