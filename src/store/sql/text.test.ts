import { describe, expect, test } from 'vitest';
import { storable, storableJson } from './text.ts';

describe('storable', () => {
  test.each([
    ['plain', 'plain'],
    ['a\0b\0', 'a\uFFFDb\uFFFD'],
    ['half \uD800 and \uDC00', 'half \uFFFD and \uFFFD'],
    ['whole 😀 名', 'whole 😀 名'],
    ['', ''],
  ])('%j', (text, expected) => {
    expect(storable(text)).toBe(expected);
  });
});

describe('storableJson', () => {
  test.each([
    [{ text: 'a\0b' }, { text: 'a\uFFFDb' }],
    [
      { 'na\0me': 'x', '\uDBFF': 1 },
      { 'na\uFFFDme': 'x', '\uFFFD': 1 },
    ],
    [
      ['\uD83D', '😀', '\u0001', '\uDFFF'],
      ['\uFFFD', '😀', '\u0001', '\uFFFD'],
    ],
    ['back\\slash \\u0000 \\\\ud800', 'back\\slash \\u0000 \\\\ud800'],
    ['\\\0', '\\\uFFFD'],
    [null, null],
  ])('%j', (value, expected) => {
    expect(JSON.parse(storableJson(value))).toEqual(expected);
  });
});
