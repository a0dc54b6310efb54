import { expect, test } from 'vitest';
import { exhaustion, isExhaustion } from './exhaustion.ts';

const failed = (code: string, cause?: unknown) => Object.assign(new Error('secret detail', { cause }), { code });

test.each([
  ['itself', failed('EMFILE')],
  ['as its cause', new Error('fetch failed', { cause: failed('ENFILE') })],
  ['as one of several', new AggregateError([failed('ECONNREFUSED'), failed('ENOMEM')])],
])('a want of descriptors or memory is found: %s', (_name, thrown) => {
  expect(isExhaustion(thrown)).toBe(true);
  expect(exhaustion(thrown, 'it could not be done')).toMatchObject({
    code: 'ResourcesExhausted',
    retryable: true,
    message: expect.stringMatching(/^it could not be done: this (?:process|machine) /),
    next: expect.stringContaining('ulimit -n'),
  });
});

test.each([failed('ENOENT'), failed('ECONNREFUSED'), failed('toString'), new Error('EMFILE'), 'EMFILE', null])(
  'anything else is not: %s',
  (thrown) => {
    expect(isExhaustion(thrown)).toBe(false);
    expect(exhaustion(thrown, 'x')).toBeNull();
  },
);
