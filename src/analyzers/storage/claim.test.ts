import { describe, expect, test } from 'vitest';
import { analyze } from '../../../test/support/analyze.ts';
import { eventObject, podObject } from '../../../test/support/memory-cluster.ts';
import type { MemoryOptions, Objects } from '../../../test/support/memory-cluster.ts';
import { claim } from './claim.ts';

const claimObject = (spec: object = {}, parts: object = {}) => ({
  kind: 'PersistentVolumeClaim',
  metadata: { name: 'data', namespace: 'shop', creationTimestamp: '2026-01-01T11:00:00Z' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '2Gi' } }, ...spec },
  status: { phase: 'Pending' },
  ...parts,
});
const storageClass = (name: string, provisioner = 'ebs.csi.aws.com', mode = 'Immediate', isDefault = false) => ({
  metadata: {
    name,
    annotations: isDefault ? { 'storageclass.kubernetes.io/is-default-class': 'true' } : {},
  },
  provisioner,
  volumeBindingMode: mode,
});
const volume = (name: string, spec: object, phase = 'Available', labels: object = {}) => ({
  metadata: { name, labels },
  spec: { capacity: { storage: '5Gi' }, accessModes: ['ReadWriteOnce'], ...spec },
  status: { phase },
});
const event = (reason: string, message: string, extra: object = {}) =>
  eventObject({ kind: 'PersistentVolumeClaim', name: 'data' }, reason, message, extra);
const noVolumes = event('FailedBinding', 'no persistent volumes available for this claim and no storage class is set', {
  type: 'Normal',
});

async function find(object: object, objects: Objects = {}, options: MemoryOptions = {}) {
  const [finding] = await analyze(claim, 'persistentvolumeclaim', object, objects, options);
  return finding;
}

describe('a claim that is not bound', () => {
  test('asks for a class that does not exist: those that exist are told', async () => {
    const finding = await find(claimObject({ storageClassName: 'fast' }), {
      storageclasses: [storageClass('slow'), storageClass('standard', 'a', 'Immediate', true)],
      events: [event('ProvisioningFailed', 'storageclass.storage.k8s.io "fast" not found')],
    });
    expect(finding).toMatchObject({
      category: 'claim-class-missing',
      decisive: true,
      cause:
        'Claim data is not bound: it asks for the storage class "fast", which does not exist (not found); there are: slow, standard (default).',
      facts: { storage_class: 'fast' },
      when: { from: '2026-01-01T11:00:00.000Z' },
    });
    const none = await find(claimObject({ storageClassName: 'fast' }));
    expect(none?.cause).toContain('there is no storage class at all');
  });

  test('the class of a missing one may stand in the event alone', async () => {
    const unread = { metadata: { name: 'data', namespace: 'shop' } };
    const absent = { kind: 'not_captured', reason: 'no file' } as const;
    const finding = await find(
      unread,
      { events: [event('ProvisioningFailed', 'storageclass.storage.k8s.io "fast" not found')] },
      { instead: { 'list storageclasses': absent, 'list persistentvolumes': absent } },
    );
    expect(finding).toMatchObject({ category: 'claim-class-missing', decisive: true });
    expect(finding?.description).toContain('from its events; the claim itself could not be read');
  });

  test('names no class, and none is the default', async () => {
    const finding = await find(claimObject(), { storageclasses: [storageClass('slow')], events: [noVolumes] });
    expect(finding).toMatchObject({ category: 'claim-no-default-class', decisive: true });
    expect(finding?.cause).toContain('no storage class is the default; there are: slow');
  });

  test.each([
    [
      'is larger than any volume',
      {},
      volume('pv-1', { capacity: { storage: '1Gi' } }),
      'volume pv-1 has only 1Gi of storage',
    ],
    [
      'asks for another access mode',
      { accessModes: ['ReadWriteMany'] },
      volume('pv-1', {}),
      'has the access mode ReadWriteOnce, not ReadWriteMany',
    ],
    [
      'asks for a block device',
      { volumeMode: 'Block' },
      volume('pv-1', {}),
      'has the volume mode Filesystem, not Block',
    ],
    [
      'selects other labels',
      { selector: { matchLabels: { disk: 'ssd' } } },
      volume('pv-1', {}, 'Available', { disk: 'hdd' }),
      'labels that the selector',
    ],
    [
      'finds the volume of another',
      {},
      volume('pv-1', { claimRef: { namespace: 'shop', name: 'old' } }, 'Bound'),
      'belongs to claim shop/old',
    ],
    [
      'finds a volume that is not freed',
      {},
      volume('pv-1', { claimRef: { namespace: 'shop', name: 'old' } }, 'Released'),
      'is not freed (Released)',
    ],
    ['finds a volume of a class', {}, volume('pv-1', { storageClassName: 'slow' }), 'has the storage class slow'],
    ['finds none', {}, null, 'there is no volume'],
  ])('%s', async (_, spec, one, words) => {
    const finding = await find(claimObject({ storageClassName: '', ...spec }), {
      storageclasses: [storageClass('slow')],
      persistentvolumes: one === null ? [] : [one],
      events: [noVolumes],
    });
    expect(finding).toMatchObject({ category: 'claim-no-volume', decisive: true });
    expect(finding?.cause).toMatch(
      /^Claim data is not bound: it asks for 2Gi, .+ from a volume without a storage class, and none fits: /,
    );
    expect(finding?.cause).toContain(words);
  });

  test('of local volumes needs one that exists', async () => {
    const finding = await find(claimObject({ storageClassName: 'local' }), {
      storageclasses: [storageClass('local', 'kubernetes.io/no-provisioner', 'WaitForFirstConsumer')],
      persistentvolumes: [volume('pv-1', { storageClassName: 'local', capacity: { storage: '1Gi' } })],
      events: [
        event('WaitForFirstConsumer', 'waiting for first consumer to be created before binding', { type: 'Normal' }),
      ],
    });
    expect(finding?.cause).toContain('volume pv-1 has only 1Gi');
  });

  test('names a volume that does not exist, belongs to another, or is lost', async () => {
    const named = claimObject({ volumeName: 'pv-1' });
    expect((await find(named))?.cause).toContain('asks for volume pv-1, which does not exist');
    const taken = volume('pv-1', { claimRef: { namespace: 'shop', name: 'old' } });
    expect((await find(named, { persistentvolumes: [taken] }))?.cause).toContain('which belongs to claim shop/old');
    const small = volume('pv-1', { capacity: { storage: '1Gi' } });
    const mismatch = event('VolumeMismatch', 'Cannot bind to requested volume "pv-1": requested PV is too small');
    expect((await find(named, { persistentvolumes: [small], events: [mismatch] }))?.cause).toContain(
      'it asks for 2Gi, ReadWriteOnce from volume pv-1, which does not fit: volume pv-1 has only 1Gi of storage',
    );
    const unread = { metadata: { name: 'data', namespace: 'shop' } };
    expect((await find(unread, { events: [mismatch] }))?.cause).toContain('requested PV is too small');
    const lost = claimObject({ volumeName: 'pv-1' }, { status: { phase: 'Lost' } });
    expect((await find(lost))?.cause).toContain('does not exist any more (Lost)');
  });

  test('the words of the provisioner', async () => {
    const objects = {
      storageclasses: [storageClass('fast')],
      events: [
        event(
          'ProvisioningFailed',
          'failed to provision volume with StorageClass "fast": rpc error: code = ResourceExhausted desc = VolumeLimitExceeded',
        ),
      ],
    };
    const finding = await find(claimObject({ storageClassName: 'fast' }), objects);
    expect(finding).toMatchObject({ category: 'claim-provisioning', decisive: true });
    expect(finding?.cause).toContain('VolumeLimitExceeded');
  });

  test('a provisioner that says nothing is no certain cause', async () => {
    const message =
      "Waiting for a volume to be created either by the external provisioner 'ebs.csi.aws.com' or manually by the system administrator.";
    const finding = await find(claimObject({ storageClassName: 'fast' }), {
      storageclasses: [storageClass('fast')],
      events: [event('ExternalProvisioning', message, { type: 'Normal' })],
    });
    expect(finding).toMatchObject({ category: 'claim-provisioning', decisive: false });
    expect(finding?.cause).toContain('provisioner ebs.csi.aws.com');
  });

  test('that waits for its pod is no fault; without a pod it says so', async () => {
    const objects = {
      storageclasses: [storageClass('fast', 'ebs.csi.aws.com', 'WaitForFirstConsumer')],
      events: [
        event('WaitForFirstConsumer', 'waiting for first consumer to be created before binding', { type: 'Normal' }),
      ],
    };
    const object = claimObject({ storageClassName: 'fast' });
    const user = podObject('web-1', {
      spec: { volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'data' } }] },
    });
    expect(await find(object, { ...objects, pods: [user] })).toMatchObject({
      category: 'claim-waiting',
      cause: null,
      pointers: [{ kind: 'pod', namespace: 'shop', name: 'web-1' }],
    });
    expect((await find(object, objects))?.cause).toContain('no pod uses it');
    const chosen = {
      ...object,
      metadata: { ...object.metadata, annotations: { 'volume.kubernetes.io/selected-node': 'n1' } },
    };
    const failed = [...objects.events, event('ProvisioningFailed', 'rpc error: no capacity')];
    expect(await find(chosen, { ...objects, events: failed, pods: [user] })).toMatchObject({
      category: 'claim-provisioning',
      decisive: true,
    });
  });
});

describe('a claim that is bound', () => {
  const bound = (parts: object = {}) =>
    claimObject({ volumeName: 'pv-1' }, { status: { phase: 'Bound', capacity: { storage: '1Gi' } }, ...parts });

  test('has no finding, unless it cannot grow or is being deleted', async () => {
    expect(await find(claimObject({}, { status: { phase: 'Bound', capacity: { storage: '2Gi' } } }))).toBeUndefined();
    const events = [event('VolumeResizeFailed', 'resize volume "pv-1" by resizer "ebs" failed: rpc error: quota')];
    expect(await find(bound(), { events })).toMatchObject({ category: 'claim-resize', decisive: true });
    const ending = bound({ metadata: { name: 'data', namespace: 'shop', deletionTimestamp: '2026-01-01T11:50:00Z' } });
    expect(await find(ending)).toMatchObject({ category: 'claim-ending' });
  });
});
