import { expect, it } from 'vitest';
import { z } from 'zod';
import { bodyReader } from './body.ts';

const read = bodyReader(
  z.strictObject({ reason: z.string().max(5).optional(), list: z.array(z.number()).optional(), sink: z.string() }),
);

it('what the schema accepts is the body', () => {
  expect(read({ reason: 'why', sink: 's' })).toEqual({ reason: 'why', sink: 's' });
});

it.each<[unknown, string | undefined, string]>([
  [[], undefined, 'the body: '],
  [7, undefined, 'the body: '],
  [{ sink: 1 }, 'sink', 'sink: Invalid input'],
  [{}, 'sink', 'sink: is required'],
  [null, 'sink', 'sink: is required'],
  [undefined, 'sink', 'sink: is required'],
  [{ sink: 's', reason: 'too long' }, 'reason', 'reason: Too big'],
  [{ sink: 's', list: [1, 'x'] }, 'list.1', 'list.1: Invalid input'],
  [{ sink: 's', reasn: 'why' }, 'reasn', 'the body: there is no field "reasn"'],
])('%j is refused, and the first wrong field named', (body, field, message) => {
  expect(() => read(body)).toThrow(
    expect.objectContaining({ code: 'InvalidInput', field, message: expect.stringContaining(message) }),
  );
});

it('of a field that there is not, the nearest is told', () => {
  expect(() => read({ sink: 's', reasn: 'why' })).toThrow(
    expect.objectContaining({ next: 'did you mean reason? it may have reason, list, sink' }),
  );
});

it('without a schema nothing is taken', () => {
  const readNone = bodyReader(undefined);
  expect([readNone(undefined), readNone({})]).toEqual([{}, {}]);
  expect(() => readNone({ x: 1 })).toThrow(expect.objectContaining({ field: 'x', next: 'it may have no field' }));
});

it('a field with a long name is cut', () => {
  const readNumbers = bodyReader(z.record(z.string(), z.number()));
  expect(() => readNumbers({ ['k'.repeat(5000)]: 'x' })).toThrow(expect.objectContaining({ field: 'k'.repeat(200) }));
});
