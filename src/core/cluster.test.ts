import { expect, test } from 'vitest';
import { memoryCluster } from '../../test/support/memory-cluster.ts';
import { withReads } from './cluster.ts';
import type { Cluster } from './cluster.ts';

const log = { namespace: 'shop', pod: 'web-1', container: 'app', previous: false, tailLines: 10 };

test('every read goes round, and the rest is the same', async () => {
  const cluster: Cluster = { ...memoryCluster({}, { usage: { pods: [] } }), name: 'production' };
  const answers: unknown[] = [];
  const around = withReads(cluster, async (read) => {
    answers.push(await read);
    return read;
  });
  expect(Object.keys(around).sort()).toEqual(Object.keys(cluster).sort());
  expect(around.name).toBe('production');
  const read = [
    await around.get('pods', 'shop', 'web-1'),
    await around.list({ resource: 'pods' }),
    await around.logs(log),
    await around.usage?.({ of: 'pods', namespace: null }),
  ];
  expect(read).toEqual([
    { kind: 'ok', value: null },
    { kind: 'ok', value: [] },
    { kind: 'not_captured', reason: 'no such log' },
    { kind: 'ok', value: [] },
  ]);
  expect(answers).toEqual(read);
});

test('a cluster that cannot tell usage still cannot', () => {
  expect(withReads(memoryCluster({}), async (read) => read)).not.toHaveProperty('usage');
});
