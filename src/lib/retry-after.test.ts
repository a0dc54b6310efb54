import { expect, test } from 'vitest';
import { retryAfterMs } from './retry-after.ts';

const now = Date.parse('2026-03-01T10:00:00Z');
const date = 'Sun, 01 Mar 2026 10:00:00 GMT';

test.each([
  ['7', 7_000],
  [' 120 ', 120_000],
  ['0', 0],
  ['99999999999', 99_999_999_999_000],
  ['Sun, 01 Mar 2026 10:01:00 GMT', 60_000],
  ['Sunday, 01-Mar-26 10:01:00 GMT', 60_000],
  ['Sun Mar  1 10:01:00 2026', 60_000],
  ['Sun, 01 Mar 2026 09:00:00 GMT', 0],
])('%s', (header, milliseconds) => {
  expect(retryAfterMs(header, date, 0)).toBe(milliseconds);
  expect(retryAfterMs(header, undefined, now)).toBe(milliseconds);
});

test.each([undefined, '', 'soon', '-5', '1.5', '1e3', '2026-03-01T10:01:00Z', 'Sun, 99 Mar 2026 10:01:00 GMT'])(
  '%s says nothing',
  (header) => {
    expect(retryAfterMs(header, date, now)).toBeNull();
  },
);

test("the answer's own date counts, not our clock; an unusable one does not", () => {
  expect(retryAfterMs('Sun, 01 Mar 2026 10:01:00 GMT', date, now - 86_400_000)).toBe(60_000);
  expect(retryAfterMs('Sun, 01 Mar 2026 10:01:00 GMT', 'today', now)).toBe(60_000);
});
