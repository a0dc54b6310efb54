import type { KubernetesObject } from '../core/cluster.ts';
import { describeCommand, look, unreadyQuestions } from './advice.ts';
import { defineAnalyzer, objectName } from './define.ts';
import type { Category, EvidenceDraft, Target } from './define.ts';
import { eventsEvidence, recentWarnings } from './events.ts';
import { listAt, numberAt, textAt } from './fields.ts';
import { wasRead } from './owned.ts';
import { quote } from './quote.ts';

const createRefused: Category = {
  meaning: 'The API server refuses the pods of a workload.',
  nearness: 85,
  answers: unreadyQuestions,
  changes: /./,
  advice: (draft, { namespace }) => [
    look(describeCommand(draft), 'Shows the answer of the API server.'),
    look(`kubectl -n ${namespace} describe resourcequotas`, 'Shows the quotas of the namespace and what is used.'),
  ],
};

/** StatefulSets and DaemonSets whose pods are missing or not ready, and pods that the API server refuses. */
export const workload = defineAnalyzer({
  name: 'workload',
  kinds: ['statefulset', 'daemonset', 'replicaset'],
  explains: ['FailedCreate'],
  categories: {
    'create-refused': createRefused,
    'replicas-unavailable': {
      meaning: 'A workload has fewer ready pods than it wants.',
      nearness: 44,
      answers: unreadyQuestions,
      changes: null,
      advice: (draft) => [look(describeCommand(draft), 'Shows the state and the events of the object.')],
    },
  },
  async run(io, target) {
    if (!wasRead(target)) return [];
    const { wanted, ready } = counts(target.object);
    if (ready >= wanted) return [];
    const events = await io.events(target);
    const refusal = recentWarnings(events, ['FailedCreate'], io.now).at(-1);
    const evidence = [
      workloadEvidence(target, wanted, ready),
      ...(refusal === undefined ? [] : [eventsEvidence(target, events)]),
    ];
    const message = refusal === undefined ? '' : quote(refusal.message, 300);
    return [
      {
        category: refusal === undefined ? 'replicas-unavailable' : 'create-refused',
        severity: refusal === undefined && ready > 0 ? 'medium' : 'high',
        object: objectName(target.kind, target.namespace, target.name),
        description: `${ready} of ${wanted} pods of ${target.kind} ${target.name} are ready.${message === '' ? '' : ` New pods are refused: ${message}`}`,
        cause: message === '' ? null : `The pods of ${target.kind} ${target.name} cannot be created: ${message}`,
        decisive: message !== '',
        when: { from: refusal?.first ?? null, until: null, source: refusal === undefined ? '' : 'event FailedCreate' },
        facts: { wanted: String(wanted), ready: String(ready), ...(message === '' ? {} : { message }) },
        evidence,
      },
    ];
  },
});

function counts(object: KubernetesObject): { readonly wanted: number; readonly ready: number } {
  const status = (field: string): number => numberAt(object, 'status', field) ?? 0;
  if (object.kind === 'DaemonSet') return { wanted: status('desiredNumberScheduled'), ready: status('numberReady') };
  return { wanted: numberAt(object, 'spec', 'replicas') ?? 1, ready: status('readyReplicas') };
}

function workloadEvidence(target: Target, wanted: number, ready: number): EvidenceDraft {
  const conditions = listAt(target.object, 'status', 'conditions').map(
    (condition) =>
      `condition ${textAt(condition, 'type')}=${textAt(condition, 'status')} (${textAt(condition, 'reason')}: ${textAt(condition, 'message')})`,
  );
  return {
    read: { kind: 'object', of: target.kind, namespace: target.namespace, name: target.name },
    excerpt: [`pods: ${wanted} wanted, ${ready} ready`, ...conditions].join('\n'),
  };
}
