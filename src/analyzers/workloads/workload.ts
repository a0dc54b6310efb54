import { describeCommand, look, unreadyQuestions } from '../advice.ts';
import { defineAnalyzer, lasting, nameOf } from '../define.ts';
import type { Category, EvidenceDraft, Target } from '../define.ts';
import { conditionLine, listAt } from '../reading/fields.ts';
import { wasRead } from '../reading/owned.ts';
import { replicasOf } from '../reading/replicas.ts';

/** Of workloads of every kind. */
export const replicasUnavailable: Category = {
  meaning: 'A workload has fewer ready pods than it wants.',
  happened: 'had too few ready pods',
  nearness: 44,
  answers: unreadyQuestions,
  changes: null,
  advice: (draft) => [look(describeCommand(draft), 'Shows the state and the events of the object.')],
};

/** StatefulSets, DaemonSets and ReplicaSets whose pods are missing or not ready. */
export const workload = defineAnalyzer({
  name: 'workload',
  kinds: ['statefulset', 'daemonset', 'replicaset'],
  explains: [],
  categories: {
    'replicas-unavailable': replicasUnavailable,
  },
  async run(_, target) {
    if (!wasRead(target)) return [];
    const { wanted, ready } = replicasOf(target);
    if (ready >= wanted) return [];
    return [
      {
        category: 'replicas-unavailable',
        severity: ready > 0 ? 'medium' : 'high',
        object: nameOf(target),
        description: `${ready} of ${wanted} pods of ${target.kind} ${target.name} are ready.`,
        cause: null,
        decisive: false,
        when: lasting,
        facts: { wanted: String(wanted), ready: String(ready) },
        evidence: [workloadEvidence(target, wanted, ready)],
      },
    ];
  },
});

function workloadEvidence(target: Target, wanted: number, ready: number): EvidenceDraft {
  const conditions = listAt(target.object, 'status', 'conditions').map(conditionLine);
  return {
    read: { kind: 'object', of: target.kind, namespace: target.namespace, name: target.name },
    excerpt: [`pods: ${wanted} wanted, ${ready} ready`, ...conditions].join('\n'),
  };
}
