import { timeText } from '../../core/time.ts';
import type { KubernetesObject } from '../../core/cluster.ts';
import type { Timestamp } from '../../core/time.ts';
import { change, describeCommand, describeNode, look, podQuestions } from '../advice.ts';
import { defineAnalyzer, objectName } from '../define.ts';
import type { AnalyzerIo, Category, FindingDraft, Target } from '../define.ts';
import { eventsEvidence } from '../reading/events.ts';
import { conditionOf, controllerOf, textAt, timeAt } from '../reading/fields.ts';
import { containersOf, podEvidence, podFacts } from './pod-status.ts';
import { quote } from '../reading/quote.ts';

type Name = 'evicted' | 'node-shutdown' | 'pod-deadline' | 'pod-rejected' | 'device-refused';

const ended = (meaning: string, happened: string, changes: RegExp | null, advice: Category['advice']): Category => ({
  meaning,
  happened,
  nearness: 82,
  answers: podQuestions,
  changes,
  advice,
});
const lookAtNode =
  (rationale: string): Category['advice'] =>
  (draft) => [
    draft.facts['node'] === undefined
      ? look(describeCommand(draft), 'Shows who ended the pod.')
      : describeNode(draft, rationale),
  ];

const categories: Readonly<Record<Name, Category>> = {
  evicted: ended(
    'The pod was ended by its node or to make room for another.',
    'was evicted',
    /(?:limit|request)$/,
    lookAtNode('Shows the pressure on the node, and what uses the resource.'),
  ),
  'node-shutdown': ended(
    'The node of the pod was shut down.',
    'ended when its node was shut down',
    null,
    lookAtNode('Shows when the node was shut down, and whether it is back.'),
  ),
  'pod-deadline': ended(
    'The pod ran longer than its deadline.',
    'ran past its deadline and was ended',
    null,
    (draft, { namespace }) => [
      look(describeCommand(draft), 'Shows the deadline and how long the pod ran.'),
      change(
        `Raise activeDeadlineSeconds of ${draft.facts['owner'] ?? 'the pod'} in namespace ${namespace}, or let it do less.`,
        'The pod is ended at its deadline whatever it does.',
      ),
    ],
  ),
  'pod-rejected': ended(
    'The kubelet of the node refused the pod.',
    'was refused by its node',
    /(?:request|limit|node selector|affinity|security context|ports)$/,
    lookAtNode('Shows what the node can give, its labels and what is given already.'),
  ),
  'device-refused': ended(
    'The kubelet could not give the pod a device.',
    'was refused a device by its node',
    /(?:request|limit)$/,
    lookAtNode('Shows the devices of the node; the plugin of the device says why they are not healthy.'),
  ),
};

/** What the kubelet's reason means; of the others its message says it. */
const reasons: readonly (readonly [RegExp, Name, string])[] = [
  [/^Evicted$/, 'evicted', 'was evicted from its node'],
  [/^Preempt(?:ing|ed)$/, 'evicted', 'was ended to make room for a pod of higher priority'],
  [/^PreemptionByScheduler$/, 'evicted', 'was ended (preempted) to make room for a pod of higher priority'],
  [/^EvictionByEvictionAPI$/, 'evicted', 'was evicted through the API, as a drain of its node does'],
  [/^DeletionByTaintManager$/, 'evicted', 'was ended because it does not tolerate a taint of its node'],
  [/^(?:NodeShutdown|Shutdown|Terminated)$/, 'node-shutdown', 'was ended because its node shut down'],
  [/^DeadlineExceeded$/, 'pod-deadline', 'was ended because it ran longer than its deadline'],
  [/^(?:UnexpectedAdmissionError|TopologyAffinityError)$/, 'device-refused', 'was refused by its node'],
  [/^OutOf/, 'pod-rejected', 'was refused by its node for want of room'],
  [
    /^(?:NodeAffinity|NodePorts|NodeSelectorMismatching|MatchNodeSelector|AppArmor|SysctlForbidden|Sysctl|PodOS\w*|SMTAlignmentError|HostNetwork\w*|UnknownError|InvalidNodeInfo|Rejected\w*|Forbidden\w*)$/,
    'pod-rejected',
    'was refused by its node',
  ],
];

/** Pods that their node refused, threw out or took down with it, by the reason of their status. */
export const podRejected = defineAnalyzer({
  name: 'pod-rejected',
  kinds: ['pod'],
  explains: [
    'Evicted',
    'Preempted',
    'Preempting',
    'NodeShutdown',
    'OutOfcpu',
    'OutOfmemory',
    'OutOfpods',
    'UnexpectedAdmissionError',
  ],
  categories,
  async run(io, target) {
    const pod = target.object;
    if (textAt(pod, 'status', 'phase') !== 'Failed') return [];
    const disruption = conditionOf(pod, 'DisruptionTarget');
    const reason = textAt(pod, 'status', 'reason') || (disruption?.status === 'True' ? disruption.reason : '');
    const known = reasons.find(([pattern]) => pattern.test(reason));
    // A reason that is not known is one of the kubelet's where it let no container begin.
    const isRefusal = reason !== '' && containersOf(pod).every(({ terminated, last }) => (terminated ?? last) === null);
    if (known === undefined && !isRefusal) return [];
    const [, category, words] = known ?? [null, 'pod-rejected' as const, 'was refused by its node'];
    return [await finding(io, target, category, reason, words)];
  },
});

async function finding(
  io: AnalyzerIo,
  target: Target,
  category: Name,
  reason: string,
  words: string,
): Promise<FindingDraft<Name>> {
  const { object: pod, namespace, name } = target;
  const disruption = conditionOf(pod, 'DisruptionTarget');
  const message = quote(textAt(pod, 'status', 'message') || (disruption?.message ?? ''), 400);
  const events = await io.events(target);
  const told = events.filter(({ reason: one }) => one === reason || /^(?:Evicted|Preempted|Preempting)$/.test(one));
  const from = disruption?.since ?? endOf(pod) ?? told.at(-1)?.last ?? timeAt(pod, 'status', 'startTime');
  const replaced = await replacedAt(io, target);
  const node = textAt(pod, 'spec', 'nodeName');
  const why = message === '' ? '' : `: ${sentence(message)}`;
  const text = `Pod ${name} ${node === '' ? words : words.replace('its node', `its node ${node}`)} (${reason})`;
  return {
    category,
    severity: replaced === null ? 'high' : 'medium',
    object: objectName('pod', namespace, name),
    description: `${text}${from === null ? '' : ` at ${timeText(from)}`}${why || '.'}${replaced === null ? '' : ` Another pod was made in its place at ${timeText(replaced)}.`}`,
    cause: `${text}${why || '.'}`,
    decisive: true,
    when: { from, until: replaced, source: 'status of the pod' },
    facts: { ...podFacts(pod), reason, message, ...(node === '' ? {} : { node }) },
    evidence: [podEvidence(target), ...(told.length > 0 ? [eventsEvidence(target, events)] : [])],
    pointers:
      node !== '' && /low on resource|node had condition/i.test(message)
        ? [{ kind: 'node', namespace: null, name: node }]
        : [],
  };
}

/** When its last container ended. */
function endOf(pod: KubernetesObject): Timestamp | null {
  return (
    containersOf(pod)
      .flatMap(({ terminated }) => terminated?.finishedAt ?? [])
      .sort()
      .at(-1) ?? null
  );
}

/** When a pod of the same owner was made in its place: what was thrown out is a leftover from then on. */
async function replacedAt(io: AnalyzerIo, { namespace, name, object: pod }: Target): Promise<Timestamp | null> {
  const owner = controllerOf(pod);
  if (owner === null || owner.kind === 'Job') return null;
  const pods = await io.list('pods', namespace);
  const times = (pods.kind === 'ok' ? pods.value : [])
    .filter((one) => controllerOf(one)?.uid === owner.uid && controllerOf(one)?.name === owner.name)
    .filter((one) => one.metadata.name !== name && textAt(one, 'status', 'phase') !== 'Failed')
    .flatMap((one) => timeAt(one, 'metadata', 'creationTimestamp') ?? [])
    .sort();
  // One that is older may have stood beside it; the newest is the one that was made for it.
  const newest = times.at(-1) ?? null;
  return newest !== null && newest > (timeAt(pod, 'metadata', 'creationTimestamp') ?? '') ? newest : null;
}

/** The first sentence: the rest gives numbers that the evidence has. */
function sentence(message: string): string {
  const first = /^.*?\.(?=\s|$)/.exec(message)?.[0] ?? message;
  return first.endsWith('.') ? first : `${first}.`;
}
