import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { sinks } from '../sinks/index.ts';
import { sourceDefinitions } from '../sources/index.ts';
import { stepDefinitions } from '../workflows/steps/index.ts';
import { bare } from '../lib/schema.ts';
import { mergeFields, shapeOf } from './merge.ts';
import type { TypeWithConfig } from './merge.ts';

const registries: readonly (readonly [string, readonly TypeWithConfig[]])[] = [
  ['sources', sourceDefinitions],
  ['steps', stepDefinitions],
  ['sinks', sinks],
];

describe('registries', () => {
  test.each(registries)('%s: a field name that two types share has one schema', (_name, types) => {
    const seen = new Map<string, string>();
    for (const { config } of types) {
      for (const [name, schema] of Object.entries(shapeOf(config))) {
        const { description: _description, ...shape } = z.toJSONSchema(bare(schema), { io: 'input' });
        expect([name, seen.get(name) ?? JSON.stringify(shape)]).toEqual([name, JSON.stringify(shape)]);
        seen.set(name, JSON.stringify(shape));
      }
    }
    expect(seen.size).toBeGreaterThan(0);
  });
});

describe('mergeFields', () => {
  const one = {
    type: 'one',
    config: z.object({ a: z.string().describe('A of one'), b: z.number().default(1).describe('B') }),
  };
  const two = {
    type: 'two',
    config: z.object({ a: z.string().optional().describe('A of two'), c: z.boolean() }).refine(() => true),
  };

  test('knows who uses and who needs a field', () => {
    const fields = mergeFields([one, two]).map(({ name, usedBy, requiredBy, description }) => ({
      name,
      usedBy,
      requiredBy,
      description,
    }));
    expect(fields).toEqual([
      { name: 'a', usedBy: ['one', 'two'], requiredBy: ['one'], description: 'one: A of one two: A of two' },
      { name: 'b', usedBy: ['one'], requiredBy: [], description: 'B' },
      { name: 'c', usedBy: ['two'], requiredBy: ['two'], description: '' },
    ]);
  });

  test("a default is the field's where all types have it, else it is told", () => {
    const shared = z.string();
    const type = (name: string, value: string, more?: string) => ({
      type: name,
      config: z.object({
        same: shared.default('x').describe('Same.'),
        own: shared.default(value).describe('Own.'),
        some: more === undefined ? shared.optional().describe('Some.') : shared.default(more).describe('Some.'),
      }),
    });
    const fields = mergeFields([type('one', '1', 'y'), type('two', '2')]);
    expect(fields.map(({ name, default: usual, description }) => [name, usual, description])).toEqual([
      ['same', 'x', 'Same.'],
      ['own', undefined, 'Own. Default: 1 (one); 2 (two).'],
      ['some', undefined, 'Some. Default: y (one).'],
    ]);
  });
});
