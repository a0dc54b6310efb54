import { describe, expect, test } from 'vitest';
import { parseDuration } from './duration.ts';
import { atLeast, between, duration, durationMs } from './schema.ts';

const isFine = (schema: typeof duration, text: string) => schema.safeParse(text).success;

describe('durations', () => {
  test('the longest that has the form can be counted with', () => {
    const longest = '99y999w9999d99999h9999999m999999999s999999999999ms';
    expect(isFine(duration, longest)).toBe(true);
    expect(durationMs(longest)).toBe(parseDuration(longest));
  });

  test.each(['', '5', 'm', '100y', '1m1h', '-1s', '1.5h', ' 1s', '1s\n', '10000d'])('%j is none', (text) => {
    expect(isFine(duration, text)).toBe(false);
    expect(durationMs(text)).toBeNull();
  });

  test('bounds hold to the millisecond, and say nothing of what is no duration', () => {
    const week = duration.check(between('1m', '7d'));
    expect(['1m', '60s', '59s1000ms', '6d23h60m', '1w'].filter((text) => !isFine(week, text))).toEqual([]);
    expect(['59s999ms', '0', '1w1ms', '7d1ms'].filter((text) => isFine(week, text))).toEqual([]);
    expect(week.safeParse('soon').error?.issues).toHaveLength(1);
    const slow = duration.check(atLeast('10s'));
    expect([isFine(slow, '10s'), isFine(slow, '9s999ms')]).toEqual([true, false]);
    expect(slow.safeParse('soon').error?.issues).toHaveLength(1);
  });
});
