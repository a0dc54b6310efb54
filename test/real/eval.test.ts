import { expect, test } from 'vitest';
import { worseAnswers } from '../support/eval.ts';

test('every recorded incident has an answer as good as the committed one', async () => {
  expect(await worseAnswers(1)).toEqual([]);
});
