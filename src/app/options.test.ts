import { expect, test } from 'vitest';
import { noModelDefaults } from '../agent/models/choose.ts';
import { AppError } from '../core/errors.ts';
import { readOperatorOptions } from './operator-options.ts';
import { readServeOptions } from './options.ts';

const flags = {
  resources: 'resources',
  allowExec: false,
  allowInsecureSources: false,
  concurrency: '8',
  drainTimeout: '25s',
  logLevel: 'info',
};

test('private destinations are allowed unless they are denied, but for those that are named', () => {
  expect(readServeOptions(flags, {}, noModelDefaults).destinations).toEqual({ allowPrivate: true });
  const denied = { ...flags, denyPrivateDestinations: true, allowDestination: ['*.svc'] };
  const { allowPrivate, allowed } = readServeOptions(denied, {}, noModelDefaults).destinations;
  expect(allowPrivate).toBe(false);
  expect([allowed?.has('a.svc', '10.0.0.1'), allowed?.has('a.example', '10.0.0.1')]).toEqual([true, false]);
});

test('an exception from nothing, and what is no destination, are refused with what to write', () => {
  const read = (more: object) => () => readServeOptions({ ...flags, ...more }, {}, noModelDefaults);
  expect(read({ allowDestination: ['a.svc'] })).toThrow(
    '--allow-destination excepts from what is denied, and nothing is',
  );
  expect(read({ allowDestination: ['http://a'], denyPrivateDestinations: true })).toThrow(AppError);
});

test('programs of MCP servers are named by absolute paths; --allow-exec allows all', () => {
  const read = (more: object) => readServeOptions({ ...flags, ...more }, {}, noModelDefaults).mcpCommands;
  expect(read({})).toEqual([]);
  expect(read({ allowMcpCommand: ['/usr/bin/a', '/usr/bin/b'] })).toEqual(['/usr/bin/a', '/usr/bin/b']);
  expect(read({ allowExec: true, allowMcpCommand: ['/usr/bin/a'] })).toBe('all');
  expect(() => read({ allowMcpCommand: ['npx'] })).toThrow('--allow-mcp-command npx is no absolute path of a program');
});

test('accounts of Workflows are NAMESPACE/NAME, and not that of all investigations', async () => {
  const read = async (allowAccount: readonly string[]) => {
    const given = {
      ...flags,
      leaseName: 'fist',
      allowJobs: false,
      jobRequests: 'cpu=50m',
      jobLimits: 'memory=256Mi',
      readAs: 'fist/reader',
      allowAccount,
    };
    return (await readOperatorOptions(given, {}, noModelDefaults)).operator?.allowAccounts;
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
