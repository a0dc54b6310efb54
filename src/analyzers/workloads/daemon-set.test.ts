import { expect, test } from 'vitest';
import { analyze } from '../../../test/support/analyze.ts';
import { podObject } from '../../../test/support/memory-cluster.ts';
import { daemonSet } from './daemon-set.ts';

const agent = (spec: object, numberMisscheduled: number) => ({
  kind: 'DaemonSet',
  metadata: { name: 'agent', namespace: 'shop', uid: 'd1' },
  spec: { template: { spec } },
  status: { numberMisscheduled },
});
const pods = ['n1', 'n2'].map((nodeName) =>
  podObject(`agent-${nodeName}`, {
    meta: { ownerReferences: [{ kind: 'DaemonSet', name: 'agent', uid: 'd1', controller: true }] },
    spec: { nodeName },
  }),
);
const nodeOf = (name: string, labels: object, taints: readonly object[] = []) => ({
  metadata: { name, labels },
  spec: { taints },
});

test('a node that lost the label which the pods ask for', async () => {
  const nodes = [nodeOf('n1', { disk: 'ssd' }), nodeOf('n2', {})];
  const [finding] = await analyze(daemonSet, 'daemonset', agent({ nodeSelector: { disk: 'ssd' } }, 1), { pods, nodes });
  expect(finding).toMatchObject({ category: 'misscheduled', decisive: true, facts: { node: 'n2' } });
  expect(finding?.cause).toBe(
    '1 pod of DaemonSet agent runs where it does not belong (agent-n2 on node n2: it does not have the label disk=ssd of the nodeSelector).',
  );
});

test('a taint that is not tolerated; those of conditions, and tolerated ones, are none', async () => {
  const taint = { key: 'dedicated', value: 'gpu', effect: 'NoSchedule' };
  const nodes = [
    nodeOf('n1', {}, [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }]),
    nodeOf('n2', {}, [taint]),
  ];
  const [finding] = await analyze(daemonSet, 'daemonset', agent({}, 1), { pods, nodes });
  expect(finding?.cause).toContain('agent-n2 on node n2: its taint dedicated=gpu:NoSchedule is not tolerated');
  for (const toleration of [
    { operator: 'Exists' },
    { key: 'dedicated', operator: 'Equal', value: 'gpu' },
    { key: 'dedicated', operator: 'Exists', effect: 'NoSchedule' },
  ]) {
    const tolerant = agent({ tolerations: [toleration] }, 1);
    expect(await analyze(daemonSet, 'daemonset', tolerant, { pods, nodes })).toMatchObject([{ cause: null }]);
  }
  expect(await analyze(daemonSet, 'daemonset', agent({}, 0), { pods, nodes })).toEqual([]);
});

test('no node has the label: the set has no pods', async () => {
  const none = { ...agent({ nodeSelector: { disk: 'ssd' } }, 0), status: { desiredNumberScheduled: 0 } };
  const [finding] = await analyze(daemonSet, 'daemonset', none, { nodes: [nodeOf('n1', {}), nodeOf('n2', {})] });
  expect(finding).toMatchObject({ category: 'no-node', decisive: true });
  expect(finding?.cause).toBe(
    'DaemonSet agent has no pods, because none of the 2 nodes takes them: of n1, it does not have the label disk=ssd of the nodeSelector.',
  );
  expect(await analyze(daemonSet, 'daemonset', none, { nodes: [nodeOf('n1', { disk: 'ssd' })] })).toEqual([]);
});
