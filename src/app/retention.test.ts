import { expect, test } from 'vitest';
import { readRetention } from './retention.ts';

const dayMs = 24 * 60 * 60_000;

test('defaults, environment and flags, the last winning', () => {
  expect(readRetention({}, {})).toEqual({
    runs: { ageMs: 30 * dayMs, count: 100_000 },
    events: { ageMs: 7 * dayMs, count: 200_000 },
    'dead-letters': { ageMs: 30 * dayMs, count: 10_000 },
    alerts: { ageMs: 90 * dayMs, count: null },
  });
  const environment = { FIST_RETAIN_RUNS: '2d', FIST_RETAIN_EVENTS: '500' };
  expect(readRetention({ retainRuns: '3d' }, environment)).toMatchObject({
    runs: { ageMs: 3 * dayMs, count: null },
    events: { ageMs: null, count: 500 },
  });
});

test.each(['0', 'forever'])('%s keeps everything', (text) => {
  expect(readRetention({ retainAlerts: text }, {}).alerts).toEqual({ ageMs: null, count: null });
});

test.each([
  ['10m', '10m is too short: what is younger than 1h is always kept'],
  ['30', null],
  ['30d,100,7d', '"30d,100,7d" is neither an age, a count, both, nor forever'],
  ['30d,40d', '"30d,40d" is neither an age, a count, both, nor forever'],
  ['-5', '"-5" is neither an age, a count, both, nor forever'],
  ['', '"" is neither an age, a count, both, nor forever'],
  ['30 days', '"30 days" is neither an age, a count, both, nor forever'],
])('reads or refuses %j', (text, message) => {
  const read = () => readRetention({ retainRuns: text }, {});
  if (message === null) expect(read().runs).toEqual({ ageMs: null, count: 30 });
  else expect(read).toThrow(expect.objectContaining({ message, field: '--retain-runs' }));
});
