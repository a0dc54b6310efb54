import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { createCleanup } from '../../../test/support/cleanup.ts';
import { sharedPostgres } from '../../../test/support/postgres.ts';
import { openPool } from './connection.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

test('a certificate that is missing for a moment fails who waits for a connection, not who gives one back', async () => {
  const certificate = join(cleanup.temporaryFolder('pool'), 'ca.pem');
  writeFileSync(certificate, 'read, and not used without TLS');
  const url = await (await sharedPostgres()).createDatabase();
  const pool = openPool(`${url}?sslmode=disable&sslrootcert=${certificate}`, 1, () => undefined);
  cleanup.defer(() => pool.end());
  const first = await pool.connect();
  const waiting = [pool.connect(), pool.connect()].map((connected) =>
    connected.then(
      () => 'connected',
      (error: Error) => error.message,
    ),
  );
  rmSync(certificate);
  first.release(true);
  for (const message of await Promise.all(waiting)) expect(message).toContain(certificate);
  writeFileSync(certificate, 'again');
  expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
});
