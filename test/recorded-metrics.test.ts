import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { AgentResult } from '../src/core/finding.ts';
import { startTestApp } from './support/app.ts';
import { createCleanup } from './support/cleanup.ts';
import { repositoryRoot } from './support/processes.ts';
import { runFist } from './support/program.ts';

// The whole program over a captured cluster that carries answers of its Prometheus.

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const incident = `${repositoryRoot}examples/eval/metrics-oom-ramp`;
const resources = `
apiVersion: punchingfist.io/v1alpha1
kind: Source
metadata: {name: alertmanager}
spec: {type: webhook, config: {path: alerts, authentication: {type: bearer, secretRef: token}}, triggerWorkflow: look}
---
apiVersion: punchingfist.io/v1alpha1
kind: Workflow
metadata: {name: look}
spec:
  steps:
    - {name: look, type: agent, goal: Why?}
  sinks: [out]
---
apiVersion: punchingfist.io/v1alpha1
kind: Sink
metadata: {name: out}
spec: {type: stdout, config: {format: json}}
`;

test('a run measures what was recorded, Sinks are told the chart and the shape, and describe writes the files', async () => {
  const app = await startTestApp(cleanup, {
    files: { 'main.yaml': resources },
    tokens: { 'default/token': 'canary-token' },
    dump: `${incident}/dump`,
  });
  const { alerts } = JSON.parse(readFileSync(`${incident}/alert.json`, 'utf8')) as { alerts: object[] };
  await app.notify('alerts', alerts, 'canary-token');
  const run = await app.endedRun('KubeContainerOOMKilled');
  const report = run.steps[0]?.result as unknown as AgentResult;
  expect(report.confidence_reasons.join('\n')).toContain('98% of its limit of 512Mi before the kill');
  const [memory] = report.measurements;
  expect(memory).toMatchObject({
    kind: 'memory',
    is_saturated: true,
    chart: expect.stringMatching(/^<svg /) as string,
  });
  expect(report.timeline.map(({ source }) => source)).toContain('metric');

  const line =
    app
      .stdout()
      .split('\n')
      .find((one) => one.includes('measurements')) ?? '';
  const told = JSON.parse(line.slice(line.indexOf('{'))) as { readonly text: string; readonly report: AgentResult };
  expect(told.report.measurements[0]?.chart).toBe(memory?.chart);
  expect(told.text).toMatch(/\n {2}[▁▂▃▄▅▆▇█ ]{20,}\n/);

  const folder = join(cleanup.temporaryFolder('charts'), 'charts');
  const fist = (...args: string[]) => runFist(args, { FIST_SERVER: app.app.url, SQLITE_PATH: app.database });
  const described = await fist('describe', `run/${run.id}`, '--charts', folder, '--evidence');
  expect(described.code).toBe(0);
  expect(described.out).toContain('Timeline (2026-11-18, UTC)');
  expect(described.err).toContain(`chart: ${join(folder, `${memory?.evidence_id}-memory.svg`)}\n`);
  expect(readdirSync(folder)).toContain(`${memory?.evidence_id}-memory.svg`);
  const plain = await runFist(['describe', `run/${run.id}`], {
    FIST_SERVER: app.app.url,
    SQLITE_PATH: app.database,
    LANG: 'C',
  });
  expect(plain.out).toMatch(/\n {2}[_.,\-~=+# ]{20,}\n/);
  expect(plain.out).not.toMatch(/[▁█]/);
  expect(await fist('describe', 'workflow/look', '--charts', folder)).toMatchObject({
    code: 2,
    err: expect.stringContaining('--charts is of one run') as string,
  });
});
