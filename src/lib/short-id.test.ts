import { expect, test } from 'vitest';
import { lowestIdAt, newId } from './id.ts';
import { idRanges, shortId } from './short-id.ts';

const finds = (text: string, id: string, oldest = id, newest = id) =>
  idRanges(text, oldest, newest).some(
    ({ from, before, tail }) => id >= from && id < before && id.slice(24).startsWith(tail),
  );

const idOf = (epochMs: number) => `${lowestIdAt(epochMs).slice(0, 24)}0123456789ab`;

test('ids of one minute are told apart by their random ends', () => {
  const ids = Array.from({ length: 200 }, () => newId());
  const short = ids.map((id) => shortId(id, ids));
  expect(new Set(short).size).toBe(200);
  expect(shortId('019b71b4-4c64-7000-8000-0123456789ab')).toBe('71b40123');
});

test('a short id is as long as it takes', () => {
  const [one, other] = ['019b71b4-4c64-7000-8000-0123456789ab', '019b71b4-4c65-7000-8000-0123476789ab'];
  expect([shortId(one, [one, other]), shortId(other, [one, other])]).toEqual(['71b4012345', '71b4012347']);
});

test('every beginning of an id, from four characters on, finds it, and no other does', () => {
  const now = Date.parse('2026-11-29T00:00:00Z');
  const oldest = idOf(now - 400 * 86_400_000);
  for (const ageMs of [0, 1000, 70_000, 90 * 86_400_000, 399 * 86_400_000]) {
    const id = idOf(now - ageMs);
    const short = shortId(id);
    const newest = idOf(now);
    for (let length = 4; length <= 36; length++) expect(finds(id.slice(0, length), id, oldest, newest)).toBe(true);
    for (let length = 4; length <= 8; length++) expect(finds(short.slice(0, length), id, oldest, newest)).toBe(true);
    const last = short.endsWith('0') ? '1' : '0';
    expect(finds(`${short.slice(0, -1)}${last}`, id, oldest, newest)).toBe(false);
  }
});

test.each(['', 'abc', 'KubePodCrashLooping', '@latest', '-abc', 'ABCD', '0123456789abcdef0123456789abcdef01234'])(
  '%j is no id',
  (text) => {
    expect(idRanges(text, newId(), newId())).toEqual([]);
  },
);
