import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { repositoryRoot, runProcess } from '../../test/support/processes.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

/** Opens files until there are no descriptors left, then asks for a Secret that is there and for one that is not. */
const script = `
import { openSync } from 'node:fs';
import { createSecrets } from '${repositoryRoot}src/resources/secrets.ts';
const secrets = createSecrets(() => [], process.argv[1]);
const get = (name) => { try { return secrets.get('default', { name, key: 'token' }); } catch (error) { return error.code; } };
const before = [get('there'), get('absent')];
try { for (;;) openSync('/dev/null'); } catch {}
console.log(JSON.stringify({ before, after: get('there') }));
`;

test('a Secret that cannot be read for want of descriptors is not a missing one', async () => {
  const folder = cleanup.temporaryFolder('secrets');
  mkdirSync(join(folder, 'there'));
  writeFileSync(join(folder, 'there', 'token'), 'value');
  const limited = 'ulimit -n 64; exec "$0" --input-type=module -e "$@"';
  const { stdout, stderr } = await runProcess('/bin/sh', ['-c', limited, process.execPath, script, folder]);
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual({ before: ['value', null], after: 'ResourcesExhausted' });
});
