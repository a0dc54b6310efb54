import { expect, test } from 'vitest';
import type { ObjectKind, Relation, Target } from '../analyzers/define.ts';
import type { ClusterResource, KubernetesObject } from '../core/cluster.ts';
import { podsBehind } from './pods-behind.ts';
import type { Reads } from './reads.ts';

const owned = (kind: string, uid: string) => [{ kind, name: 'x', uid, controller: true }];
const object = (name: string, metadata: object = {}, rest: object = {}) =>
  ({ metadata: { name, namespace: 'shop', uid: `uid-${name}`, ...metadata }, ...rest }) as KubernetesObject;

const lists: Partial<Record<ClusterResource, readonly KubernetesObject[]>> = {
  replicasets: [object('web-1', { ownerReferences: owned('Deployment', 'uid-web') })],
  pods: [
    object('web-1-a', { ownerReferences: owned('ReplicaSet', 'uid-web-1'), labels: { app: 'web' } }),
    object('db-0', { ownerReferences: owned('StatefulSet', 'uid-db'), labels: { app: 'db' } }),
    object('other-0', { ownerReferences: owned('StatefulSet', 'uid-other'), labels: { app: 'other' } }),
  ],
};
const reads = {
  list: async (resource: ClusterResource) => ({ kind: 'ok', value: lists[resource] ?? [] }),
} as unknown as Reads;

const target = (kind: ObjectKind, one: KubernetesObject, relation: Relation): Target => ({
  kind,
  namespace: 'shop',
  name: one.metadata.name,
  object: one,
  relation,
  via: null,
});

test('the pods of workloads and behind Services are linked; those that were looked at are named already', async () => {
  const service = object('db', {}, { spec: { selector: { app: 'db' } } });
  const found = [target('deployment', object('web'), 'selects'), target('service', service, 'calls')];
  expect(await podsBehind(reads, found)).toEqual(['pod/shop/web-1-a', 'pod/shop/db-0']);
  const looked = target('pod', object('db-0'), 'selects');
  expect(await podsBehind(reads, [...found, looked])).toEqual(['pod/shop/web-1-a']);
});

test('no way leads down from what was come to from below, and a Service without a selector picks nothing', async () => {
  expect(await podsBehind(reads, [target('deployment', object('web'), 'owner')])).toEqual([]);
  expect(await podsBehind(reads, [target('service', object('web'), 'alert')])).toEqual([]);
});
