import { expect, test } from 'vitest';
import type { Cluster } from '../core/cluster.ts';
import { walledCluster } from './walled.ts';

const asked: string[] = [];
const ok = (what: string) => async () => {
  asked.push(what);
  return { kind: 'ok', value: [] } as never;
};
const cluster: Cluster = {
  description: 'a cluster',
  get: ok('get'),
  list: ok('list'),
  logs: ok('logs'),
  usage: ok('usage'),
  observedAt: async () => ({ at: '2026-01-01T00:00:00Z', ahead: [] }),
};
const walled = walledCluster(cluster, 'shop');
const log = { pod: 'a', container: 'b', previous: false, tailLines: 1 };

test.each<[string, () => Promise<{ readonly kind: string }>, boolean]>([
  ['an object of its own', () => walled.get('pods', 'shop', 'a'), true],
  ['one of others', () => walled.get('pods', 'bank', 'a'), false],
  ['a node', () => walled.get('nodes', null, 'a'), true],
  ['a list of its own', () => walled.list({ resource: 'pods', namespace: 'shop' }), true],
  ['one of others', () => walled.list({ resource: 'configmaps', namespace: 'bank' }), false],
  ['one of all', () => walled.list({ resource: 'events' }), false],
  ['nodes', () => walled.list({ resource: 'nodes' }), true],
  ['a log of its own', () => walled.logs({ namespace: 'shop', ...log }), true],
  ['one of others', () => walled.logs({ namespace: 'bank', ...log }), false],
  ['usage of its pods', () => walled.usage?.({ of: 'pods', namespace: 'shop' }) ?? Promise.reject(new Error()), true],
  ['of those of others', () => walled.usage?.({ of: 'pods', namespace: 'bank' }) ?? Promise.reject(new Error()), false],
  ['of all', () => walled.usage?.({ of: 'pods', namespace: null }) ?? Promise.reject(new Error()), false],
  ['of nodes', () => walled.usage?.({ of: 'nodes', namespace: null }) ?? Promise.reject(new Error()), true],
])('%s', async (_name, read, isAllowed) => {
  asked.length = 0;
  expect((await read()).kind).toBe(isAllowed ? 'ok' : 'forbidden');
  expect(asked).toHaveLength(isAllowed ? 1 : 0);
});

test('who is refused is told what to do', async () => {
  const read = { kind: 'forbidden', resource: 'pods', namespace: 'bank', reason: 'x' } as const;
  expect(walled.remedyFor?.(read)).toContain('--investigate-from shop');
  expect(walled.remedyFor?.({ ...read, resource: 'pods/log' })).toContain('--investigate-from shop');
  // What is in no namespace is not refused by the wall: the API server has said so.
  expect(walled.remedyFor?.({ ...read, resource: 'nodes', namespace: null })).toBe('ask whoever runs this operator');
});
