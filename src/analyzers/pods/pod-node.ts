import type { KubernetesObject } from '../../core/cluster.ts';
import { addMs, timeText } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';
import { describeNode, look, podQuestions } from '../advice.ts';
import { defineAnalyzer, objectName } from '../define.ts';
import type { AnalyzerIo, EventView, FindingDraft, Target } from '../define.ts';
import { eventsEvidence } from '../reading/events.ts';
import { conditionOf, textAt, timeAt } from '../reading/fields.ts';
import { notReadySince } from '../nodes/node-conditions.ts';
import { removalOf } from '../nodes/node-past.ts';
import { deletionOf } from './pod-end.ts';
import { isReady, podEvidence, podFacts } from './pod-status.ts';
import { quote } from '../reading/quote.ts';

type Draft = FindingDraft<'on-failed-node' | 'node-gone'>;

/** Clocks differ, and a node counts as lost some time after it fell silent. */
const slackMs = 120_000;

/** Pods that stopped being well with their node: it is not ready, does not report, or does not exist any more. */
export const podNode = defineAnalyzer({
  name: 'pod-node',
  kinds: ['pod'],
  explains: ['NodeNotReady', 'TaintManagerEviction'],
  categories: {
    'on-failed-node': {
      meaning: 'A pod went down with its node.',
      happened: 'went down with its node',
      nearness: 94,
      answers: podQuestions,
      changes: null,
      advice: (draft) => [describeNode(draft, 'Shows why the node is not ready, and since when.')],
    },
    'node-gone': {
      meaning: 'A pod is bound to a node that does not exist any more.',
      happened: 'was left bound to a node that was taken away',
      nearness: 94,
      answers: podQuestions,
      changes: null,
      advice: (draft) => [
        look(
          `kubectl get nodes; kubectl get events -A --field-selector involvedObject.name=${draft.facts['node']}`,
          'Shows which nodes there are, and who removed this one.',
        ),
      ],
    },
  },
  async run(io, target) {
    const pod = target.object;
    const node = textAt(pod, 'spec', 'nodeName');
    if (node === '' || !isUnwell(pod)) return [];
    const nodes = await io.list('nodes', null);
    if (nodes.kind !== 'ok') return withoutNodes(io, target, node);
    const found = nodes.value.find(({ metadata }) => metadata.name === node);
    if (found === undefined && nodes.isPartial === true) return withoutNodes(io, target, node);
    if (found === undefined) return nodes.value.length === 0 ? [] : [await gone(io, target, node)];
    const lost = notReadySince(found);
    if (lost === null || !isAfter(failedAt(pod), lost.at)) return [];
    const events = await io.events(target);
    return [onFailedNode(target, node, lost.at, events)];
  },
});

function isUnwell(pod: KubernetesObject): boolean {
  const phase = textAt(pod, 'status', 'phase');
  if (phase === 'Succeeded') return false;
  return !isReady(pod) || pod.metadata.deletionTimestamp !== undefined || phase === 'Unknown';
}

/** When the pod stopped being well: it was to end, or stopped being ready. The later is what the node may have brought about. */
export function failedAt(pod: KubernetesObject): Timestamp | null {
  const ready = conditionOf(pod, 'Ready');
  const unreadySince = ready?.status === 'True' ? null : (ready?.since ?? null);
  return unreadySince ?? deletionOf(pod)?.askedAt ?? null;
}

function isAfter(pod: Timestamp | null, node: Timestamp | null): boolean {
  return pod === null || node === null || pod >= addMs(node, -slackMs);
}

function describePod(target: Target): string {
  const pod = target.object;
  const isStatic = pod.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined;
  const asked = timeAt(pod, 'metadata', 'deletionTimestamp');
  const ending =
    asked === null
      ? 'is not ready'
      : `was to end by ${timeText(asked)} and hangs in Terminating, because nobody there confirms its end`;
  return `${isStatic ? 'Static pod' : 'Pod'} ${target.name} ${ending}`;
}

function onFailedNode(target: Target, node: string, since: Timestamp | null, events: readonly EventView[]): Draft {
  const pod = target.object;
  const asked = timeAt(pod, 'metadata', 'deletionTimestamp');
  const text = `${describePod(target)}: its node ${node} is not ready since ${timeText(since)}.`;
  return {
    category: 'on-failed-node',
    severity: 'high',
    object: objectName('pod', target.namespace, target.name),
    description: text,
    // The node says what is wrong; that the pod hangs belongs to it.
    cause: null,
    decisive: false,
    when: {
      from: failedAt(pod),
      until: null,
      source: asked === null ? 'condition Ready' : 'condition Ready and deletion of the pod',
    },
    facts: { ...podFacts(pod), node },
    evidence: [podEvidence(target), ...(events.length > 0 ? [eventsEvidence(target, events)] : [])],
    pointers: [{ kind: 'node', namespace: null, name: node }],
  };
}

async function gone(io: AnalyzerIo, target: Target, node: string): Promise<Draft> {
  const events = await io.events({ kind: 'node', namespace: null, name: node });
  const removal = removalOf(events);
  const why =
    removal === null
      ? ''
      : `: it was taken away at ${timeText(removal.last)} (${removal.reason}: ${quote(removal.message, 160).replace(/\.$/, '')})`;
  const text = `${describePod(target)}: its node ${node} does not exist any more${why}.`;
  return {
    category: 'node-gone',
    severity: 'high',
    object: objectName('pod', target.namespace, target.name),
    description: text,
    cause: text,
    decisive: true,
    when: { from: failedAt(target.object), until: null, source: 'condition Ready' },
    facts: { ...podFacts(target.object), node },
    evidence: [
      podEvidence(target),
      { read: { kind: 'list', resource: 'nodes', namespace: null }, excerpt: `no ${node}` },
      ...(removal === null ? [] : [eventsEvidence({ kind: 'node', namespace: null, name: node }, events)]),
    ],
  };
}

/** Where nodes cannot be read, the node controller's event about the pod, or the status that it wrote, tells it. */
async function withoutNodes(io: AnalyzerIo, target: Target, node: string): Promise<readonly Draft[]> {
  const events = await io.events(target);
  const told = events.findLast(({ reason }) => reason === 'NodeNotReady');
  const lost = textAt(target.object, 'status', 'reason') === 'NodeLost';
  if (told === undefined && !lost) return [];
  const since = told?.first ?? failedAt(target.object);
  const text = `${describePod(target)}: its node ${node} is not ready since ${timeText(since)}, as the node controller says.`;
  return [
    {
      ...onFailedNode(target, node, since, events),
      description: text,
      cause: text,
      decisive: true,
      when: { from: since, until: null, source: told === undefined ? 'status of the pod' : 'event NodeNotReady' },
      pointers: [],
    },
  ];
}
