import { expect, test } from 'vitest';
import { isWithin } from './is-within.ts';

test.each([
  [{ a: 1 }, { a: 1, b: 2 }, true],
  [{ a: { b: [1, { c: 2 }] } }, { a: { b: [1, { c: 2, d: 3 }] } }, true],
  [{ a: false, b: null, c: '' }, {}, true],
  [{ a: 1 }, {}, false],
  [{ a: 1 }, { a: 2 }, false],
  [{ a: [1] }, { a: [1, 2] }, false],
  [{ a: [1, 2] }, { a: [2, 1] }, false],
  [{ a: {} }, { a: 'text' }, false],
  [{ a: {} }, undefined, false],
])('%j in %j: %j', (part, whole, is) => {
  expect(isWithin(part, whole)).toBe(is);
});
