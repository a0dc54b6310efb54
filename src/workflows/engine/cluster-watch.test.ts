import { expect, test } from 'vitest';
import { createFakeClock } from '../../../test/support/clock.ts';
import { memoryCluster } from '../../../test/support/memory-cluster.ts';
import { watchCluster } from './cluster-watch.ts';
import { silentLog } from '../../lib/silent-log.ts';

test('the cluster that is watched is the same one, with its name, and its answers are noted', async () => {
  const named = { ...memoryCluster({ pods: [] }), name: 'production', remedyFor: () => 'capture it' };
  const clock = createFakeClock();
  const watch = watchCluster({ store: null as never, clock, log: silentLog });
  const noted = watch.noted(named);
  expect(Object.keys(noted).sort()).toEqual(Object.keys(named).sort());
  expect(noted).toMatchObject({ name: 'production', remedyFor: named.remedyFor });
  expect(watch.answeredAt()).toBeNull();
  expect(await noted.list({ resource: 'pods' })).toEqual({ kind: 'ok', value: [] });
  expect(watch.answeredAt()).toBe('2026-01-01T00:00:00.000Z');
});
