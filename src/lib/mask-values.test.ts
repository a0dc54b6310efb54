import { expect, test } from 'vitest';
import { createRandom } from '../../test/support/random.ts';
import { createKnownValues } from './known-values.ts';
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
  ['hex', Buffer.from(value).toString('hex')],
  ['hex, as printf does with %X', Buffer.from(value).toString('hex').toUpperCase()],
  ['HTML-escaped', 'pa&quot;ss w/ö+d&amp;9!'],
  ['HTML-escaped, as Go does', 'pa&#34;ss w/ö+d&amp;9!'],
])('a value is masked: %s', async (_, printed) => {
  expect(await maskValues(`a ${printed} b`, ['other-value', value])).toBe('a [REDACTED] b');
});

test('each longer line of a value is masked by itself', async () => {
  const key = `begin\n${'k'.repeat(64)}\nshort`;
  expect(await maskValues(`  ${'k'.repeat(64)}\n  short`, [key])).toBe('  [REDACTED]\n  short');
});

test('values that changed count at once, whatever was masked before', async () => {
  const text = 'old-value new-value';
  const both = await Promise.all(
    [['old-value'], ['new-value'], ['old-value', 'new-value']].map((one) => maskValues(text, one)),
  );
  expect(both).toEqual(['[REDACTED] new-value', 'old-value [REDACTED]', '[REDACTED] [REDACTED]']);
  expect(await maskValues(text, ['new-value', 'old-value'])).toBe('[REDACTED] [REDACTED]');
  expect(await maskValues(text, ['new-value', 'another-one'])).toBe('old-value [REDACTED]');
});

test('data keeps its shape and its names', async () => {
  const data = { hunter22: ['x hunter22', 1, null, { deep: 'hunter22hunter22' }] };
  expect(await maskValues(data, ['hunter22'])).toEqual({
    hunter22: ['x [REDACTED]', 1, null, { deep: '[REDACTED][REDACTED]' }],
  });
});

test('short values, and nothing at all, change nothing', async () => {
  const text = 'the mode is fast';
  expect(await maskValues(text, ['fast', '', '   '])).toBe(text);
  expect(await maskValues(text, [])).toBe(text);
});

test('of values that begin alike the longest wins', async () => {
  expect(await maskValues('secret1secret1-longer', ['secret1', 'secret1-longer'])).toBe('[REDACTED][REDACTED]');
});

test('many values that begin alike are found as a plain search finds them', async () => {
  const random = createRandom(14);
  const word = () => 'common' + Array.from({ length: random.between(0, 6) }, () => random.pick(['a', 'b'])).join('');
  for (let round = 0; round < 200; round += 1) {
    const values = Array.from({ length: 12 }, word);
    const text = Array.from({ length: 6 }, () => `${word()}${random.pick(['', ' ', 'a'])}`).join('');
    const longestFirst = [...new Set(values)].sort((one, other) => other.length - one.length).join('|');
    expect(await maskValues(text, values)).toBe(text.replaceAll(new RegExp(longestFirst, 'g'), '[REDACTED]'));
  }
});

test('many values that begin alike take no time', async () => {
  const values = Array.from({ length: 1000 }, (_, index) => `-----BEGIN KEY-----${'x'.repeat(60)}${index}`);
  const text = '-----BEGIN KEY-----'.repeat(7000);
  const before = process.threadCpuUsage();
  expect(await maskValues(text, values)).toBe(text);
  expect(process.threadCpuUsage(before).user).toBeLessThan(500_000);
});

const token = 'sk"live-Zx81+qR/7tUv4WnB2';

test.each([
  ['base64 of 20 columns', Buffer.from(token).toString('base64').replace(/.{20}/g, '$&\n')],
  ['hex of 16 columns, with CR', Buffer.from(token).toString('hex').replace(/.{16}/g, '$&\r\n')],
  ['folded and indented', `${token.slice(0, 11)}\n    ${token.slice(11)}`],
  ['in every place', token.split('').join('\n')],
  ['in JSON', JSON.stringify(Buffer.from(token).toString('base64').replace(/.{20}/g, '$&\n')).slice(1, -1)],
  ['JSON-escaped', JSON.stringify(token).slice(1, -1).replace(/.{9}/g, '$&\\n')],
])('a value that is broken over lines is masked: %s', async (_, printed) => {
  expect(await maskValues(`a\nb ${printed} c\nd ${printed}`, [token])).toBe('a\nb [REDACTED] c\nd [REDACTED]');
});

test('what stands in one line is one range, beside one that is broken', async () => {
  const text = `${token} ${token.slice(0, 9)}\n${token.slice(9)} ${token}\n`;
  expect(await maskValues(text, [token])).toBe('[REDACTED] [REDACTED] [REDACTED]\n');
});

test('a short value is not made of the ends of two lines', async () => {
  expect(await maskValues('the secret\n1 of 2', ['secret1'])).toBe('the secret\n1 of 2');
});

test('a key of many lines is masked with its last one, however it is indented', async () => {
  const key = ['-----BEGIN KEY-----', 'k'.repeat(64), 'm'.repeat(64), 'end=', '-----END KEY-----'].join('\n');
  expect(await maskValues(`x:\n  ${key.replaceAll('\n', '\n  ')}\ny`, [key])).toBe('x:\n  [REDACTED]\ny');
});

test('others have their turns while many values are got ready', async () => {
  const random = createRandom(5);
  const letters = 'abcdefghijkmnpqrstuvwxyz0123456789+/'.split('');
  const line = () => Array.from({ length: 64 }, () => random.pick(letters)).join('');
  const keys = Array.from({ length: 200 }, () => Array.from({ length: 26 }, line).join('\n'));
  let turns = 0;
  let isDone = false;
  const count = (): void => {
    turns += 1;
    if (!isDone) setImmediate(count);
  };
  setImmediate(count);
  expect(await maskValues(`a ${keys[199]} b`, keys)).toBe('a [REDACTED] b');
  isDone = true;
  expect(turns).toBeGreaterThan(3);
});

test('text that is all line ends and blanks takes no time', async () => {
  const before = process.threadCpuUsage();
  for (const text of [' '.repeat(1e6), '\r'.repeat(1e6), '\n'.repeat(1e6), '\\n '.repeat(3e5), '\\r'.repeat(5e5)])
    expect(await maskValues(text, [token])).toBe(text);
  expect(process.threadCpuUsage(before).user).toBeLessThan(3_000_000);
});

test('of a value that no program prints whole, lines and pieces are masked', async () => {
  const random = createRandom(6);
  const letters = 'abcdefghijkmnpqrstuvwxyz0123456789'.split('');
  const word = (length: number) => Array.from({ length }, () => random.pick(letters)).join('');
  const line = word(40);
  const lines = [...Array.from({ length: 3000 }, () => word(40)), line].join('\n');
  expect(await maskValues(`a\n  ${line}\nb`, [lines])).toBe('a\n  [REDACTED]\nb');
  const long = word(150_000);
  for (const printed of [long, Buffer.from(long).toString('base64')])
    expect(await maskValues(`a ${printed} b`, [long])).toMatch(/^a (?:\[REDACTED\])+.{0,5} b$/);
});

test('none of many values is forgotten', async () => {
  const values = Array.from({ length: 12_000 }, (_, at) => `secret-${at}-`);
  expect(await maskValues('secret-0- secret-11999-', values)).toBe('[REDACTED] [REDACTED]');
});

test('what lives on forgets the oldest values, and never the first', () => {
  const known = createKnownValues();
  for (let at = 0; at < 22_000; at += 1) known.add(`secret-${at}-`);
  const said = (at: number) => known.mask(`a secret-${at}- b`);
  expect([0, 999, 12_000, 21_999].map(said)).toEqual(Array(4).fill('a [REDACTED] b'));
  expect(said(1500)).toBe('a secret-1500- b');
  known.add('secret-1500-');
  expect(said(1500)).toBe('a [REDACTED] b');
});
