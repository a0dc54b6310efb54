import { afterEach, expect, test } from 'vitest';
import type { DeliveryRecord } from '../src/core/delivery.ts';
import type { RunRecord } from '../src/core/run.ts';
import { firing, resolved, startTestApp } from './support/app.ts';
import type { TestApp } from './support/app.ts';
import { createCleanup } from './support/cleanup.ts';
import { waitFor } from './support/wait.ts';

// References to other namespaces in `serve`, from the notification to the delivery.

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const head = (kind: string, place: string) => {
  const [namespace = '', name = ''] = place.split('/');
  return `apiVersion: punchingfist.io/v1alpha1\nkind: ${kind}\nmetadata: {namespace: ${namespace}, name: ${name}}\n`;
};
const source = (place: string, reference: string) =>
  `${head('Source', place)}spec: {type: webhook, config: {path: ${place.replace('/', '-')}}, triggerWorkflow: ${reference}}\n`;
const workflow = (place: string, sinks: string, grants = '', more = '') =>
  `${head('Workflow', place)}spec: {steps: [{name: look, type: agent, goal: why}], sinks: [${sinks}]${accessFrom(grants)}${more}}\n`;
const sink = (place: string, grants = '', more = '{type: stdout, config: {format: text}, sendResolved: true}') =>
  `${head('Sink', place)}spec: ${more.replace(/\}$/, `${accessFrom(grants)}}`)}\n`;
const accessFrom = (grants: string) => (grants === '' ? '' : `, accessFrom: {namespaces: [${grants}]}`);

const alert = { alertname: 'Crash', namespace: 'bank', pod: 'web-1' };

function start(...documents: readonly string[]): Promise<TestApp> {
  return startTestApp(cleanup, { files: { 'all.yaml': documents.join('---\n') } });
}

/** Until the change is in force. */
async function change(app: TestApp, ...documents: readonly string[]): Promise<void> {
  const before = app.app.catalog().generation;
  app.writeResources('all.yaml', documents.join('---\n'));
  await waitFor('the change', () => app.app.catalog().generation > before, { timeoutMs: 10_000 });
}

const places = (deliveries: readonly DeliveryRecord[]) =>
  deliveries.map(({ namespace, sinkName, event, status }) => `${namespace}/${sinkName} ${event} ${status}`);

test('the run is of the Workflow, and what it tells of the Sink; others of the same names have nothing to do with it', async () => {
  const app = await start(
    source('shop/am', 'platform/triage'),
    workflow('shop/triage', 'out'),
    workflow('platform/triage', 'out, oncall/out', 'shop'),
    sink('shop/out'),
    sink('platform/out'),
    sink('oncall/out', 'platform'),
  );
  expect(await app.notify('shop-am', [firing(alert)])).toMatchObject({ opened: 1, runs: 1 });
  const run = await app.endedRun('Crash');
  expect(run).toMatchObject({
    namespace: 'platform',
    name: 'triage',
    status: 'succeeded',
    triggerSource: 'shop/am',
    input: { source: { namespace: 'shop', name: 'am' } },
  });
  expect(places(run.deliveries).sort()).toEqual(['oncall/out run-finished sent', 'platform/out run-finished sent']);
  expect(run.deliveries.map(({ idempotencyKey }) => idempotencyKey).sort()).toEqual([
    `${run.id}/run-finished/oncall/out`,
    `${run.id}/run-finished/out`,
  ]);
  expect(await app.alertNamed('Crash')).toMatchObject({ namespace: 'shop', workflowId: run.id });
  const [own] = await app.list<{ status: { messagesSent: number } }>('/api/v1/sinks?namespace=shop');
  expect(own?.status.messagesSent).toBe(0);
  const [other] = await app.list<{ status: { messagesSent: number } }>('/api/v1/sinks?namespace=oncall');
  expect(other?.status.messagesSent).toBe(1);

  await app.notify('shop-am', [resolved(alert)]);
  const ends = async () => {
    const all = await app.list<DeliveryRecord>('/api/v1/deliveries');
    return places(all.filter(({ event }) => event === 'alert-resolved')).sort();
  };
  const expected = ['oncall/out alert-resolved sent', 'platform/out alert-resolved sent'];
  await waitFor('the end is told', async () => JSON.stringify(await ends()) === JSON.stringify(expected), {
    timeoutMs: 10_000,
  });
});

test('what is refused leaves nothing in the other namespace, and can be made good once it is granted', async () => {
  const objects = (shop: string, platform: string) => [
    source('shop/am', 'platform/triage'),
    workflow('platform/triage', 'out, oncall/out', shop),
    sink('platform/out'),
    sink('oncall/out', platform),
  ];
  const app = await start(...objects('', ''));
  expect(await app.notify('shop-am', [firing(alert)])).toMatchObject({ opened: 1, runs: 1 });
  const [refused] = await app.list<RunRecord>('/api/v1/runs');
  const words = 'there is no Workflow platform/triage that grants namespace shop';
  expect(refused).toMatchObject({
    namespace: 'shop',
    name: 'platform/triage',
    status: 'failed',
    errorCode: 'WorkflowNotReady',
    error: expect.stringContaining(words) as string,
  });
  expect(await app.list('/api/v1/runs?namespace=platform')).toEqual([]);
  expect(await app.list('/api/v1/deliveries')).toEqual([]);
  const { id } = await app.alertNamed('Crash');
  const asked = await app.call('POST', `/api/v1/alerts/${id}/runs`, { workflow: 'platform/triage' });
  expect(asked).toMatchObject({ status: 409, body: { message: expect.stringContaining(words) as string } });
  expect((await app.call('POST', `/api/v1/runs/${refused?.id ?? ''}/retry`)).status).toBe(409);

  // The Workflow is granted, its Sink is not.
  await change(app, ...objects('shop', ''));
  const { body } = await app.call('POST', `/api/v1/runs/${refused?.id ?? ''}/retry`);
  expect(body).toMatchObject({ retryOf: refused?.id });
  await waitFor(
    'the repetition is the newest run of the alert',
    async () => (await app.alertNamed('Crash')).workflowId === (body as { readonly id: string }).id,
    { timeoutMs: 10_000 },
  );
  const run = await app.endedRun('Crash');
  expect(run).toMatchObject({ namespace: 'platform', name: 'triage', status: 'succeeded', retryOf: refused?.id });
  expect(places(run.deliveries).sort()).toEqual([
    'platform/oncall/out run-finished failed',
    'platform/out run-finished sent',
  ]);
  const failed = run.deliveries.find(({ status }) => status === 'failed');
  expect(failed).toMatchObject({
    errorCode: 'SinkNotReady',
    attempts: 1,
    error: expect.stringContaining('there is no Sink oncall/out that grants namespace platform; who owns') as string,
  });
  expect(await app.list('/api/v1/deliveries?namespace=oncall')).toEqual([]);

  await change(app, ...objects('shop', '"*"'));
  await app.notify('shop-am', [firing({ ...alert, alertname: 'Again' })]);
  const told = await app.endedRun('Again');
  expect(places(told.deliveries).sort()).toEqual(['oncall/out run-finished sent', 'platform/out run-finished sent']);
});

test('a Sink that starts a Workflow of another namespace needs its grant as well, and makes no loop', async () => {
  const app = await start(
    source('shop/am', 'triage'),
    workflow('shop/triage', 'oncall/start', 'oncall'),
    source('bank/am', 'triage'),
    workflow('bank/triage', 'oncall/start'),
    sink('oncall/start', 'bank, shop', '{type: workflow, config: {workflowName: shop/triage}}'),
  );
  await app.notify('bank-am', [firing({ ...alert, alertname: 'Bank' })]);
  await waitFor(
    'the line of Workflows ended',
    async () => (await app.list<DeliveryRecord>('/api/v1/deliveries?status=failed')).length === 1,
    { timeoutMs: 20_000 },
  );
  const runs = await app.list<RunRecord>('/api/v1/runs');
  // Two of one name are two.
  expect(runs.map(({ namespace, name }) => `${namespace}/${name}`)).toEqual(['shop/triage', 'bank/triage']);
  const [failed] = await app.list<DeliveryRecord>('/api/v1/deliveries?status=failed');
  expect(failed?.error).toContain('would start a loop of Workflows: bank/triage -> shop/triage -> shop/triage');
});
