import { expect, test } from 'vitest';
import { cutMiddle, cutToWidth, textWidth } from './text-width.ts';

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

test('cut in the middle, the end of a name stays', () => {
  expect(cutMiddle('pod/shop/web-1', 14)).toBe('pod/shop/web-1');
  expect(cutMiddle('pod/shop/checkout-5577bf7884-59zsl', 20)).toBe('pod/shop/chec…-59zsl');
  expect(cutMiddle('pod/shop/checkout-5577bf7884-59zsl', 14)).toBe('pod/sho…-59zsl');
  expect(cutMiddle('checkout', 4)).toBe('ch…t');
  for (let columns = 1; columns < 20; columns++)
    expect(textWidth(cutMiddle('障害発生しています支払い-0', columns))).toBeLessThanOrEqual(columns);
});
