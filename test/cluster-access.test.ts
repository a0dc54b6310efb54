import { afterEach, expect, test } from 'vitest';
import type { AgentResult } from '../src/core/finding.ts';
import { exampleAlert, injectionExample } from './support/agent-world.ts';
import { firing, startTestApp } from './support/app.ts';
import { createCleanup } from './support/cleanup.ts';

// Levels of looking at a cluster, in a server of a folder over a recorded one.

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const resources = (clusterAccess: string): string => `
apiVersion: punchingfist.io/v1alpha1
kind: Source
metadata: { name: am }
spec: { type: webhook, config: { path: am }, triggerWorkflow: triage }
---
apiVersion: punchingfist.io/v1alpha1
kind: Workflow
metadata: { name: triage }
spec:
  clusterAccess: ${clusterAccess}
  steps: [{ name: look, type: agent, goal: Find the cause. }]
`;
const start = (clusterAccess: string) =>
  startTestApp(cleanup, { files: { 'all.yaml': resources(clusterAccess) }, dump: `${injectionExample}/dump` });

async function reportOf(clusterAccess: string): Promise<AgentResult> {
  const app = await start(clusterAccess);
  const { labels } = exampleAlert();
  await app.notify('am', [firing(labels)]);
  const run = await app.endedRun(labels['alertname'] ?? '');
  expect(run.status).toBe('succeeded');
  return run.steps.at(-1)?.result as unknown as AgentResult;
}

test('level read looks at the cluster, level none does not and says so', async () => {
  const looked = await reportOf('{ level: read }');
  expect(looked.evidence.length).toBeGreaterThan(0);
  const { evidence, gaps, summary, open_questions, recommendations } = await reportOf('{ level: none }');
  expect({ evidence, open_questions, recommendations }).toEqual({
    evidence: [],
    open_questions: [],
    recommendations: [],
  });
  expect(summary).toBe('Inconclusive: the cluster was not looked at: clusterAccess.level of the Workflow is none.');
  expect(gaps).toEqual([
    {
      what: 'the cluster',
      kind: 'forbidden',
      reason: 'clusterAccess.level of the Workflow is none',
      remedy: 'set clusterAccess.level of the Workflow to read',
      resource: null,
      namespace: null,
    },
  ]);
});

test('level custom is refused by a server that is no operator, and not taken for another level', async () => {
  const app = await start('{ level: custom, serviceAccount: investigator }');
  const workflow = app.app.catalog().workflow('default', 'triage');
  expect(workflow).toMatchObject({ ready: false, conditions: [{ type: 'Ready', reason: 'AccountNotAllowed' }, {}] });
  await app.notify('am', [firing(exampleAlert().labels)]);
  const { status, errorCode, evidence } = await app.endedRun(exampleAlert().labels['alertname'] ?? '');
  expect({ status, errorCode, evidence }).toEqual({ status: 'failed', errorCode: 'WorkflowNotReady', evidence: [] });
});
