import { expect, test } from 'vitest';
import type { JsonValue } from '../core/json.ts';
import { secretNames } from '../resources/secret-references.ts';
import { isDeeper } from './loader.ts';

function nested(levels: number): JsonValue {
  let value: JsonValue = 'x';
  for (let level = 0; level < levels; level += 1) value = level % 2 === 0 ? { config: value } : [value];
  return value;
}

test.each([
  [0, false],
  [100, false],
  [101, true],
  [10_000, true],
])('a spec of %i levels is deeper than 100: %s', (levels, isIt) => {
  expect(isDeeper(nested(levels), 100)).toBe(isIt);
});

test.each(['Source', 'Workflow', 'Sink'] as const)(
  'a %s that is nested without end has no Secrets, and stops nobody',
  (kind) => {
    expect(secretNames(kind, { type: 'webhook', config: nested(10_000), context: nested(10_000) })).toEqual([]);
  },
);
