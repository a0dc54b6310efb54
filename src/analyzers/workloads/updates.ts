import { change, look, unreadyQuestions } from '../advice.ts';
import { defineAnalyzer, lasting, nameOf, objectName } from '../define.ts';
import type { AnalyzerIo, FindingDraft, Target } from '../define.ts';
import { numberAt, textAt } from '../reading/fields.ts';
import { podsOf } from '../reading/owned.ts';
import { ordinalOf, replicasOf } from '../reading/replicas.ts';
import { isReady } from '../pods/pod-status.ts';

type Draft = FindingDraft<'update-on-delete' | 'update-partition' | 'ordered-start'>;

/** Stateful and daemon sets whose pods keep an old template on purpose, or wait for an earlier pod of the set. */
export const updates = defineAnalyzer({
  name: 'updates',
  kinds: ['statefulset', 'daemonset'],
  explains: [],
  categories: {
    'update-on-delete': {
      meaning: 'Pods keep an old template until they are deleted by hand (updateStrategy OnDelete).',
      happened: 'kept pods of an old template',
      nearness: 62,
      answers: ['unready'],
      changes: null,
      advice: (draft, { namespace, pod: name }) => [
        look(
          `kubectl -n ${namespace} get pods -L controller-revision-hash -o wide`,
          `Shows which pods of ${name} have the old template.`,
        ),
        change(
          `kubectl -n ${namespace} delete pod ${draft.facts['old_pod'] ?? 'NAME'}, one after the other, waiting until each is ready.`,
          'With updateStrategy OnDelete a pod gets the new template only when it is deleted.',
        ),
      ],
    },
    'update-partition': {
      meaning: 'Pods of a StatefulSet keep an old template, because a partition holds the update back.',
      happened: 'kept pods of an old template',
      nearness: 56,
      answers: ['unready'],
      changes: null,
      advice: (_, { namespace, pod: name }) => [
        look(
          `kubectl -n ${namespace} get statefulset/${name} -o yaml`,
          'Shows updateStrategy.rollingUpdate.partition and the revisions.',
        ),
      ],
    },
    'ordered-start': {
      meaning: 'A StatefulSet starts no further pod until an earlier one is ready.',
      happened: 'started no further pod',
      nearness: 46,
      answers: unreadyQuestions,
      changes: null,
      advice: (draft, { namespace }) => [
        look(
          `kubectl -n ${namespace} describe pod ${draft.facts['waits_for'] ?? ''}`.trimEnd(),
          'Shows what keeps the pod that the others wait for from being ready.',
        ),
      ],
    },
  },
  async run(io, target) {
    return [...(await keptByHand(io, target)), ...partitioned(target), ...(await orderedStart(io, target))];
  },
});

const specEvidence = ({ kind, namespace, name }: Target, excerpt: string) =>
  ({ read: { kind: 'object', of: kind, namespace, name }, excerpt }) as const;

const kindWord = ({ kind }: Target): string => (kind === 'daemonset' ? 'DaemonSet' : 'StatefulSet');

async function keptByHand(io: AnalyzerIo, target: Target): Promise<readonly Draft[]> {
  const { wanted, updated, ready } = replicasOf(target);
  if (textAt(target.object, 'spec', 'updateStrategy', 'type') !== 'OnDelete' || updated >= wanted) return [];
  const revision = textAt(target.object, 'status', 'updateRevision');
  const pods = await podsOf(io, target);
  const old = pods.find(
    ({ metadata }) => revision !== '' && metadata.labels?.['controller-revision-hash'] !== revision,
  );
  const text = `${kindWord(target)} ${target.name} has updateStrategy OnDelete: ${wanted - updated} of its ${wanted} pods have an old template and wait to be deleted by hand.`;
  // Where pods are not ready, their own trouble is what the alert is about.
  const isCause = ready >= wanted;
  return [
    {
      category: 'update-on-delete',
      severity: isCause ? 'high' : 'medium',
      object: nameOf(target),
      description: text,
      cause: isCause ? text : null,
      decisive: isCause,
      when: lasting,
      facts: old === undefined ? {} : { old_pod: old.metadata.name },
      evidence: [
        specEvidence(target, `updateStrategy: OnDelete\npods: ${wanted} wanted, ${updated} updated, ${ready} ready`),
      ],
    },
  ];
}

function partitioned(target: Target): readonly Draft[] {
  const partition = numberAt(target.object, 'spec', 'updateStrategy', 'rollingUpdate', 'partition') ?? 0;
  const { wanted, updated, ready } = replicasOf(target);
  if (target.kind !== 'statefulset' || partition === 0 || updated >= wanted) return [];
  // The pods above the partition are updated one after the other: what is below it waits on purpose.
  const held = updated >= Math.max(0, wanted - partition) && ready >= wanted;
  const text = `StatefulSet ${target.name} updates only pods from ordinal ${partition} on (rollingUpdate.partition): ${updated} of its ${wanted} pods have the newest template.`;
  return [
    {
      category: 'update-partition',
      severity: held ? 'medium' : 'info',
      object: objectName('statefulset', target.namespace, target.name),
      description: text,
      cause: held ? text : null,
      decisive: held,
      when: lasting,
      facts: { partition: String(partition) },
      evidence: [
        specEvidence(target, `partition: ${partition}\npods: ${wanted} wanted, ${updated} updated, ${ready} ready`),
      ],
    },
  ];
}

/** The first pod that is not ready, where later ones do not exist. */
async function orderedStart(io: AnalyzerIo, target: Target): Promise<readonly Draft[]> {
  const { object } = target;
  if (target.kind !== 'statefulset' || object.spec === undefined) return [];
  if (textAt(object, 'spec', 'podManagementPolicy') === 'Parallel') return [];
  const start = numberAt(object, 'spec', 'ordinals', 'start') ?? 0;
  const { wanted } = replicasOf(target);
  const pods = (await podsOf(io, target)).toSorted(
    (one, other) => ordinalOf(one.metadata.name) - ordinalOf(other.metadata.name),
  );
  const first = pods.find((pod) => !isReady(pod));
  const missing = Array.from({ length: wanted }, (_, index) => start + index).filter(
    (ordinal) => !pods.some(({ metadata }) => ordinalOf(metadata.name) === ordinal),
  );
  if (first === undefined || !missing.some((ordinal) => ordinal > ordinalOf(first.metadata.name))) return [];
  const { name } = first.metadata;
  const later = missing.filter((ordinal) => ordinal > ordinalOf(name)).map((ordinal) => `${target.name}-${ordinal}`);
  return [
    {
      category: 'ordered-start',
      severity: 'medium',
      object: objectName('statefulset', target.namespace, target.name),
      description: `StatefulSet ${target.name} does not start ${later.slice(0, 5).join(', ')} until ${name} is ready (podManagementPolicy OrderedReady).`,
      cause: null,
      decisive: false,
      when: lasting,
      facts: { waits_for: name },
      evidence: [specEvidence(target, `pods: ${pods.length} of ${wanted} exist, ${name} is not ready`)],
      pointers: [{ kind: 'pod', namespace: target.namespace, name }],
    },
  ];
}
