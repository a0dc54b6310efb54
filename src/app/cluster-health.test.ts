import { expect, test } from 'vitest';
import { createFakeClock } from '../../test/support/clock.ts';
import { AppError } from '../core/errors.ts';
import type { Cluster } from '../core/cluster.ts';
import { watchClusterHealth } from './cluster-health.ts';

function clusterThat(get: Cluster['get']): Cluster {
  return { description: 'context dev', get } as Cluster;
}

test('a refusal is an answer; a failure is kept with its time until the next', async () => {
  const clock = createFakeClock();
  let fails = false;
  const { health, cluster } = watchClusterHealth(
    clusterThat(async () => {
      if (fails) throw new AppError('ClusterUnavailable', 'connection refused\nby all');
      return { kind: 'forbidden', reason: 'no right' };
    }),
    clock,
  );
  expect([health.description, await health.problem(), health.lastFailure()]).toEqual(['context dev', null, null]);
  fails = true;
  await expect(cluster.get('pods', 'shop', 'web-1')).rejects.toThrow('connection refused');
  expect(health.lastFailure()).toEqual({ message: 'connection refused by all', at: '2026-01-01T00:00:00.000Z' });
  expect(await health.problem()).toBe('connection refused by all');
  fails = false;
  expect(await health.problem()).toBeNull();
});

test('a cluster that does not answer within seconds has answered', async () => {
  const clock = createFakeClock();
  const { health } = watchClusterHealth(
    clusterThat(() => new Promise(() => undefined)),
    clock,
  );
  const problem = health.problem();
  await clock.advance(3000);
  expect(await problem).toBe('no answer within 3s');
});
