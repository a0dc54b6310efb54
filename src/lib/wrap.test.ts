import { expect, test } from 'vitest';
import { wrap } from './wrap.ts';

test('a text is broken at spaces, as wide as it is shown; what is longer than a line stays whole', () => {
  expect(wrap('one two three', 8)).toEqual(['one two', 'three']);
  expect(wrap('一二 三四', 8)).toEqual(['一二', '三四']);
  expect(wrap('a kubectl-get-pods-of-a-long-name b', 8)).toEqual(['a', 'kubectl-get-pods-of-a-long-name', 'b']);
  expect(wrap('one two three', 10, '- ', '  ')).toEqual(['- one two', '  three']);
  expect(wrap(' \n ', 8)).toEqual([]);
});
