import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createAccountTokens } from '../../src/kube/accounts/account-tokens.ts';
import { createEventRecorder } from '../../src/kube/events/event-recorder.ts';
import { kindOf, kinds } from '../../src/kube/kinds/kinds.ts';
import { createReviews } from '../../src/kube/accounts/review.ts';
import { ownNamespace, serviceAccountAccess } from '../../src/kube/connection/service-account.ts';
import { connectTransport, transportOf } from '../../src/kube/connection/transport.ts';
import type { KubeTransport } from '../../src/kube/connection/transport.ts';
import { fieldManager, kubeWriter } from '../../src/kube/connection/writer.ts';
import type { KubeWriter } from '../../src/kube/connection/writer.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLog } from '../../src/lib/silent-log.ts';
import { findApiServer, startApiServer } from '../support/api-server.ts';
import type { ApiServer, AuditLine } from '../support/api-server.ts';
import { createCleanup } from '../support/cleanup.ts';
import { createFakeClock } from '../support/clock.ts';
import { accountWith, clusterRoleFor, listOf, namespaceObject } from '../support/rights.ts';
import type { Rules } from '../support/rights.ts';
import { waitFor } from '../support/wait.ts';

const assets = findApiServer();
if (assets === null) console.warn('skipped: API server not found (KUBEBUILDER_ASSETS)');

const lasting = createCleanup();
const cleanup = createCleanup();
afterEach(() => cleanup.run());
afterAll(() => lasting.run());

/** An account in namespace shop with these rules there. */
const withRules = (name: string, rules: Rules) => accountWith({ namespace: 'shop', name }, rules);

const writes = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'];

const objects = listOf(
  namespaceObject('shop'),
  ...withRules('operator', [
    { apiGroups: [''], resources: ['configmaps', 'pods', 'pods/status'], verbs: writes },
    { apiGroups: ['apps'], resources: ['deployments', 'deployments/status'], verbs: writes },
    { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: writes },
  ]),
  ...withRules('nobody', []),
  ...withRules('teller', [{ apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create', 'patch'] }]),
  ...withRules('identity', [
    { apiGroups: [''], resources: ['serviceaccounts/token'], resourceNames: ['nobody'], verbs: ['create'] },
  ]),
  clusterRoleFor({ namespace: 'shop', name: 'identity' }, 'system:auth-delegator'),
);

const configMap = kindOf('configmaps');
const deployment = kindOf('deployments');

describe.skipIf(assets === null)('the layer under the operator on a real API server', () => {
  let server: ApiServer;
  beforeAll(async () => {
    server = await startApiServer(lasting, assets ?? '');
    server.kubectl(['apply', '-f', '-'], JSON.stringify(objects));
  });

  /** As with a kubeconfig. */
  async function connectAs(name: string): Promise<KubeTransport> {
    const transport = await connectTransport({
      kubeconfig: server.kubeconfig(name, { token: server.token('shop', name) }),
    });
    cleanup.defer(() => transport.close());
    return transport;
  }

  /** As in a pod: an environment, and a folder that the kubelet would write. */
  async function connectInPod(name: string) {
    const folder = cleanup.temporaryFolder('account');
    const writeToken = (token: string): void => writeFileSync(join(folder, 'token'), `${token}\n`);
    writeToken(server.token('shop', name));
    writeFileSync(join(folder, 'namespace'), 'shop');
    writeFileSync(join(folder, 'ca.crt'), readFileSync(join(server.folder, 'certs', 'apiserver.crt')));
    const { hostname, port } = new URL(server.url);
    const environment = { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port };
    const transport = transportOf(serviceAccountAccess({ folder, environment }));
    cleanup.defer(() => transport.close());
    return { transport, folder, writeToken };
  }

  const ways: readonly (readonly [string, (name: string) => Promise<KubeWriter>])[] = [
    ['a kubeconfig', async (name) => kubeWriter(await connectAs(name))],
    ['the account of a pod', async (name) => kubeWriter((await connectInPod(name)).transport)],
  ];

  test.each(ways)('writes with %s: make, read, apply, patch, delete', async (_way, connect) => {
    const writer = await connect('operator');
    const place = { namespace: 'shop', name: 'settings' };
    expect(await writer.get(configMap, place)).toBeNull();
    const made = await writer.create(configMap, { metadata: place, data: { a: '1' } });
    expect(made).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', metadata: place, data: { a: '1' } });
    await expect(writer.create(configMap, { metadata: place })).rejects.toMatchObject({
      code: 'Conflict',
      reason: 'AlreadyExists',
      status: 409,
      message: expect.stringContaining('could not create ConfigMap shop/settings') as string,
    });
    const changed = await writer.patch(configMap, place, { data: { b: '2' } });
    expect(changed).toMatchObject({ data: { a: '1', b: '2' } });
    const stale = { metadata: { ...place, resourceVersion: made.metadata.resourceVersion }, data: {} };
    await expect(writer.replace(configMap, stale)).rejects.toMatchObject({
      reason: 'VersionConflict',
      retryable: true,
    });
    const fresh = { metadata: { ...place, resourceVersion: changed.metadata.resourceVersion }, data: { c: '3' } };
    expect(await writer.replace(configMap, fresh)).toMatchObject({ data: { c: '3' } });
    expect(await writer.delete(configMap, place, { uid: 'another' })).toBe('absent');
    expect(await writer.delete(configMap, place, { uid: made.metadata.uid ?? '' })).toBe('deleted');
    expect(await writer.delete(configMap, place)).toBe('absent');
    expect(await writer.get(configMap, place)).toBeNull();
  });

  test('apply sets what it has, takes back what it had, and leaves what others set', async () => {
    const writer = kubeWriter(await connectAs('operator'));
    const metadata = { namespace: 'shop', name: 'applied' };
    await writer.apply(configMap, { metadata, data: { ours: '1', dropped: '1' } });
    server.kubectl(['patch', 'configmap', 'applied', '-n', 'shop', '-p', '{"data":{"theirs":"1"}}']);
    const again = await writer.apply(configMap, { metadata, data: { ours: '2' } });
    expect(again).toMatchObject({ data: { ours: '2', theirs: '1' } });
    expect(again['data']).not.toHaveProperty('dropped');
    const managers = (again.metadata as unknown as { managedFields: { manager: string; operation: string }[] })
      .managedFields;
    expect(managers).toContainEqual(expect.objectContaining({ manager: fieldManager, operation: 'Apply' }));
    // The same again is no change.
    const same = await writer.apply(configMap, { metadata, data: { ours: '2' } });
    expect(same.metadata.resourceVersion).toBe(again.metadata.resourceVersion);
  });

  test('a conflict names who owns which field; force takes it over', async () => {
    const writer = kubeWriter(await connectAs('operator'));
    const metadata = { namespace: 'shop', name: 'contested' };
    const theirs = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { level: 'theirs', other: 'x' } };
    server.kubectl(['apply', '--server-side', '--field-manager=argocd', '-f', '-'], JSON.stringify(theirs));
    const ours = { metadata, data: { level: 'ours' } };
    await expect(writer.apply(configMap, ours)).rejects.toMatchObject({
      code: 'Conflict',
      reason: 'FieldConflict',
      retryable: false,
      owners: [{ manager: 'argocd', field: '.data.level' }],
      message: 'could not apply ConfigMap shop/contested: others own fields of it: .data.level (argocd)',
      next: 'kubectl --context test get configmaps contested -n shop -o yaml --show-managed-fields',
    });
    expect(await writer.apply(configMap, ours, { force: true })).toMatchObject({ data: { level: 'ours', other: 'x' } });
  });

  test('a status is applied to its subresource, and not sent where it is that already', async () => {
    const transport = await connectAs('operator');
    const writer = kubeWriter(transport);
    const place = { namespace: 'shop', name: 'web' };
    const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'web:1' }] } };
    const spec = { replicas: 1, selector: { matchLabels: { app: 'web' } }, template };
    const made = await writer.apply(deployment, { metadata: place, spec });
    const condition = {
      type: 'Available',
      status: 'True',
      reason: 'Fine',
      message: 'all is well',
      lastTransitionTime: '2026-01-01T00:00:00Z',
      lastUpdateTime: '2026-01-01T00:00:00Z',
    };
    const status = { observedGeneration: 1, conditions: [condition] };
    const written = await writer.patchStatus(deployment, place, status, { current: made });
    expect(written?.status).toEqual(status);
    expect(written?.metadata.generation).toBe(made.metadata.generation);
    const isOurs = ({ user }: AuditLine): boolean => user.username === 'system:serviceaccount:shop:operator';
    const before = server.audit().length;
    const reordered = { conditions: [{ ...condition }], observedGeneration: 1 };
    expect(await writer.patchStatus(deployment, place, reordered, { current: written ?? made })).toBeNull();
    expect(server.audit().slice(before).filter(isOurs)).toEqual([]);
    const patches = server.audit().filter((line) => isOurs(line) && line.objectRef?.subresource === 'status');
    expect(patches.map(({ requestURI }) => requestURI)).toEqual([
      `/apis/apps/v1/namespaces/shop/deployments/web/status?fieldManager=${fieldManager}&fieldValidation=Strict`,
    ]);
  });

  test('what is not allowed, not there, not known or not valid is told apart', async () => {
    const writer = kubeWriter(await connectAs('operator'));
    const nobody = kubeWriter(await connectAs('nobody'));
    const place = { namespace: 'shop', name: 'x' };
    await expect(nobody.apply(configMap, { metadata: place })).rejects.toMatchObject({
      code: 'Forbidden',
      reason: 'Forbidden',
      next: 'allow it: a Role in namespace shop with the rule {apiGroups: [""], resources: ["configmaps"], verbs: ["create", "patch"]}, bound to system:serviceaccount:shop:nobody',
    });
    await expect(nobody.get(configMap, place)).rejects.toMatchObject({
      next: expect.stringContaining('verbs: ["get"]') as string,
    });
    const absent = { namespace: 'absent', name: 'x' };
    const admin = kubeWriter(await connectAdmin());
    await expect(admin.create(configMap, { metadata: absent })).rejects.toMatchObject({
      code: 'NotFound',
      reason: 'NotFound',
      message: expect.stringContaining('namespaces "absent" not found') as string,
    });
    const source = {
      group: 'punchingfist.io',
      version: 'v1alpha1',
      kind: 'Source',
      plural: 'sources',
      namespaced: true,
    };
    const notServed = {
      reason: 'NotServed',
      retryable: true,
      message: expect.stringContaining('the server has no sources.punchingfist.io of version v1alpha1') as string,
    };
    await expect(admin.get(source, place)).rejects.toMatchObject(notServed);
    await expect(admin.list(source, null, {})).rejects.toMatchObject(notServed);
    await expect(admin.create(source, { metadata: place })).rejects.toMatchObject(notServed);
    await expect(admin.apply(source, { metadata: place })).rejects.toMatchObject(notServed);
    await expect(writer.create(configMap, { metadata: place, dta: {} })).rejects.toMatchObject({
      code: 'InvalidInput',
      reason: 'Invalid',
      message: expect.stringContaining('unknown field "dta"') as string,
    });
    await expect(writer.create(configMap, { metadata: { ...place, name: 'a/b' } })).rejects.toMatchObject({
      code: 'InvalidInput',
      field: 'metadata.name',
    });
    await expect(writer.get(configMap, { namespace: '../x', name: 'x' })).rejects.toMatchObject({
      code: 'InvalidInput',
    });
    await expect(writer.get(configMap, { namespace: null, name: 'x' })).rejects.toMatchObject({ code: 'InvalidInput' });
  });

  async function connectAdmin(): Promise<KubeTransport> {
    const { cert, key } = server.certificate ?? { cert: '', key: '' };
    const user = { 'client-certificate-data': cert, 'client-key-data': key };
    const transport = await connectTransport({ kubeconfig: server.kubeconfig('certified', user) });
    cleanup.defer(() => transport.close());
    return transport;
  }

  test('all that fit, in pages', async () => {
    const maps = Array.from({ length: 600 }, (_, place) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: `page-${place}`, namespace: 'shop', labels: { page: String(place % 2) } },
    }));
    server.kubectl(['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: maps }));
    const writer = kubeWriter(await connectAs('operator'));
    const found = await writer.list(configMap, 'shop', { labelSelector: 'page=1' });
    expect(found).toHaveLength(300);
    expect(found[0]).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap' });
    server.kubectl(['delete', 'configmaps', '-l', 'page', '-n', 'shop', '--wait=false']);
  });

  test('a plug-in of a kubeconfig is started again when its token is refused, and its failure is told', async () => {
    const folder = cleanup.temporaryFolder('plug-in');
    const credential = (token: string): string =>
      JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status: { token } });
    writeFileSync(join(folder, '1'), credential('not.a.token'));
    writeFileSync(join(folder, '2'), credential(server.token('shop', 'operator')));
    // Says each time what the next file has, as one that has a new token says it.
    const script = `echo x >> ${folder}/count; cat ${folder}/$(grep -c x ${folder}/count)`;
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: '/bin/sh', args: ['-c', script] };
    const transport = await connectTransport({ kubeconfig: server.kubeconfig('plug-in', { exec }) });
    cleanup.defer(() => transport.close());
    const writer = kubeWriter(transport);
    const place = { namespace: 'shop', name: 'x' };
    expect(await writer.get(configMap, place)).toBeNull();
    expect(await writer.get(configMap, place)).toBeNull();
    expect(readFileSync(join(folder, 'count'), 'utf8')).toBe('x\nx\n');
    const broken = { ...exec, args: ['-c', 'echo please log in >&2; exit 1'] };
    const refused = await connectTransport({ kubeconfig: server.kubeconfig('broken', { exec: broken }) });
    cleanup.defer(() => refused.close());
    await expect(kubeWriter(refused).get(configMap, place)).rejects.toMatchObject({
      code: 'ClusterUnavailable',
      message: expect.stringContaining('please log in') as string,
    });
  });

  test('a token of a pod that is replaced is taken up when the old one is refused', async () => {
    const { transport, folder, writeToken } = await connectInPod('operator');
    expect(await ownNamespace(folder)).toBe('shop');
    const writer = kubeWriter(transport);
    const place = { namespace: 'shop', name: 'rotated' };
    writeToken('not.a.token');
    await expect(writer.get(configMap, place)).rejects.toMatchObject({
      code: 'ClusterUnavailable',
      message: expect.stringContaining('(401)') as string,
    });
    writeToken(server.token('shop', 'operator'));
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expect(await writer.get(configMap, place)).toBeNull();
    expect(transport.description).toBe(`in-cluster account at ${server.url}`);
    expect(kinds.lease.plural).toBe('leases');
  });

  test('whose token it is, for whom, and what its owner may do', async () => {
    const transport = await connectAs('identity');
    const reviews = createReviews(transport, systemClock());
    const tokens = createAccountTokens(transport, systemClock());
    const forUs = server.kubectl(['create', 'token', 'operator', '-n', 'shop', '--audience', 'fist']).trim();
    const verdict = await reviews.token(forUs, ['fist'], '10.0.0.1');
    expect(verdict).toMatchObject({
      kind: 'known',
      user: {
        name: 'system:serviceaccount:shop:operator',
        groups: ['system:serviceaccounts', 'system:serviceaccounts:shop', 'system:authenticated'],
      },
    });
    expect(await reviews.token(forUs, ['other'], '10.0.0.1')).toMatchObject({ kind: 'refused' });
    expect(await reviews.token(`${forUs}x`, ['fist'], '10.0.0.1')).toMatchObject({ kind: 'refused' });
    const user = verdict.kind === 'known' ? verdict.user : { name: '', uid: '', groups: [], extra: {} };
    const create = { verb: 'create', group: '', resource: 'configmaps', namespace: 'shop' };
    expect(await reviews.access(user, create)).toMatchObject({ allowed: true });
    expect(await reviews.access(user, { ...create, namespace: 'default' })).toMatchObject({ allowed: false });
    expect(await reviews.access(user, { verb: 'get', path: '/metrics' })).toMatchObject({ allowed: false });

    const short = await tokens.get('shop', 'nobody');
    const lifeMs = Date.parse(short.expiresAt) - Date.now();
    expect(lifeMs).toBeGreaterThan(590_000);
    expect(lifeMs).toBeLessThan(610_000);
    expect(await reviews.token(short.token, [], '10.0.0.1')).toMatchObject({
      user: { name: 'system:serviceaccount:shop:nobody' },
    });
    await expect(tokens.get('shop', 'operator')).rejects.toMatchObject({ code: 'Forbidden' });
    const made = server.audit().filter(({ objectRef }) => objectRef?.subresource === 'token');
    expect(made.filter(({ user: { username } }) => username.endsWith(':identity'))).toHaveLength(2);
    expect(JSON.stringify(server.audit())).not.toContain(short.token);
  });

  test('what this identity may do', async () => {
    const reviews = createReviews(await connectAs('operator'), systemClock());
    const patch = { verb: 'patch', group: 'apps', resource: 'deployments', namespace: 'shop' };
    expect(await reviews.selfAccess({ ...patch, subresource: 'status' })).toMatchObject({ allowed: true });
    expect(await reviews.selfAccess({ ...patch, namespace: null })).toMatchObject({ allowed: false });
    const refused = createReviews(await connectAs('nobody'), systemClock());
    await expect(refused.token('any', [], '10.0.0.1')).rejects.toMatchObject({
      code: 'Forbidden',
      next: expect.stringContaining('resources: ["tokenreviews"], verbs: ["create"]') as string,
    });
  });

  test('Events are told once and counted, under names that the server takes, and what it refuses is counted', async () => {
    const lost: string[] = [];
    const recorderOf = async (name: string) =>
      createEventRecorder({
        writer: kubeWriter(await connectAs(name)),
        instance: `${name}-0_${'x'.repeat(200)}`,
        onLost: (reason, count) => void lost.push(`${name} ${reason} ${count}`),
        clock: systemClock(),
        random: () => 0,
        log: silentLog,
      });
    const recorder = await recorderOf('teller');
    const settings = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'shop', name: 'told', uid: 'u1' };
    const event = {
      type: 'Warning',
      reason: 'RunFailed',
      action: 'Run',
      note: 'zu groß '.repeat(200),
    } as const;
    for (let time = 0; time < 3; time += 1) recorder.record(settings, event);
    recorder.record({ ...settings, name: 'Odd:Name_x', uid: 'u2' }, { ...event, type: 'Normal', note: 'fine' });
    recorder.record({ ...settings, namespace: 'default' }, event);
    await recorder.stop(10_000);
    expect(lost).toEqual(['teller Refused 1']);
    const refused = await recorderOf('nobody');
    refused.record(settings, event);
    await refused.stop(10_000);
    expect(lost).toEqual(['teller Refused 1', 'nobody Refused 1']);
    const { items } = JSON.parse(server.kubectl(['get', 'events.events.k8s.io', '-n', 'shop', '-o', 'json'])) as {
      readonly items: readonly {
        readonly regarding: { readonly name: string };
        readonly series?: object;
        readonly note: string;
      }[];
    };
    expect(items.map(({ regarding, series }) => ({ name: regarding.name, series }))).toEqual([
      { name: 'Odd:Name_x', series: undefined },
      { name: 'told', series: { count: 3, lastObservedTime: expect.any(String) as string } },
    ]);
    expect(items[1]?.note).toMatch(/^(zu groß )+.*…$/);
  });

  test('Events that are there are counted on by a patch', async () => {
    const clock = createFakeClock(new Date().toISOString());
    const recorder = createEventRecorder({
      writer: kubeWriter(await connectAs('teller')),
      instance: 'teller-0',
      onLost: (reason) => {
        throw new Error(reason);
      },
      clock,
      random: () => 0,
      log: silentLog,
    });
    const settings = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'shop', name: 'patched', uid: 'u1' };
    const seen = () => {
      const list = ['get', 'events.events.k8s.io', '-n', 'shop', '-o', 'json'];
      const { items } = JSON.parse(server.kubectl(list)) as {
        readonly items: readonly {
          readonly regarding: { readonly name: string };
          readonly series?: { readonly count: number };
        }[];
      };
      return items.filter(({ regarding }) => regarding.name === 'patched').map(({ series }) => series?.count ?? 1);
    };
    const event = { type: 'Normal', reason: 'Checked', action: 'Check', note: 'it is fine' } as const;
    recorder.record(settings, event);
    await clock.advance(1);
    await waitFor('the Event', () => seen().length === 1);
    await clock.advance(1);
    for (let time = 0; time < 4; time += 1) recorder.record(settings, event);
    await clock.advance(30_000);
    await waitFor('the count', () => seen()[0] === 5);
    expect(seen()).toEqual([5]);
    const stopped = recorder.stop(0);
    await clock.advance(20_000);
    await stopped;
  });
});
