import { afterEach, expect, test } from 'vitest';
import type { Opened } from '../../src/agent/contents.ts';
import type { AgentEvent } from '../../src/core/agent-event.ts';
import { agentResources, reportAnswer, startAgentApp } from '../support/agent-world.ts';
import { createCleanup } from '../support/cleanup.ts';
import type { SeenRequest } from '../support/model-server.ts';
import { runFist } from '../support/program.ts';
import { startPrometheusApi } from '../support/vendors/prometheus-api.ts';
import { waitFor } from '../support/wait.ts';

// A Prometheus that has nothing of a namespace: runs learn it, and the model is no longer offered its tools, unless people say otherwise.

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const answerTo = (request: SeenRequest) => (request.schema === null ? { text: 'That is all.' } : reportAnswer());
const query = { calls: [{ name: 'prometheus_query', input: { query: 'up{namespace="billing"}' } }] };

test('is learned, told and forgotten when people say otherwise', async () => {
  const vendor = await startPrometheusApi({});
  cleanup.defer(() => vendor.stop());
  const workflow = `  prometheus: {url: "${vendor.url}"}\n`;
  const world = await startAgentApp(cleanup, { workflow });
  const { app, model } = world;
  const describe = () =>
    runFist(['describe', 'workflow/explain-billing'], { FIST_SERVER: app.app.url, SQLITE_PATH: app.database });
  /** Tools that the model was offered in the first request of its newest conversation. */
  const offered = (from: number) => (model.requests[from]?.tools ?? []).filter((name) => name.startsWith('prometheus'));

  model.say(query);
  model.always(answerTo);
  await world.raise();
  const first = await world.report();
  expect(first.run.status).toBe('succeeded');
  expect(offered(0)).toEqual(['prometheus_query_range', 'prometheus_query']);
  expect(first.report.gaps.map(({ what }) => what)).not.toContain('the metrics of namespace billing');
  expect((await describe()).out).toMatch(
    /namespace: billing\n +kind: metrics\n +found: false\n +by: learned\n +server: http/,
  );

  const before = model.requests.length;
  const second = await world.again(first.run.id);
  expect(offered(before)).toEqual([]);
  expect(model.requests[before]?.tools.length).toBeGreaterThan(2);
  expect(JSON.stringify(model.requests[before]?.messages)).toContain(
    'there are no metrics of namespace billing: earlier runs found none',
  );
  expect(second.report.gaps).toContainEqual(
    expect.objectContaining({ what: 'the metrics of namespace billing', kind: 'not_captured', resource: 'metrics' }),
  );
  expect(second.report.open_questions.filter((one) => one.includes('the metrics of namespace billing'))).toHaveLength(
    1,
  );

  const said = `${workflow}  capabilities: {billing: {metrics: true}}\n`;
  app.writeResources('resources.yaml', agentResources(model, { workflow: said }));
  await waitFor('the new Workflow', async () => (await describe()).out.includes('by: spec'));
  const third = await world.again(second.run.id);
  // The answer of the first run is used again: it began with the same.
  const [opened] = await app.list<AgentEvent>(`/api/v1/runs/${third.run.id}/agent-events`);
  const tools = (opened?.content as Partial<Opened> | undefined)?.tools?.map(({ name }) => name) ?? [];
  expect(tools.filter((name) => name.startsWith('prometheus'))).toEqual(['prometheus_query_range', 'prometheus_query']);
});
