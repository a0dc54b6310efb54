import { expect, test } from 'vitest';
import { cutToWidth, textWidth } from './text-width.ts';

test.each([
  ['', 0],
  ['checkout', 8],
  ['é', 1],
  ['e\u0301', 1],
  ['障害', 4],
  ['ｱｲ', 2],
  ['Ａ', 2],
  ['한글', 4],
  ['\u1112\u1161\u11ab', 2],
  ['🔥', 2],
  ['👩🏽', 2],
  ['🇩🇪', 2],
  ['☎', 1],
  ['नमस्ते', 3],
  ['𠮷', 2],
  ['…', 1],
])('%s takes %i columns', (text, columns) => expect(textWidth(text)).toBe(columns));

test('cutting keeps whole characters and never takes more', () => {
  expect(cutToWidth('checkout', 8)).toBe('checkout');
  expect(cutToWidth('checkout', 7)).toBe('checko…');
  expect(cutToWidth('障害発生', 6)).toBe('障害…');
  expect(cutToWidth('障害発生', 7)).toBe('障害発…');
  expect(cutToWidth('e\u0301e\u0301e\u0301', 2)).toBe('e\u0301…');
  expect(cutToWidth('one two', 5)).toBe('one…');
});
