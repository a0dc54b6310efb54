import { afterEach, expect, test } from 'vitest';
import { startTestApp } from '../../test/support/app.ts';
import { createCleanup } from '../../test/support/cleanup.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

test('a stop that was asked for while the database was waited for: nothing starts, and the store is closed', async () => {
  const folder = cleanup.temporaryFolder('app');
  const reason = new Error('stopped');
  await expect(startTestApp(cleanup, { files: {}, folder, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  // The file is locked by the process that has it open.
  const { app } = await startTestApp(cleanup, { files: {}, folder });
  expect(await app.stop()).toBe(true);
});

test('the token and the values of Secrets are told, so that the log can leave them out', async () => {
  const source = `apiVersion: punchingfist.io/v1alpha1
kind: Source
metadata: {name: am}
spec: {type: webhook, triggerWorkflow: w, config: {path: am, authentication: {type: bearer, secretRef: am}}}
`;
  const noted = new Set<string>();
  const { app } = await startTestApp(cleanup, {
    files: { 'source.yaml': source },
    tokens: { am: 'winter is not coming' },
    noteSecret: (value) => noted.add(value),
  });
  expect(noted).toEqual(new Set(['winter is not coming', app.token]));
});
