import { describeCommand, look } from './advice.ts';
import { defineAnalyzer, lasting } from './define.ts';
import type { EvidenceDraft, FindingDraft, Target } from './define.ts';
import { eventsEvidence, recentWarnings } from './events.ts';
import { conditionOf, listAt, textAt, timeAt, timeText } from './fields.ts';
import { quote } from './quote.ts';

type Draft = FindingDraft<'node-not-ready' | 'node-pressure' | 'node-cordoned'>;

/** Nodes that are not ready, under pressure, or cordoned. */
export const node = defineAnalyzer({
  name: 'node',
  kinds: ['node'],
  categories: {
    'node-not-ready': {
      meaning: 'A node is not ready.',
      nearness: 96,
      answers: ['node', 'unready', 'exits', 'service', 'job'],
      changes: null,
      advice: (draft) => [
        look(describeCommand(draft), 'Shows the conditions of the node, its taints and its pods.'),
        look('Check the machine and its kubelet.', 'A node that does not report cannot be helped through the API.'),
      ],
    },
    'node-pressure': {
      meaning: 'A node reports a condition that it should not have.',
      nearness: 80,
      answers: ['node', 'unready', 'exits', 'service', 'job'],
      changes: null,
      advice: (draft) => [look(describeCommand(draft), 'Shows which resource is short, and what uses it.')],
    },
    'node-cordoned': {
      meaning: 'A node takes no new pods.',
      nearness: 24,
      answers: ['node'],
      changes: null,
      advice: (draft) => [look(describeCommand(draft), 'Shows the conditions of the node, its taints and its pods.')],
    },
  },
  explains: ['NodeNotReady', 'NodeHasDiskPressure', 'NodeHasInsufficientMemory', 'EvictionThresholdMet', 'SystemOOM'],
  async run(io, target) {
    const events = await io.events(target);
    const warnings = recentWarnings(
      events,
      ['NodeNotReady', 'EvictionThresholdMet', 'SystemOOM', 'FreeDiskSpaceFailed', 'Rebooted'],
      io.now,
      24 * 3_600_000,
    );
    const evidence = [nodeEvidence(target), ...(warnings.length > 0 ? [eventsEvidence(target, events)] : [])];
    return [...notReady(target, evidence), ...pressure(target, evidence), ...cordoned(target, evidence)];
  },
});

function nodeEvidence(target: Target): EvidenceDraft {
  const taints = listAt(target.object, 'spec', 'taints').map(
    (taint) => `taint ${textAt(taint, 'key')}:${textAt(taint, 'effect')}`,
  );
  const conditions = listAt(target.object, 'status', 'conditions').map(
    (condition) =>
      `condition ${textAt(condition, 'type')}=${textAt(condition, 'status')} since ${textAt(condition, 'lastTransitionTime')} (${textAt(condition, 'reason')}: ${textAt(condition, 'message')})`,
  );
  return {
    read: { kind: 'object', of: 'node', namespace: null, name: target.name },
    excerpt: [...conditions, ...taints].join('\n'),
  };
}

function notReady(target: Target, evidence: readonly EvidenceDraft[]): readonly Draft[] {
  const ready = conditionOf(target.object, 'Ready');
  if (ready === null || ready.status === 'True') return [];
  const silent =
    ready.status === 'Unknown' ? 'its kubelet does not report any more' : quote(ready.message, 250) || ready.reason;
  return [
    {
      category: 'node-not-ready',
      severity: 'critical',
      object: `node/${target.name}`,
      description: `Node ${target.name} is not ready since ${timeText(ready.since)} (${ready.reason}): ${silent}.`,
      cause: `Node ${target.name} is not ready (${ready.reason}): ${silent}.`,
      decisive: ready.status === 'False',
      when: { from: ready.since, until: null, source: 'condition Ready' },
      facts: { reason: ready.reason, status: ready.status },
      evidence,
    },
  ];
}

function pressure(target: Target, evidence: readonly EvidenceDraft[]): readonly Draft[] {
  return listAt(target.object, 'status', 'conditions').flatMap((condition): readonly Draft[] => {
    const type = textAt(condition, 'type');
    if (type === 'Ready' || textAt(condition, 'status') !== 'True' || !/Pressure$|Unavailable$/.test(type)) return [];
    const message = quote(textAt(condition, 'message'), 250);
    return [
      {
        category: 'node-pressure',
        severity: 'high',
        object: `node/${target.name}`,
        description: `Node ${target.name} reports ${type} since ${timeText(timeAt(condition, 'lastTransitionTime'))}: ${message}.`,
        cause: `Node ${target.name} reports ${type}: ${message}.`,
        decisive: true,
        when: { from: timeAt(condition, 'lastTransitionTime'), until: null, source: `condition ${type}` },
        facts: { condition: type },
        evidence,
      },
    ];
  });
}

function cordoned(target: Target, evidence: readonly EvidenceDraft[]): readonly Draft[] {
  if (target.object.spec?.['unschedulable'] !== true) return [];
  return [
    {
      category: 'node-cordoned',
      severity: 'info',
      object: `node/${target.name}`,
      description: `Node ${target.name} is cordoned: no new pods are scheduled on it.`,
      cause: null,
      decisive: false,
      when: lasting,
      facts: {},
      evidence,
    },
  ];
}
