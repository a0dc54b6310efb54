import { describe, expect, it } from 'vitest';
import { boundLog, boundStart, firstWords } from './bounds.ts';

describe('the part of a log that is looked at', () => {
  it('is all of an ordinary one', () => {
    const log = 'ERROR cannot connect: timed out\n'.repeat(200);
    expect(boundLog(log)).toBe(log);
  });

  it('is the end of a long one, in whole lines', () => {
    const log = Array.from({ length: 100_000 }, (_, at) => `line ${at}\n`).join('');
    const bounded = boundLog(log);
    expect(bounded.length).toBeLessThanOrEqual(128 * 1024);
    expect(bounded.length).toBeGreaterThan(127 * 1024);
    expect(bounded).toMatch(/^line \d+\n/);
    expect(log.endsWith(`\n${bounded}`)).toBe(true);
  });

  it('has the beginning of each long line, never a part of a word', () => {
    const long = `start password=${'x'.repeat(100)} ${'word '.repeat(5000)}`;
    const [first, second, third] = boundLog(`first\n${long}\nthird\n`).split('\n');
    expect([first, third]).toEqual(['first', 'third']);
    expect(second).toMatch(/^start password=x+ (?:word )+\[the rest of a long line is left out\]$/);
    expect(second?.length).toBeLessThan(8100);
  });

  it.each([
    ['one endless word', 'x'.repeat(2_000_000)],
    ['one endless word with an end', `${'x'.repeat(2_000_000)}\n`],
    ['one that has endless words', `a\n${'x'.repeat(200_000)}\n${'x'.repeat(200_000)}\n`],
  ])('of %s is nothing of it', (_, log) => {
    expect(boundLog(log)).not.toContain('x'.repeat(10));
    expect(boundLog(log)).toContain('left out');
  });

  it('of one endless line is its beginning', () => {
    expect(boundLog(`before\nError: ${'no '.repeat(1_000_000)}`)).toMatch(/^Error: (?:no )+\[the rest/);
  });
});

it('the beginning of text is cut at the end of a line or word', () => {
  const text = Array.from({ length: 100_000 }, (_, at) => `line ${at}\n`).join('');
  const bounded = boundStart(text);
  expect(text.startsWith(`${bounded}\n`)).toBe(true);
  expect(bounded.length).toBeGreaterThan(127 * 1024);
  expect(boundStart(`key: ${'x'.repeat(200_000)}`)).toBe('key: [the rest of a long line is left out]');
  expect(firstWords('some words')).toBe('some words');
  expect(firstWords('some words '.repeat(1000))).toMatch(/^(?:some words )+some(?: words)?$/);
});
