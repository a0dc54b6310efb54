import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunRecord } from '../src/core/run.ts';
import { firing, startTestApp } from './support/app.ts';
import type { TestApp } from './support/app.ts';
import { createCleanup } from './support/cleanup.ts';
import { sharedPostgres } from './support/postgres.ts';
import { waitFor } from './support/wait.ts';

const cleanup = createCleanup();
const token = 'a-token-for-both-replicas';
let replicas: readonly TestApp[];
let begunMs: number;

const resources = `
apiVersion: punchingfist.io/v1alpha1
kind: Source
metadata: { name: alertmanager }
spec:
  type: webhook
  config: { path: alerts }
  triggerWorkflow: triage
  stormCapPerMinute: 0
---
apiVersion: punchingfist.io/v1alpha1
kind: Workflow
metadata: { name: triage }
spec:
  runtime: { image: busybox }
  steps:
    - { name: look, type: agent, goal: 'look' }
  sinks: [out]
---
apiVersion: punchingfist.io/v1alpha1
kind: Sink
metadata: { name: out }
spec: { type: stdout, config: {} }
`;

beforeAll(async () => {
  const database = await (await sharedPostgres()).createDatabase();
  begunMs = Date.now();
  const start = () => startTestApp(cleanup, { files: { 'all.yaml': resources }, database, token });
  replicas = await Promise.all([start(), start()]);
});
afterAll(() => cleanup.run());

test('two replicas on one PostgreSQL share the work: each alert once, each run once, each delivery once', async () => {
  const names = Array.from({ length: 16 }, (_, index) => `Alert${index}`);
  // Both hear of every alert, as from a pair of Alertmanagers.
  const answers = await Promise.all(
    replicas.flatMap((replica) => names.map((name) => replica.notify('alerts', [firing({ alertname: name })]))),
  );
  expect(answers.reduce((sum, { opened }) => sum + opened, 0)).toBe(names.length);
  const [replica, other] = replicas;
  if (replica === undefined || other === undefined) throw new Error('no replica');
  for (const name of names) {
    const run = await replica.endedRun(name);
    expect(run.steps.map(({ path, attempt }) => `${path}#${attempt}`)).toEqual(['1#1']);
    expect(run.deliveries.map(({ status, attempts }) => `${status} ${attempts}`)).toEqual(['sent 1']);
  }
  const runs = await other.list<RunRecord>('/api/v1/runs?limit=100');
  expect(runs.map((run) => run.status)).toEqual(names.map(() => 'succeeded'));
});

test('the work of each minute is done by one of them, and nobody was stuck', async () => {
  const count = async (name: string): Promise<number> => {
    const bodies = await Promise.all(replicas.map((replica) => replica.get<string>('/metrics')));
    const lines = bodies.flatMap((body) => body.split('\n')).filter((line) => line.startsWith(name));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  };
  await waitFor('a tick', async () => (await count('fist_ticks_total{name="minute"}')) > 0);
  const ticks = await count('fist_ticks_total{name="minute"}');
  // After it was counted: a minute may begin just then.
  const minutes = Math.floor(Date.now() / 60_000) - Math.floor(begunMs / 60_000) + 1;
  expect(ticks).toBeLessThanOrEqual(minutes);
  expect(await count('fist_runs_stuck_total')).toBe(0);
});
