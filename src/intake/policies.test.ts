import { describe, expect, test } from 'vitest';
import { addMs, toEpochMs } from '../core/time.ts';
import { createStormCounter, decideMute } from './policies.ts';
import type { MuteFacts } from './policies.ts';

const noon = '2026-03-01T12:00:00.000Z';
const free = { suspend: false, cooldownMs: 0, flapCapPerHour: 0, stormCapPerMinute: 0 };
const facts: MuteFacts = {
  source: free,
  nowMs: toEpochMs(noon),
  lastRunEndedAt: null,
  runsOfAlert: 0,
  runsOfSource: 0,
  raised: false,
};

describe('mute policies', () => {
  test('off by default, whatever happened', () => {
    expect(decideMute({ ...facts, lastRunEndedAt: noon, runsOfAlert: 1e6, runsOfSource: 1e6 })).toBeNull();
  });

  test('suspended: nothing runs until a person says so', () => {
    expect(decideMute({ ...facts, source: { ...free, suspend: true } })).toMatchObject({
      reason: 'Suspended',
      until: null,
    });
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
    const source = { suspend: true, cooldownMs: 1000, flapCapPerHour: 1, stormCapPerMinute: 1 };
    const all = { ...facts, source, lastRunEndedAt: noon, runsOfAlert: 1, runsOfSource: 1 };
    expect(decideMute(all)?.reason).toBe('Suspended');
    expect(decideMute({ ...all, source: { ...source, suspend: false } })?.reason).toBe('Cooldown');
  });
});

test('the storm counter counts by Source and begins anew each minute', () => {
  const storm = createStormCounter();
  storm.add('a', 60_000);
  storm.add('a', 119_999);
  storm.add('b', 119_999);
  expect([storm.count('a', 119_999), storm.count('b', 119_999), storm.count('c', 119_999)]).toEqual([2, 1, 0]);
  expect([storm.count('a', 120_000), storm.count('b', 120_000)]).toEqual([0, 0]);
});

test('who is late takes nobody’s count away: the minute of the storm counter only moves on', () => {
  const storm = createStormCounter();
  storm.add('a', 120_000);
  storm.add('a', 119_999);
  expect(storm.count('a', 60_000)).toBe(2);
  expect(storm.count('a', 120_001)).toBe(2);
  expect(storm.count('a', 180_000)).toBe(0);
});

test('a clock that was put back by an hour does not keep the storm guard up for an hour', () => {
  const storm = createStormCounter();
  storm.add('a', 120 * 60_000);
  expect(storm.count('a', 60 * 60_000)).toBe(0);
});
