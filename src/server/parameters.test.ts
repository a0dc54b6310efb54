import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { headerReader, queryReader } from './parameters.ts';
import type { RawQuery } from './parameters.ts';

const read = queryReader(
  {
    status: z.enum(['firing', 'resolved']).optional(),
    n: z.int().min(1).max(9).default(3),
    many: z.array(z.string()).max(3).optional(),
    verbose: z.boolean().default(false),
    a: z.string().min(1).max(10).optional(),
    upper: z
      .string()
      .transform((text) => text.toUpperCase())
      .optional(),
    needed: z.string().min(1).meta({ next: 'fist get sources' }),
    when: z
      .string()
      .refine((text) => text === 'now', 'is not now')
      .meta({ examples: ['now', 'then'] })
      .optional(),
  },
  false,
);

describe('query parameters', () => {
  it('are what their schemas say', () => {
    const raw = { status: 'firing', n: '7', many: ['x', 'y'], verbose: '', upper: 'u', needed: 'it' };
    expect(read(raw)).toEqual({ ...raw, n: 7, verbose: true, upper: 'U' });
  });

  it('that are absent are left out, or have their default', () => {
    expect(read({ needed: 'it' })).toEqual({ n: 3, verbose: false, needed: 'it' });
    expect(read({ needed: 'it', verbose: 'false', many: 'one' })).toEqual({
      n: 3,
      verbose: false,
      needed: 'it',
      many: ['one'],
    });
  });

  it.each<[RawQuery, string, string]>([
    [{ a: ['x', 'y'] }, 'a', 'a was given more than once'],
    [{ a: '' }, 'a', 'a is empty'],
    [{ a: 'x'.repeat(11) }, 'a', 'a is longer than 10 characters'],
    [{ upper: 'x'.repeat(5000) }, 'upper', 'upper is longer than 4096 characters'],
    [{ many: ['1', '2', '3', '4'] }, 'many', 'many was given more than 3 times'],
    [{ status: 'open' }, 'status', 'status is not one of firing, resolved'],
    [{ verbose: 'yes' }, 'verbose', 'verbose is neither true nor false'],
    [{ when: 'later' }, 'when', 'when is not now'],
    [{}, 'needed', 'needed is missing'],
  ])('%#: %j is refused', (raw, field, message) => {
    const all = field === 'needed' ? raw : { needed: 'it', ...raw };
    expect(() => read(all)).toThrow(expect.objectContaining({ code: 'InvalidInput', field, message }));
  });

  it.each(['0', '10', '-1', '1.5', '1e0', ' 5', '0x1', 'ten', '99999999999', '٣'])('the number %j is refused', (n) => {
    expect(() => read({ needed: 'it', n })).toThrow('n is not a whole number from 1 to 9');
  });

  it('that are wrong tell what would do', () => {
    expect(() => read({})).toThrow(expect.objectContaining({ next: 'fist get sources' }));
    expect(() => read({ needed: 'it', when: 'later' })).toThrow(
      expect.objectContaining({ next: 'when=now, or when=then' }),
    );
  });

  it('that there are not are named, with the nearest and those that there are', () => {
    expect(() => read({ needed: 'it', statsu: 'x' })).toThrow(
      expect.objectContaining({
        message: 'there is no query parameter "statsu" here',
        field: 'statsu',
        next: 'did you mean status? this route takes a, many, n, needed, status, upper, verbose, when',
      }),
    );
    const none = queryReader({}, false);
    expect(() => none({ x: '' })).toThrow(expect.objectContaining({ next: 'this route takes none' }));
    expect(() => none(JSON.parse('{"__proto__":"x"}') as RawQuery)).toThrow(
      expect.objectContaining({ field: '__proto__' }),
    );
    expect(queryReader({}, true)({ x: '' })).toEqual({});
  });
});

it('headers are found in any case, and others do not matter', () => {
  const headers = headerReader({ 'Idempotency-Key': z.string().min(1).max(3).optional() });
  expect(headers({ 'idempotency-key': 'k', accept: '*/*' })).toEqual({ 'Idempotency-Key': 'k' });
  expect(() => headers({ 'idempotency-key': 'long' })).toThrow('Idempotency-Key is longer than 3 characters');
});
