import { expect, test } from 'vitest';
import { maskValues } from './mask-values.ts';

const value = 'pa"ss w/ö+d&9';

test.each([
  ['as it is', value],
  ['JSON-escaped', JSON.stringify(value).slice(1, -1)],
  ['URL-encoded', encodeURIComponent(value)],
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
