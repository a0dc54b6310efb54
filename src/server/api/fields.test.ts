import { expect, it } from 'vitest';
import { found, timesOf, viewPage } from './fields.ts';

const now = Date.parse('2026-01-31T10:30:00Z');

it('times are RFC 3339, or durations before now', () => {
  expect(timesOf({ since: '2h30m', until: '2026-01-31T09:00:00+01:00' }, now)).toEqual({
    since: '2026-01-31T08:00:00.000Z',
    until: '2026-01-31T08:00:00.000Z',
  });
  expect(timesOf({}, now)).toEqual({});
});

it('what is not there is named, at most 200 characters of it, with what to do next', () => {
  expect(found('here', 'run', 'x', 'n')).toBe('here');
  expect(() => found(undefined, 'run', 'y'.repeat(1000), 'fist get runs')).toThrow(
    expect.objectContaining({ code: 'NotFound', message: `there is no run ${'y'.repeat(200)}`, next: 'fist get runs' }),
  );
});

it('a page keeps its cursor', () => {
  expect(viewPage({ items: [1, 2], nextCursor: 'c' }, (item) => item * 2)).toEqual({ items: [2, 4], nextCursor: 'c' });
});
