import { addMs, timeText } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';
import { change, kindAndName, look, unreadyQuestions } from '../advice.ts';
import { defineAnalyzer, nameOf, objectName } from '../define.ts';
import type { AnalyzerIo, EventView, FindingDraft, Period, Target } from '../define.ts';
import { eventsEvidence } from '../reading/events.ts';
import { conditionOf, controllerOf, numberAt } from '../reading/fields.ts';
import { replicasOf } from '../reading/replicas.ts';

type Draft = FindingDraft<'scaled-to-zero' | 'rollout-paused'>;

/** A workload scaled down longer ago than this, or at an unknown time, is taken for switched off where nobody asks for it. */
const recentMs = 24 * 3_600_000;

/** Workloads that are told to have no pods, and deployments that are told not to roll out. */
export const scaling = defineAnalyzer({
  name: 'scaling',
  kinds: ['deployment', 'statefulset', 'replicaset'],
  explains: [],
  categories: {
    'scaled-to-zero': {
      meaning: 'A workload is scaled to 0 replicas.',
      happened: 'was scaled to 0 replicas',
      nearness: 84,
      answers: [...unreadyQuestions, 'autoscaler', 'disruption'],
      changes: null,
      advice: (draft, { namespace }) => {
        const workload = kindAndName(draft.object);
        const before = draft.facts['replicas_before'] ?? 'N';
        return [
          look(
            `kubectl -n ${namespace} get ${workload} --show-managed-fields -o jsonpath='{.spec.replicas} {.metadata.managedFields}'`,
            'Shows who set the number of replicas, and when: a person, a deployment tool or an autoscaler.',
          ),
          change(
            `kubectl -n ${namespace} scale ${workload} --replicas=${before}`,
            'Gives the workload its pods again, unless it is meant to be off.',
          ),
        ];
      },
    },
    'rollout-paused': {
      meaning: 'A Deployment is paused, so that a change of its template is not rolled out.',
      happened: 'was paused',
      nearness: 66,
      answers: ['unready'],
      changes: null,
      advice: (draft, { namespace }) => [
        look(
          `kubectl -n ${namespace} rollout history ${kindAndName(draft.object)}`,
          'Shows the revisions that were rolled out.',
        ),
        change(
          `kubectl -n ${namespace} rollout resume ${kindAndName(draft.object)}`,
          'Rolls out the template that waits, unless it is held back on purpose.',
        ),
      ],
    },
  },
  async run(io, target) {
    // The replica sets of a deployment are scaled to zero by every rollout.
    if (target.kind === 'replicaset' && controllerOf(target.object) !== null) return [];
    return [...(await scaledToZero(io, target)), ...paused(target)];
  },
});

async function scaledToZero(io: AnalyzerIo, target: Target): Promise<readonly Draft[]> {
  if (numberAt(target.object, 'spec', 'replicas') !== 0) return [];
  const events = await io.events(target);
  const scaled = scaledDown(events);
  const asked = !['holds', 'near', 'calls'].includes(target.relation);
  const isRecent = scaled !== null && scaled.at !== null && scaled.at >= addMs(io.now, -recentMs);
  const how = scaled === null ? '' : ` (scaled down ${scaled.text} at ${timeText(scaled.at)})`;
  const text = `${kindWord(target)} ${target.name} is scaled to 0 replicas${how}, so it has no pods.`;
  return [
    {
      category: 'scaled-to-zero',
      severity: asked || isRecent ? 'high' : 'info',
      object: nameOf(target),
      description: text,
      cause: text,
      decisive: true,
      when: { from: scaled?.at ?? null, until: null, source: scaled === null ? '' : 'event of the scaling' },
      facts: scaled?.before === undefined ? {} : { replicas_before: scaled.before },
      evidence: [
        specEvidence(target, `spec.replicas: 0`),
        ...(scaled === null ? [] : [eventsEvidence(target, events)]),
      ],
    },
  ];
}

const kindWord = ({ kind }: Target): string =>
  kind === 'statefulset' ? 'StatefulSet' : kind === 'replicaset' ? 'ReplicaSet' : 'Deployment';

const specEvidence = ({ kind, namespace, name }: Target, excerpt: string) =>
  ({ read: { kind: 'object', of: kind, namespace, name }, excerpt }) as const;

interface ScaledDown {
  readonly at: Timestamp | null;
  readonly text: string;
  readonly before?: string;
}

/** The last event that tells of zero: of the deployment controller, of a stateful set's last pod, of KEDA. */
function scaledDown(events: readonly EventView[]): ScaledDown | null {
  for (const { reason, message, last } of events.toReversed()) {
    const counts = /(?:from (\d+) )?to 0\b(?: from (\d+))?/.exec(message);
    if (/^Scal|KEDA/i.test(reason) && counts !== null) {
      const before = counts[1] ?? counts[2];
      return before === undefined ? { at: last, text: 'to 0' } : { at: last, text: `from ${before} to 0`, before };
    }
    if (reason === 'SuccessfulDelete' && /-0 in StatefulSet/.test(message)) return { at: last, text: 'to 0' };
  }
  return null;
}

function paused(target: Target): readonly Draft[] {
  const { object } = target;
  if (target.kind !== 'deployment' || object.spec?.['paused'] !== true) return [];
  const { wanted, updated, ready } = replicasOf(target);
  const progressing = conditionOf(object, 'Progressing');
  const since = progressing?.reason === 'DeploymentPaused' ? progressing.since : null;
  const waits = updated < wanted;
  // Where pods are not ready either, their own trouble comes first: the pause keeps nothing but the new template away.
  const isCause = waits && ready >= wanted;
  const text = `Deployment ${target.name} is paused${since === null ? '' : ` since ${timeText(since)}`} (spec.paused): ${updated} of its ${wanted} replicas have the newest template, and no rollout goes on until it is resumed.`;
  const when: Period = { from: since, until: null, source: since === null ? '' : 'condition Progressing' };
  return [
    {
      category: 'rollout-paused',
      severity: waits ? 'high' : 'info',
      object: objectName('deployment', target.namespace, target.name),
      description: text,
      cause: isCause ? text : null,
      decisive: isCause,
      when,
      facts: { updated: String(updated), wanted: String(wanted) },
      evidence: [specEvidence(target, `spec.paused: true\nreplicas: ${wanted} wanted, ${updated} updated`)],
    },
  ];
}
