import { expect, test } from 'vitest';
import { createRandom } from '../../test/support/random.ts';
import { maskValues } from './mask-values.ts';

const value = 'pa"ss w/ö+d&9!';

test.each([
  ['as it is', value],
  ['JSON-escaped', JSON.stringify(value).slice(1, -1)],
  ['JSON-escaped, as kubectl does', 'pa\\"ss w/ö+d\\u00269!'],
  ['URL-encoded', encodeURIComponent(value)],
  ['URL-encoded, as curl does', 'pa%22ss%20w%2F%C3%B6%2Bd%269%21'],
  ['in a form', 'pa%22ss+w%2F%C3%B6%2Bd%269%21'],
  ['in colours', 'pa\u001b[01;31m\u001b[K"ss\u001b[m\u001b[K w/ö+d&9!'],
  ['base64, as kubectl shows a Secret', Buffer.from(value).toString('base64')],
  ['base64 of echo', Buffer.from(`${value}\n`).toString('base64').replace(/=+$/, '')],
  ['base64url', Buffer.from(value).toString('base64url')],
])('a value is masked: %s', (_, printed) => {
  expect(maskValues(`a ${printed} b`, ['other-value', value])).toBe('a [REDACTED] b');
});

test('each longer line of a value is masked by itself', () => {
  const key = `begin\n${'k'.repeat(64)}\nshort`;
  expect(maskValues(`  ${'k'.repeat(64)}\n  short`, [key])).toBe('  [REDACTED]\n  short');
});

test('data keeps its shape and its names', () => {
  const data = { hunter22: ['x hunter22', 1, null, { deep: 'hunter22hunter22' }] };
  expect(maskValues(data, ['hunter22'])).toEqual({
    hunter22: ['x [REDACTED]', 1, null, { deep: '[REDACTED][REDACTED]' }],
  });
});

test('short values, and nothing at all, change nothing', () => {
  const text = 'the mode is fast';
  expect(maskValues(text, ['fast', '', '   '])).toBe(text);
  expect(maskValues(text, [])).toBe(text);
});

test('of values that begin alike the longest wins', () => {
  expect(maskValues('secret1secret1-longer', ['secret1', 'secret1-longer'])).toBe('[REDACTED][REDACTED]');
});

test('many values that begin alike are found as a plain search finds them', () => {
  const random = createRandom(14);
  const word = () => 'common' + Array.from({ length: random.between(0, 6) }, () => random.pick(['a', 'b'])).join('');
  for (let round = 0; round < 200; round += 1) {
    const values = Array.from({ length: 12 }, word);
    const text = Array.from({ length: 6 }, () => `${word()}${random.pick(['', ' ', 'a'])}`).join('');
    const longestFirst = [...new Set(values)].sort((one, other) => other.length - one.length).join('|');
    expect(maskValues(text, values)).toBe(text.replaceAll(new RegExp(longestFirst, 'g'), '[REDACTED]'));
  }
});

test('many values that begin alike take no time', () => {
  const values = Array.from({ length: 1000 }, (_, index) => `-----BEGIN KEY-----${'x'.repeat(60)}${index}`);
  const text = '-----BEGIN KEY-----'.repeat(7000);
  const before = process.threadCpuUsage();
  expect(maskValues(text, values)).toBe(text);
  expect(process.threadCpuUsage(before).user).toBeLessThan(500_000);
});
