import { expect, test } from 'vitest';
import { noModelDefaults } from '../agent/models/choose.ts';
import { readOperatorOptions } from './operator-options.ts';
import type { OperatorFlags } from './operator-options.ts';

const flags: OperatorFlags = {
  allowInsecureSources: false,
  concurrency: '8',
  drainTimeout: '25s',
  logLevel: 'info',
  leaseName: 'fist',
  allowJobs: false,
  jobRequests: 'cpu=50m',
  jobLimits: 'memory=256Mi',
  readAs: 'fist/reader',
};

test('accounts of Workflows are NAMESPACE/NAME, and not that of all investigations', async () => {
  const read = async (allowAccount: readonly string[]) => {
    return (await readOperatorOptions({ ...flags, allowAccount }, {}, noModelDefaults)).operator?.allowAccounts;
  };
  expect(await read(['shop/a', 'bank/a'])).toEqual([
    { namespace: 'shop', name: 'a' },
    { namespace: 'bank', name: 'a' },
  ]);
  expect(await read([])).toEqual([]);
  await expect(read(['a'])).rejects.toThrow('--allow-account a is not NAMESPACE/NAME of a ServiceAccount');
  await expect(read(['shop/../fist/reader'])).rejects.toThrow('is not NAMESPACE/NAME');
  await expect(read(['fist/reader'])).rejects.toThrow('--allow-account fist/reader is the account of --read-as');
});

test.each([
  [undefined, null],
  ['none', 'none'],
  ['fist/reader', { namespace: 'fist', name: 'reader' }],
])('the cluster is investigated as %s', async (readAs, expected) => {
  const { readAs: _, ...others } = flags;
  const given = readAs === undefined ? others : { ...others, readAs };
  expect((await readOperatorOptions(given, {}, noModelDefaults)).operator?.readAs).toEqual(expected);
});
