import { expect, test } from 'vitest';
import type { KubernetesObject } from '../../core/cluster.ts';
import { claimsOf, usesClaim } from './claims.ts';

const pod = (volumes: readonly object[]) =>
  ({ metadata: { name: 'ci-7', namespace: 'ci' }, spec: { volumes } }) as unknown as KubernetesObject;

test('claims that are named, and those that are made for ephemeral volumes', () => {
  const mixed = pod([
    { name: 'data', persistentVolumeClaim: { claimName: 'shared' } },
    { name: 'work', ephemeral: { volumeClaimTemplate: { spec: {} } } },
    { name: 'tmp', emptyDir: {} },
  ]);
  expect(claimsOf(mixed)).toEqual([
    { volume: 'data', claim: 'shared' },
    { volume: 'work', claim: 'ci-7-work' },
  ]);
  expect(usesClaim(mixed, 'ci-7-work')).toBe(true);
  expect(usesClaim(mixed, 'work')).toBe(false);
});
