import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { createCleanup } from '../../../test/support/cleanup.ts';
import { sharedPostgres } from '../../../test/support/postgres.ts';
import { waitFor } from '../../../test/support/wait.ts';
import { listen } from './listen.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

test('a certificate that is missing for a moment is an error, and is looked for again', async () => {
  const certificate = join(cleanup.temporaryFolder('listen'), 'ca.pem');
  const url = await (await sharedPostgres()).createDatabase();
  const errors: unknown[] = [];
  let connected = 0;
  const listening = listen({
    url: `${url}?sslmode=disable&sslrootcert=${certificate}`,
    channel: 'hints',
    onNotification: () => undefined,
    onConnected: () => (connected += 1),
    onError: (error) => errors.push(error),
  });
  cleanup.defer(() => listening.close());
  await waitFor('a second look', () => errors.length === 2);
  expect(String(errors[0])).toContain(certificate);
  writeFileSync(certificate, 'read, and not used without TLS');
  await waitFor('the connection', () => connected === 1);
});
