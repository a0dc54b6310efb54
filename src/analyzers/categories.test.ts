import { expect, test } from 'vitest';
import { analyzers } from './index.ts';

const categories = analyzers.flatMap(({ categories: own }) => Object.entries(own));

test.each(categories)('what %s says has happened ends a sentence that begins with its object', (_, { happened }) => {
  expect(happened).toMatch(/^[a-z].*[^.\s]$/);
});

test('a category of two analyzers is the same one', () => {
  const seen = new Map(categories);
  for (const [name, category] of categories) expect(category, name).toBe(seen.get(name));
});
