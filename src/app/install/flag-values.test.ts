import { expect, test } from 'vitest';
import { flagValues } from './flag-values.ts';

test.each([
  [
    ['--allow-account=shop/a', '--allow-account=bank/b'],
    ['shop/a', 'bank/b'],
  ],
  [
    ['--allow-account', 'shop/a', '--allow-jobs', '--allow-account', 'bank/b'],
    ['shop/a', 'bank/b'],
  ],
  [
    ['--allow-account=shop/a', '--allow-account', 'bank/b'],
    ['shop/a', 'bank/b'],
  ],
  [['--read-as=fist/reader', '--allow-accounts=shop/a', 'shop/b'], []],
  [['--allow-account='], ['']],
  [['--allow-account'], []],
  [[], []],
])('%j', (args, values) => {
  expect(flagValues(args, '--allow-account')).toEqual(values);
});
