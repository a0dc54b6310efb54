import { describe, expect, it } from 'vitest';
import { eventObject, memoryCluster, podObject } from '../../../test/support/memory-cluster.ts';
import type { Objects } from '../../../test/support/memory-cluster.ts';
import { callTools, dataOf } from '../../../test/support/toolbox.ts';
import { openDump } from '../../kube/dump/dump.ts';
import { toolDefinitions } from './index.ts';

const meta = (name: string, more: object = {}) => ({ name, namespace: 'shop', ...more });
const oom = 'examples/oom-crash-loop/dump';
const checkout = { resource: 'pods', namespace: 'shop', name: 'checkout-5577bf7884-59zsl' };

async function callIn(objects: Objects) {
  return (await callTools(toolDefinitions, memoryCluster(objects))).call;
}

describe('kubernetes_describe', () => {
  it('tells the state of a pod as an engineer asks for it', async () => {
    const { call } = await callTools(toolDefinitions, await openDump(oom));
    const executed = await call('kubernetes_describe', checkout);
    expect(executed).toMatchObject({
      status: 'ok',
      command: 'kubectl describe pod checkout-5577bf7884-59zsl -n shop',
      evidence: { object: 'pod/shop/checkout-5577bf7884-59zsl' },
    });
    const text = dataOf(executed);
    for (const part of [
      /owner: ReplicaSet\/checkout-5577bf7884/,
      /container checkout: waiting, CrashLoopBackOff/,
      /last run: OOMKilled, exit code 137/,
      /limits .*memory=256Mi/,
      /events:\n.*BackOff/s,
    ])
      expect(text).toMatch(part);
  });

  it('shows where settings come from, and no secret', async () => {
    const pod = podObject('web-1', {
      spec: {
        containers: [
          {
            name: 'app',
            image: 'web:1',
            args: ['--mode=x', '--password', 'canary'],
            env: [
              { name: 'DB_PASSWORD', value: 'canary' },
              { name: 'MODE', value: 'fast' },
              { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'web', key: 'token' } } },
              { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
            ],
            envFrom: [{ configMapRef: { name: 'settings' } }, { secretRef: { name: 'all' } }],
            readinessProbe: { httpGet: { path: '/ready', port: 8080 } },
            volumeMounts: [
              { name: 'data', mountPath: '/data' },
              { name: 'kube-api-access-1', mountPath: '/x' },
            ],
          },
        ],
        volumes: [
          { name: 'data', persistentVolumeClaim: { claimName: 'data-0' } },
          { name: 'kube-api-access-1', projected: {} },
        ],
      },
    });
    const text = dataOf(
      await (
        await callIn({ pods: [pod] })
      )('kubernetes_describe', { resource: 'pod', namespace: 'shop', name: 'web-1' }),
    );
    expect(text).not.toMatch(/canary|kube-api-access/);
    for (const part of [
      'environment: DB_PASSWORD=[REDACTED], MODE=fast, TOKEN from secret web/token, NODE from field spec.nodeName, all of config map settings, all of secret all',
      'command: ["--mode=x","--password","[REDACTED]"]',
      'readiness probe: GET /ready on port 8080; timeout 1s',
      'mounts: /data (data)',
      'volumes: data (persistentVolumeClaim data-0)',
      'events: none that could be read',
    ])
      expect(text).toContain(part);
  });

  it('knows workloads, nodes, Services and the rest', async () => {
    const call = await callIn({
      deployments: [
        {
          kind: 'Deployment',
          metadata: meta('web'),
          spec: {
            replicas: 3,
            selector: { matchLabels: { app: 'web' } },
            template: { spec: { containers: [{ name: 'app', image: 'web:2' }] } },
          },
          status: {
            replicas: 3,
            readyReplicas: 1,
            conditions: [
              {
                type: 'Progressing',
                status: 'False',
                reason: 'ProgressDeadlineExceeded',
                lastTransitionTime: '2026-01-01T11:00:00Z',
              },
            ],
          },
        },
      ],
      nodes: [
        {
          kind: 'Node',
          metadata: { name: 'n1' },
          spec: { unschedulable: true, taints: [{ key: 'a', effect: 'NoSchedule' }] },
          status: { conditions: [{ type: 'Ready', status: 'False' }], allocatable: { cpu: '4' } },
        },
      ],
      services: [{ kind: 'Service', metadata: meta('web'), spec: { selector: { app: 'web' }, ports: [{ port: 80 }] } }],
      endpointslices: [
        {
          kind: 'EndpointSlice',
          metadata: meta('web-x', { labels: { 'kubernetes.io/service-name': 'web' } }),
          endpoints: [
            { addresses: ['10.0.0.1'], conditions: { ready: false }, targetRef: { kind: 'Pod', name: 'web-1' } },
          ],
        },
      ],
      networkpolicies: [{ kind: 'NetworkPolicy', metadata: meta('deny'), spec: { podSelector: {}, ingress: [] } }],
    });
    const told = async (resource: string, name: string, namespace?: string) =>
      dataOf(await call('kubernetes_describe', { resource, name, ...(namespace === undefined ? {} : { namespace }) }));
    expect(await told('deployment', 'web', 'shop')).toMatch(
      /replicas: 3 wanted, 3 there, 0 updated, 1 ready.*\nselector: app=web\ncondition Progressing=False .*ProgressDeadlineExceeded.*\nspec of container app:\n {2}image: web:2/,
    );
    expect(await told('node', 'n1')).toMatch(
      /condition Ready=False.*\nschedulable: false\ntaints: a:NoSchedule.*allocatable: cpu=4/s,
    );
    expect(await told('svc', 'web', 'shop')).toMatch(/endpoints:\n {2}10\.0\.0\.1 not ready \(pod\/web-1\)/);
    expect(await told('netpol', 'deny', 'shop')).toMatch(/podSelector: \{\}\n {2}ingress: \[\]/);
    expect(await call('kubernetes_describe', { resource: 'pods', name: 'gone', namespace: 'shop' })).toMatchObject({
      status: 'no_data',
    });
  });
});

describe('kubernetes_events', () => {
  const events = [
    eventObject({ kind: 'Pod', name: 'web-1' }, 'BackOff', 'Back-off'),
    eventObject({ kind: 'Pod', name: 'web-1' }, 'Pulled', 'pulled', {
      type: 'Normal',
      lastTimestamp: '2026-01-01T11:00:00Z',
    }),
    eventObject({ kind: 'Pod', name: 'api-1' }, 'Unhealthy', 'probe failed', {
      involvedObject: { kind: 'Pod', name: 'api-1', namespace: 'shop', fieldPath: 'spec.containers{app}' },
    }),
    eventObject({ kind: 'Node', name: 'n1' }, 'NodeNotReady', 'not ready', {
      metadata: { name: 'n', namespace: 'default' },
    }),
  ];

  it('gives those of one object, oldest first, or of a namespace', async () => {
    const call = await callIn({ events });
    const one = await call('kubernetes_events', { resource: 'pod', name: 'web-1', namespace: 'shop' });
    expect(dataOf(one)).toBe(`$ kubectl events -n shop --for pod/web-1
LAST SEEN                 TYPE     REASON   COUNT  MESSAGE
2026-01-01T11:00:00.000Z  Normal   Pulled   x3     pulled
2026-01-01T11:59:00.000Z  Warning  BackOff  x3     Back-off`);
    expect(one.evidence).toMatchObject({ kind: 'events', object: 'pod/shop/web-1' });
    const all = dataOf(await call('kubernetes_events', { namespace: 'shop', warnings: true, since: '30m' }));
    expect(all).toMatch(/pod\/api-1 +\{app\} probe failed/);
    expect(all).not.toContain('Pulled');
    expect(dataOf(await call('kubernetes_events', { namespace: 'shop', limit: 1 }))).toContain(
      '[2 older events are left out',
    );
    expect(dataOf(await call('kubernetes_events', { resource: 'node', name: 'n1' }))).toContain('NodeNotReady');
  });

  it('tells that there are none from that they could not be read', async () => {
    const call = await callIn({ events });
    expect(await call('kubernetes_events', { resource: 'pod', name: 'web-9', namespace: 'shop' })).toMatchObject({
      status: 'no_data',
    });
    expect(await call('kubernetes_events', { name: 'web-9', namespace: 'shop' })).toMatchObject({
      reason: 'InvalidInput',
    });
    expect(await call('kubernetes_events', { resource: 'secret', name: 'x', namespace: 'shop' })).toMatchObject({
      reason: 'SecretDenied',
    });
    expect(await call('kubernetes_events', { warnings: true })).toMatchObject({ reason: 'NamespaceNotAllowed' });
    const hidden = memoryCluster({}, { instead: { 'list events': { kind: 'forbidden', reason: 'no right' } } });
    const { call: ask } = await callTools(toolDefinitions, hidden);
    expect(await ask('kubernetes_events', { namespace: 'shop' })).toMatchObject({
      status: 'error',
      reason: 'Forbidden',
    });
  });
});

describe('kubernetes_graph', () => {
  it('shows what is linked, with its state', async () => {
    const { call } = await callTools(toolDefinitions, await openDump(oom));
    const executed = await call('kubernetes_graph', { resource: 'deployment', namespace: 'shop', name: 'checkout' });
    expect(dataOf(executed)).toMatch(
      /\ndeployment\/shop\/checkout {2}\(age .*ready 1\/2.*\n {2}owned: pod\/shop\/checkout-5577bf7884-\w+ {2}\(.*status CrashLoopBackOff/,
    );
    expect(executed.command).toMatch(/^kubectl get deployment,pod.* -n shop$/);
    expect(await call('kubernetes_graph', { resource: 'pod', namespace: 'shop', name: 'gone' })).toMatchObject({
      status: 'no_data',
    });
  });

  it('leads into no other namespace than those that may be read', async () => {
    const pods = [podObject('web-1', { meta: { namespace: 'kube-system' }, state: { ready: false } })];
    const { call } = await callTools(
      toolDefinitions,
      memoryCluster({ pods, nodes: [{ kind: 'Node', metadata: { name: 'n1' } }] }),
    );
    const executed = await call('kubernetes_graph', { resource: 'node', name: 'n1' });
    expect(executed.text).not.toContain('web-1');
    const wide = await callTools(
      toolDefinitions,
      memoryCluster({ pods, nodes: [{ kind: 'Node', metadata: { name: 'n1' } }] }),
      { allowed: { isClusterWide: true } },
    );
    expect((await wide.call('kubernetes_graph', { resource: 'node', name: 'n1' })).text).toContain(
      'holds: pod/kube-system/web-1',
    );
  });
});

describe('kubernetes_changes', () => {
  it('tells what a rollout changed and when', async () => {
    const { call } = await callTools(toolDefinitions, await openDump(oom));
    const executed = await call('kubernetes_changes', { namespace: 'shop' });
    expect(dataOf(executed)).toMatch(
      /^2026-11-23T18:09:26\.000Z deployment\/shop\/checkout rolled out revision 2 \(checkout-5577bf7884\): memory limit of container checkout from 512Mi to 256Mi/m,
    );
    expect(await call('kubernetes_changes', { namespace: 'shop', since: '1m' })).toMatchObject({ status: 'no_data' });
    expect(await call('kubernetes_changes', {})).toMatchObject({ reason: 'NamespaceNotAllowed' });
  });

  it('tells who wrote other objects', async () => {
    const managedFields = [
      {
        manager: 'kubectl-edit',
        operation: 'Update',
        time: '2026-01-01T11:50:00Z',
        fieldsV1: { 'f:data': { 'f:app.yaml': {} }, 'f:metadata': { 'f:labels': {} } },
      },
      { manager: 'kubelet', subresource: 'status', time: '2026-01-01T11:59:00Z' },
    ];
    const call = await callIn({
      configmaps: [{ kind: 'ConfigMap', metadata: meta('settings', { managedFields }) }],
      services: [
        {
          kind: 'Service',
          metadata: meta('old', { managedFields: [{ manager: 'helm', time: '2025-12-01T00:00:00Z' }] }),
        },
      ],
    });
    expect(dataOf(await call('kubernetes_changes', { namespace: 'shop' }))).toMatch(
      /\n2026-01-01T11:50:00\.000Z configmap\/shop\/settings written by kubectl-edit: data\.app\.yaml$/,
    );
    expect((await call('kubernetes_changes', { namespace: 'shop', name: 'other' })).status).toBe('no_data');
  });
});

describe('analyze', () => {
  it('runs the analyzers over an object', async () => {
    const { call } = await callTools(toolDefinitions, await openDump(oom));
    const executed = await call('analyze', checkout);
    expect(dataOf(executed)).toMatch(
      /most likely the cause: critical pod\/shop\/checkout-5577bf7884-59zsl oom-killed since .*OOMKilled/,
    );
    expect(executed.command).toBe('fist investigate pod/checkout-5577bf7884-59zsl -n shop');
    const well = await callIn({ pods: [podObject('web-1')] });
    expect(await well('analyze', { resource: 'pod', namespace: 'shop', name: 'web-1' })).toMatchObject({
      status: 'no_data',
    });
    expect(await well('analyze', { resource: 'events', namespace: 'shop', name: 'x' })).toMatchObject({
      status: 'no_data',
    });
    expect(await well('analyze', { resource: 'pod', namespace: 'kube-system', name: 'x' })).toMatchObject({
      status: 'denied',
    });
  });
});
