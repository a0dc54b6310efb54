import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { noModelDefaults } from '../../src/agent/models/choose.ts';
import { rolesOfInstallation } from '../../src/app/roles.ts';
import { firing, startTestApp } from '../support/app.ts';
import type { TestApp, TestAppOptions } from '../support/app.ts';
import { applyCrds, findApiServer, startApiServer } from '../support/api-server.ts';
import type { ApiServer } from '../support/api-server.ts';
import { jobSettings } from '../support/container.ts';
import { createCleanup } from '../support/cleanup.ts';
import { startModelServer } from '../support/model-server.ts';
import { operatorOptions, operatorRules } from '../support/operator.ts';
import { accountWith, accountWithEverywhere, listOf, namespaceObject, rightsIn } from '../support/rights.ts';
import { waitFor } from '../support/wait.ts';

const assets = findApiServer();
if (assets === null) console.warn('skipped: API server not found (KUBEBUILDER_ASSETS)');

const lasting = createCleanup();
const cleanup = createCleanup();
afterEach(() => cleanup.run());
afterAll(() => lasting.run());

const api = { apiVersion: 'punchingfist.io/v1alpha1' };
const group = 'punchingfist.io';

const operator = { namespace: 'fist', name: 'operator' };
const reader = { namespace: 'fist', name: 'reader' };
const rights = listOf(
  namespaceObject('shop'),
  namespaceObject('fist'),
  ...accountWithEverywhere(reader, rolesOfInstallation()['read'] ?? []),
  ...accountWithEverywhere(operator, [
    ...operatorRules(),
    { apiGroups: [''], resources: ['serviceaccounts/token'], resourceNames: ['reader'], verbs: ['create'] },
  ]),
  ...rightsIn('shop', operator, [
    { apiGroups: [''], resources: ['secrets'], resourceNames: ['am'], verbs: ['list', 'watch'] },
  ]),
);

const source = (name: string, secretRef: string, path = name) => ({
  ...api,
  kind: 'Source',
  metadata: { name, namespace: 'shop' },
  spec: {
    type: 'webhook',
    config: { path, authentication: { type: 'bearer', secretRef } },
    triggerWorkflow: 'triage',
  },
});
const workflow = (goal: string) => ({
  ...api,
  kind: 'Workflow',
  metadata: { name: 'triage', namespace: 'shop' },
  spec: {
    runtime: { image: 'busybox', llmConfig: { provider: 'none', model: 'none' } },
    steps: [{ name: 'look', type: 'agent', goal }],
    outputs: [{ name: 'found', value: '{{ .steps.look.result.summary }}' }],
    sinks: ['out'],
  },
});
const sink = {
  ...api,
  kind: 'Sink',
  metadata: { name: 'out', namespace: 'shop' },
  spec: { type: 'stdout', config: {} },
};
const secret = (token: string) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'am', namespace: 'shop' },
  stringData: { token },
});

interface Status {
  readonly observedGeneration: number;
  readonly ready?: boolean;
  readonly conditions?: readonly Readonly<Record<string, string | number>>[];
  readonly [field: string]: unknown;
}

describe.skipIf(assets === null)('the operator on a real API server', () => {
  let server: ApiServer;
  let kubeconfig: string;

  const apply = (object: object) => void server.kubectl(['apply', '-f', '-'], JSON.stringify(object));
  const statusOf = (kind: string, name: string): Status =>
    (JSON.parse(server.kubectl(['get', kind, name, '-n', 'shop', '-o', 'json'])) as { readonly status: Status }).status;
  const reasonOf = (kind: string, name: string, type = 'Ready') =>
    statusOf(kind, name).conditions?.find((one) => one['type'] === type)?.['reason'] ?? 'none';
  const untilReason = (kind: string, name: string, reason: string, type = 'Ready') =>
    waitFor(`${kind} ${name}: ${type} ${reason}`, () => reasonOf(kind, name, type) === reason, {
      timeoutMs: 15_000,
      explain: () => JSON.stringify(statusOf(kind, name)),
    });

  beforeAll(async () => {
    server = await startApiServer(lasting, assets ?? '');
    await applyCrds(server);
    server.kubectl(['apply', '-f', '-'], JSON.stringify(rights));
    kubeconfig = server.kubeconfig('operator', { token: server.token('fist', 'operator') });
  });

  const start = (options: Partial<TestAppOptions> = {}): Promise<TestApp> =>
    startTestApp(cleanup, {
      files: {},
      resources: null,
      operator: operatorOptions(kubeconfig, { readAs: reader, jobs: jobSettings }),
      ...options,
    });

  test('objects come, change and go; what became of them stands in their status', async () => {
    apply(secret('first-token-of-alertmanager'));
    for (const object of [source('am', 'am'), workflow('look at {{ .alert.name }}'), sink]) apply(object);
    const app = await start();
    await untilReason('source', 'am', 'Accepted');
    await untilReason('workflow', 'triage', 'Accepted');
    await untilReason('sink', 'out', 'Accepted');
    expect(statusOf('source', 'am')).toMatchObject({ observedGeneration: 1, ready: true, eventsProcessed: 0 });

    await app.notify(
      'am',
      [firing({ alertname: 'PodCrashLooping', namespace: 'shop', pod: 'web-1' })],
      'first-token-of-alertmanager',
    );
    await app.endedRun('PodCrashLooping');
    await waitFor('the run in the status', () => statusOf('workflow', 'triage')['phase'] === 'Succeeded', {
      timeoutMs: 20_000,
      explain: () => JSON.stringify(statusOf('workflow', 'triage')),
    });
    const ran = statusOf('workflow', 'triage');
    expect(ran['steps']).toMatchObject([{ name: 'look', phase: 'Succeeded' }]);
    expect(ran['lastRun']).toMatchObject({ phase: 'Succeeded', alert: 'PodCrashLooping' });
    expect(ran['outputs']).toHaveProperty('found');
    await waitFor('the delivery in the status', () => statusOf('sink', 'out')['messagesSent'] === 1, {
      timeoutMs: 20_000,
    });
    await waitFor('the event in the status', () => statusOf('source', 'am')['eventsProcessed'] === 1, {
      timeoutMs: 20_000,
    });

    const events = () =>
      server.kubectl(['get', 'events', '-n', 'shop', '-o', 'jsonpath={.items[*].reason}']).split(' ');
    await waitFor(
      'Events about the objects',
      () => ['Ready', 'RunSucceeded'].every((reason) => events().includes(reason)),
      {
        timeoutMs: 20_000,
        explain: () => events().join(' '),
      },
    );
    expect((await app.call('GET', '/metrics')).body).toContain('fist_leader 1');

    // Rotated: no restart.
    apply(secret('second-token-of-alertmanager'));
    await waitFor('the new token', async () => (await post(app, 'second-token-of-alertmanager')) === 200, {
      timeoutMs: 10_000,
    });
    expect(await post(app, 'first-token-of-alertmanager')).toBe(401);

    // A version that cannot be used leaves the last good one.
    apply(workflow('look at {{ .alert.name'));
    await untilReason('workflow', 'triage', 'BrokenEdit', 'Stalled');
    expect(app.app.catalog().workflow('shop', 'triage')?.ready).toBe(true);

    // Two want one path: the older has it.
    apply(source('later', 'am', 'am'));
    await untilReason('source', 'later', 'PathConflict');
    expect(reasonOf('source', 'later', 'Stalled')).toBe('PathConflict');

    // Gone: nothing is taken in, and the younger one gets the path.
    server.kubectl(['delete', 'source', 'am', '-n', 'shop']);
    await untilReason('source', 'later', 'Accepted');
    expect(reasonOf('source', 'later', 'Stalled')).toBe('none');
  });

  test('no other namespace takes the path at which a Source is served, not even an older Source', async () => {
    apply(secret('token-of-shop'));
    for (const object of [workflow('look'), sink]) apply(object);
    // Older, and of another team, which has not set its sights on the path yet.
    const rival = source('rival', 'am', 'rival');
    const elsewhere = (path: string) => ({
      ...rival,
      metadata: { name: 'rival', namespace: 'rivals' },
      spec: { ...rival.spec, config: { path, authentication: { type: 'kubernetes' } } },
    });
    server.kubectl(['create', 'namespace', 'rivals']);
    apply(elsewhere('rival'));
    await new Promise((resolve) => setTimeout(resolve, 1100));
    apply(source('victim', 'am', 'victim'));
    const app = await start();
    await untilReason('source', 'victim', 'Accepted');
    expect(statusOf('source', 'victim')['addresses']).toEqual(['/webhook/@shop/victim', '/webhook/victim']);

    const rivals = () =>
      (
        JSON.parse(server.kubectl(['get', 'source', 'rival', '-n', 'rivals', '-o', 'json'])) as {
          readonly status: Status;
        }
      ).status;
    const conflictOf = ({ conditions = [] }: Status) => conditions.find(({ type }) => type === 'PathConflict');
    apply(elsewhere('victim'));
    await waitFor('the conflict', () => conflictOf(rivals())?.['status'] === 'True', {
      timeoutMs: 15_000,
      explain: () => JSON.stringify(rivals()),
    });
    expect(rivals()['addresses']).toEqual(['/webhook/@rivals/victim']);
    await untilReason('source', 'victim', 'PathKept', 'PathConflict');
    const send = async (path: string, at: TestApp, body: unknown = { version: '4', alerts: [] }) => {
      const headers = { authorization: 'Bearer token-of-shop' };
      return (await at.call('POST', path, body, headers)).status;
    };
    const outcome = async (at: TestApp) => [
      await send('/webhook/victim', at),
      await send('/webhook/@shop/victim', at),
      await send('/webhook/@rivals/victim', at),
    ];
    expect(await outcome(app)).toEqual([200, 200, 401]);
    const warned = (namespace: string) =>
      server.kubectl(['get', 'events', '-n', namespace, '-o', 'jsonpath={.items[?(@.reason=="PathConflict")].type}']);
    await waitFor('Events about both', () => warned('shop') !== '' && warned('rivals') !== '', { timeoutMs: 20_000 });
    expect(`${warned('shop')} ${warned('rivals')}`).toMatch(/^Warning\b.* Warning\b/);

    // Nor what it takes behind its path, of which its status does not speak.
    const areAt = (path: string) => JSON.stringify(rivals()['addresses']) === `["/webhook/@rivals/${path}"]`;
    apply(elsewhere('victim/api/v2/alerts'));
    await waitFor('the other path alone', () => areAt('victim/api/v2/alerts'));
    expect(await send('/webhook/victim/api/v2/alerts', app, [])).toBe(200);
    expect(await send('/webhook/@rivals/victim/api/v2/alerts', app, [])).toBe(401);
    apply(elsewhere('victim'));
    await waitFor('the path of before', () => areAt('victim'));

    // What is served is known from the status, so a process that starts later decides the same.
    await app.stop();
    const second = await start();
    expect(await outcome(second)).toEqual([200, 200, 401]);
    await second.stop();

    // Also where the spec was broken before that, until it is mended.
    const { spec } = source('victim', 'am', 'victim');
    apply({ ...source('victim', 'am', 'victim'), spec: { ...spec, config: { ...spec.config, matchers: ['('] } } });
    const third = await start();
    await untilReason('source', 'victim', 'InvalidSpec');
    expect(statusOf('source', 'victim')['addresses']).toEqual(['/webhook/@shop/victim', '/webhook/victim']);
    expect(await outcome(third)).toEqual([503, 503, 401]);
    await third.stop();
    apply(source('victim', 'am', 'victim'));
    expect(await outcome(await start())).toEqual([200, 200, 401]);
    server.kubectl(['delete', 'namespace', 'rivals', '--wait=false']);
    server.kubectl(['delete', 'source', 'victim', '-n', 'shop']);
  });

  test('callers are whom the cluster knows, and may what its roles say', async () => {
    for (const object of [people(), workflow('look'), sink]) apply(object);
    const authentication = { type: 'kubernetes' };
    const { spec } = source('cluster', 'am');
    apply({ ...source('cluster', 'am'), spec: { ...spec, config: { path: 'cluster', authentication } } });
    const app = await start();
    await untilReason('source', 'cluster', 'Accepted');
    const as = (account: string) => ({ authorization: `Bearer ${server.sameToken('shop', account)}` });
    const status = async (account: string, method: string, path: string) =>
      (await app.call(method, path, undefined, as(account))).status;
    const alerts = [firing({ alertname: 'KubeJobFailed', namespace: 'shop', job_name: 'load' })];
    const send = (account: string) => app.call('POST', '/webhook/cluster', { version: '4', alerts }, as(account));

    const refused = await send('nobody');
    expect(refused.status).toBe(403);
    expect(JSON.stringify(refused.body)).toContain(
      'system:serviceaccount:shop:nobody may not create on sources.punchingfist.io/webhook cluster',
    );
    expect((await send('sender')).status).toBe(200);
    expect(
      (await app.call('POST', '/webhook/cluster', { version: '4', alerts }, { authorization: 'Bearer nonsense' }))
        .status,
    ).toBe(401);
    const { id } = await app.endedRun('KubeJobFailed');

    expect(await status('nobody', 'GET', '/api/v1/runs?namespace=shop')).toBe(403);
    // Bound in shop alone: all namespaces are not theirs.
    expect(await status('viewer', 'GET', '/api/v1/runs')).toBe(403);
    expect(await status('viewer', 'GET', '/api/v1/runs?namespace=shop')).toBe(200);
    expect(await status('viewer', 'GET', '/api/v1/runs?namespace=fist')).toBe(403);
    expect(await status('viewer', 'GET', `/api/v1/runs/${id}`)).toBe(200);
    expect(await status('viewer', 'GET', `/api/v1/runs/${id.slice(0, 12)}`)).toBe(200);
    expect(await status('viewer', 'POST', `/api/v1/runs/${id}/retry`)).toBe(403);
    expect(await status('changer', 'POST', `/api/v1/runs/${id}/retry`)).toBe(201);
    expect(await status('viewer', 'GET', '/metrics')).toBe(403);
    expect(await status('viewer', 'GET', '/')).toBe(200);
    const said = await app.call(
      'POST',
      `/api/v1/runs/${id}/verdicts`,
      { verdict: 'confirmed', cause: 'a test', by: 'somebody else' },
      as('changer'),
    );
    expect(said.body).toMatchObject({ by: 'system:serviceaccount:shop:changer' });

    const reviews = () => server.audit().filter(({ objectRef }) => objectRef?.resource === 'tokenreviews').length;
    const before = reviews();
    const newest = { authorization: `Bearer ${server.token('shop', 'viewer')}` };
    for (let time = 0; time < 3; time += 1)
      expect((await app.call('GET', `/api/v1/runs/${id}`, undefined, newest)).status).toBe(200);
    // With our audience, and then with that of the API server.
    await waitFor('the reviews in the audit log', () => reviews() >= before + 2);
    expect(reviews()).toBe(before + 2);
  });

  test('what a check of its models said stands in the status of a Workflow', async () => {
    const model = await startModelServer();
    cleanup.defer(() => model.stop());
    const { spec } = workflow('look');
    apply({ ...workflow('look'), metadata: { name: 'asks', namespace: 'shop' }, spec: { ...spec, runtime: {} } });
    const asked = { provider: 'openai-compatible', model: 'm', endpoint: model.endpoint('chat'), apiKey: model.key };
    const app = await start({ models: { ...noModelDefaults, ...asked } });
    await untilReason('workflow', 'asks', 'NotChecked', 'ModelsChecked');
    expect(model.requests).toEqual([]);
    model.always({ text: 'I cannot.' });
    const { body } = await app.call('POST', '/api/v1/workflows/shop/asks/model-check', {});
    expect(body).toMatchObject({ models: [{ result: 'unfit' }] });
    await untilReason('workflow', 'asks', 'ModelUnfit', 'ModelsChecked');
    expect(statusOf('workflow', 'asks').ready).toBe(true);
  });

  test('a Secret that may not be read, or is missing, is told with what to do', async () => {
    apply(source('other', 'elsewhere'));
    await start();
    await untilReason('source', 'other', 'SecretMissing', 'SecretsResolved');
    const told = statusOf('source', 'other').conditions?.find((one) => one['type'] === 'SecretsResolved');
    expect(told?.['message']).toContain('resourceNames: ["elsewhere"]');
  });
});

/** ServiceAccounts in namespace shop with a role each; nobody has none. */
function people(): object {
  const rules: Readonly<Record<string, readonly object[]>> = {
    nobody: [],
    viewer: [{ apiGroups: [group], resources: ['runs'], verbs: ['get'] }],
    changer: [{ apiGroups: [group], resources: ['runs'], verbs: ['get', 'update'] }],
    sender: [{ apiGroups: [group], resources: ['sources/webhook'], resourceNames: ['cluster'], verbs: ['create'] }],
  };
  return listOf(...Object.entries(rules).flatMap(([name, rule]) => accountWith({ namespace: 'shop', name }, rule)));
}

async function post(app: TestApp, token: string): Promise<number> {
  const headers = { authorization: `Bearer ${token}` };
  return (await app.call('POST', '/webhook/am', { version: '4', alerts: [] }, headers)).status;
}
