import type { KubernetesObject } from '../core/cluster.ts';
import { change, describeCommand, look, podQuestions, unreadyQuestions } from './advice.ts';
import { defineAnalyzer } from './define.ts';
import type { AnalyzerIo, EvidenceDraft, FindingDraft, Target } from './define.ts';
import { eventsEvidence, recentWarnings } from './events.ts';
import { between, conditionOf, listAt, plural, textAt, timeText } from './fields.ts';
import { containersOf, podEvidence, podFacts } from './pod-status.ts';
import { quote } from './quote.ts';

type Draft = FindingDraft<'pending' | 'evicted'>;

/** Pods that no node takes, and pods that a node threw out. */
export const podSchedule = defineAnalyzer({
  name: 'pod-schedule',
  kinds: ['pod'],
  explains: ['FailedScheduling', 'NotTriggerScaleUp', 'Evicted', 'Preempted', 'Preempting'],
  categories: {
    pending: {
      meaning: 'No node takes the pod.',
      nearness: 84,
      answers: unreadyQuestions,
      changes: /(?:request|node selector|affinity|tolerations|volumes|priority class|host network|ports)/,
      advice: (draft, { namespace, workload }) => [
        look('kubectl describe nodes', 'Shows what each node can give and what is given already.'),
        ...(workload === null || !/insufficient/i.test(draft.facts['message'] ?? '')
          ? []
          : [
              change(
                `Lower what ${workload} in namespace ${namespace} asks for, or add a node that has it.`,
                'No node has what the pod asks for.',
              ),
            ]),
      ],
    },
    evicted: {
      meaning: 'The pod was ended by its node or to make room for another.',
      nearness: 86,
      answers: podQuestions,
      changes: null,
      advice: (draft) => [
        draft.facts['node'] === undefined
          ? look(describeCommand(draft), 'Shows who ended the pod.')
          : look(
              `kubectl describe node ${draft.facts['node']}`,
              'Shows the pressure on the node, and what uses the resource.',
            ),
      ],
    },
  },
  async run(io, target) {
    const pod = target.object;
    if (textAt(pod, 'status', 'phase') === 'Failed') return evicted(io, target);
    if (textAt(pod, 'status', 'phase') !== 'Pending' || textAt(pod, 'spec', 'nodeName') !== '') return [];
    return [await pending(io, target)];
  },
});

async function pending(io: AnalyzerIo, target: Target): Promise<Draft> {
  const pod = target.object;
  const [events, nodes] = await Promise.all([io.events(target), io.list('nodes', null)]);
  const condition = conditionOf(pod, 'PodScheduled');
  const refusals = recentWarnings(events, ['FailedScheduling', 'NotTriggerScaleUp'], io.now, 24 * 3_600_000);
  const message = quote(
    condition?.message || (refusals.findLast((event) => event.reason === 'FailedScheduling')?.message ?? ''),
    400,
  );
  const reason = condition?.reason ?? (message === '' ? '' : 'Unschedulable');
  const waited = between(pod.metadata.creationTimestamp ?? null, io.now);
  const asked = requestsText(pod);
  const nodeEvidence: readonly EvidenceDraft[] =
    nodes.kind === 'ok' && /insufficient|taint|affinity|selector/i.test(message)
      ? [
          {
            read: { kind: 'list', resource: 'nodes', namespace: null },
            excerpt: nodes.value.slice(0, 30).map(nodeLine).join('\n') || 'there are no nodes',
          },
        ]
      : [];
  const why = message === '' ? 'the scheduler has not said why (is it running?)' : message;
  return {
    category: 'pending',
    severity: 'high',
    object: `pod/${target.namespace}/${target.name}`,
    description: `Pod ${target.name} is Pending${waited === null ? '' : ` for ${waited}`} and on no node${reason === '' ? '' : ` (${reason})`}: ${why}${asked === '' ? '' : ` It asks for ${asked}.`}`,
    cause:
      message === ''
        ? null
        : `No node can take pod ${target.name}: ${sentence(message)}${asked === '' ? '' : ` The pod asks for ${asked}.`}`,
    decisive: message !== '',
    when: {
      from: condition?.since ?? pod.metadata.creationTimestamp ?? null,
      until: null,
      source: 'condition PodScheduled',
    },
    facts: { ...podFacts(pod), reason, message, ...(asked === '' ? {} : { requests: asked }) },
    evidence: [podEvidence(target), ...(refusals.length > 0 ? [eventsEvidence(target, events)] : []), ...nodeEvidence],
  };
}

/** The scheduler's first sentence: the rest speaks about preemption. */
function sentence(message: string): string {
  const first = /^.*?\.(?=\s|$)/.exec(message)?.[0] ?? message;
  return first.endsWith('.') ? first : `${first}.`;
}

function requestsText(pod: KubernetesObject): string {
  const parts = containersOf(pod).flatMap((container) => {
    const entries = Object.entries(container.requests);
    return entries.length === 0
      ? []
      : [`${entries.map(([resource, amount]) => `${resource} ${amount}`).join(', ')} (${container.label})`];
  });
  return parts.join('; ');
}

function nodeLine(node: KubernetesObject): string {
  const amounts = ['cpu', 'memory', 'pods']
    .map((resource) => `${resource}=${textAt(node, 'status', 'allocatable', resource) || '?'}`)
    .join(' ');
  const taints = listAt(node, 'spec', 'taints').map((taint) => `${textAt(taint, 'key')}:${textAt(taint, 'effect')}`);
  const ready = conditionOf(node, 'Ready')?.status === 'True' ? 'Ready' : 'NotReady';
  const cordoned = node.spec?.['unschedulable'] === true ? ' unschedulable' : '';
  return `${node.metadata.name}: ${ready}${cordoned}, allocatable ${amounts}${taints.length === 0 ? '' : `, taints ${taints.join(' ')}`}`;
}

async function evicted(io: AnalyzerIo, target: Target): Promise<readonly Draft[]> {
  const pod = target.object;
  const reason = textAt(pod, 'status', 'reason');
  const disruption = conditionOf(pod, 'DisruptionTarget');
  if (!['Evicted', 'Preempting', 'Preempted', 'NodeShutdown', 'Terminated'].includes(reason)) return [];
  const message = quote(textAt(pod, 'status', 'message') || (disruption?.message ?? ''), 400);
  const events = await io.events(target);
  const warnings = recentWarnings(events, ['Evicted', 'Preempted', 'Preempting'], io.now, 24 * 3_600_000);
  const node = textAt(pod, 'spec', 'nodeName');
  const when = disruption?.since ?? warnings.at(-1)?.last ?? null;
  return [
    {
      category: 'evicted',
      severity: 'high',
      object: `pod/${target.namespace}/${target.name}`,
      description: `Pod ${target.name} was ended by its node${node === '' ? '' : ` ${node}`} (${reason})${when === null ? '' : ` at ${timeText(when)}`}: ${message || 'no message'}${warnings.length > 0 ? ` ${plural(warnings.length, 'event')} about it.` : ''}`,
      cause: `Pod ${target.name} was ended by its node (${reason})${message === '' ? '' : `: ${sentence(message)}`}`,
      decisive: message !== '',
      when: { from: when, until: null, source: 'status of the pod' },
      facts: { ...podFacts(pod), reason, message, ...(node === '' ? {} : { node }) },
      evidence: [podEvidence(target), ...(warnings.length > 0 ? [eventsEvidence(target, events)] : [])],
    },
  ];
}
