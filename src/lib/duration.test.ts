import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { AppError } from '../core/errors.ts';
import { formatDuration, parseDuration } from './duration.ts';

interface DurationVector {
  readonly id: string;
  readonly input: string;
  readonly ms?: number;
  readonly error?: true;
}

const vectors = JSON.parse(
  readFileSync(new URL('../../test/fixtures/vectors/durations.json', import.meta.url), 'utf8'),
) as DurationVector[];

it.each(vectors)('$id $input', ({ input, ms, error }) => {
  if (error) expect(() => parseDuration(input)).toThrow(AppError);
  else expect(parseDuration(input)).toBe(ms);
});

it.each(vectors.filter((vector) => vector.ms !== undefined))('formats what it parsed: $input', ({ ms }) => {
  expect(parseDuration(formatDuration(ms ?? -1))).toBe(ms);
});

it('formats like Prometheus', () => {
  const day = 86_400_000;
  expect([0, 1, 1500, 5_400_000, 90 * day, 14 * day, 365 * day, 366 * day, -1000].map(formatDuration)).toEqual([
    '0s',
    '1ms',
    '1s500ms',
    '1h30m',
    '90d',
    '2w',
    '1y',
    '366d',
    '-1s',
  ]);
});

it('names the wrong text', () => {
  expect(() => parseDuration('5 min')).toThrow('"5 min" is not a duration');
});
