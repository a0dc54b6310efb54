import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { defineTool } from './define.ts';
import type { ToolIo } from './define.ts';

const io: ToolIo = {
  cluster: null,
  reads: null,
  alert: null,
  now: '2026-11-23T18:34:00.000Z',
  signal: new AbortController().signal,
};

const lookUp = defineTool({
  name: 'look_up',
  description: 'Looks up.',
  input: z.strictObject({
    name: z.string().min(1).max(20).describe('What to look up.'),
    limit: z.int().min(1).max(50).default(10).describe('At most so many.'),
  }),
  unavailable: ({ cluster }) => (cluster === null ? 'no cluster is configured' : null),
  reaches: ({ name }) => [{ of: 'http', url: `https://example.test/${name}` }],
  async run(_, { name, limit }) {
    return { status: 'ok', text: `${name} ${limit}`, command: null, evidence: null };
  },
});

describe('a tool', () => {
  test('describes its input by a JSON Schema without the name of a draft', () => {
    expect(lookUp.schema()).toEqual({
      type: 'object',
      properties: {
        name: { type: 'string', minLength: 1, maxLength: 20, description: 'What to look up.' },
        limit: { type: 'integer', minimum: 1, maximum: 50, default: 10, description: 'At most so many.' },
      },
      required: ['name'],
      additionalProperties: false,
    });
    expect(lookUp.unavailable(io)).toBe('no cluster is configured');
  });

  test('says what a call would look at before it is run', async () => {
    const prepared = lookUp.prepare({ name: 'web' });
    if (typeof prepared === 'string') throw new Error(prepared);
    expect(prepared.reaches).toEqual([{ of: 'http', url: 'https://example.test/web' }]);
    expect(await prepared.run(io)).toMatchObject({ text: 'web 10' });
  });

  test('says what is wrong with an input, and of many things the first', () => {
    expect(lookUp.prepare({ name: '', namespace: 'shop' })).toBe(
      'name: Too small: expected string to have >=1 characters; Unrecognized key: "namespace"',
    );
    const wide = defineTool({
      name: 'wide',
      description: 'Has many fields.',
      input: z.strictObject(Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((name) => [name, z.string()]))),
      unavailable: () => null,
      reaches: () => [],
      run: () => Promise.reject(new Error('is not run')),
    });
    expect(wide.prepare({})).toMatch(/^a: .*; b: .*; c: .*; and 2 more$/);
  });
});
