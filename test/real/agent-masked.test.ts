import { afterEach, expect, test } from 'vitest';
import { reportAnswer, startAgentApp } from '../support/agent-world.ts';
import { firing } from '../support/app.ts';
import { createCleanup } from '../support/cleanup.ts';
import { startKubernetesApi } from '../support/kubernetes-api.ts';
import { podObject } from '../support/memory-cluster.ts';
import type { SeenRequest } from '../support/model-server.ts';

// What was masked is said in the report, by kind, and nothing of it.

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const namespace = 'billing';
const canaries = ['hunter2-canary', 'another-canary-1', `ghp_${'a1B2'.repeat(9)}`] as const;

async function world(log: string, env: readonly object[]) {
  const container = { name: 'app', image: 'x', env };
  const state = {
    restartCount: 3,
    ready: false,
    state: { waiting: { reason: 'CrashLoopBackOff' } },
    lastState: { terminated: { reason: 'Error', exitCode: 1, finishedAt: '2026-01-01T11:58:00Z' } },
  };
  const pod = podObject('web-1', { meta: { namespace }, spec: { containers: [container] }, state });
  const api = await startKubernetesApi(cleanup, { objects: { pods: [pod] }, logs: { 'billing/web-1': log } });
  const started = await startAgentApp(cleanup, { program: { kubeconfig: api.kubeconfig } });
  const { model, raise, report } = started;
  model.say({
    calls: [
      { name: 'kubernetes_describe', input: { resource: 'pods', namespace, name: 'web-1' } },
      { name: 'kubernetes_logs', input: { namespace, pod: 'web-1' } },
    ],
  });
  model.always((request: SeenRequest) => (request.schema === null ? { text: 'That is all.' } : reportAnswer()));
  await raise(firing({ alertname: 'Masked', namespace, pod: 'web-1' }, 60_000, {}));
  return { ...started, ...(await report('Masked')) };
}

test('values that were masked are counted once each, by kind, and stand nowhere', async () => {
  const line = `2026-01-01T11:57:00Z login with password=${canaries[0]} and ${canaries[2]}\n`;
  const { run, report, app } = await world(line.repeat(5), [{ name: 'API_TOKEN', value: canaries[1] }]);
  expect(run.status).toBe('succeeded');
  expect(report.masked).toEqual([
    { kind: 'named', count: 2 },
    { kind: 'token', count: 1 },
  ]);
  const said = 'Masked in what was read: 2 values of secret-like names, 1 token of a known form.';
  expect(report.report).toContain(said);
  for (const canary of canaries)
    for (const text of [JSON.stringify(run), app.stdout()]) expect(text).not.toContain(canary);
});

test('a report that masked nothing says nothing of it', async () => {
  const { report } = await world('2026-01-01T11:57:00Z all is well\n', []);
  expect(report.masked).toEqual([]);
  expect(report.report).not.toContain('Masked in what was read');
});
