import { expect, test } from 'vitest';
import { worseAnswers } from './support/eval.ts';

// All of them are asked in test/real/eval.test.ts.
test(
  'every third of the recorded incidents has an answer as good as the committed one',
  { timeout: 60_000 },
  async () => {
    expect(await worseAnswers(3)).toEqual([]);
  },
);
