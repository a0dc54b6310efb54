import { expect, test } from 'vitest';
import { alertOf } from '../../test/support/alert-snapshot.ts';
import { eventObject, memoryCluster, podObject } from '../../test/support/memory-cluster.ts';
import { ended, looping } from '../../test/support/ended-container.ts';
import { expectSound, oomShop, owner, runIn, shop, withImages } from '../../test/support/shop.ts';
import { AppError } from '../core/errors.ts';

test('a pod that was evicted does not hide why the one in its place is not scheduled', async () => {
  const made = { labels: { 'pod-template-hash': 'h2' }, ...owner('ReplicaSet', 'web-h2') };
  const evicted = podObject('web-h2-a', {
    meta: { ...made, creationTimestamp: '2026-01-01T10:00:00Z' },
    status: {
      phase: 'Failed',
      reason: 'Evicted',
      message: 'The node was low on resource: memory.',
      containerStatuses: [],
    },
  });
  const message = '0/1 nodes are available: 1 Insufficient memory.';
  const pending = podObject('web-h2-b', {
    meta: { ...made, creationTimestamp: '2026-01-01T11:30:00Z' },
    spec: { nodeName: undefined },
    status: {
      phase: 'Pending',
      conditions: [{ type: 'PodScheduled', status: 'False', message, lastTransitionTime: '2026-01-01T11:30:00Z' }],
      containerStatuses: [],
    },
  });
  const { result } = await runIn(memoryCluster({ ...shop({}), pods: [evicted, pending] }), {
    alert: alertOf({ namespace: 'shop', deployment: 'web' }, { name: 'KubeDeploymentReplicasMismatch' }),
  });
  expect(result.root_cause).toContain('Insufficient memory');
});

test('claims of one template with the same trouble are one finding, and no rivals', async () => {
  const persistentvolumeclaims = [0, 1, 2].map((number) => ({
    kind: 'PersistentVolumeClaim',
    metadata: { name: `d-db-${number}`, namespace: 'shop', creationTimestamp: '2026-01-01T11:00:00Z' },
    spec: { storageClassName: 'fast' },
    status: { phase: 'Pending' },
  }));
  const statefulsets = [
    {
      kind: 'StatefulSet',
      metadata: { name: 'db', namespace: 'shop' },
      spec: { replicas: 3, volumeClaimTemplates: [{ metadata: { name: 'd' } }] },
      status: { replicas: 3 },
    },
  ];
  const message = '0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.';
  const pods = [0, 1, 2].map((number) =>
    podObject(`db-${number}`, {
      meta: owner('StatefulSet', 'db'),
      spec: { nodeName: undefined, volumes: [{ name: 'd', persistentVolumeClaim: { claimName: `d-db-${number}` } }] },
      status: {
        phase: 'Pending',
        conditions: [{ type: 'PodScheduled', status: 'False', message }],
        containerStatuses: [],
      },
    }),
  );
  const { result } = await runIn(memoryCluster({ persistentvolumeclaims, statefulsets, pods }), {
    alert: alertOf({ namespace: 'shop', statefulset: 'db' }, { name: 'KubeStatefulSetReplicasMismatch' }),
  });
  expect(result.root_cause).toContain('storage class "fast", which does not exist');
  expect(result.findings.filter(({ category }) => category === 'claim-class-missing')).toHaveLength(1);
  expect(result.confidence_reasons.join()).not.toContain('another');
});

test('a namespace that is not deleted, because the server of an aggregated API crashes', async () => {
  const made = { labels: { app: 'metrics-server' }, namespace: 'kube-system' };
  const server = podObject('metrics-server-1', {
    meta: { ...made, creationTimestamp: '2026-01-01T08:00:00Z' },
    state: looping({ ...ended('OOMKilled', 137), reason: 'Error', exitCode: 2, finishedAt: '2026-01-01T09:58:34Z' }),
  });
  const message =
    'Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: metrics.k8s.io/v1beta1: the server is currently unable to handle the request';
  const namespaces = [
    {
      kind: 'Namespace',
      metadata: { name: 'lab', deletionTimestamp: '2026-01-01T10:00:00Z' },
      status: {
        phase: 'Terminating',
        conditions: [
          {
            type: 'NamespaceDeletionDiscoveryFailure',
            status: 'True',
            message,
            lastTransitionTime: '2026-01-01T10:00:05Z',
          },
        ],
      },
    },
  ];
  const services = [
    {
      kind: 'Service',
      metadata: { name: 'metrics-server', namespace: 'kube-system' },
      spec: { selector: { app: 'metrics-server' } },
    },
  ];
  const { result } = await runIn(
    memoryCluster(
      { namespaces, services, pods: [server] },
      { logs: { 'kube-system/metrics-server-1/app previous': 'panic: cannot load the certificate: file is empty\n' } },
    ),
    { alert: alertOf({ namespace: 'lab' }, { name: 'NamespaceStuckTerminating' }) },
  );
  expect(result.root_cause).toMatch(/^Container app of pod metrics-server-1 .*cannot load the certificate/);
  expect(result.root_cause).toContain('It explains this: Namespace lab was deleted at');
});

test('a node that was taken away is told by its events', async () => {
  const message = 'Deleting node n9 because it does not exist in the cloud provider';
  const events = [
    eventObject({ kind: 'Node', name: 'n9' }, 'DeletingNode', message, {
      type: 'Normal',
      metadata: { name: 'n9.1', namespace: 'default' },
    }),
  ];
  const alert = alertOf({ node: 'n9' }, { name: 'KubeNodeNotReady' });
  const { result } = await runIn(memoryCluster({ events, nodes: [] }), { alert });
  expect(result.root_cause).toContain(message);
});

test('a node that went bad after a pod of it had failed is not its cause', async () => {
  const failed = podObject('report-1', {
    status: {
      phase: 'Failed',
      conditions: [{ type: 'Ready', status: 'False', reason: 'PodFailed', lastTransitionTime: '2026-01-01T11:20:00Z' }],
    },
    state: {
      ready: false,
      state: { terminated: { reason: 'Error', exitCode: 1, finishedAt: '2026-01-01T11:20:00Z' } },
    },
  });
  const lostAt = (lastTransitionTime: string) => ({
    metadata: { name: 'n1' },
    status: { conditions: [{ type: 'Ready', status: 'Unknown', reason: 'NodeStatusUnknown', lastTransitionTime }] },
  });
  const alert = alertOf({ namespace: 'shop', pod: 'report-1' });
  const later = await runIn(memoryCluster({ pods: [failed], nodes: [lostAt('2026-01-01T11:30:00Z')] }), { alert });
  expect(later.result.root_cause ?? '').not.toContain('Node n1');
  const before = await runIn(memoryCluster({ pods: [failed], nodes: [lostAt('2026-01-01T11:19:00Z')] }), { alert });
  expect(before.result.root_cause).toContain('Node n1');
});

test('an OOM kill after a rollout: cause, change, confidence by rules, reads on record', async () => {
  const { result, failure } = await runIn(oomShop(), { firstEvidenceNumber: 5 });
  expect(failure).toBeNull();
  expectSound(result);
  expect(result.root_cause).toBe(
    'Pod web-h2-abcde: Container app was OOMKilled: it needs more than its memory limit of 256Mi. The pod runs revision 2 of deployment/shop/web, rolled out at 2026-01-01 11:35:00 UTC, which changed: memory limit of container app from 512Mi to 256Mi.',
  );
  expect(result.findings.map((finding) => finding.category)).toEqual([
    'oom-killed',
    'crash-loop',
    'replicas-unavailable',
    'recent-change',
  ]);
  expect(result.confidence).toBe(0.95);
  expect(result.confidence_reasons).toContain(
    '+15%: a rollout changed what fits the cause, and the failing pod runs it',
  );
  expect(result.evidence[0]).toMatchObject({
    id: 'e5',
    kind: 'object',
    object: 'pod/shop/web-h2-abcde',
    command: 'kubectl get pod web-h2-abcde -n shop -o yaml',
    time: '2026-01-01T12:00:00.000Z',
  });
  expect(result.recommendations[0]).toMatchObject({
    priority: 1,
    action: 'kubectl -n shop rollout undo deployment/web --to-revision=1',
    requires_approval: true,
    risk_level: 'medium',
  });
  expect(result).toMatchObject({
    model: null,
    model_use: null,
    rival_causes: [],
    hypotheses: [],
    earlier_verdicts: [],
    can_auto_fix: false,
    fix_command: null,
    open_questions: [],
    conversation: [],
  });
  expect(result.actions_taken.find(({ command }) => command.includes('get pod '))).toEqual({
    tool: 'kubectl',
    command: 'kubectl get pod web-h2-abcde -n shop -o yaml',
    timestamp: '2026-01-01T12:00:30.000Z',
    success: true,
    output_summary: 'found',
  });
  // Each thing is read once.
  const commands = result.actions_taken.map((action) => action.command);
  expect(new Set(commands).size).toBe(commands.length);
});

test('the same input gives the same result', async () => {
  const [one, other] = await Promise.all([runIn(oomShop()), runIn(oomShop())]);
  expect({ ...one, reads: null }).toEqual({ ...other, reads: null });
});

test('an older change that does not fit is not blamed', async () => {
  const state = { ready: false, state: { waiting: { reason: 'ImagePullBackOff', message: 'not found' } } };
  const { result } = await runIn(memoryCluster({ ...shop(state) }));
  expect(result.root_cause).toMatch(/cannot be pulled: the registry has no such image or tag/);
  expect(result.root_cause).not.toContain('revision');
  expect(result.recommendations.map((item) => item.action).join()).not.toContain('rollout undo');
});

test('a failure of which nothing says why, right after a fitting rollout: the rollout, and not surely', async () => {
  const silent = { ...ended('OOMKilled', 137), reason: 'Error', exitCode: 1 };
  const objects = shop(looping(silent));
  const { result } = await runIn(
    memoryCluster(withImages(objects, '1.0', '1.1'), { logs: { 'shop/web-h2-abcde/app': '' } }),
  );
  expect(result.root_cause).toContain('revision 2 of deployment/shop/web');
  expect(result.root_cause).toContain('image of container app from app:1.0 to app:1.1');
  expect(result.confidence).toBeLessThanOrEqual(0.6);
  expect((await runIn(memoryCluster(withImages(objects, '1.0', '1.0')))).result.root_cause).toBeNull();
});

test('an alert about a pod costs at most 40 reads, however much is broken around it', async () => {
  const pods = Array.from({ length: 200 }, (_, index) =>
    podObject(`web-h2-${String(index).padStart(5, 'a')}`, {
      meta: { labels: { app: 'web', 'pod-template-hash': 'h2' }, ...owner('ReplicaSet', 'web-h2') },
      state: looping({ ...ended('OOMKilled', 137), reason: 'Error', exitCode: 1 }),
    }),
  );
  const services = Array.from({ length: 50 }, (_, index) => ({
    kind: 'Service',
    metadata: { name: `s${index}`, namespace: 'shop' },
    spec: { selector: { app: 'web' } },
  }));
  const cluster = memoryCluster({ ...shop(looping(ended('OOMKilled', 137))), pods, services });
  await runIn(cluster, { alert: alertOf({ namespace: 'shop', pod: 'web-h2-aaaa7' }) });
  expect(cluster.asked.length).toBeLessThanOrEqual(40);
  expect(cluster.asked.length).toBeGreaterThan(5);
});

test('a pod without a network on a node without its plugin costs no more, and the plugin is the cause', async () => {
  const made = { labels: { app: 'web', 'pod-template-hash': 'h2' }, ...owner('ReplicaSet', 'web-h2') };
  const creating = { ready: false, state: { waiting: { reason: 'ContainerCreating' } } };
  const pods = Array.from({ length: 200 }, (_, index) =>
    podObject(`web-h2-${String(index).padStart(5, 'a')}`, {
      meta: made,
      status: { phase: 'Pending' },
      state: creating,
    }),
  );
  const agents = ['n1', 'n2', 'n3'].map((nodeName) =>
    podObject(`kube-router-${nodeName}`, {
      meta: {
        namespace: 'kube-system',
        creationTimestamp: '2026-01-01T08:00:00Z',
        ...owner('DaemonSet', 'kube-router'),
      },
      spec: { nodeName },
      state: looping({ ...ended('OOMKilled', 137), reason: 'Error', exitCode: 1, finishedAt: '2026-01-01T11:20:00Z' }),
    }),
  );
  const events = pods.map((pod) =>
    eventObject(
      { kind: 'Pod', name: (pod as { metadata: { name: string } }).metadata.name },
      'FailedCreatePodSandBox',
      'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "4c1e": plugin type="bridge" failed (add): kube-router: no subnet',
    ),
  );
  const cluster = memoryCluster(
    { ...shop(creating), pods: [...pods, ...agents], events },
    { logs: { 'kube-system/kube-router-n1/app previous': 'panic: node has no pod cidr\n' } },
  );
  const { result } = await runIn(cluster, {
    alert: alertOf({ namespace: 'shop', pod: 'web-h2-aaaa7' }, { name: 'KubePodNotReady' }),
  });
  expect(result.root_cause).toMatch(/^Container app of pod kube-router-n1 .*node has no pod cidr/);
  expect(result.root_cause).toContain('It explains this: Pod web-h2-aaaa7 cannot start');
  expect(cluster.asked.length).toBeLessThanOrEqual(40);
});

test('pods of one owner with the same trouble are one finding', async () => {
  const pods = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((letter) =>
    podObject(`web-h2-${letter}`, {
      meta: { labels: { 'pod-template-hash': 'h2' }, ...owner('ReplicaSet', 'web-h2') },
      state: looping(ended('OOMKilled', 137)),
    }),
  );
  const { result } = await runIn(memoryCluster({ ...shop({}), pods }), {
    alert: alertOf({ namespace: 'shop', deployment: 'web' }),
  });
  const found = result.findings.filter((finding) => finding.category === 'oom-killed');
  expect(found).toHaveLength(1);
  expect(found[0]?.description).toContain(
    'The same holds for pod/shop/web-h2-b, pod/shop/web-h2-c, pod/shop/web-h2-d and 1 more.',
  );
});

test('stops when told to', async () => {
  await expect(
    runIn(oomShop(), { signal: AbortSignal.abort(new AppError('Cancelled', 'stop')) }),
  ).rejects.toMatchObject({ code: 'Cancelled' });
});
