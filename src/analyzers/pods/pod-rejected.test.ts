import { expect, test } from 'vitest';
import { analyze } from '../../../test/support/analyze.ts';
import { eventObject, podObject } from '../../../test/support/memory-cluster.ts';
import { podRejected } from './pod-rejected.ts';

const failed = (reason: string, message: string, extra: object = {}, meta: object = {}) =>
  podObject('web-1', {
    meta,
    status: { phase: 'Failed', reason, message, containerStatuses: [], ...extra },
  });

test.each([
  [
    'Evicted',
    'The node was low on resource: ephemeral-storage. Threshold quantity: 10Gi, available: 9Gi.',
    'evicted',
    'was evicted from its node n1 (Evicted): The node was low on resource: ephemeral-storage.',
  ],
  ['Preempting', 'Preempted in order to admit critical pod', 'evicted', 'to make room for a pod of higher priority'],
  [
    'Terminated',
    'Pod was terminated in response to imminent node shutdown.',
    'node-shutdown',
    'because its node n1 shut down',
  ],
  ['NodeShutdown', 'Pod was rejected as the node is shutting down.', 'node-shutdown', 'because its node n1 shut down'],
  [
    'DeadlineExceeded',
    'Pod was active on the node longer than the specified deadline',
    'pod-deadline',
    'longer than its deadline',
  ],
  [
    'OutOfcpu',
    "Pod was rejected: Node didn't have enough resource: cpu, requested: 500, used: 3800, capacity: 4000",
    'pod-rejected',
    'was refused by its node n1 for want of room (OutOfcpu)',
  ],
  [
    'OutOfpods',
    "Node didn't have enough resource: pods, requested: 1, used: 110, capacity: 110",
    'pod-rejected',
    'used: 110, capacity: 110',
  ],
  ['NodeAffinity', 'Pod was rejected: Predicate NodeAffinity failed', 'pod-rejected', 'Predicate NodeAffinity failed'],
  [
    'UnexpectedAdmissionError',
    'Allocate failed due to no healthy devices present; cannot allocate unhealthy devices nvidia.com/gpu, which is unexpected',
    'device-refused',
    'no healthy devices present',
  ],
  ['SomethingNew', 'the kubelet does not like it', 'pod-rejected', 'the kubelet does not like it'],
])('%s', async (reason, message, category, words) => {
  const [finding] = await analyze(podRejected, 'pod', failed(reason, message));
  expect(finding).toMatchObject({ category, severity: 'high', decisive: true, facts: { node: 'n1' } });
  expect(finding?.cause).toContain(words);
});

test('pressure of the node points at the node; what the pod used too much of does not', async () => {
  const [node] = await analyze(podRejected, 'pod', failed('Evicted', 'The node was low on resource: memory.'));
  expect(node?.pointers).toEqual([{ kind: 'node', namespace: null, name: 'n1' }]);
  const own = failed('Evicted', 'Pod ephemeral local storage usage exceeds the total limit of containers 1Gi.');
  expect((await analyze(podRejected, 'pod', own))[0]?.pointers).toEqual([]);
});

test('what was thrown out is a leftover from when another pod is made in its place', async () => {
  const owner = {
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'r1', controller: true }],
  };
  const other = podObject('web-2', {
    meta: { ...owner, creationTimestamp: '2026-01-01T11:10:00Z' },
  });
  const disruption = {
    conditions: [{ type: 'DisruptionTarget', status: 'True', lastTransitionTime: '2026-01-01T11:09:00Z' }],
  };
  const pod = failed('Evicted', 'The node was low on resource: memory.', disruption, owner);
  const [finding] = await analyze(podRejected, 'pod', pod, { pods: [other] });
  expect(finding?.when).toEqual({
    from: '2026-01-01T11:09:00.000Z',
    until: '2026-01-01T11:10:00.000Z',
    source: 'status of the pod',
  });
  expect((await analyze(podRejected, 'pod', pod))[0]?.when.until).toBeNull();
});

test('the events about it are evidence; a container that failed by itself is another matter', async () => {
  const events = [eventObject({ kind: 'Pod', name: 'web-1' }, 'Evicted', 'The node was low on resource: memory.')];
  const [finding] = await analyze(podRejected, 'pod', failed('Evicted', ''), { events });
  expect(finding?.evidence.map(({ read }) => read.kind)).toEqual(['object', 'events']);
  const crashed = podObject('web-1', {
    status: { phase: 'Failed', reason: 'Error' },
    state: { state: { terminated: { exitCode: 1, finishedAt: '2026-01-01T11:30:00Z' } } },
  });
  expect(await analyze(podRejected, 'pod', crashed)).toEqual([]);
  expect(await analyze(podRejected, 'pod', podObject('web-1'))).toEqual([]);
});

test.each([
  [
    'PreemptionByScheduler',
    'default-scheduler: preempting to accommodate a higher priority pod',
    /preempted.*higher priority/,
  ],
  ['EvictionByEvictionAPI', 'Eviction API: evicting', /evicted through the API/],
  ['DeletionByTaintManager', 'Taint manager: deleting due to NoExecute taint', /does not tolerate a taint/],
])('without a reason in the status the disruption condition says it: %s', async (reason, message, cause) => {
  const condition = { type: 'DisruptionTarget', status: 'True', reason, message };
  const [finding] = await analyze(podRejected, 'pod', failed('', '', { conditions: [condition] }));
  expect(finding).toMatchObject({ category: 'evicted', decisive: true });
  expect(finding?.cause).toMatch(cause);
});
