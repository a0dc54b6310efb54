import { describe, expect, test, vi } from 'vitest';
import { compileMutes, maintenance } from './mutes.ts';

const labels = { alertname: 'KubePodCrashLooping', severity: 'warning', namespace: 'shop', team: 'web' };

/** Until when a window mutes the alert; false where it does not. */
function mutedUntil(window: object, at: string, of: Readonly<Record<string, string>> = labels): string | null | false {
  const mute = compileMutes([], maintenance.parse([window]))(of, Date.parse(at));
  if (mute === null) return false;
  expect(mute.reason).toBe('Maintenance');
  return mute.untilMs === null || mute.untilMs === Infinity ? null : new Date(mute.untilMs).toISOString();
}

describe('muteMatchers', () => {
  const mutes = compileMutes(['alertname=~"Watchdog|InfoInhibitor"', 'team="web", severity!="critical"'], []);
  test.each([
    [{ alertname: 'Watchdog' }, true],
    [{ alertname: 'Watchdogs' }, false],
    [labels, true],
    [{ ...labels, severity: 'critical' }, false],
    [{ ...labels, team: 'db' }, false],
  ])('%j: %s', (given, muted) => {
    expect(mutes(given, 0)).toEqual(
      muted
        ? { reason: 'Muted', message: expect.stringContaining('muteMatchers has ') as string, untilMs: null }
        : null,
    );
  });

  test.each([
    ['', 'has no matcher, so it would mute every alert'],
    ['{}', 'has no matcher'],
    ['team=~"("', 'Matchers'],
  ])('%j is refused', (text, message) => {
    expect(() => compileMutes(['team="a"', text], [])).toThrow(
      expect.objectContaining({ field: 'muteMatchers[1]' }) as Error,
    );
    expect(() => compileMutes(['team="a"', text], [])).toThrow(message);
  });
});

test.each([
  [{ alertname: 'FistRunsStuck' }, true],
  [{ alertname: 'Down', job: 'punching-fist' }, true],
  [{ alertname: 'Down', deployment: 'punching-fist' }, true],
  [{ alertname: 'FistfulOfErrors' }, false],
  [{ alertname: 'Down', job: 'fist-pump' }, false],
])('an alert about this program starts no run of it: %j %s', (given, own) => {
  expect(compileMutes([], [])(given, 0)?.reason ?? null).toBe(own ? 'OwnAlert' : null);
});

describe('maintenance', () => {
  test('once: from a moment until another', () => {
    const window = { from: '2026-03-01T10:00:00Z', until: '2026-03-01T12:00:00+01:00' };
    expect(mutedUntil(window, '2026-03-01T09:59:59Z')).toBe(false);
    expect(mutedUntil(window, '2026-03-01T10:00:00Z')).toBe('2026-03-01T11:00:00.000Z');
    expect(mutedUntil(window, '2026-03-01T11:00:00Z')).toBe(false);
    expect(mutedUntil({ from: '2026-03-01T10:00:00Z' }, '2027-03-01T10:00:00Z')).toBeNull();
  });

  test('only what its matchers match', () => {
    const window = { until: '2030-01-01T00:00:00Z', matchers: ['namespace="shop"', 'severity=~"warning|info"'] };
    expect(mutedUntil(window, '2026-03-01T10:00:00Z')).toBe('2030-01-01T00:00:00.000Z');
    expect(mutedUntil(window, '2026-03-01T10:00:00Z', { ...labels, severity: 'critical' })).toBe(false);
  });

  // 2026-03-01 is a Sunday; Berlin is an hour ahead of UTC then, two from the 29th on.
  const nights = { weekdays: ['sunday', 'wednesday'], startTime: '02:00', endTime: '04:30', timezone: 'Europe/Berlin' };
  test.each([
    ['2026-03-01T00:59:59Z', false],
    ['2026-03-01T01:00:00Z', '2026-03-01T03:30:00.000Z'],
    ['2026-03-01T03:29:59Z', '2026-03-01T03:30:00.000Z'],
    ['2026-03-01T03:30:00Z', false],
    ['2026-03-02T02:00:00Z', false],
    ['2026-03-04T02:00:00Z', '2026-03-04T03:30:00.000Z'],
    ['2026-04-01T00:00:00Z', '2026-04-01T02:30:00.000Z'],
  ])('by day and time in a time zone: %s %s', (at, until) => {
    expect(mutedUntil(nights, at)).toBe(until);
  });

  test('whole days end at midnight of their zone', () => {
    const window = { weekdays: ['saturday'], timezone: 'Asia/Kolkata' };
    expect(mutedUntil(window, '2026-03-06T18:29:59Z')).toBe(false);
    expect(mutedUntil(window, '2026-03-06T18:30:00Z')).toBe('2026-03-07T18:30:00.000Z');
  });

  test.each([
    [{}, 'must say when'],
    [{ matchers: 'team="a"' }, 'must say when'],
    [{ from: 'yesterday' }, 'RFC 3339'],
    [{ from: '2026-03-02T00:00:00Z', until: '2026-03-01T00:00:00Z' }, 'later than from'],
    [{ startTime: '22:00', endTime: '04:00' }, 'two windows'],
    [{ startTime: '25:00' }, 'time of day'],
    [{ weekdays: ['monday'], timezone: 'Mars/Olympus' }, 'time zone'],
    [{ weekdays: ['Monday'] }, 'Invalid option'],
  ])('%j is refused', (window, message) => {
    expect(maintenance.safeParse([window]).error?.message).toContain(message);
  });
});

test('the system is asked for the time of a zone once a minute, however many alerts and windows there are', () => {
  const asked = vi.spyOn(Intl.DateTimeFormat.prototype, 'formatToParts');
  const windows = Array.from({ length: 20 }, () => ({ weekdays: ['sunday'], timezone: 'Pacific/Chatham' }));
  const mutes = compileMutes([], maintenance.parse(windows));
  const noonMs = Date.parse('2026-03-02T12:00:00Z');
  for (let second = 0; second < 60; second += 1) expect(mutes(labels, noonMs + second * 1000)).toBeNull();
  expect(asked).toHaveBeenCalledTimes(1);
  mutes(labels, noonMs + 60_000);
  expect(asked).toHaveBeenCalledTimes(2);
  asked.mockRestore();
});
