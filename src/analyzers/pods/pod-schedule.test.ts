import { describe, expect, test } from 'vitest';
import { analyze } from '../../../test/support/analyze.ts';
import { eventObject, podObject } from '../../../test/support/memory-cluster.ts';
import type { MemoryOptions, Objects } from '../../../test/support/memory-cluster.ts';
import { placeOf } from '../advice.ts';
import type { Analyzer } from '../define.ts';
import { podRequests } from './pod-requests.ts';
import { podSchedule } from './pod-schedule.ts';

const about = { kind: 'Pod', name: 'web-1' };
const waiting = (message: string, spec: object = {}, conditions?: readonly object[]) =>
  podObject('web-1', {
    spec: { nodeName: undefined, ...spec },
    status: {
      phase: 'Pending',
      conditions: conditions ?? [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }],
      containerStatuses: [],
    },
  });
const node = (name: string, parts: { spec?: object; labels?: object; allocatable?: object; ready?: string } = {}) => ({
  kind: 'Node',
  metadata: { name, labels: parts.labels ?? {} },
  spec: parts.spec ?? {},
  status: {
    allocatable: { cpu: '8', memory: '32Gi', pods: '110', ...parts.allocatable },
    conditions: [{ type: 'Ready', status: parts.ready ?? 'True' }],
  },
});
const asking = (resources: object) => ({ containers: [{ name: 'app', resources: { requests: resources } }] });

async function find(pod: object, objects: Objects = {}, options: MemoryOptions = {}) {
  const [finding] = await analyze(podSchedule, 'pod', pod, objects, options);
  return finding;
}

describe('a pod that no node takes', () => {
  test('insufficient memory: what is asked for, and what the largest node has', async () => {
    const pod = waiting('0/2 nodes are available: 2 Insufficient memory. preemption: 0/2', asking({ memory: '64Gi' }));
    const finding = await find(pod, {
      nodes: [node('n1'), node('n2', { allocatable: { memory: '16Gi' } })],
      events: [eventObject(about, 'NotTriggerScaleUp', "pod didn't trigger scale-up: 1 max node group size reached")],
    });
    expect(finding).toMatchObject({
      category: 'pending',
      severity: 'high',
      decisive: true,
      cause:
        'No node can take pod web-1: 0/2 nodes are available: 2 Insufficient memory. It asks for memory 64Gi, more than any node has (the largest, n1, offers 32Gi). The autoscaler adds no node: 1 node group is at its maximum size.',
      facts: { reason: 'Unschedulable', requests: 'memory 64Gi (container app)', too_large: 'true' },
    });
    expect(finding?.description).toContain('is Pending for 1h and on no node (Unschedulable)');
    expect(finding?.description).toContain('The autoscaler adds no node');
    expect(finding?.evidence.map(({ read }) => read.kind)).toEqual(['object', 'events', 'list']);
    const busy = await find(waiting('0/2 nodes are available: 2 Insufficient cpu.', asking({ cpu: '4' })), {
      nodes: [node('n1')],
    });
    expect(busy?.cause).toContain(
      'It asks for cpu 4; the largest node (n1) offers 8 in all, of which too little is free.',
    );
    const gpu = waiting('0/1 nodes are available: 1 Insufficient nvidia.com/gpu.', asking({ 'nvidia.com/gpu': '1' }));
    expect((await find(gpu, { nodes: [node('n1')] }))?.cause).toContain('no node offers any nvidia.com/gpu');
  });

  test.each([
    [
      "pod didn't trigger scale-up: 2 node(s) had untolerated taint {gpu: true}, 4 max node group size reached",
      '4 node groups are at their maximum size.',
      'Raise the maximum size of a node group whose nodes fit the pod.',
    ],
    [
      "pod didn't trigger scale-up: max cluster cpu, memory limit reached",
      'the cluster is at its limit of cpu, memory.',
      'Raise the limit of cpu, memory that the autoscaler has for the whole cluster.',
    ],
    ["pod didn't trigger scale-up: 1 in backoff after failed scale-up", 'after a failed attempt', 'Look up in the log'],
    [
      'Failed to schedule pod, all available instance types exceed limits for nodepool: "spot"',
      'Karpenter adds no node: node pool spot is at its limits.',
      'Raise the limits of node pool spot.',
    ],
  ])('why no node is added: %s', async (message, words, remedy) => {
    const pod = waiting('0/2 nodes are available: 2 Insufficient cpu.', asking({ cpu: '4' }));
    const told = eventObject(about, 'NotTriggerScaleUp', message, { type: 'Normal' });
    const finding = await find(pod, { nodes: [node('n1')], events: [told] });
    expect(finding?.cause).toContain(words);
    const { categories }: Analyzer = podSchedule;
    const advice = finding === undefined ? [] : categories['pending']?.advice(finding, placeOf(finding));
    expect(advice?.[1]?.action).toContain(remedy);
    const later = eventObject(about, 'TriggeredScaleUp', 'pod triggered scale-up: [{a 1->2 (max: 2)}]', {
      lastTimestamp: '2026-01-01T11:59:30Z',
    });
    expect((await find(pod, { nodes: [node('n1')], events: [told, later] }))?.cause).not.toContain('adds no node');
  });

  test.each([
    [
      'a taint without a toleration',
      '0/2 nodes are available: 2 node(s) had untolerated taint {dedicated: gpu}.',
      { tolerations: [{ key: 'other', operator: 'Exists' }] },
      [
        node('n1', {
          spec: {
            taints: [
              { key: 'dedicated', value: 'gpu', effect: 'NoSchedule' },
              { key: 'other', effect: 'NoExecute' },
            ],
          },
        }),
      ],
      'pending-taint',
      'It has no toleration for the taint dedicated=gpu:NoSchedule (n1).',
    ],
    [
      'a label that no node has',
      "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.",
      { nodeSelector: { disk: 'ssd' } },
      [node('n1', { labels: { disk: 'hdd' } })],
      'pending-selector',
      'No node has the label disk=ssd (nodes have disk=hdd).',
    ],
    [
      'a node affinity that no node fits',
      "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity.",
      {
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values: ['a', 'b'] }] }],
            },
          },
        },
      },
      [node('n1')],
      'pending-selector',
      'No node has the label zone=a|b.',
    ],
    [
      'its own anti-affinity',
      "0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules.",
      {
        affinity: {
          podAntiAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: [
              { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'web' } } },
            ],
          },
        },
      },
      [],
      'pending-affinity',
      'Its anti-affinity keeps it away from every kubernetes.io/hostname that has a pod with app=web.',
    ],
    [
      'the anti-affinity of others',
      "0/2 nodes are available: 2 node(s) didn't satisfy existing pods anti-affinity rules.",
      {},
      [],
      'pending-affinity',
      'Other pods keep it away',
    ],
    [
      'its topology spread',
      "0/2 nodes are available: 2 node(s) didn't match pod topology spread constraints.",
      { topologySpreadConstraints: [{ topologyKey: 'zone', maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule' }] },
      [],
      'pending-affinity',
      'spreads its pods over zone with a difference of at most 1',
    ],
    [
      'a host port',
      "0/2 nodes are available: 2 node(s) didn't have free ports for the requested pod ports.",
      { containers: [{ name: 'app', ports: [{ hostPort: 443 }] }] },
      [],
      'pending-room',
      'the host port 443',
    ],
    [
      'too many pods',
      '0/1 nodes are available: 1 Too many pods.',
      {},
      [node('n1')],
      'pending-room',
      'at most 110 pods',
    ],
    ['no nodes', 'no nodes available to schedule pods', {}, [], 'pending-nodes', 'no nodes available'],
    [
      'cordoned nodes',
      '0/1 nodes are available: 1 node(s) were unschedulable.',
      {},
      [node('n1', { spec: { unschedulable: true } })],
      'pending-nodes',
      'Cordoned: n1.',
    ],
    [
      'a reason that is not known',
      '0/1 nodes are available: 1 moon in the wrong phase.',
      {},
      [],
      'pending-other',
      'moon in the wrong phase',
    ],
  ])('%s', async (_, message, spec, nodes, category, words) => {
    const finding = await find(waiting(message, spec), { nodes });
    expect(finding).toMatchObject({ category, decisive: true });
    expect(finding?.cause).toContain(words);
    expect(finding?.cause).not.toContain('asks for cpu');
  });

  test('nodes that are not ready are behind it', async () => {
    const finding = await find(
      waiting('0/2 nodes are available: 2 node(s) had untolerated taint {node.kubernetes.io/not-ready: }.'),
      { nodes: [node('n1', { ready: 'False' }), node('n2')] },
    );
    expect(finding).toMatchObject({ category: 'pending-nodes', pointers: [{ kind: 'node', name: 'n1' }] });
  });

  test('a node under pressure is behind it, where the pod could be on it otherwise', async () => {
    const pressed = (name: string, labels: object) => {
      const one = node(name) as { metadata: object; status: { conditions: object[] } };
      const pressure = { type: 'DiskPressure', status: 'True', reason: 'KubeletHasDiskPressure' };
      return {
        ...one,
        metadata: { ...one.metadata, labels },
        status: { ...one.status, conditions: [...one.status.conditions, pressure] },
      };
    };
    const finding = await find(
      waiting(
        "0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) had untolerated taint {node.kubernetes.io/disk-pressure: }.",
        { nodeSelector: { pool: 'media' } },
      ),
      { nodes: [pressed('n1', { pool: 'web' }), pressed('n2', { pool: 'media' })] },
    );
    expect(finding).toMatchObject({ category: 'pending-nodes', pointers: [{ kind: 'node', name: 'n2' }] });
    expect(finding?.cause).toContain('In trouble: n2 (DiskPressure).');
  });

  test('the words may stand in the events only; the newest holds', async () => {
    const events = [
      eventObject(about, 'FailedScheduling', '0/1 nodes are available: 1 Too many pods.', {
        lastTimestamp: '2026-01-01T11:00:00Z',
      }),
      eventObject(about, 'FailedScheduling', '0/1 nodes are available: 1 Insufficient cpu.'),
    ];
    expect(await find(waiting('', {}, []), { events })).toMatchObject({ category: 'pending' });
  });
});

describe('a pod that waits for its volumes', () => {
  const unbound = '0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/1';
  const claims = { volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'data-0' } }] };
  const claim = (phase: string, spec: object = {}) => ({
    metadata: { name: 'data-0', namespace: 'shop' },
    spec,
    status: { phase },
  });

  test('points at the claim that is not bound', async () => {
    const finding = await find(waiting(unbound, claims), { persistentvolumeclaims: [claim('Pending')] });
    expect(finding).toMatchObject({
      category: 'pending-volume',
      pointers: [{ kind: 'persistentvolumeclaim', namespace: 'shop', name: 'data-0' }],
    });
    expect(finding?.cause).toMatch(/^Pod web-1 waits for its volumes: /);
  });

  test('a claim that does not exist is named', async () => {
    const finding = await find(waiting('0/1 nodes are available: persistentvolumeclaim "data-0" not found.', claims));
    expect(finding?.cause).toContain('Claim data-0 does not exist in namespace shop.');
  });

  test('a claim that is being deleted is behind it', async () => {
    const ending = {
      ...claim('Bound'),
      metadata: { name: 'data-0', namespace: 'shop', deletionTimestamp: '2026-01-01T11:00:00Z' },
    };
    const pod = waiting('0/1 nodes are available: persistentvolumeclaim "data-0" is being deleted.', claims);
    expect((await find(pod, { persistentvolumeclaims: [ending] }))?.pointers).toMatchObject([{ name: 'data-0' }]);
  });

  test('of a claim that cannot be read its events speak', async () => {
    const absent = { kind: 'not_captured', reason: 'no file' } as const;
    const events = [
      eventObject(
        { kind: 'PersistentVolumeClaim', name: 'data-0' },
        'ProvisioningFailed',
        'storageclass.storage.k8s.io "fast" not found',
      ),
    ];
    const finding = await find(
      waiting(unbound, claims),
      { events },
      { instead: { persistentvolumeclaims: absent, storageclasses: absent, 'persistentvolumes ': absent } },
    );
    expect(finding?.cause).toContain(
      'Of claim data-0 its events say: it asks for the storage class "fast", which does not exist',
    );
  });

  test('of a claim of which nothing can be read at least the name is told', async () => {
    const absent = { kind: 'not_captured', reason: 'no file' } as const;
    const finding = await find(waiting(unbound, claims), {}, { instead: { persistentvolumeclaims: absent } });
    expect(finding?.cause).toContain('Its claim data-0 could not be read');
  });

  test('a volume that can be used in one zone only', async () => {
    const volume = {
      metadata: { name: 'pv-1' },
      spec: {
        nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', values: ['a'] }] }] } },
      },
    };
    const finding = await find(
      waiting('0/2 nodes are available: 2 node(s) had volume node affinity conflict.', claims),
      {
        persistentvolumeclaims: [claim('Bound', { volumeName: 'pv-1' })],
        persistentvolumes: [volume],
      },
    );
    expect(finding).toMatchObject({ category: 'pending-volume' });
    expect(finding?.cause).toContain('Volume pv-1 of claim data-0 can be used only where zone=a.');
  });
});

describe('a pod that was not looked at', () => {
  test('waits for its gates: no node was asked', async () => {
    const pod = waiting('Scheduling is blocked due to non-empty scheduling gates', {
      schedulingGates: [{ name: 'kueue.x-k8s.io/admission' }],
    });
    const finding = await find(pod);
    expect(finding).toMatchObject({
      category: 'pending-gated',
      decisive: true,
      facts: { gates: 'kueue.x-k8s.io/admission' },
    });
    expect(finding?.cause).not.toMatch(/no node can/i);
  });

  test('without a word of the scheduler nothing is claimed; its pods that are down are behind it', async () => {
    const silent = waiting('', {}, []);
    expect(await find(silent)).toMatchObject({
      category: 'pending-silent',
      cause: null,
      decisive: false,
      pointers: [],
    });
    const scheduler = podObject('kube-scheduler-cp-1', { meta: { namespace: 'kube-system' }, state: { ready: false } });
    expect((await find(silent, { pods: [scheduler] }))?.pointers).toEqual([
      { kind: 'pod', namespace: 'kube-system', name: 'kube-scheduler-cp-1' },
    ]);
    const other = await find(waiting('', { schedulerName: 'volcano' }, []));
    expect(other).toMatchObject({ decisive: false });
    expect(other?.cause).toContain('scheduler volcano has not said a word');
  });

  test('one that has a node, or is being deleted, has no finding', async () => {
    expect(await find(podObject('web-1', { status: { phase: 'Pending' } }))).toBeUndefined();
    const ending = podObject('web-1', {
      meta: { deletionTimestamp: '2026-01-01T11:59:00Z' },
      spec: { nodeName: undefined },
      status: { phase: 'Pending' },
    });
    expect(await find(ending)).toBeUndefined();
  });
});

test('the advice fits the reason: only what lacks a resource is asked to want less', async () => {
  const taint = await find(waiting('0/1 nodes are available: 1 node(s) had untolerated taint {a: b}.'));
  const actions = (name: string, finding: Awaited<ReturnType<typeof find>>) =>
    finding === undefined
      ? []
      : (
          Object.entries(podSchedule.categories)
            .find(([key]) => key === name)?.[1]
            .advice(finding, placeOf(finding)) ?? []
        ).map(({ action }) => action);
  expect(actions('pending-taint', taint).join()).toContain('TAINTS');
  expect(actions('pending-taint', taint).join()).not.toContain('asks for');
  const memory = await find(waiting('0/1 nodes are available: 1 Insufficient memory.', asking({ memory: '64Gi' })), {
    nodes: [node('n1')],
  });
  expect(actions('pending', memory)[1]).toMatch(/^Lower what the pod/);
});

test('what the scheduler counts: containers together, the largest init container, sidecars, overhead', () => {
  const container = (name: string, cpu: string, extra: object = {}) => ({
    name,
    resources: { requests: { cpu } },
    ...extra,
  });
  const pod = podObject('web-1', {
    spec: {
      initContainers: [container('proxy', '100m', { restartPolicy: 'Always' }), container('migrate', '2')],
      containers: [container('a', '500m'), container('b', '250m')],
      overhead: { cpu: '50m' },
    },
  });
  expect(podRequests(pod as never).get('cpu')).toBeCloseTo(2.15);
});
