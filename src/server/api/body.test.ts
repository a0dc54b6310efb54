import { expect, it } from 'vitest';
import { z } from 'zod';
import { readBody } from './body.ts';

const schema = z.strictObject({ reason: z.string().max(5).optional(), list: z.array(z.number()).optional() });

it('what the schema accepts is the body', () => {
  expect(readBody(schema, { reason: 'why' })).toEqual({ reason: 'why' });
});

it.each<[unknown, string | undefined]>([
  [[], undefined],
  [null, undefined],
  [{ reason: 1 }, 'reason'],
  [{ reason: 'too long' }, 'reason'],
  [{ list: [1, 'x'] }, 'list.1'],
])('%j is refused, and the first wrong field named', (body, field) => {
  expect(() => readBody(schema, body)).toThrow(
    expect.objectContaining({
      code: 'InvalidInput',
      field,
      message: expect.stringMatching(field === undefined ? /^the body: ./ : new RegExp(`^${field}: .`)),
    }),
  );
});

it('a field with a long name is cut', () => {
  const record = z.record(z.string(), z.number());
  expect(() => readBody(record, { ['k'.repeat(5000)]: 'x' })).toThrow(
    expect.objectContaining({ field: 'k'.repeat(200) }),
  );
});
