import { readFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import type { RunRecord } from '../src/core/run.ts';
import { firing, startTestApp } from './support/app.ts';
import type { RunDetail, TestApp } from './support/app.ts';
import { createCleanup } from './support/cleanup.ts';
import { oomAlert, oomExample, oomStart } from './support/incidents.ts';
import { repositoryRoot } from './support/processes.ts';
import { waitFor } from './support/wait.ts';

// examples/sink-workflow, replayed by the whole program over the recorded cluster of examples/oom-crash-loop.

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const token = 'token-for-tests-0123456789';

async function start(): Promise<TestApp> {
  return startTestApp(cleanup, {
    files: { 'resources.yaml': readFileSync(`${repositoryRoot}examples/sink-workflow/resources.yaml`, 'utf8') },
    tokens: { 'default/alertmanager-token': token },
    dump: `${oomExample}/dump`,
  });
}

/** Raises the recorded alert and waits until its run and deliveries have ended. */
async function replay(app: TestApp): Promise<RunDetail> {
  await app.notify('crashes', [firing(oomAlert.labels, 60_000, oomStart)], token);
  return app.endedRun(oomAlert.labels['alertname'] ?? '');
}

test('the second Workflow has the cause that the first one found', async () => {
  const app = await start();
  const first = await replay(app);
  expect(first.deliveries).toMatchObject([{ sinkName: 'look-closer', status: 'sent' }]);
  const childId = first.deliveries[0]?.reference ?? '';
  const child = () => app.get<RunDetail>(`/api/v1/runs/${childId}`);
  await waitFor('the second run', async () => (await child()).deliveries[0]?.status === 'sent');
  const second = await child();
  expect(second).toMatchObject({
    name: 'closer-look',
    status: 'succeeded',
    triggerSource: 'Sink default/look-closer',
    requestedBy: first.deliveries[0]?.id,
    input: { depth: 1, parent: { runId: first.id, workflows: ['default/explain'] } },
    outputs: { told: expect.stringContaining('OOMKilled') as string, by: 'explain' },
  });
  expect(app.stdout()).toContain('OOMKilled');
  expect(await app.list<RunRecord>('/api/v1/runs')).toHaveLength(2);
});
