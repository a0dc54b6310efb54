import { expect, test } from 'vitest';
import { createFakeClock } from '../../test/support/clock.ts';
import { AppError } from '../core/errors.ts';
import type { Cluster } from '../core/cluster.ts';
import { watchClusterHealth } from './cluster-health.ts';
import type { SharedCluster } from './tenancy.ts';

function clusterThat(get: Cluster['get']): Cluster {
  return { description: 'context dev', get } as Cluster;
}

function sharedThat(get: Cluster['get'], asAccount: SharedCluster['asAccount'] = () => null): SharedCluster {
  const [close, onlyNamespaceOf] = [async () => undefined, () => null];
  return { cluster: clusterThat(get), watch: null, events: null, isClosed: false, onlyNamespaceOf, asAccount, close };
}

test('a refusal is an answer; a failure is kept with its time until the next', async () => {
  const clock = createFakeClock();
  let fails = false;
  const { health, cluster } = watchClusterHealth(
    sharedThat(async () => {
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
    sharedThat(() => new Promise(() => undefined)),
    clock,
  );
  const problem = health.problem();
  await clock.advance(3000);
  expect(await problem).toBe('no answer within 3s');
});

test('what an account of a Workflow looks at is the same cluster: its failures are noted too', async () => {
  const clock = createFakeClock();
  const away = async (): Promise<never> => {
    throw new AppError('ClusterUnavailable', 'the account gets no token');
  };
  const own = { ...clusterThat(away), list: away, logs: away, usage: away };
  const { asAccount, health } = watchClusterHealth(
    sharedThat(
      async () => ({ kind: 'ok', value: null }),
      ({ name }) => (name === 'investigator' ? own : null),
    ),
    clock,
  );
  expect(asAccount({ namespace: 'shop', name: 'other' })).toBeNull();
  const account = asAccount({ namespace: 'shop', name: 'investigator' });
  await expect(account?.usage?.({ of: 'pods', namespace: 'shop' })).rejects.toThrow('no token');
  expect(health.lastFailure()).toMatchObject({ message: 'the account gets no token' });
  expect(await health.problem()).toBeNull();
});
