import type { KubernetesObject } from '../core/cluster.ts';
import { describeCommand, look, unreadyQuestions } from './advice.ts';
import { defineAnalyzer, objectName } from './define.ts';
import type { Category, EvidenceDraft, FindingDraft, Target } from './define.ts';
import { eventsEvidence, recentWarnings } from './events.ts';
import { conditionOf, listAt, numberAt, textAt, timeText } from './fields.ts';
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

/** Jobs that failed, with the controller's reason. */
export const job = defineAnalyzer({
  name: 'job',
  kinds: ['job'],
  explains: ['BackoffLimitExceeded', 'DeadlineExceeded', 'FailedCreate'],
  categories: {
    'job-failed': {
      meaning: 'A Job failed.',
      nearness: 52,
      answers: ['job'],
      changes: null,
      advice: (draft) => [look(describeCommand(draft), 'Shows the pods of the job and its limits.')],
    },
  },
  async run(io, target) {
    const failed = conditionOf(target.object, 'Failed');
    if (failed?.status !== 'True') return [];
    const events = await io.events(target);
    const count = numberAt(target.object, 'status', 'failed') ?? 0;
    const warnings = recentWarnings(
      events,
      ['BackoffLimitExceeded', 'DeadlineExceeded', 'FailedCreate'],
      io.now,
      24 * 3_600_000,
    );
    const excerpt = [
      `failed pods: ${count}`,
      `backoffLimit: ${numberAt(target.object, 'spec', 'backoffLimit') ?? 'default'}`,
      `condition Failed since ${failed.since ?? 'unknown'} (${failed.reason}: ${failed.message})`,
    ].join('\n');
    const finding: FindingDraft<'job-failed'> = {
      category: 'job-failed',
      severity: 'high',
      object: objectName('job', target.namespace, target.name),
      description: `Job ${target.name} failed at ${timeText(failed.since)} (${failed.reason}): ${quote(failed.message, 250)}; ${count} of its pods failed.`,
      cause: failed.reason === 'DeadlineExceeded' ? `Job ${target.name} did not end before its deadline.` : null,
      decisive: failed.reason === 'DeadlineExceeded',
      when: { from: failed.since, until: null, source: 'condition Failed' },
      facts: { reason: failed.reason, failed_pods: String(count) },
      evidence: [
        { read: { kind: 'object', of: 'job', namespace: target.namespace, name: target.name }, excerpt },
        ...(warnings.length > 0 ? [eventsEvidence(target, events)] : []),
      ],
    };
    return [finding];
  },
});
