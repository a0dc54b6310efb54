import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { createCleanup } from '../../../test/support/cleanup.ts';
import { writeFiles } from '../../../test/support/dump-forms.ts';
import type { RefusedRead } from '../../core/cluster.ts';
import { openDump } from '../dump/dump.ts';
import { liveRemedy } from './remedies.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const forbidden = (resource: RefusedRead['resource'], namespace: string | null): RefusedRead => ({
  kind: 'forbidden',
  resource,
  namespace,
  reason: `${resource} is forbidden: User "system:serviceaccount:ops:fist" cannot list resource`,
});

test.each([
  [
    forbidden('deployments', 'shop'),
    'allow it: a Role in namespace shop with the rule {apiGroups: ["apps"], resources: ["deployments"], verbs: ["get", "list"]}, bound to system:serviceaccount:ops:fist',
  ],
  [
    forbidden('nodes', null),
    'allow it: a ClusterRole with the rule {apiGroups: [""], resources: ["nodes"], verbs: ["get", "list"]}, bound to system:serviceaccount:ops:fist',
  ],
  [
    { ...forbidden('pods/log', 'shop'), reason: 'no' },
    'allow it: a Role in namespace shop with the rule {apiGroups: [""], resources: ["pods/log"], verbs: ["get"]}',
  ],
] as const)('of a read that is forbidden: the rule', (read, remedy) => {
  expect(liveRemedy(read)).toBe(remedy);
});

test.each([
  [
    'horizontalpodautoscalers',
    'the server has no horizontalpodautoscalers (404 page not found)',
    'does not serve horizontalpodautoscalers of autoscaling/v2',
  ],
  ['pods', 'there are more than 20000 pods; ask for one namespace', 'the label namespace'],
  ['pods/log', 'previous terminated container "app" in pod "web-1" not found', 'a store of logs'],
] as const)('of %s that a live cluster does not have', (resource, reason, words) => {
  expect(liveRemedy({ kind: 'not_captured', resource, namespace: 'shop', reason })).toContain(words);
});

const list = '{"items": [{"metadata": {"name": "a"}}]}';
test.each([
  ['dump', { 'shop/pods.json': list }, 'kubectl get events -n shop -o json as shop/events.json', 'shop/POD/logs.txt'],
  ['must-gather', { 'namespaces/shop/core/pods.json': list }, 'oc adm inspect ns/shop', 'oc adm inspect ns/shop'],
  [
    'bundle',
    { 'cluster-resources/pods/shop.json': list },
    'clusterResources with the namespace shop',
    'the collector logs',
  ],
])('of a %s that does not have it: how it gets into the next', async (_, files, ofList, ofLog) => {
  const folder = cleanup.temporaryFolder('remedies');
  writeFiles(folder, files);
  const dump = await openDump(folder);
  const remedy = (resource: RefusedRead['resource']): string | undefined =>
    dump.remedyFor?.({ kind: 'not_captured', resource, namespace: 'shop', reason: 'x' });
  expect(remedy('events')).toContain(ofList);
  expect(remedy('pods/log')).toContain(ofLog);
});

test('of a file', async () => {
  const folder = cleanup.temporaryFolder('remedies');
  writeFileSync(
    join(folder, 'all.json'),
    '{"items": [{"kind": "Node", "apiVersion": "v1", "metadata": {"name": "n1"}}]}',
  );
  const dump = await openDump(join(folder, 'all.json'));
  const read = { kind: 'not_captured', namespace: 'shop', reason: 'x' } as const;
  expect(dump.remedyFor?.({ ...read, resource: 'events' })).toBe(
    'add the output of kubectl get events -n shop -o json',
  );
  expect(dump.remedyFor?.({ ...read, resource: 'pods/log' })).toContain('fist capture');
});
