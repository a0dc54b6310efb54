import { addMs, timeText } from '../../core/time.ts';
import { change, describeCommand, look } from '../advice.ts';
import { defineAnalyzer, lasting } from '../define.ts';
import type { Advice, AnalyzerIo, EvidenceDraft, EventView, FindingDraft, Question, Target } from '../define.ts';
import { eventsEvidence, recentWarnings } from '../reading/events.ts';
import { between, conditionLine, conditionOf, listAt, numberAt, textAt, timeAt } from '../reading/fields.ts';
import { nodeTroubles } from './node-conditions.ts';
import { nextOnNode, notReady } from './node-ready.ts';
import { nodeTaints } from './node-taints.ts';
import { taintText } from '../reading/taints.ts';
import { quote } from '../reading/quote.ts';

type Draft = FindingDraft<
  'node-not-ready' | 'node-condition' | 'node-rebooted' | 'node-tainted' | 'node-pods' | 'node-cordoned'
>;

/** Reasons of warnings about nodes that the findings here tell. */
const explained: readonly string[] = [
  'NodeNotReady',
  'NodeHasDiskPressure',
  'NodeHasInsufficientMemory',
  'NodeHasInsufficientPID',
  'EvictionThresholdMet',
  'ContainerGCFailed',
  'ImageGCFailed',
  'FreeDiskSpaceFailed',
  'Rebooted',
];
const dayMs = 24 * 3_600_000;
const everything: readonly Question[] = ['node', 'unready', 'exits', 'service', 'job'];
const describe = (draft: FindingDraft): Advice =>
  look(describeCommand(draft), 'Shows the conditions of the node, its taints, its events and its pods.');

/** Nodes that are not ready, report what they should not, were rebooted, are full of pods, tainted or cordoned. */
export const node = defineAnalyzer({
  name: 'node',
  kinds: ['node'],
  categories: {
    'node-not-ready': {
      meaning: 'A node is not ready: its kubelet is silent, or says what is wrong with it.',
      happened: 'was not ready',
      nearness: 96,
      answers: everything,
      changes: null,
      advice: (draft, { pod: name }) => [describe(draft), nextOnNode(draft, name)],
    },
    'node-condition': {
      meaning: 'A node reports a condition that it should not have.',
      happened: 'reported a bad condition',
      nearness: 80,
      answers: everything,
      changes: null,
      advice: (draft) => [describe(draft)],
    },
    'node-rebooted': {
      meaning: 'A node was rebooted.',
      happened: 'was rebooted',
      nearness: 60,
      answers: ['node', 'exits'],
      changes: null,
      advice: (draft) => [describe(draft)],
    },
    'node-tainted': {
      meaning: 'A node is being taken away, or was not taken into service yet, by its taints.',
      happened: 'was tainted',
      nearness: 58,
      answers: ['node', 'unready'],
      changes: null,
      advice: (draft) => [describe(draft)],
    },
    'node-pods': {
      meaning: 'A node runs as many pods as it may.',
      happened: 'ran as many pods as it may',
      nearness: 56,
      answers: ['node'],
      changes: null,
      advice: (_, { pod: name }) => [
        look(`kubectl get pods -A --field-selector spec.nodeName=${name} -o wide`, 'Shows the pods of the node.'),
      ],
    },
    'node-cordoned': {
      meaning: 'A node takes no new pods.',
      happened: 'was cordoned',
      nearness: 24,
      answers: ['node'],
      changes: null,
      advice: (draft, { pod: name }) => [
        describe(draft),
        change(`kubectl uncordon ${name}`, 'Lets the node take pods again, once its maintenance is over.'),
      ],
    },
  },
  explains: explained,
  async run(io, target) {
    const events = await io.events(target);
    const warnings = recentWarnings(events, [...explained, 'SystemOOM'], io.now, dayMs);
    const evidence = [nodeEvidence(target), ...(warnings.length > 0 ? [eventsEvidence(target, events)] : [])];
    return [
      ...(await notReady(io, target, events, evidence)),
      ...conditions(target, evidence),
      ...rebooted(io, target, events, evidence),
      ...tainted(target, evidence),
      ...(await fullOfPods(io, target, evidence)),
      ...cordoned(target, evidence),
    ];
  },
});

function nodeEvidence(target: Target): EvidenceDraft {
  const taints = listAt(target.object, 'spec', 'taints').map((taint) => `taint ${taintText(taint)}`);
  const lines = listAt(target.object, 'status', 'conditions').map(conditionLine);
  const { name } = target;
  return {
    read: { kind: 'object', of: 'node', namespace: null, name },
    excerpt: [...lines, ...taints].join('\n') || `node ${name}`,
  };
}

function conditions(target: Target, evidence: readonly EvidenceDraft[]): readonly Draft[] {
  return nodeTroubles(target.object).map(({ type, reason, message, since }) => {
    const why = quote(message, 250) || reason;
    return {
      category: 'node-condition',
      severity: 'high',
      object: `node/${target.name}`,
      description: `Node ${target.name} reports ${type} since ${timeText(since)} (${reason}): ${why}`,
      cause: `Node ${target.name} reports ${type} since ${timeText(since)}: ${why.replace(/\.$/, '')}.`,
      decisive: true,
      when: { from: since, until: null, source: `condition ${type}` },
      facts: { condition: type },
      evidence,
    };
  });
}

/** A reboot of the last day; over when the node was ready again. */
function rebooted(
  io: AnalyzerIo,
  target: Target,
  events: readonly EventView[],
  evidence: readonly EvidenceDraft[],
): readonly Draft[] {
  const reboot = events.findLast(({ reason }) => reason === 'Rebooted');
  if (reboot === undefined || reboot.last === null || reboot.last < addMs(io.now, -dayMs)) return [];
  const ready = conditionOf(target.object, 'Ready');
  const back = events.find(
    ({ reason, last }) => reason === 'NodeReady' && last !== null && last >= (reboot.last ?? ''),
  );
  const text = `Node ${target.name} was rebooted at ${timeText(reboot.last)} (${between(reboot.last, io.now) ?? ''} earlier): its containers ended with it.`;
  return [
    {
      category: 'node-rebooted',
      severity: 'medium',
      object: `node/${target.name}`,
      description: text,
      cause: text,
      decisive: true,
      when: {
        from: reboot.last,
        until: ready?.status === 'True' ? (back?.last ?? reboot.last) : null,
        source: 'event Rebooted',
      },
      facts: {},
      evidence: [...evidence.slice(0, 1), eventsEvidence(target, events)],
    },
  ];
}

function tainted(target: Target, evidence: readonly EvidenceDraft[]): readonly Draft[] {
  return nodeTaints(target.object).map(({ key, meaning, since }) => ({
    category: 'node-tainted',
    severity: 'medium',
    object: `node/${target.name}`,
    description: `Node ${target.name} has the taint ${key}: ${meaning}.`,
    cause: `Node ${target.name} has the taint ${key}: ${meaning}.`,
    decisive: true,
    when: { from: since, until: null, source: since === null ? '' : `taint ${key}` },
    facts: { taint: key },
    evidence,
  }));
}

/** Counted only for a node that the alert names: it takes the pods of all namespaces. */
async function fullOfPods(
  io: AnalyzerIo,
  target: Target,
  evidence: readonly EvidenceDraft[],
): Promise<readonly Draft[]> {
  const status = target.object.status ?? {};
  const allowed = Number(textAt(status, 'allocatable', 'pods') || (numberAt(status, 'allocatable', 'pods') ?? 0));
  if (target.relation !== 'alert' || !(allowed > 0)) return [];
  const pods = await io.list('pods', null);
  if (pods.kind !== 'ok') return [];
  const running = pods.value.filter(
    (pod) =>
      textAt(pod, 'spec', 'nodeName') === target.name &&
      !['Succeeded', 'Failed'].includes(textAt(pod, 'status', 'phase')),
  ).length;
  if (running < allowed * 0.95) return [];
  const text = `Node ${target.name} runs ${running} of the ${allowed} pods that it may run: it takes ${running < allowed ? 'few more' : 'no more'}.`;
  return [
    {
      category: 'node-pods',
      severity: 'medium',
      object: `node/${target.name}`,
      description: text,
      cause: text,
      decisive: true,
      when: lasting,
      facts: { pods: String(running), allocatable: String(allowed) },
      evidence: [
        ...evidence.slice(0, 1),
        {
          read: { kind: 'list', resource: 'pods', namespace: null },
          excerpt: `${running} pods on node ${target.name}`,
        },
      ],
    },
  ];
}

function cordoned(target: Target, evidence: readonly EvidenceDraft[]): readonly Draft[] {
  if (target.object.spec?.['unschedulable'] !== true) return [];
  const taint = listAt(target.object, 'spec', 'taints').find(
    (one) => textAt(one, 'key') === 'node.kubernetes.io/unschedulable',
  );
  const since = timeAt(taint, 'timeAdded');
  const asked = target.relation === 'alert';
  const text = `Node ${target.name} is cordoned${since === null ? '' : ` since ${timeText(since)}`}: no new pods are scheduled on it.`;
  return [
    {
      category: 'node-cordoned',
      severity: asked ? 'medium' : 'info',
      object: `node/${target.name}`,
      description: text,
      cause: asked ? text : null,
      decisive: asked,
      when: { from: since, until: null, source: since === null ? '' : 'taint node.kubernetes.io/unschedulable' },
      facts: {},
      evidence,
    },
  ];
}
