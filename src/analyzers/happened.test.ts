import { expect, test } from 'vitest';
import { happenedWords } from './happened.ts';
import { analyzers } from './index.ts';

test('every category has words of its own for what happened', () => {
  const without = analyzers
    .flatMap(({ categories }) => Object.keys(categories))
    .filter((category) => happenedWords(category) === happenedWords('no such category'));
  expect(without).toEqual([]);
});
