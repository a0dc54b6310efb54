import { expect, test } from 'vitest';
import { compileCheck } from '../lib/json-schema.ts';
import { compileJsonSchema } from './json-schema.ts';
import { checkApart } from './long-check.ts';

const schema = { type: 'object', required: ['name'], properties: { name: { type: 'string', pattern: '^[a-z]+$' } } };

test.each([[{ name: 'a' }], [{}], [{ name: 'A' }], [[]]])('a thread says the same of %j', async (value) => {
  expect(await checkApart({ schema, value })).toEqual(compileCheck(schema)(value));
});

test('what takes long does so beside the event loop, and is broken off', async () => {
  const level = { type: 'object', properties: { next: { $ref: '#/$defs/level' } } };
  const check = compileJsonSchema({ $defs: { level: { anyOf: [level, level] } }, $ref: '#/$defs/level' });
  let value: unknown = 'no object';
  for (let depth = 0; depth < 30; depth += 1) value = { next: value };
  let isDone = false;
  const checked = check(value).finally(() => (isDone = true));
  await new Promise((resolve) => setImmediate(resolve));
  expect(isDone).toBe(false);
  expect(await checked).toEqual({ field: '', message: 'takes more than 1000 ms to be compared with the schema' });
});

test('of many that take long some are to come again later', async () => {
  const checks = await Promise.allSettled(Array.from({ length: 11 }, () => checkApart({ schema, value: {} })));
  expect(checks.map(({ status }) => status)).toEqual([...Array.from({ length: 10 }, () => 'fulfilled'), 'rejected']);
  expect(checks[10]).toMatchObject({ reason: { code: 'StoreUnavailable', reason: 'Overloaded' } });
  expect(await checkApart({ schema, value: { name: 'a' } })).toBeNull();
});
