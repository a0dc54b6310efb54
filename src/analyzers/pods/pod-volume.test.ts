import { describe, expect, test } from 'vitest';
import { analyze } from '../../../test/support/analyze.ts';
import { eventObject, podObject } from '../../../test/support/memory-cluster.ts';
import { placeOf } from '../advice.ts';
import { mountProblem, volumeOf } from './mount-words.ts';
import { podVolume } from './pod-volume.ts';

const about = { kind: 'Pod', name: 'web-1' };
const creating = (spec: object = {}, status: object = {}) =>
  podObject('web-1', {
    spec,
    status: { phase: 'Pending', ...status },
    state: { state: { waiting: { reason: 'ContainerCreating' } } },
  });
const timeOut =
  'Unable to attach or mount volumes: unmounted volumes=[data], unattached volumes=[data kube-api-access-x]: timed out waiting for the condition';
const multiAttach = 'Multi-Attach error for volume "pvc-1" Volume is already used by pod(s) web-0';

describe('what a failed attach or mount comes to', () => {
  test.each([
    ['FailedAttachVolume', multiAttach, 'volume-in-use'],
    [
      'FailedAttachVolume',
      'Multi-Attach error for volume "pvc-1" Volume is already exclusively attached to one node and can\'t be attached to another',
      'volume-in-use',
    ],
    [
      'FailedAttachVolume',
      'AttachVolume.Attach failed for volume "pvc-1" : googleapi: Error 400: RESOURCE_IN_USE_BY_ANOTHER_RESOURCE',
      'volume-in-use',
    ],
    [
      'FailedAttachVolume',
      'AttachVolume.Attach failed for volume "pvc-1" : CSINode n1 does not contain driver ebs.csi.aws.com',
      'volume-driver',
    ],
    [
      'FailedMount',
      'MountVolume.MountDevice failed for volume "pvc-1" : kubernetes.io/csi: attacher.MountDevice failed to create newCsiDriverClient: driver name ebs.csi.aws.com not found in the list of registered CSI drivers',
      'volume-driver',
    ],
    [
      'FailedAttachVolume',
      'AttachVolume.Attach failed for volume "pvc-1" : rpc error: code = Internal desc = Could not attach volume "vol-1" to node "i-1": exceeded the maximum number of attached volumes, attachment limit',
      'volume-attach',
    ],
    [
      'FailedAttachVolume',
      'AttachVolume.Attach failed for volume "pvc-1" : timed out waiting for external-attacher of ebs.csi.aws.com CSI driver to attach volume vol-1',
      'volume-attach',
    ],
    [
      'FailedAttachVolume',
      'AttachVolume.Attach failed for volume "pvc-1" : rpc error: code = NotFound desc = volume vol-1 not found',
      'volume-attach',
    ],
    [
      'FailedMount',
      'MountVolume.SetUp failed for volume "nfs" : mount failed: exit status 32 Output: mount.nfs: access denied by server while mounting 10.0.0.9:/data',
      'volume-access',
    ],
    [
      'FailedMount',
      'MountVolume.SetUp failed for volume "nfs" : mount failed: exit status 32 Output: mount.nfs: Connection timed out',
      'volume-mount',
    ],
    [
      'FailedMount',
      'MountVolume.SetUp failed for volume "nfs" : mount: bad option; for several filesystems (e.g. nfs, cifs) you might need a /sbin/mount.<type> helper program.',
      'volume-driver',
    ],
    [
      'FailedMount',
      'MountVolume.MountDevice failed for volume "pvc-1" : \'fsck\' found errors on device /dev/sdb but could not correct them',
      'volume-damaged',
    ],
    [
      'FailedMount',
      'MountVolume.SetUp failed for volume "s" : rpc error: code = Unknown desc = failed to mount secrets store objects for pod shop/web-1, err: AccessDeniedException',
      'volume-access',
    ],
    [
      'FailedMount',
      'MountVolume.SetUp failed for volume "logs" : hostPath type check failed: /var/app is not a directory',
      'volume-mount',
    ],
    [
      'FailedMount',
      'MountVolume.NewMounter initialization failed for volume "local" : path "/mnt/disks/a" does not exist',
      'volume-mount',
    ],
    [
      'FailedMount',
      'Unable to attach or mount volumes: unmounted volumes=[data], unattached volumes=[data]: error processing PVC shop/data: failed to fetch PVC from API server: persistentvolumeclaims "data" not found',
      'claim-missing',
    ],
    [
      'FailedAttachVolume',
      'AttachVolume.Attach failed for volume "pvc-1" : rpc error: code = Internal desc = Attach volume failed: disk(/subscriptions/1/resourceGroups/shop/providers/Microsoft.Compute/disks/pvc-1) already attached to node(n2), could not be attached to node(n1)',
      'volume-in-use',
    ],
    [
      'FailedMount',
      'MountVolume.MountDevice failed for volume "pvc-1" : rpc error: code = Internal desc = rbd image replicapool/csi-vol-1 is still being used',
      'volume-in-use',
    ],
    [
      'FailedMount',
      'MountVolume.SetUp failed for volume "kube-api-access-1" : failed to fetch token: serviceaccounts "web" not found',
      'volume-access',
    ],
    [
      'FailedMount',
      'MountVolume.SetUp failed for volume "c" : configmaps "c" is forbidden: User "system:node:n1" cannot get resource "configmaps": no relationship found between node and this object',
      'volume-access',
    ],
    [
      'FailedAttachVolume',
      'AttachVolume.Attach failed for volume "pvc-1" : volume attachment is being deleted',
      'volume-attach',
    ],
    [
      'FailedMount',
      'MountVolume.SetUp failed for volume "efs" : Failed to resolve "fs-1.efs.eu-west-1.amazonaws.com" - check that your file system ID is correct',
      'volume-mount',
    ],
    [
      'FailedMount',
      'MountVolume.MountDevice failed for volume "pvc-1" : rpc error: code = DeadlineExceeded desc = context deadline exceeded',
      'volume-mount',
    ],
    ['FailedMount', 'MountVolume.SetUp failed for volume "x" : moon in the wrong phase', 'volume-mount'],
  ])('%s: %s', (reason, message, category) => {
    expect(mountProblem(reason, message).category).toBe(category);
  });

  test('the volume that a message names', () => {
    expect([multiAttach, timeOut, 'x'].map(volumeOf)).toEqual(['pvc-1', 'data', '']);
  });
});

describe('pod-volume', () => {
  const run = (pod: object, events: readonly object[], pods: readonly object[] = []) =>
    analyze(podVolume, 'pod', pod, { events, pods });

  test('a secret that is missing is named', async () => {
    const [finding] = await run(creating(), [
      eventObject(about, 'FailedMount', 'MountVolume.SetUp failed for volume "tls" : secret "web-tls" not found'),
    ]);
    expect(finding).toMatchObject({
      category: 'volume-source-missing',
      decisive: true,
      facts: { volume: 'tls', missing: 'secret web-tls' },
    });
    expect(finding?.cause).toContain('secret web-tls does not exist (not found) in namespace shop');
  });

  test('a volume that is attached elsewhere: who holds it; the time-out that follows is not the cause', async () => {
    const holder = podObject('web-0', { spec: { nodeName: 'n2' } });
    const events = [
      eventObject(about, 'FailedAttachVolume', multiAttach, { lastTimestamp: '2026-01-01T11:30:00Z' }),
      eventObject(about, 'FailedMount', timeOut),
    ];
    const [finding] = await run(creating(), events, [holder]);
    expect(finding).toMatchObject({ category: 'volume-in-use', decisive: true, pointers: [] });
    expect(finding?.cause).toContain('it is still attached to another node, where pod web-0 on node n2 uses it');
  });

  test('a rolling update that holds its own volume is advised to recreate; what only reads comes first', async () => {
    const made = {
      labels: { 'pod-template-hash': 'h1' },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-h1', uid: 'r1', controller: true }],
    };
    const pod = podObject('web-1', {
      meta: made,
      status: { phase: 'Pending' },
      state: { state: { waiting: { reason: 'ContainerCreating' } } },
    });
    const [finding] = await run(pod, [eventObject(about, 'FailedAttachVolume', multiAttach)], [podObject('web-0')]);
    const advice = finding === undefined ? [] : podVolume.categories['volume-in-use'].advice(finding, placeOf(finding));
    expect(advice.map((one) => one.requires_approval)).toEqual([false, false, true]);
    expect(advice[2]?.action).toBe('Give deployment/web in namespace shop the strategy Recreate.');
  });

  test('a holder that is being deleted, and its node, are behind it', async () => {
    const holder = podObject('web-0', {
      meta: { deletionTimestamp: '2026-01-01T11:00:00Z' },
      spec: { nodeName: 'n2', volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'data' } }] },
    });
    const pod = creating({ volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] });
    const message = 'Multi-Attach error for volume "pvc-1" Volume is already exclusively attached to one node';
    const [finding] = await run(pod, [eventObject(about, 'FailedAttachVolume', message)], [holder]);
    expect(finding?.pointers).toEqual([
      { kind: 'node', namespace: null, name: 'n2' },
      { kind: 'pod', namespace: 'shop', name: 'web-0' },
    ]);
  });

  test('a key that is missing: of which config map, the volume says', async () => {
    const pod = creating({ volumes: [{ name: 'conf', configMap: { name: 'settings' } }] });
    const message =
      'MountVolume.SetUp failed for volume "conf" : configmap references non-existent config key: app.yaml';
    const [finding] = await run(pod, [eventObject(about, 'FailedMount', message)]);
    expect(finding?.cause).toContain('key app.yaml does not exist in config map settings');
  });

  test('only a time-out: what it waits for is not known', async () => {
    const [finding] = await run(creating(), [eventObject(about, 'FailedMount', timeOut)]);
    expect(finding).toMatchObject({ category: 'volume-mount', decisive: false });
    expect(finding?.cause).toContain('only a time-out is told');
  });

  test('a claim that is missing is pointed at', async () => {
    const message =
      'error processing PVC shop/data: failed to fetch PVC from API server: persistentvolumeclaim "data" not found';
    const [finding] = await run(creating(), [eventObject(about, 'FailedMount', message)]);
    expect(finding).toMatchObject({
      category: 'claim-missing',
      pointers: [{ kind: 'persistentvolumeclaim', namespace: 'shop', name: 'data' }],
    });
  });

  test('an attachment that came about, or work on the containers, is later than the failure', async () => {
    const normal = (reason: string) => eventObject(about, reason, 'x', { type: 'Normal' });
    const earlier = { lastTimestamp: '2026-01-01T11:30:00Z' };
    const attach = eventObject(about, 'FailedAttachVolume', multiAttach, earlier);
    expect(await run(creating(), [attach, normal('SuccessfulAttachVolume')])).toEqual([]);
    const mount = eventObject(
      about,
      'FailedMount',
      'MountVolume.SetUp failed for volume "a" : secret "a" not found',
      earlier,
    );
    expect(await run(creating(), [mount, normal('Pulling')])).toEqual([]);
    expect(await run(creating({}, {}), [mount])).toHaveLength(1);
  });

  test('volumes were mounted where containers started, or the sandbox failed later', async () => {
    const failed = eventObject(
      about,
      'FailedMount',
      'MountVolume.SetUp failed for volume "tls" : secret "a" not found',
      {
        lastTimestamp: '2026-01-01T11:00:00Z',
      },
    );
    expect(await run(podObject('web-1'), [failed])).toEqual([]);
    const pulling = podObject('web-1', { state: { state: { waiting: { reason: 'ImagePullBackOff' } } } });
    expect(await run(pulling, [failed])).toEqual([]);
    expect(await run(creating(), [failed, eventObject(about, 'FailedCreatePodSandBox', 'x')])).toEqual([]);
    expect(await run(creating(), [])).toEqual([]);
  });
});

describe('the pods of a CSI driver that is not there', () => {
  const driverPod = (
    name: string,
    parts: { readonly node: string; readonly kind: string; readonly container: string },
  ) =>
    podObject(name, {
      meta: {
        namespace: 'storage',
        ownerReferences: [{ kind: parts.kind, name: 'driver', uid: 'd1', controller: true }],
      },
      spec: {
        nodeName: parts.node,
        containers: [
          {
            name: parts.container,
            args: ['--kubelet-registration-path=/var/lib/kubelet/plugins/driver.longhorn.io/csi.sock'],
          },
        ],
      },
      state: { ready: false },
    });
  const onNode = (name: string, node: string) => driverPod(name, { node, kind: 'DaemonSet', container: 'registrar' });
  const pods = [
    onNode('plugin-a', 'n1'),
    onNode('plugin-b', 'n2'),
    driverPod('attacher-c', { node: 'n2', kind: 'ReplicaSet', container: 'csi-attacher' }),
    podObject('ebs-csi-node-d', { meta: { namespace: 'kube-system' }, state: { ready: false } }),
  ];
  test.each([
    [
      'FailedMount',
      'MountVolume.MountDevice failed for volume "pvc-1" : kubernetes.io/csi: attacher.MountDevice failed to create newCsiDriverClient: driver name driver.longhorn.io not found in the list of registered CSI drivers',
      ['plugin-a'],
    ],
    [
      'FailedMount',
      'MountVolume.SetUp failed for volume "pvc-1" : rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial unix /var/lib/kubelet/plugins/driver.longhorn.io/csi.sock: connect: connection refused"',
      ['plugin-a'],
    ],
    [
      'FailedAttachVolume',
      'AttachVolume.Attach failed for volume "pvc-1" : timed out waiting for external-attacher of driver.longhorn.io CSI driver to attach volume pvc-1',
      ['plugin-a', 'attacher-c'],
    ],
    ['FailedMount', 'MountVolume.SetUp failed for volume "pvc-1" : mount failed: exit status 32', []],
  ])('%s: %s', async (reason, message, names) => {
    const events = [eventObject(about, reason, message)];
    const [finding] = await analyze(podVolume, 'pod', creating(), { events, pods });
    const pointed = (finding?.pointers ?? []).filter(({ namespace }) => namespace === 'storage');
    expect(pointed.map(({ name }) => name)).toEqual(names);
    expect(finding?.cause?.includes('storage/plugin-a')).toBe(names.length > 0);
  });
});
