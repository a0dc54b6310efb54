import { expect, test } from 'vitest';
import { noModelDefaults } from '../agent/models/choose.ts';
import { AppError } from '../core/errors.ts';
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
