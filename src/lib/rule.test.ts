import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { atMost, beyond, declaredOf, distinct, rule, rulesOfType } from './rule.ts';

const mail = z.object({ port: z.number().optional(), tls: z.boolean().optional() }).check(
  rule('!has(self.tls) || has(self.port)', 'needs a port', ({ tls, port }) => tls === undefined || port !== undefined, [
    'port',
  ]),
  beyond('Address', 'is no port', ({ port = 1 }) => port !== 13),
);

function problems(schema: z.ZodType, value: unknown): readonly string[] {
  return (schema.safeParse(value).error?.issues ?? []).map(({ path, message }) => `${path.join('.')} ${message}`);
}

describe('a declared refinement', () => {
  test('refuses as any other, at its field, and says where an API server does not', () => {
    expect(problems(mail, { tls: true, port: 25 })).toEqual([]);
    expect(problems(mail, { tls: true })).toEqual(['port needs a port']);
    expect(mail.safeParse({ port: 13 }).error?.issues).toEqual([
      { code: 'custom', path: [], message: 'is no port', params: { beyond: 'Address' } },
    ]);
  });

  test('is known of the schema; one that was not declared is counted', () => {
    const { declared, others } = declaredOf(mail.refine(Boolean));
    expect(declared.map(({ cel, beyond: kind }) => [cel, kind])).toEqual([
      ['!has(self.tls) || has(self.port)', null],
      [null, 'Address'],
    ]);
    expect(others).toBe(1);
  });

  test('of one type says nothing of the others', () => {
    const all = z.object({ type: z.string(), ...mail.shape }).check(...rulesOfType('mail', mail));
    expect(declaredOf(all).declared[0]?.cel).toBe("self.type != 'mail' || (!has(self.tls) || has(self.port))");
    expect(problems(all, { type: 'mail', tls: true })).toEqual(['port needs a port']);
    expect(problems(all, { type: 'chat', tls: true })).toEqual([]);
  });
});

test('sizes of maps and lists without doubles', () => {
  const names = z.record(z.string(), z.string()).check(atMost(1));
  expect(problems(names, { a: '' })).toEqual([]);
  expect(problems(names, { a: '', b: '' })).toEqual([' must have at most 1 entries']);
  const list = z.array(z.string()).check(distinct('has one twice'));
  expect(problems(list, ['a', 'b'])).toEqual([]);
  expect(problems(list, ['a', 'a'])).toEqual([' has one twice']);
});
