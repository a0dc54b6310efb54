import { describe, expect, test } from 'vitest';
import { addMs, toEpochMs } from '../core/time.ts';
import { createRunMinutes, decideMute } from './policies.ts';
import type { MuteFacts } from './policies.ts';

const noon = '2026-03-01T12:00:00.000Z';
const free: MuteFacts['source'] = {
  suspend: false,
  mutes: () => null,
  cooldownMs: 0,
  flapCapPerHour: 0,
  stormCapPerMinute: 0,
};
const facts: MuteFacts = {
  source: free,
  labels: { alertname: 'Down', severity: 'warning' },
  nowMs: toEpochMs(noon),
  lastRunEndedAt: null,
  runsOfAlert: 0,
  runsOfSource: 0,
  group: null,
  raised: false,
};

describe('mute policies', () => {
  test('a group: its run answers for the alert where it has not begun, else the next one does', () => {
    const untilMs = toEpochMs(noon) + 60_000;
    const group = { id: 'g', labels: { namespace: 'shop', severity: 'page' } };
    const run = { id: 'r', name: 'run/1', joins: true, isAtWork: true, untilMs };
    const until = addMs(noon, 60_000);
    expect(decideMute({ ...facts, group: { group, run } })).toEqual({
      reason: 'Grouped',
      message: 'run/1 answers for the group namespace="shop", severity="page"',
      until,
      run: { id: 'r', joins: true },
    });
    const late = (isAtWork: boolean) =>
      decideMute({ ...facts, group: { group, run: { ...run, joins: false, isAtWork } } })?.message;
    const began = 'run/1 of the group namespace="shop", severity="page" began before this alert came';
    expect(late(true)).toBe(`${began}; the next one comes when that has ended`);
    expect(late(false)).toBe(`${began}; the next one may begin at ${until}`);
  });

  test('a group costs no run, so no cap keeps an alert from it; what is not to be looked at does not join', () => {
    const run = { id: 'r', name: 'run/1', joins: true, isAtWork: true, untilMs: toEpochMs(noon) };
    const group = { group: { id: 'g', labels: {} }, run };
    const reasonOf = (changes: Partial<MuteFacts>) => decideMute({ ...facts, group, ...changes })?.reason;
    expect(reasonOf({ source: { ...free, stormCapPerMinute: 1 }, runsOfSource: 9 })).toBe('Grouped');
    expect(reasonOf({ source: { ...free, suspend: true } })).toBe('Suspended');
    expect(reasonOf({ source: { ...free, flapCapPerHour: 1 }, runsOfAlert: 9 })).toBe('FlapCap');
  });

  test('off by default, whatever happened', () => {
    expect(decideMute({ ...facts, lastRunEndedAt: noon, runsOfAlert: 1e6, runsOfSource: 1e6 })).toBeNull();
  });

  test('suspended: nothing runs until a person says so, which is looked for every five minutes', () => {
    expect(decideMute({ ...facts, source: { ...free, suspend: true } })).toMatchObject({
      reason: 'Suspended',
      until: addMs(noon, 5 * 60_000),
    });
  });

  test('labels and windows: looked at again every five minutes, and when the window ends', () => {
    const until = (untilMs: number | null) => {
      const mutes: MuteFacts['source']['mutes'] = ({ alertname }) =>
        alertname === 'Down' ? { reason: 'Maintenance', message: 'm', untilMs } : null;
      return decideMute({ ...facts, source: { ...free, mutes } });
    };
    expect(until(null)).toEqual({ reason: 'Maintenance', message: 'm', until: addMs(noon, 300_000) });
    expect(until(toEpochMs(noon) + 60_000)).toMatchObject({ until: addMs(noon, 60_000) });
    expect(until(toEpochMs(noon) + 86_400_000)).toMatchObject({ until: addMs(noon, 300_000) });
  });

  test('cooldown: from the end of the last run', () => {
    const source = { ...free, cooldownMs: 60_000 };
    expect(decideMute({ ...facts, source })).toBeNull();
    expect(decideMute({ ...facts, source, lastRunEndedAt: addMs(noon, -59_999) })).toMatchObject({
      reason: 'Cooldown',
      until: addMs(noon, 1),
    });
    expect(decideMute({ ...facts, source, lastRunEndedAt: addMs(noon, -60_000) })).toBeNull();
  });

  test('cooldown: a rise of the severity is news', () => {
    expect(
      decideMute({ ...facts, source: { ...free, cooldownMs: 60_000 }, lastRunEndedAt: noon, raised: true }),
    ).toBeNull();
  });

  test('flap cap: runs of the alert within an hour', () => {
    const source = { ...free, flapCapPerHour: 3 };
    expect(decideMute({ ...facts, source, runsOfAlert: 2 })).toBeNull();
    expect(decideMute({ ...facts, source, runsOfAlert: 3 })).toMatchObject({
      reason: 'FlapCap',
      until: addMs(noon, 300_000),
    });
  });

  test('storm guard: runs of the Source in this minute; the next one is free', () => {
    const source = { ...free, stormCapPerMinute: 10 };
    const nowMs = toEpochMs(addMs(noon, 12_345));
    expect(decideMute({ ...facts, source, nowMs, runsOfSource: 9 })).toBeNull();
    expect(decideMute({ ...facts, source, nowMs, runsOfSource: 10 })).toMatchObject({
      reason: 'StormGuard',
      until: addMs(noon, 60_000),
    });
  });

  test('the first policy that objects gives the reason', () => {
    const source = { ...free, suspend: true, cooldownMs: 1000, flapCapPerHour: 1, stormCapPerMinute: 1 };
    const all = { ...facts, source, lastRunEndedAt: noon, runsOfAlert: 1, runsOfSource: 1 };
    expect(decideMute(all)?.reason).toBe('Suspended');
    expect(decideMute({ ...all, source: { ...source, suspend: false } })?.reason).toBe('Cooldown');
  });
});

describe('runs of a minute', () => {
  const [a, b] = ['a', 'b'].map((name) => ({ namespace: 'default', name }));
  if (a === undefined || b === undefined) throw new Error('two Sources');
  const minutes = (runs = 0, minute = 0) => createRunMinutes(new Map([['default/a', { minute, runs }]]));

  test('count by Source, on top of what is stored, and begin anew each minute', () => {
    const runs = minutes(5, 1);
    runs.add(a, 60_000);
    runs.add(a, 119_999);
    runs.add(b, 119_999);
    expect([runs.count(a, 119_999), runs.count(b, 119_999)]).toEqual([7, 1]);
    expect(runs.added(a, 119_999)).toEqual({ minute: 1, runs: 2 });
    expect([runs.count(a, 120_000), runs.count(b, 120_000)]).toEqual([0, 0]);
    expect(runs.added(a, 120_000)).toEqual({ minute: 2, runs: 0 });
  });

  test('who is late takes nobody’s count away: the minute only moves on', () => {
    const runs = minutes(1, 2);
    runs.add(a, 119_999);
    expect(runs.count(a, 60_000)).toBe(2);
    expect(runs.count(a, 120_001)).toBe(2);
    expect(runs.count(a, 180_000)).toBe(0);
  });

  test('a clock that was put back by an hour does not keep the storm guard up for an hour', () => {
    expect(minutes(9, 120).count(a, 60 * 60_000)).toBe(0);
  });
});
