import type { KubernetesObject } from '../../core/cluster.ts';
import { change, look, unreadyQuestions } from '../advice.ts';
import { defineAnalyzer, objectName } from '../define.ts';
import type { AnalyzerIo, Category, EvidenceDraft, FindingDraft, Pointer, Target } from '../define.ts';
import { eventsEvidence } from '../reading/events.ts';
import { between, conditionOf, listAt, textAt, timeAt } from '../reading/fields.ts';
import { explainReasons, isLargerThanNodes, nodeLine, unwellFor } from './pending-why.ts';
import { isReady, podEvidence, podFacts } from './pod-status.ts';
import { quote } from '../reading/quote.ts';
import { noVolumes, volumesOf } from './pending-volumes.ts';
import { noScaleUp } from './scale-up.ts';
import { schedulerVerdict } from './scheduler-message.ts';
import type { ReasonKind } from './scheduler-message.ts';

type Name =
  | 'pending'
  | 'pending-room'
  | 'pending-selector'
  | 'pending-taint'
  | 'pending-affinity'
  | 'pending-volume'
  | 'pending-nodes'
  | 'pending-gated'
  | 'pending-silent'
  | 'pending-other';
type Draft = FindingDraft<Name>;

const pending = (meaning: string, happened: string, changes: RegExp | null, advice: Category['advice']): Category => ({
  meaning,
  happened,
  nearness: 84,
  answers: unreadyQuestions,
  changes,
  advice,
});
const scaleUp = ({ facts }: FindingDraft): ReturnType<typeof change>[] =>
  facts['scale_up'] === undefined
    ? []
    : [change(`${facts['scale_up']}.`, 'Without it the autoscaler adds no node for the pod.')];
const nodes = look('kubectl describe nodes', 'Shows what each node can give and what is given already.');
const labels = look('kubectl get nodes --show-labels', 'Shows the labels of the nodes.');
const templateOf = (workload: string | null, namespace: string, what: string): ReturnType<typeof change>[] =>
  workload === null
    ? []
    : [change(`Correct ${what} of ${workload} in namespace ${namespace}.`, 'No node fits as it is.')];

const categories: Readonly<Record<Name, Category>> = {
  pending: pending(
    'No node has what the pod asks for.',
    'found no node',
    /request$/,
    (draft, { namespace, workload }) => [
      nodes,
      ...scaleUp(draft),
      change(
        draft.facts['too_large'] === undefined
          ? `Add a node, or lower what ${workload ?? 'the pod'} in namespace ${namespace} asks for (${draft.facts['requests'] ?? 'its requests'}).`
          : `Lower what ${workload ?? 'the pod'} in namespace ${namespace} asks for (${draft.facts['requests'] ?? 'its requests'}), or add a node that is so large.`,
        'No node has what the pod asks for.',
      ),
    ],
  ),
  'pending-room': pending(
    'The nodes have no place left: pods, host ports, devices.',
    'found no node',
    /^(?:ports|host network)$/,
    (draft) => [nodes, ...scaleUp(draft)],
  ),
  'pending-selector': pending(
    'No node has the labels that the pod asks for.',
    'found no node',
    /^(?:node selector|affinity)$/,
    (_, { namespace, workload }) => [
      labels,
      ...templateOf(workload, namespace, 'the node selector or the node affinity'),
    ],
  ),
  'pending-taint': pending(
    'The nodes have taints that the pod does not tolerate.',
    'found no node',
    /^(?:tolerations|node selector|affinity)$/,
    (_, { namespace, workload }) => [
      look(
        "kubectl get nodes -o custom-columns='NAME:.metadata.name,TAINTS:.spec.taints'",
        'Shows the taints of the nodes; compare them with the tolerations of the pod.',
      ),
      ...templateOf(workload, namespace, 'the tolerations'),
    ],
  ),
  'pending-affinity': pending(
    'Where other pods are keeps the pod away: anti-affinity, affinity, spread.',
    'found no node',
    /^(?:affinity|topology spread constraints|container)$/,
    (_, { namespace, workload }) => [
      look(
        `Compare its affinity and topology spread with where other pods are: kubectl -n ${namespace} get pods -o wide --show-labels`,
        'Shows on which nodes the pods are that the affinity rules or the spread constraints speak of.',
      ),
      ...templateOf(workload, namespace, 'the affinity or the topology spread constraints'),
    ],
  ),
  'pending-volume': pending(
    'A volume of the pod keeps it from every node.',
    'found no node',
    /^volumes$/,
    (_, { namespace }) => [
      look(
        `kubectl -n ${namespace} get persistentvolumeclaims`,
        'Shows the claims of the pod, whether they are bound, and to which volumes.',
      ),
      look('kubectl get persistentvolumes,storageclasses', 'Shows the volumes, their zones, and the storage classes.'),
    ],
  ),
  'pending-nodes': pending('The nodes are not ready, cordoned, or there are none.', 'found no node', null, () => [
    look('kubectl get nodes', 'Shows which nodes are ready and which are cordoned.'),
  ]),
  'pending-gated': pending(
    'The pod waits for a scheduling gate.',
    'was not scheduled',
    null,
    (draft, { namespace, pod }) => [
      look(
        `kubectl -n ${namespace} get pod ${pod} -o jsonpath='{.spec.schedulingGates}'`,
        `Shows the gates; who set ${draft.facts['gates'] ?? 'them'} has to take them away.`,
      ),
    ],
  ),
  'pending-silent': pending('No scheduler has said anything of the pod.', 'was not scheduled', /^scheduler$/, () => [
    look(
      'kubectl -n kube-system get pods -l component=kube-scheduler',
      'Shows whether the scheduler runs; its log says what keeps it.',
    ),
  ]),
  'pending-other': pending('No node takes the pod.', 'found no node', null, () => [nodes]),
};

const categoryOf: Readonly<Record<ReasonKind, Name>> = {
  resource: 'pending',
  pods: 'pending-room',
  ports: 'pending-room',
  device: 'pending-room',
  taint: 'pending-taint',
  'control-plane': 'pending-taint',
  'node-condition': 'pending-nodes',
  cordoned: 'pending-nodes',
  'no-nodes': 'pending-nodes',
  selector: 'pending-selector',
  affinity: 'pending-affinity',
  spread: 'pending-affinity',
  volume: 'pending-volume',
  claim: 'pending-volume',
  other: 'pending-other',
};

/** Pods that no node takes, in the scheduler's words and what the nodes add to them. */
export const podSchedule = defineAnalyzer({
  name: 'pod-schedule',
  kinds: ['pod'],
  explains: ['FailedScheduling', 'NotTriggerScaleUp'],
  categories,
  async run(io, target) {
    const pod = target.object;
    const isPending = textAt(pod, 'status', 'phase') === 'Pending' && textAt(pod, 'spec', 'nodeName') === '';
    if (!isPending || pod.metadata.deletionTimestamp !== undefined) return [];
    const gates = listAt(pod, 'spec', 'schedulingGates').map((gate) => textAt(gate, 'name'));
    if (gates.length > 0) return [gated(io, target, gates)];
    const events = await io.events(target);
    const told = conditionOf(pod, 'PodScheduled')?.message ?? '';
    const message = told || (events.findLast(({ reason }) => reason === 'FailedScheduling')?.message ?? '');
    return [message === '' ? await silent(io, target) : await unscheduled(io, target, message)];
  },
});

/** What every finding about a pod without a node carries. */
function baseOf(
  io: AnalyzerIo,
  target: Target,
): Pick<Draft, 'severity' | 'object' | 'when'> & { readonly state: string } {
  const { object: pod, namespace, name } = target;
  const created = timeAt(pod, 'metadata', 'creationTimestamp');
  const condition = conditionOf(pod, 'PodScheduled');
  const waited = between(created, io.now);
  const reason = condition?.reason ?? '';
  return {
    severity: 'high',
    object: objectName('pod', namespace, name),
    when: {
      from: condition?.since ?? created,
      until: null,
      source: condition?.since == null ? 'creation of the pod' : 'condition PodScheduled',
    },
    state: `Pod ${name} is Pending${waited === null ? '' : ` for ${waited}`} and on no node${reason === '' ? '' : ` (${reason})`}`,
  };
}

function gated(io: AnalyzerIo, target: Target, gates: readonly string[]): Draft {
  const { state, ...base } = baseOf(io, target);
  const names = gates.join(', ');
  const text = `waits for its scheduling gate ${names}, which has not been removed: the scheduler has not looked for a node yet.`;
  return {
    ...base,
    category: 'pending-gated',
    description: `${state}: it ${text}`,
    cause: `Pod ${target.name} ${text}`,
    decisive: true,
    facts: { ...podFacts(target.object), gates: names, message: `gate ${names}` },
    evidence: [podEvidence(target)],
  };
}

/** Neither a condition nor an event: the scheduler may not run, or does not know the pod. */
async function silent(io: AnalyzerIo, target: Target): Promise<Draft> {
  const { state, ...base } = baseOf(io, target);
  const scheduler = textAt(target.object, 'spec', 'schedulerName') || 'default-scheduler';
  const isDefault = scheduler === 'default-scheduler';
  const own = isDefault ? await io.list('pods', 'kube-system') : null;
  const down = (own?.kind === 'ok' ? own.value : []).filter(
    (pod) => pod.metadata.name.startsWith('kube-scheduler-') && !isReady(pod),
  );
  const text = `scheduler ${scheduler} has not said a word about it (does it run?)`;
  return {
    ...base,
    category: 'pending-silent',
    description: `${state}: ${text}.`,
    // A scheduler of another name is asked for by the pod itself; of the default one nothing is known.
    cause: isDefault ? null : `Pod ${target.name} asks for another scheduler: ${text}.`,
    decisive: false,
    facts: { ...podFacts(target.object), scheduler },
    evidence: [podEvidence(target)],
    pointers: down.map(({ metadata }) => ({ kind: 'pod', namespace: 'kube-system', name: metadata.name })),
  };
}

async function unscheduled(io: AnalyzerIo, target: Target, message: string): Promise<Draft> {
  const { state, ...base } = baseOf(io, target);
  const { object: pod, name } = target;
  const verdict = schedulerVerdict(message);
  const [events, listed] = await Promise.all([io.events(target), io.list('nodes', null)]);
  const all = listed.kind === 'ok' ? listed.value : [];
  const kind = verdict.reasons[0]?.kind ?? 'other';
  const volumes = kind === 'claim' || kind === 'volume' ? await volumesOf(io, target, verdict) : noVolumes;
  const why = [quote(verdict.sentence, 500), ...explainReasons(pod, verdict.reasons, all), ...volumes.sentences].join(
    ' ',
  );
  const scaler = events.findLast(({ reason }) => reason === 'NotTriggerScaleUp');
  const limit = noScaleUp(events);
  const requests = requestsText(pod);
  const tooLarge = verdict.reasons.some((one) => one.kind === 'resource' && isLargerThanNodes(pod, one.named, all));
  return {
    ...base,
    category: categoryOf[kind],
    description: `${state}: ${why}${scaler === undefined ? '' : ` The autoscaler adds no node: ${quote(scaler.message, 250)}.`}`,
    cause: `${kind === 'claim' ? `Pod ${name} waits for its volumes` : `No node can take pod ${name}`}: ${why}${limit === null ? '' : ` ${limit.text}`}`,
    decisive: true,
    facts: {
      ...podFacts(pod),
      reason: conditionOf(pod, 'PodScheduled')?.reason ?? 'Unschedulable',
      message: quote(verdict.sentence, 400),
      ...(requests === '' ? {} : { requests }),
      ...(tooLarge ? { too_large: 'true' } : {}),
      ...(limit === null ? {} : { scale_up: limit.remedy }),
    },
    evidence: [
      podEvidence(target),
      ...(events.length > 0 ? [eventsEvidence(target, events)] : []),
      ...(listed.kind === 'ok' && kind !== 'claim' ? [nodesEvidence(all)] : []),
      ...volumes.evidence,
    ],
    pointers: [...volumes.pointers, ...(kind === 'node-condition' ? unwellNodes(pod, all) : [])],
  };
}

function nodesEvidence(all: readonly KubernetesObject[]): EvidenceDraft {
  return {
    read: { kind: 'list', resource: 'nodes', namespace: null },
    excerpt: all.slice(0, 30).map(nodeLine).join('\n') || 'there are no nodes',
  };
}

function unwellNodes(pod: KubernetesObject, all: readonly KubernetesObject[]): readonly Pointer[] {
  return unwellFor(pod, all)
    .slice(0, 3)
    .map(({ metadata }) => ({ kind: 'node', namespace: null, name: metadata.name }));
}

/** `cpu 500m, memory 1Gi (container web)`. */
function requestsText(pod: KubernetesObject): string {
  const parts = listAt(pod, 'spec', 'containers').flatMap((container) => {
    const requests = (container as { resources?: { requests?: object } }).resources?.requests ?? {};
    const entries = Object.entries(requests).map(([resource, amount]) => `${resource} ${String(amount)}`);
    return entries.length === 0 ? [] : [`${entries.join(', ')} (container ${textAt(container, 'name')})`];
  });
  return parts.join('; ');
}
