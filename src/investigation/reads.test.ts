import { expect, test } from 'vitest';
import type { Cluster, KubernetesObject } from '../core/cluster.ts';
import { openReads } from './reads.ts';

test('a list that is asked for again and again is not gone through for it; what it has was read', async () => {
  let looks = 0;
  const pod: KubernetesObject = {
    get metadata() {
      looks += 1;
      return { name: 'web', namespace: 'shop' };
    },
  };
  const cluster: Cluster = {
    description: 'of the test',
    list: async () => ({ kind: 'ok', value: [pod] }),
    get: async () => ({ kind: 'ok', value: null }),
    logs: async () => ({ kind: 'ok', value: '' }),
    observedAt: async () => ({ at: '2026-01-01T00:00:00.000Z', ahead: [] }),
  };
  const reads = await openReads(cluster, () => '2026-01-01T00:00:00.000Z', new AbortController().signal);
  await Promise.all(Array.from({ length: 20 }, () => reads.list('pods', 'shop')));
  expect(looks).toBe(0);
  const covers = (name: string) => reads.covers({ kind: 'object', of: 'pod', namespace: 'shop', name });
  expect([covers('web'), covers('api')]).toEqual([true, false]);
});

test('what an investigation said before is no evidence', async () => {
  const events = [
    { metadata: { name: 'a' }, reportingComponent: 'punching-fist' },
    { metadata: { name: 'b' }, reportingController: 'punching-fist' },
    { metadata: { name: 'c' }, reportingComponent: 'kubelet' },
  ];
  const cluster: Cluster = {
    description: 'of the test',
    list: async () => ({ kind: 'ok', value: events }),
    get: async () => ({ kind: 'ok', value: null }),
    logs: async () => ({ kind: 'ok', value: '' }),
    observedAt: async () => ({ at: '2026-01-01T00:00:00.000Z', ahead: [] }),
  };
  const reads = await openReads(cluster, () => '2026-01-01T00:00:00.000Z', new AbortController().signal);
  expect(await reads.list('events', 'shop')).toEqual({ kind: 'ok', value: events.slice(2) });
});
