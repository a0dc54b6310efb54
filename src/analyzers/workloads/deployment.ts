import type { KubernetesObject } from '../../core/cluster.ts';
import { addMs, timeText } from '../../core/time.ts';
import { plural } from '../../lib/words.ts';
import { describeCommand, kindAndName, look, unreadyQuestions } from '../advice.ts';
import { defineAnalyzer, objectName } from '../define.ts';
import type { AnalyzerIo, EvidenceDraft, FindingDraft, Target } from '../define.ts';
import { between, conditionLine, conditionOf, listAt, mapAt, numberAt, textAt } from '../reading/fields.ts';
import { wasRead } from '../reading/owned.ts';
import { replicasOf, revisionOf } from '../reading/replicas.ts';
import { replicaSetsOf, rolloutsOf } from './rollouts.ts';
import { quote } from '../reading/quote.ts';
import { replicasUnavailable } from './workload.ts';

type Draft = FindingDraft<'rollout-stuck' | 'replicas-unavailable' | 'recent-change'>;

/** A change longer ago than this is not reported as recent. */
const recentMs = 24 * 3_600_000;

/** Deployments: rollouts that do not get on, replicas that are missing, and what the last rollout changed. */
export const deployment = defineAnalyzer({
  name: 'deployment',
  kinds: ['deployment'],
  explains: ['DeploymentRollback'],
  categories: {
    'rollout-stuck': {
      meaning: 'A rollout does not get on.',
      happened: 'got stuck in its rollout',
      nearness: 50,
      answers: unreadyQuestions,
      changes: /./,
      advice: (draft, { namespace }) => [
        look(
          `kubectl -n ${namespace} rollout status ${kindAndName(draft.object)} --timeout=5s`,
          'Shows what the rollout waits for.',
        ),
      ],
    },
    'replicas-unavailable': replicasUnavailable,
    'recent-change': {
      meaning: 'A rollout changed the template of the pods within the last day.',
      happened: 'was changed by a rollout',
      nearness: 40,
      answers: [],
      changes: null,
      advice: (draft) => [look(describeCommand(draft), 'Shows the state and the events of the object.')],
    },
  },
  async run(io, target) {
    if (!wasRead(target)) return [];
    const listed = await io.list('replicasets', target.namespace);
    const replicaSets = replicaSetsOf(target.object, listed.kind === 'ok' ? listed.value : []);
    return [...rollout(target, replicaSets), ...recentChange(io, target, replicaSets)];
  },
});

function deploymentEvidence(target: Target): EvidenceDraft {
  const { wanted, updated, ready, available } = replicasOf(target);
  const lines = [
    `replicas: ${wanted} wanted, ${updated} updated, ${ready} ready, ${available} available`,
    `revision: ${revisionOf(target.object) || 'unknown'}`,
    ...listAt(target.object, 'status', 'conditions').map(conditionLine),
  ];
  return {
    read: { kind: 'object', of: 'deployment', namespace: target.namespace, name: target.name },
    excerpt: lines.join('\n'),
  };
}

function rollout(target: Target, replicaSets: readonly KubernetesObject[]): readonly Draft[] {
  const progressing = conditionOf(target.object, 'Progressing');
  const replicas = replicasOf(target);
  const exceeded = progressing?.status === 'False' && progressing.reason === 'ProgressDeadlineExceeded';
  const missing = replicas.available < replicas.wanted || replicas.updated < replicas.wanted;
  if (!exceeded && !missing) return [];
  const counts = `${replicas.updated} of ${replicas.wanted} replicas are updated, ${replicas.available} available`;
  const state = exceeded
    ? `The rollout of deployment ${target.name} is stuck (ProgressDeadlineExceeded since ${timeText(progressing.since)})`
    : replicas.updated < replicas.wanted
      ? `The rollout of deployment ${target.name} is not complete`
      : `Deployment ${target.name} lacks available replicas`;
  const newest = replicaSets[0];
  return [
    {
      category: exceeded || replicas.updated < replicas.wanted ? 'rollout-stuck' : 'replicas-unavailable',
      severity: exceeded || replicas.available === 0 ? 'high' : 'medium',
      object: objectName('deployment', target.namespace, target.name),
      description: `${state}; ${counts}.`,
      // Pods that do not get ready, or are refused, are what it waits for; that it waits is a symptom.
      cause: null,
      decisive: false,
      when: {
        from: exceeded ? progressing.since : null,
        until: null,
        source: 'conditions of the deployment',
      },
      facts: {
        wanted: String(replicas.wanted),
        updated: String(replicas.updated),
        available: String(replicas.available),
        ...(exceeded ? { reason: progressing.reason } : {}),
        ...(newest === undefined ? {} : { new_replica_set: newest.metadata.name }),
      },
      evidence: [deploymentEvidence(target)],
    },
  ];
}

/** The difference between the templates of the two newest revisions, where the newest is recent. */
function recentChange(io: AnalyzerIo, target: Target, replicaSets: readonly KubernetesObject[]): readonly Draft[] {
  const [last] = rolloutsOf(target.object, replicaSets);
  if (last === undefined || last.at === null || last.at < addMs(io.now, -recentMs)) return [];
  const { replicaSet: newest, previous, at: changedAt, changes } = last;
  const texts = changes.map((change) => change.text);
  const cause = newest.metadata.annotations?.['kubernetes.io/change-cause'];
  const before = between(changedAt, io.now) ?? '';
  const revision = revisionOf(newest);
  const what = texts.length === 0 ? 'nothing that is compared (labels or annotations only)' : texts.join('; ');
  return [
    {
      category: 'recent-change',
      severity: 'medium',
      object: objectName('deployment', target.namespace, target.name),
      description: `Deployment ${target.name} was changed at ${timeText(changedAt)} (${before} earlier, revision ${revision}): ${what}.${cause === undefined ? '' : ` Its change-cause says: "${quote(cause, 160)}".`}`,
      cause: null,
      decisive: false,
      when: { from: changedAt, until: null, source: 'creation of the replica set' },
      changes,
      facts: {
        changed_at: changedAt,
        revision: String(revision),
        previous_revision: String(revisionOf(previous)),
        replica_set: newest.metadata.name,
        ...(newest.metadata.labels?.['pod-template-hash'] === undefined
          ? {}
          : { pod_template_hash: newest.metadata.labels['pod-template-hash'] }),
        changes: plural(changes.length, 'change'),
      },
      evidence: [replicaSetEvidence(newest, texts), replicaSetEvidence(previous, []), deploymentEvidence(target)],
    },
  ];
}

function replicaSetEvidence(replicaSet: KubernetesObject, changes: readonly string[]): EvidenceDraft {
  const { namespace, name, creationTimestamp } = replicaSet.metadata;
  const containers = listAt(replicaSet, 'spec', 'template', 'spec', 'containers').map((container) => {
    const limits = amounts(container, 'limits');
    const requests = amounts(container, 'requests');
    return `container ${textAt(container, 'name')}: image ${textAt(container, 'image')}; limits ${limits}; requests ${requests}`;
  });
  const lines = [
    `revision: ${revisionOf(replicaSet)}`,
    `created: ${creationTimestamp ?? 'unknown'}`,
    `replicas: ${numberAt(replicaSet, 'spec', 'replicas') ?? 0} wanted, ${numberAt(replicaSet, 'status', 'readyReplicas') ?? 0} ready`,
    ...containers,
    ...changes.map((change) => `changed: ${change}`),
  ];
  return { read: { kind: 'object', of: 'replicaset', namespace: namespace ?? null, name }, excerpt: lines.join('\n') };
}

function amounts(container: unknown, kind: 'limits' | 'requests'): string {
  const entries = Object.entries(mapAt(container, 'resources', kind));
  return entries.map(([name, amount]) => `${name}=${amount}`).join(' ') || 'none';
}
