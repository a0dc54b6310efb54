import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AlertRecord } from '../../src/core/alert.ts';
import type { DeliveryRecord } from '../../src/core/delivery.ts';
import type { RunRecord } from '../../src/core/run.ts';
import { firing, startTestApp } from '../support/app.ts';
import type { RunDetail, TestApp } from '../support/app.ts';
import { applyCrds, findApiServer, startApiServer } from '../support/api-server.ts';
import type { ApiServer } from '../support/api-server.ts';
import { jobSettings } from '../support/container.ts';
import { createCleanup } from '../support/cleanup.ts';
import { operatorOptions } from '../support/operator.ts';
import { repositoryRoot } from '../support/processes.ts';
import { accountObject, accountWith, clusterRoleFor, listOf, namespaceObject } from '../support/rights.ts';
import { waitFor } from '../support/wait.ts';

// References from one namespace to another through the operator: shop has Sources, platform the Workflow, oncall the Sink.

const assets = findApiServer();
if (assets === null) console.warn('skipped: API server not found (KUBEBUILDER_ASSETS)');

const cleanup = createCleanup();
afterAll(() => cleanup.run());

const group = 'punchingfist.io';
const namespaces = ['fist', 'shop', 'platform', 'oncall', 'bank', 'storefront'];

const object = (kind: string, place: string, spec: object) => {
  const [namespace = '', name = ''] = place.split('/');
  return { apiVersion: `${group}/v1alpha1`, kind, metadata: { namespace, name }, spec };
};
const source = (place: string, triggerWorkflow: string) =>
  object('Source', place, { type: 'webhook', config: { path: place }, triggerWorkflow });
const workflow = (place: string, sinks: readonly string[], more: object = {}) =>
  object('Workflow', place, { steps: [{ name: 'look', type: 'agent', goal: 'why' }], sinks, ...more });
const sink = (place: string, more: object = {}) => object('Sink', place, { type: 'stdout', config: {}, ...more });
const to = (...granted: readonly string[]) => ({ accessFrom: { namespaces: granted } });

/** What the operator needs and no more is tried elsewhere. Members may read the runs of their own namespace, and start some. */
const rights = [
  ...namespaces.map((name) => namespaceObject(name)),
  accountObject({ namespace: 'fist', name: 'operator' }),
  clusterRoleFor({ namespace: 'fist', name: 'operator' }, 'cluster-admin'),
  ...['shop', 'platform'].flatMap((namespace) =>
    accountWith({ namespace, name: 'member' }, [{ apiGroups: [group], resources: ['runs'], verbs: ['get', 'update'] }]),
  ),
];

interface Status {
  readonly conditions?: readonly {
    readonly type: string;
    readonly status: string;
    readonly reason: string;
    readonly message: string;
  }[];
  readonly [field: string]: unknown;
}

describe.skipIf(assets === null)('references between namespaces on a real API server', () => {
  let server: ApiServer;
  let app: TestApp;

  const apply = (...items: readonly object[]) =>
    void server.kubectl(['apply', '-f', '-'], JSON.stringify(listOf(...items)));
  const remove = (kind: string, place: string) => {
    const [namespace = '', name = ''] = place.split('/');
    server.kubectl(['delete', kind, name, '-n', namespace]);
  };
  const statusOf = (kind: string, place: string): Status => {
    const [namespace = '', name = ''] = place.split('/');
    const got = server.kubectl(['get', kind, name, '-n', namespace, '-o', 'json']);
    return (JSON.parse(got) as { readonly status: Status }).status;
  };
  const conditionOf = (kind: string, place: string, type: string) =>
    statusOf(kind, place).conditions?.find((one) => one.type === type);
  const until = (kind: string, place: string, reason: string | undefined, type = 'Ready') =>
    waitFor(
      `${kind} ${place}: ${type} ${reason ?? 'is gone'}`,
      () => conditionOf(kind, place, type)?.reason === reason,
      {
        timeoutMs: 30_000,
        everyMs: 200,
        explain: () => JSON.stringify(statusOf(kind, place)),
      },
    );
  const as = async (namespace: string, path: string, method = 'GET', body?: unknown) => {
    const headers = { authorization: `Bearer ${server.sameToken(namespace, 'member')}` };
    return app.call(method, `/api/v1/${path}`, body, headers);
  };
  const places = ({ deliveries }: RunDetail) =>
    deliveries.map(({ namespace, sinkName, status }) => `${namespace}/${sinkName} ${status}`).toSorted();
  const crash = (alertname: string) => firing({ alertname, namespace: 'shop', pod: 'web-1' });

  beforeAll(async () => {
    server = await startApiServer(cleanup, assets ?? '');
    await applyCrds(server);
    apply(...rights);
    apply(
      source('shop/am', 'platform/triage'),
      source('bank/am', 'platform/absent'),
      workflow('platform/triage', ['oncall/out', 'out']),
      sink('platform/out'),
      sink('oncall/out'),
      // Others of the same names.
      workflow('shop/triage', ['out']),
      sink('shop/out'),
    );
    app = await startTestApp(cleanup, {
      files: {},
      resources: null,
      token: 'the-token-of-the-api-0123',
      operator: operatorOptions(server.kubeconfig('operator', { token: server.token('fist', 'operator') }), {
        jobs: jobSettings,
      }),
    });
  });

  test('the example is in use', async () => {
    server.kubectl(['apply', '-f', `${repositoryRoot}examples/shared-workflow/resources.yaml`]);
    await until('source', 'storefront/alertmanager', 'Accepted');
    await until('workflow', 'platform/investigate', 'Accepted');
    await until('workflow', 'platform/investigate', undefined, 'SinksResolved');
    await until('sink', 'oncall/reports', 'Accepted');
  });

  test('nothing is granted: refused in the words of what is not there, and nothing is left in the other namespace', async () => {
    await until('source', 'shop/am', 'ReferenceNotGranted');
    await until('source', 'bank/am', 'ReferenceNotGranted');
    await until('source', 'shop/am', 'ReferenceNotGranted', 'Stalled');
    await until('workflow', 'platform/triage', 'ReferenceNotGranted', 'SinksResolved');
    const message = (place: string) => conditionOf('source', place, 'Ready')?.message ?? '';
    expect(message('shop/am')).toBe(
      'there is no Workflow platform/triage that grants namespace shop; who owns Workflows of namespace platform grants it with spec.accessFrom: {namespaces: [shop]}; alerts are stored and their runs fail',
    );
    expect(message('bank/am').replaceAll('bank', 'shop').replace('absent', 'triage')).toBe(message('shop/am'));
    expect(statusOf('workflow', 'platform/triage')['ready']).toBe(true);

    expect(await app.notify('shop/am', [crash('Refused')])).toMatchObject({ opened: 1, runs: 1 });
    const [run] = await app.list<RunRecord>('/api/v1/runs');
    expect(run).toMatchObject({ namespace: 'shop', name: 'platform/triage', errorCode: 'WorkflowNotReady' });
    expect((await as('shop', `runs/${run?.id ?? ''}`)).status).toBe(200);
    expect((await as('platform', `runs/${run?.id ?? ''}`)).status).toBe(403);
    expect((await as('platform', 'runs?namespace=platform')).body).toMatchObject({ items: [] });
    await waitFor('the event in the status', () => statusOf('source', 'shop/am')['eventsProcessed'] === 1, {
      timeoutMs: 30_000,
      everyMs: 200,
    });
    expect(statusOf('workflow', 'platform/triage')['lastRun']).toBeUndefined();
    expect(statusOf('workflow', 'shop/triage')['lastRun']).toBeUndefined();
  });

  test('granted: through three namespaces, and who may read where', async () => {
    apply(workflow('platform/triage', ['oncall/out', 'out'], to('shop')), sink('oncall/out', to('platform', 'fist')));
    await until('source', 'shop/am', 'Accepted');
    await until('source', 'shop/am', undefined, 'Stalled');
    await until('workflow', 'platform/triage', undefined, 'SinksResolved');
    expect(conditionOf('source', 'bank/am', 'Ready')?.reason).toBe('ReferenceNotGranted');

    await app.notify('shop/am', [crash('Granted')]);
    const run = await app.endedRun('Granted');
    expect(run).toMatchObject({ namespace: 'platform', name: 'triage', status: 'succeeded', triggerSource: 'shop/am' });
    expect(places(run)).toEqual(['oncall/out sent', 'platform/out sent']);
    await waitFor('the status of the Sink', () => statusOf('sink', 'oncall/out')['messagesSent'] === 1, {
      timeoutMs: 30_000,
      everyMs: 200,
    });
    await waitFor(
      'the status of the Workflow',
      () => statusOf('workflow', 'platform/triage')['phase'] === 'Succeeded',
      {
        timeoutMs: 30_000,
        everyMs: 200,
      },
    );
    // Those of the same names have nothing to do with it.
    expect(statusOf('workflow', 'shop/triage')['lastRun']).toBeUndefined();
    expect(statusOf('sink', 'shop/out')['messagesSent']).toBe(0);
    expect(JSON.stringify(statusOf('source', 'shop/am'))).not.toContain(run.id);

    const { id } = await app.alertNamed('Granted');
    expect((await as('shop', `alerts/${id}`)).body).toMatchObject({
      namespace: 'shop',
      causeState: 'elsewhere',
      cause: null,
      aiAnalysis: null,
      runs: [],
      deliveries: [],
    });
    expect((await as('shop', 'alerts?fistNamespace=shop')).body).toMatchObject({
      items: expect.arrayContaining([expect.objectContaining({ id, causeState: 'elsewhere' })]) as unknown,
    });
    expect((await app.get<AlertRecord>(`/api/v1/alerts/${id}`)).aiAnalysis).not.toBeNull();
    expect((await as('shop', `runs/${run.id}`)).status).toBe(403);
    expect((await as('shop', `runs/${run.id}/cancel`, 'POST', {})).status).toBe(403);
    expect((await as('platform', `alerts/${id}`)).status).toBe(403);
    const read = (await as('platform', `runs/${run.id}`)).body as RunDetail;
    const told = read.deliveries.find(({ namespace }) => namespace === 'oncall') as DeliveryRecord;
    expect(told).toMatchObject({ status: 'sent', reference: null, error: null });
    expect((await as('platform', `deliveries/${told.id}`)).status).toBe(403);
    // Who may start runs about an alert of shop may start what its Sources may, and no more.
    const asked = (name: string) => as('shop', `alerts/${id}/runs`, 'POST', { workflow: name });
    expect((await asked('platform/triage')).status).toBe(201);
    expect((await asked('oncall/triage')).body).toMatchObject({
      code: 'WorkflowNotReady',
      message: 'there is no Workflow oncall/triage that grants namespace shop',
    });
  });

  test('withdrawn while a run is at work: it ends, and the next one is refused', async () => {
    const slow = [
      // Nothing runs Jobs here.
      { name: 'wait', type: 'cli', command: 'true', timeout: '8s', continueOnError: true },
      { name: 'look', type: 'agent', goal: 'why' },
    ];
    apply(workflow('platform/triage', ['oncall/out', 'out'], { steps: slow, ...to('shop') }));
    await waitFor('the new plan', () => app.app.catalog().workflow('platform', 'triage')?.plan?.steps.length === 2);
    await app.notify('shop/am', [crash('InFlight')]);
    await waitFor('the run is at work', async () =>
      (await app.list<RunRecord>('/api/v1/runs?status=running')).some(({ input }) => input.alert?.name === 'InFlight'),
    );
    apply(workflow('platform/triage', ['oncall/out', 'out'], { steps: slow }));
    await until('source', 'shop/am', 'ReferenceNotGranted');
    await app.notify('shop/am', [crash('TooLate')]);
    const late = await app.alertNamed('TooLate');
    expect(await app.get(`/api/v1/runs/${late.workflowId ?? ''}`)).toMatchObject({
      namespace: 'shop',
      status: 'failed',
    });
    const run = await app.endedRun('InFlight');
    expect(run).toMatchObject({ namespace: 'platform', status: 'succeeded' });
    expect(places(run)).toEqual(['oncall/out sent', 'platform/out sent']);
  });

  test('a Sink that grants it no more, or is gone, is told nothing', async () => {
    apply(workflow('platform/triage', ['oncall/out', 'out'], to('*')), sink('oncall/out', to('fist')));
    await until('source', 'shop/am', 'Accepted');
    await until('workflow', 'platform/triage', 'ReferenceNotGranted', 'SinksResolved');
    const words = conditionOf('workflow', 'platform/triage', 'SinksResolved')?.message;
    remove('sink', 'oncall/out');
    await app.notify('shop/am', [crash('Untold')]);
    const run = await app.endedRun('Untold');
    expect(places(run)).toEqual(['platform/oncall/out failed', 'platform/out sent']);
    expect(conditionOf('workflow', 'platform/triage', 'SinksResolved')?.message).toBe(words);
    // There again, and granted: at once.
    apply(sink('oncall/out', to('platform')));
    await until('workflow', 'platform/triage', undefined, 'SinksResolved');
    remove('workflow', 'platform/triage');
    await until('source', 'shop/am', 'ReferenceNotGranted');
  });
});
