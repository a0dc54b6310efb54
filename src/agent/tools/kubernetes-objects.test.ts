import { describe, expect, it } from 'vitest';
import { eventObject, memoryCluster, podObject } from '../../../test/support/memory-cluster.ts';
import { callTools, dataOf } from '../../../test/support/toolbox.ts';
import { openDump } from '../../kube/dump/dump.ts';
import { kubernetesGet } from './kubernetes-get.ts';
import { kubernetesList } from './kubernetes-list.ts';

const tools = [kubernetesGet, kubernetesList];
const web = podObject('web-1', {
  meta: {
    managedFields: [{ manager: 'kubectl' }],
    annotations: { 'kubectl.kubernetes.io/last-applied-configuration': 'canary', team: 'a' },
    labels: { app: 'web' },
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'u', controller: true }],
  },
  spec: {
    containers: [
      {
        name: 'app',
        image: 'web:1',
        env: [
          { name: 'DB_PASSWORD', value: 'canary' },
          { name: 'API_TOKEN', valueFrom: { secretKeyRef: { name: 'web', key: 'token' } } },
          { name: 'MODE', value: 'fast' },
        ],
      },
    ],
    volumes: [
      { name: 'kube-api-access-x', projected: {} },
      { name: 'cache', emptyDir: {} },
    ],
  },
});
const cluster = () =>
  memoryCluster({
    pods: [
      web,
      podObject('api-1', { state: { restartCount: 4, state: { waiting: { reason: 'CrashLoopBackOff' } } } }),
      podObject('dns', { meta: { namespace: 'kube-system' } }),
    ],
    configmaps: [
      {
        kind: 'ConfigMap',
        metadata: { name: 'settings', namespace: 'shop' },
        data: { 'app.yaml': 'password: canary' },
      },
    ],
    events: [eventObject({ kind: 'Pod', name: 'web-1' }, 'BackOff', 'Back-off\nrestarting')],
    nodes: [{ kind: 'Node', metadata: { name: 'n1' }, status: { conditions: [{ type: 'Ready', status: 'False' }] } }],
    endpointslices: [
      {
        kind: 'EndpointSlice',
        metadata: { name: 'web-abc', namespace: 'shop' },
        endpoints: [{ addresses: ['10.0.0.1'] }],
      },
    ],
  });

describe('kubernetes_get', () => {
  it('gives one object as YAML without what is secret and what says nothing', async () => {
    const { call } = await callTools(tools, cluster());
    const executed = await call('kubernetes_get', { resource: 'po', namespace: 'shop', name: 'web-1' });
    expect(executed).toMatchObject({
      status: 'ok',
      command: 'kubectl get pod web-1 -n shop -o yaml',
      evidence: { id: 'e1', kind: 'object', object: 'pod/shop/web-1' },
    });
    const text = dataOf(executed);
    expect(text).not.toMatch(/canary|managedFields|kube-api-access/);
    for (const part of [
      'name: DB_PASSWORD',
      'secretKeyRef',
      'value: fast',
      'ReplicaSet/web',
      'emptyDir: {}',
      'team: a',
    ])
      expect(text).toContain(part);
  });

  it('never shows values of config maps', async () => {
    const { call } = await callTools(tools, cluster());
    const text = dataOf(await call('kubernetes_get', { resource: 'configmap', namespace: 'shop', name: 'settings' }));
    expect(text).toContain('app.yaml: "[REDACTED]"');
    expect(text).not.toContain('canary');
  });

  it('tells what does not exist from what could not be read', async () => {
    const instead = {
      'get pods shop/hidden': { kind: 'forbidden', reason: 'no right' },
      'get pods shop/lost': { kind: 'not_captured', reason: 'not in the dump' },
    } as const;
    const { call } = await callTools(tools, memoryCluster({ pods: [web] }, { instead }));
    const ask = (name: string) => call('kubernetes_get', { resource: 'pods', namespace: 'shop', name });
    expect(await ask('gone')).toMatchObject({
      status: 'no_data',
      evidence: { excerpt: 'pod/shop/gone does not exist.' },
    });
    expect(await ask('hidden')).toMatchObject({ status: 'error', reason: 'Forbidden', evidence: null });
    expect(await ask('lost')).toMatchObject({ status: 'error', reason: 'NotCaptured', evidence: null });
  });

  it('takes names and kinds, and no options and paths (R7)', async () => {
    const { call } = await callTools(tools, cluster());
    const ask = (parts: object) =>
      call('kubernetes_get', { resource: 'pods', namespace: 'shop', name: 'web-1', ...parts });
    for (const name of [
      '-o',
      '--kubeconfig=/x',
      '../secrets/token',
      'web-1 -o json',
      'web-1;id',
      '$(id)',
      'a..b',
      'WEB',
      '',
    ])
      expect(await ask({ name }), name).toMatchObject({ status: 'error', reason: 'InvalidInput' });
    for (const namespace of ['-x', '--raw=/api', 'a/b', 'shop -A'])
      expect(await ask({ namespace }), namespace).toMatchObject({ status: 'error', reason: 'InvalidInput' });
    for (const resource of ['-f', '--server=http://evil', '/api/v1/secrets'])
      expect(await ask({ resource }), resource).toMatchObject({ status: 'error', reason: 'InvalidInput' });
    for (const field of ['server', 'kubeconfig', 'output', 'as', 'token', 'raw', 'verb'])
      expect(await ask({ [field]: 'x' }), field).toMatchObject({ status: 'error', reason: 'InvalidInput' });
    expect(await ask({ resource: 'secret' })).toMatchObject({ status: 'denied', reason: 'SecretDenied' });
  });

  it('finds an object by its name alone only where the step allows the cluster', async () => {
    const asked = { resource: 'pods', name: 'dns' };
    expect((await (await callTools(tools, cluster())).call('kubernetes_get', asked)).reason).toBe(
      'NamespaceNotAllowed',
    );
    const wide = await callTools(tools, cluster(), { allowed: { isClusterWide: true } });
    expect(dataOf(await wide.call('kubernetes_get', asked))).toContain('namespace: kube-system');
    expect((await wide.call('kubernetes_get', { resource: 'node', name: 'n1' })).evidence?.object).toBe('node/n1');
    expect(
      (await wide.call('kubernetes_get', { resource: 'endpointslices', namespace: 'shop', name: 'web-abc' })).status,
    ).toBe('ok');
  });
});

describe('kubernetes_list', () => {
  it('gives a table, pods in trouble first', async () => {
    const { call } = await callTools(tools, cluster());
    const executed = await call('kubernetes_list', { resource: 'pods', namespace: 'shop' });
    expect(dataOf(executed)).toBe(
      `$ kubectl get pods -n shop
2 pods (1 not well) in namespace shop, as of 2026-01-01T12:00:00.000Z.
NAME   AGE  READY  STATUS            RESTARTS  NODE
api-1  1h   0/1    CrashLoopBackOff  4         n1
web-1  1h   1/1    Running           0         n1`,
    );
    expect(executed.evidence).toMatchObject({ kind: 'list', object: 'pods/shop' });
  });

  it('takes labels and parts of names, and says where nothing fits', async () => {
    const { call } = await callTools(tools, cluster());
    const list = (parts: object) => call('kubernetes_list', { resource: 'pods', namespace: 'shop', ...parts });
    const byLabel = await list({ selector: 'app=web' });
    expect(dataOf(byLabel)).toMatch(/^\$ kubectl get pods -n shop -l app=web\n1 pods in/);
    expect(dataOf(await list({ contains: 'api' }))).toContain('api-1');
    expect(await list({ contains: 'nothing' })).toMatchObject({
      status: 'no_data',
      command: 'kubectl get pods -n shop | grep -F -e nothing',
    });
    expect(dataOf(await list({ limit: 1 }))).toContain('[1 more: use selector or contains]');
    for (const selector of ['--all-namespaces', 'app', 'a=b -A', 'a=$(id)', '!a'])
      expect((await list({ selector })).reason, selector).toBe('InvalidInput');
  });

  it('shows what each kind has, on one line', async () => {
    const { call } = await callTools(tools, cluster());
    expect(dataOf(await call('kubernetes_list', { resource: 'nodes' }))).toContain('n1    -    NotReady');
    expect(dataOf(await call('kubernetes_list', { resource: 'events', namespace: 'shop' }))).toContain(
      'pod/web-1  3      Back-off restarting',
    );
    expect(dataOf(await call('kubernetes_list', { resource: 'cm', namespace: 'shop' }))).toContain('app.yaml');
    expect((await call('kubernetes_list', { resource: 'jobs', namespace: 'shop' })).status).toBe('no_data');
  });

  it('reads a captured cluster, and never its Secrets', async () => {
    const dump = await openDump('examples/oom-crash-loop/dump');
    const { call } = await callTools(tools, dump);
    expect(dataOf(await call('kubernetes_list', { resource: 'pods', namespace: 'shop' }))).toMatch(
      /checkout-5577bf7884-59zsl .* CrashLoopBackOff/,
    );
    expect(dataOf(await call('kubernetes_list', { resource: 'deployments', namespace: 'shop' }))).toMatch(
      /NAME .* READY .* IMAGES/,
    );
    for (const resource of ['secrets', 'Secret', 'secrets.v1', 'secret,pods'])
      expect(await call('kubernetes_list', { resource, namespace: 'shop' }), resource).toMatchObject({
        status: 'denied',
        reason: 'SecretDenied',
      });
  });
});
