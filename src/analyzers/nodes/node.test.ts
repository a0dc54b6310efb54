import { describe, expect, test } from 'vitest';
import { analyze } from '../../../test/support/analyze.ts';
import { eventObject, podObject } from '../../../test/support/memory-cluster.ts';
import { isUnwellNode } from './node-conditions.ts';
import { nodeDrain } from './node-drain.ts';
import { nodePast } from './node-past.ts';
import { node } from './node.ts';
import type { KubernetesObject } from '../../core/cluster.ts';

const since = '2026-01-01T11:50:00Z';
const worker = (conditions: readonly object[], spec: object = {}, status: object = {}) => ({
  kind: 'Node',
  metadata: { name: 'n1' },
  spec,
  status: { conditions, ...status },
});
const ready = { type: 'Ready', status: 'True' };
const nodeEvent = (reason: string, message: string, extra: object = {}) =>
  eventObject({ kind: 'Node', name: 'n1' }, reason, message, {
    metadata: { name: `n1.${reason}`, namespace: 'default' },
    ...extra,
  });

describe('node', () => {
  test('a good one has no findings, whatever its good conditions are called', async () => {
    const good = worker([
      ready,
      { type: 'DiskPressure', status: 'False' },
      { type: 'EtcdIsVoter', status: 'True' },
      { type: 'ContainerRuntimeReady', status: 'True' },
      { type: 'DeprecatedAuthsFieldInContainerdConfiguration', status: 'True' },
    ]);
    expect(await analyze(node, 'node', good)).toEqual([]);
    expect(isUnwellNode(good as unknown as KubernetesObject)).toBe(false);
  });

  test.each([
    [
      'container runtime is down',
      'runtime',
      'its container runtime does not answer, KubeletNotReady: container runtime is down.',
    ],
    [
      'PLEG is not healthy: pleg was last seen active 3m7s ago; threshold is 3m0s',
      'runtime',
      'its container runtime does not answer',
    ],
    [
      'container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized',
      'network',
      'its pod network (CNI) is not ready',
    ],
    ['[kubelet is starting]', 'kubelet', 'KubeletNotReady: [kubelet is starting].'],
  ])('what the kubelet says: %s', async (message, part, words) => {
    const [finding] = await analyze(
      node,
      'node',
      worker([{ type: 'Ready', status: 'False', reason: 'KubeletNotReady', message, lastTransitionTime: since }]),
    );
    expect(finding).toMatchObject({
      category: 'node-not-ready',
      severity: 'critical',
      decisive: true,
      when: { from: '2026-01-01T11:50:00.000Z', until: null },
      facts: { part },
    });
    expect(finding?.cause).toContain(words);
  });

  test('a pod network that is not ready: the pods of the plugin on this node', async () => {
    const owned = { ownerReferences: [{ kind: 'DaemonSet', name: 'weave-net', uid: 'd1', controller: true }] };
    const plugin = (name: string, nodeName: string) =>
      podObject(name, { meta: owned, spec: { nodeName }, state: { ready: false } });
    const message = 'container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady';
    const [finding] = await analyze(
      node,
      'node',
      worker([{ type: 'Ready', status: 'False', reason: 'KubeletNotReady', message, lastTransitionTime: since }]),
      { pods: [plugin('weave-net-a', 'n1'), plugin('weave-net-b', 'n2')] },
    );
    expect(finding?.pointers).toEqual([{ kind: 'pod', namespace: 'shop', name: 'weave-net-a' }]);
    expect(finding?.cause).toContain('Pod shop/weave-net-a of the network of node n1 is not ready.');
  });

  test('the runtime is named where its socket is', async () => {
    const down = worker([
      { type: 'Ready', status: 'False', reason: 'KubeletNotReady', message: 'container runtime is down' },
    ]);
    const events = [nodeEvent('ContainerGCFailed', 'dial unix /run/containerd/containerd.sock: connect: no such file')];
    const [finding] = await analyze(node, 'node', down, { events });
    expect(finding?.cause).toContain('its container runtime (containerd) does not answer');
    const place = { namespace: '', pod: 'n1', container: '', workload: null };
    expect(node.categories['node-not-ready'].advice(finding!, place)[1]?.action).toContain(
      'systemctl status containerd',
    );
  });

  test('a silent kubelet, since when, and the last that was heard of it', async () => {
    const silent = worker([
      {
        type: 'Ready',
        status: 'Unknown',
        reason: 'NodeStatusUnknown',
        message: 'Kubelet stopped posting node status.',
        lastTransitionTime: since,
        lastHeartbeatTime: '2026-01-01T11:49:10Z',
      },
      { type: 'DiskPressure', status: 'Unknown', reason: 'NodeStatusUnknown' },
    ]);
    const findings = await analyze(node, 'node', silent);
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatchObject({ decisive: true });
    expect(findings[0]?.cause).toBe(
      'Node n1 is not ready since 2026-01-01 11:50:00 UTC: its kubelet does not report any more, last at 2026-01-01 11:49:10 UTC (NodeStatusUnknown: Kubelet stopped posting node status).',
    );
  });

  test('conditions of the kubelet, of a problem detector and of a cloud agent', async () => {
    const bad = worker([
      ready,
      { type: 'MemoryPressure', status: 'True', message: 'kubelet has insufficient memory', lastTransitionTime: since },
      {
        type: 'ReadonlyFilesystem',
        status: 'True',
        reason: 'FilesystemIsReadOnly',
        message: 'EXT4-fs (sda1): Remounting filesystem read-only',
      },
      {
        type: 'KernelDeadlock',
        status: 'True',
        reason: 'DockerHung',
        message: 'task docker:1234 blocked for more than 120 seconds',
      },
      { type: 'NetworkingReady', status: 'False', reason: 'IPAMDNotReady', message: 'ipamd is not running' },
    ]);
    const findings = await analyze(node, 'node', bad);
    expect(findings.map(({ facts }) => facts['condition'])).toEqual([
      'MemoryPressure',
      'ReadonlyFilesystem',
      'KernelDeadlock',
      'NetworkingReady',
    ]);
    expect(findings[0]).toMatchObject({ category: 'node-condition', when: { from: '2026-01-01T11:50:00.000Z' } });
    expect(findings[1]?.cause).toContain('Remounting filesystem read-only');
  });

  test('a reboot is over when the node is ready again', async () => {
    const events = [
      nodeEvent('Rebooted', 'Node n1 has been rebooted, boot id: 1', { lastTimestamp: '2026-01-01T11:30:00Z' }),
      nodeEvent('NodeReady', 'Node n1 status is now: NodeReady', {
        type: 'Normal',
        lastTimestamp: '2026-01-01T11:31:00Z',
      }),
    ];
    expect(await analyze(node, 'node', worker([ready]), { events })).toMatchObject([
      { category: 'node-rebooted', when: { from: '2026-01-01T11:30:00.000Z', until: '2026-01-01T11:31:00.000Z' } },
    ]);
  });

  test('cordoned and full of pods, for an alert about the node; taints of controllers', async () => {
    const busy = worker(
      [ready],
      {
        unschedulable: true,
        taints: [
          { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule', timeAdded: since },
          { key: 'ToBeDeletedByClusterAutoscaler', effect: 'NoSchedule' },
          { key: 'dedicated', effect: 'NoSchedule' },
        ],
      },
      { allocatable: { pods: '2' } },
    );
    const pods = ['a', 'b'].map((name) => podObject(name, { spec: { nodeName: 'n1' } }));
    const asked = await analyze(node, 'node', busy, { pods });
    expect(asked.map(({ category }) => category)).toEqual(['node-tainted', 'node-pods', 'node-cordoned']);
    expect(asked[1]?.cause).toContain('runs 2 of the 2 pods');
    expect(asked[2]).toMatchObject({ severity: 'medium', when: { from: '2026-01-01T11:50:00.000Z' } });
    const around = await analyze(node, 'node', busy, { pods }, { relation: 'node' });
    expect(around.map(({ category }) => category)).toEqual(['node-tainted', 'node-cordoned']);
    expect(around[1]).toMatchObject({ severity: 'info', cause: null });
  });
});

describe('node-past', () => {
  const flapping = [
    nodeEvent('NodeNotReady', 'Node n1 status is now: NodeNotReady', {
      type: 'Normal',
      count: 4,
      lastTimestamp: '2026-01-01T11:40:00Z',
    }),
  ];
  const back = { ...ready, lastTransitionTime: '2026-01-01T11:42:00Z' };

  test('one that was not ready explains what ran on it', async () => {
    const [finding] = await analyze(nodePast, 'node', worker([back]), { events: flapping }, { relation: 'node' });
    expect(finding).toMatchObject({ severity: 'medium', decisive: true });
  });

  test('one that was not ready some times, and is again', async () => {
    const [finding] = await analyze(nodePast, 'node', worker([back]), { events: flapping });
    // An alert about the node says as much itself.
    expect(finding).toMatchObject({
      category: 'node-was-not-ready',
      severity: 'high',
      decisive: false,
      when: { from: '2026-01-01T11:30:00.000Z', until: '2026-01-01T11:42:00.000Z' },
    });
    expect(finding?.cause).toBe(
      'Node n1 was not ready at 2026-01-01 11:40:00 UTC (4 times since 2026-01-01 11:30:00 UTC), and is again since 2026-01-01 11:42:00 UTC.',
    );
    const down = worker([{ type: 'Ready', status: 'Unknown' }]);
    expect(await analyze(nodePast, 'node', down, { events: flapping })).toEqual([]);
    const old = [nodeEvent('NodeNotReady', 'x', { lastTimestamp: '2026-01-01T08:00:00Z' })];
    expect(await analyze(nodePast, 'node', worker([back]), { events: old })).toEqual([]);
  });

  test('one that was taken away, and by whom', async () => {
    const events = [nodeEvent('ScaleDown', 'node removed by cluster autoscaler', { type: 'Normal' })];
    expect(await analyze(nodePast, 'node', { metadata: { name: 'n1' } }, { events })).toMatchObject([
      { category: 'node-removed', cause: expect.stringContaining('(ScaleDown): node removed by cluster autoscaler.') },
    ]);
  });

  test.each([
    ['DeletingNode', 1, 1],
    ['RemovingNode', 1, 1],
    ['Drain', 1, 0],
    ['NodeShutdown', 1, 0],
    ['DisruptionTerminating', 1, 0],
    ['DisruptionLaunching', 0, 0],
  ])(
    'after %s a node that does not exist was taken away: %i; one that cannot be read: %i',
    async (reason, gone, unread) => {
      const objects = { events: [nodeEvent(reason, 'x', { type: 'Normal' })] };
      const node = { metadata: { name: 'n1' } };
      expect(await analyze(nodePast, 'node', node, objects)).toHaveLength(gone);
      const instead = { 'get nodes': { kind: 'forbidden', reason: 'no' } } as const;
      expect(await analyze(nodePast, 'node', node, objects, { instead })).toHaveLength(unread);
    },
  );
});

describe('node-drain', () => {
  const cordonedNode = worker([ready], { unschedulable: true });
  const budget = (disruptionsAllowed: number) => ({
    metadata: { name: 'web', namespace: 'shop' },
    spec: { selector: { matchLabels: { app: 'web' } } },
    status: { disruptionsAllowed },
  });
  const pods = [podObject('web-1', { meta: { labels: { app: 'web' } } })];
  const find = (disruptionsAllowed: number, objects: object = {}) =>
    analyze(nodeDrain, 'node', cordonedNode, { pods, poddisruptionbudgets: [budget(disruptionsAllowed)], ...objects });

  test('a budget that lets a pod of the node not go is behind it', async () => {
    const [finding] = await find(0);
    expect(finding).toMatchObject({
      category: 'node-drain-blocked',
      cause:
        'Node n1 is cordoned and cannot be drained: PodDisruptionBudget shop/web does not let pod web-1 go (0 disruptions allowed).',
      pointers: [{ kind: 'poddisruptionbudget', namespace: 'shop', name: 'web' }],
    });
    expect(await find(1)).toEqual([]);
    const ofDaemonSet = podObject('web-1', {
      meta: { labels: { app: 'web' }, ownerReferences: [{ kind: 'DaemonSet', name: 'a', uid: 'a', controller: true }] },
    });
    expect(await find(0, { pods: [ofDaemonSet] })).toEqual([]);
    expect(await analyze(nodeDrain, 'node', worker([ready]), { pods })).toEqual([]);
  });
});
