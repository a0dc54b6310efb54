import { afterEach, expect, test } from 'vitest';
import { reportAnswer, startAgentApp } from '../support/agent-world.ts';
import { createCleanup } from '../support/cleanup.ts';
import type { SeenRequest } from '../support/model-server.ts';
import { startPrometheusApi } from '../support/vendors/prometheus-api.ts';

// Metrics and logs that a Workflow names, in the whole program.

const cleanup = createCleanup();
afterEach(() => cleanup.run());

interface WorkflowStatus {
  readonly status: { readonly conditions: readonly { readonly type: string; readonly reason: string }[] };
}

const answerTo = (request: SeenRequest) => (request.schema === null ? { text: 'That is all.' } : reportAnswer());

test('readers whose Secret is missing: a condition, a run that goes on, and a report that says what could not be asked', async () => {
  const vendor = await startPrometheusApi({});
  cleanup.defer(() => vendor.stop());
  const { app, model, raise, report } = await startAgentApp(cleanup, {
    workflow: `  prometheus: {url: "${vendor.url}", tokenSecret: absent}\n  loki: {url: "${vendor.url}", tokenSecret: loki/key}\n`,
  });
  model.always(answerTo);
  const { status } = await app.get<WorkflowStatus>('/api/v1/workflows/explain-billing');
  expect(status.conditions.map(({ type, reason }) => `${type} ${reason}`)).toEqual(
    expect.arrayContaining(['Ready Accepted', 'ReadersResolved SecretMissing']),
  );
  await raise();
  const { run, report: result } = await report();
  expect(run.status).toBe('succeeded');
  // Nobody was asked without a token, and the model was not offered what cannot answer.
  expect(vendor.requests).toEqual([]);
  expect(model.requests[0]?.tools.filter((name) => /prometheus|loki/.test(name))).toEqual([]);
  expect(JSON.stringify(model.requests[0]?.messages)).toContain(
    'loki_query: Loki was not asked, because key key of Secret loki is not there',
  );
  expect(result.gaps.filter(({ kind }) => kind === 'unavailable')).toEqual([
    {
      what: `the metrics of Prometheus at ${vendor.url}`,
      kind: 'unavailable',
      reason: 'Prometheus was not asked, because key token of Secret absent is not there',
      remedy: 'a file absent/token below --secrets-dir',
      resource: 'metrics',
      namespace: null,
    },
    {
      what: `the logs of Loki at ${vendor.url}`,
      kind: 'unavailable',
      reason: 'Loki was not asked, because key key of Secret loki is not there',
      remedy: 'a file loki/key below --secrets-dir',
      resource: 'logs',
      namespace: null,
    },
  ]);
  expect(result.report).toContain('What do the metrics say? They could not be read: Prometheus was not asked');
  expect(result.report).toMatch(/What would the logs of Loki at .* say\? They could not be asked: Loki was not asked/);
});

test('a log store that does not answer the model is in the report, too', async () => {
  const { model, raise, report } = await startAgentApp(cleanup, { workflow: '  loki: {url: "http://127.0.0.1:1"}\n' });
  model.say({ calls: [{ name: 'loki_query', input: { query: '{namespace="billing"}' } }] });
  model.always(answerTo);
  await raise();
  const { run, report: result } = await report();
  expect(run.status).toBe('succeeded');
  expect(result.gaps).toContainEqual(
    expect.objectContaining({ what: 'the logs of Loki at http://127.0.0.1:1', kind: 'unavailable', resource: 'logs' }),
  );
});
