import { expect, test } from 'vitest';
import { analyze } from '../../../test/support/analyze.ts';
import { eventObject } from '../../../test/support/memory-cluster.ts';
import { volume } from './volume.ts';

const volumeObject = (phase: string, status: object = {}) => ({
  kind: 'PersistentVolume',
  metadata: { name: 'pv-1' },
  spec: { claimRef: { namespace: 'shop', name: 'data' }, persistentVolumeReclaimPolicy: 'Delete' },
  status: { phase, ...status },
});
const failedDelete = eventObject(
  { kind: 'PersistentVolume', name: 'pv-1' },
  'VolumeFailedDelete',
  'rpc error: code = Internal desc = volume vol-1 is still attached to node i-1',
  { metadata: { name: 'e', namespace: 'default' } },
);

test('a volume that failed, by its message or the newest event', async () => {
  const status = {
    message: 'host_path deleter only supports /tmp/.+',
    lastPhaseTransitionTime: '2026-01-01T11:00:00Z',
  };
  expect(await analyze(volume, 'persistentvolume', volumeObject('Failed', status))).toMatchObject([
    {
      category: 'volume-failed',
      decisive: true,
      cause:
        'Volume pv-1, which claim shop/data had, is in the phase Failed: "host_path deleter only supports /tmp/.+".',
      when: { from: '2026-01-01T11:00:00.000Z' },
    },
  ]);
  const [released] = await analyze(volume, 'persistentvolume', volumeObject('Released'), { events: [failedDelete] });
  expect(released?.cause).toContain('"volume vol-1 is still attached to node i-1"');
});

test('a volume that is bound or free has no finding', async () => {
  expect(await analyze(volume, 'persistentvolume', volumeObject('Bound'), { events: [failedDelete] })).toEqual([]);
  expect(await analyze(volume, 'persistentvolume', volumeObject('Released'))).toEqual([]);
});
