import { copyFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { sourceDefinitions } from '../../src/sources/index.ts';
import { createCleanup } from '../support/cleanup.ts';
import { createFakeClock } from '../support/clock.ts';
import { fakeServer, webhookSource } from '../support/fake-server.ts';

// Only its calls are counted. In a process of its own: elsewhere another test may have loaded the server before.
vi.mock('node:tls', async (original) => {
  const tls = await original<typeof import('node:tls')>();
  return { ...tls, createSecureContext: vi.fn(tls.createSecureContext) };
});

const fixture = (name: string) => join(import.meta.dirname, '../fixtures/tls', name);

const cleanup = createCleanup();
afterEach(() => cleanup.run());

it('certificates that are as they were are only read; new ones are made into a context once', async () => {
  const folder = cleanup.temporaryFolder('tls');
  const files = { certificate: join(folder, 'tls.crt'), key: join(folder, 'tls.key') };
  copyFileSync(fixture('server.crt'), files.certificate);
  copyFileSync(fixture('server.key'), files.key);
  const clock = createFakeClock();
  const tls = { ...files, clientAuthorities: fixture('ca.crt') };
  const fake = await fakeServer({ tls, sourceTypes: sourceDefinitions, clock }, [webhookSource({})]);
  cleanup.defer(() => fake.server.close());
  await fake.server.listen();
  const made = vi.mocked(createSecureContext).mock.calls.length;
  for (let look = 0; look < 3; look += 1) await clock.advance(10_000);
  expect(createSecureContext).toHaveBeenCalledTimes(made);
  copyFileSync(fixture('renewed.crt'), files.certificate);
  copyFileSync(fixture('renewed.key'), files.key);
  for (let look = 0; look < 3; look += 1) await clock.advance(10_000);
  expect(createSecureContext).toHaveBeenCalledTimes(made + 1);
});
