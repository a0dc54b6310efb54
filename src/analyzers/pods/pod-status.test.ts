import { expect, test } from 'vitest';
import { podObject } from '../../../test/support/memory-cluster.ts';
import type { KubernetesObject } from '../../core/cluster.ts';
import { podTrouble } from './pod-status.ts';

test('a ready pod that is to end is in trouble, less than one that is not ready, more than a restart', () => {
  const trouble = (parts: Parameters<typeof podObject>[1]) => podTrouble(podObject('web-1', parts) as KubernetesObject);
  const ending = trouble({ meta: { deletionTimestamp: '2026-01-01T11:00:00Z' } });
  expect(trouble({})).toBe(0);
  expect(ending).toBeGreaterThan(1);
  expect(ending).toBeLessThan(trouble({ state: { ready: false } }));
});
