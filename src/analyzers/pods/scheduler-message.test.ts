import { expect, test } from 'vitest';
import { schedulerVerdict } from './scheduler-message.ts';

const preemption = ' preemption: 0/4 nodes are available: 4 Preemption is not helpful for scheduling.';

test.each([
  ['0/4 nodes are available: 1 node(s) were unschedulable, 3 Insufficient cpu.', 'resource cpu, cordoned'],
  [
    `0/6 nodes are available: 2 node(s) had untolerated taint {dedicated: gpu}, 4 node(s) didn't match pod topology spread constraints.${preemption}`,
    'spread, taint',
  ],
  ["0/3 nodes are available: 3 node(s) had taint {a: b}, that the pod didn't tolerate.", 'taint'],
  [
    "0/3 nodes are available: 1 node(s) had taint {node-role.kubernetes.io/master: }, that the pod didn't tolerate, 2 Insufficient memory.",
    'resource memory, control-plane',
  ],
  [
    "0/3 nodes are available: 1 node(s) had taints that the pod didn't tolerate, 2 node(s) didn't match node selector.",
    'taint, selector',
  ],
  ['0/4 nodes are available: 4 node(s) had untolerated taint(s).', 'taint'],
  [
    '0/3 nodes are available: 1 node(s) had untolerated taint {node.cilium.io/agent-not-ready: }, 2 node(s) had untolerated taint {node.kubernetes.io/not-ready: }.',
    'node-condition, node-condition',
  ],
  [
    "0/4 nodes are available: 1 Insufficient nvidia.com/gpu, 3 node(s) didn't match Pod's node affinity/selector.",
    'resource nvidia.com/gpu, selector',
  ],
  ["0/3 nodes are available: 3 node(s) didn't match Pod's node affinity.", 'selector'],
  [
    "0/3 nodes are available: 3 node(s) didn't match pod affinity/anti-affinity rules, 3 node(s) didn't match pod anti-affinity rules.",
    'affinity, affinity',
  ],
  ["0/3 nodes are available: 3 node(s) didn't satisfy existing pods anti-affinity rules.", 'affinity'],
  ["0/3 nodes are available: 3 node(s) didn't have free ports for the requested pod ports.", 'ports'],
  ['0/3 nodes are available: 3 Too many pods.', 'pods'],
  [
    '0/3 nodes are available: 1 node(s) exceed max volume count, 2 node(s) had volume node affinity conflict.',
    'volume, volume',
  ],
  ['0/3 nodes are available: 3 node(s) did not have enough free storage.', 'volume'],
  [`0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.${preemption}`, 'claim'],
  ['0/3 nodes are available: 3 pod has unbound immediate PersistentVolumeClaims.', 'claim'],
  ['running "VolumeBinding" filter plugin for pod "web-0": pod has unbound immediate PersistentVolumeClaims', 'claim'],
  ['0/3 nodes are available: persistentvolumeclaim "data" not found.', 'claim data'],
  ['persistentvolumeclaim "data" not found', 'claim data'],
  ["0/2 nodes are available: 2 node(s) didn't find available persistent volumes to bind.", 'claim'],
  [
    '0/2 nodes are available: waiting for ephemeral volume controller to create the persistentvolumeclaim "web-tmp".',
    'claim web-tmp',
  ],
  ['0/3 nodes are available: 3 cannot allocate all claims. still not schedulable, preemption: 0/3', 'device'],
  ['running PreBind plugin "VolumeBinding": binding volumes: context deadline exceeded', 'claim'],
  ['no nodes available to schedule pods', 'no-nodes'],
  ['0/3 nodes are available: 3 moon in the wrong phase.', 'other'],
])('%s', (message, kinds) => {
  expect(
    schedulerVerdict(message)
      .reasons.map(({ kind, named }) => `${kind} ${named}`.trim())
      .join(', '),
  ).toBe(kinds);
});

test('the sentence keeps the words of the scheduler, what tells most first', () => {
  const message =
    "0/6 nodes are available: 1 node(s) were unschedulable, 2 node(s) had taint {a: b}, that the pod didn't tolerate, 3 Insufficient cpu.";
  expect(schedulerVerdict(message + preemption).sentence).toBe(
    "0/6 nodes are available: 3 Insufficient cpu, 2 node(s) had taint {a: b}, that the pod didn't tolerate, 1 node(s) were unschedulable.",
  );
  expect(schedulerVerdict('0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.').sentence).toBe(
    '0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.',
  );
  expect(schedulerVerdict('').sentence).toBe('');
});
