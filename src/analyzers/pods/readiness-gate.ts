import { describeCommand, look } from '../advice.ts';
import { defineAnalyzer } from '../define.ts';
import type { FindingDraft, Target } from '../define.ts';
import { conditionOf, listAt, textAt } from '../reading/fields.ts';
import { quote } from '../reading/quote.ts';
import { deletionOf } from './pod-end.ts';
import { podEvidence, podFacts } from './pod-status.ts';

/** Pods whose containers are ready and that get no traffic, because a gate of readiness is closed. */
export const readinessGate = defineAnalyzer({
  name: 'readiness-gate',
  kinds: ['pod'],
  explains: [],
  categories: {
    'readiness-gate': {
      meaning: 'A readiness gate of the pod is not met, though its containers are ready.',
      happened: 'did not meet its readiness gate',
      nearness: 66,
      answers: ['unready', 'service', 'job'],
      changes: /^readiness gates$/,
      advice: (draft) => [
        look(describeCommand(draft), 'Shows the conditions of the pod and who sets the one of the gate.'),
      ],
    },
  },
  async run(_, target) {
    const phase = textAt(target.object, 'status', 'phase');
    return deletionOf(target.object) !== null || phase === 'Succeeded' || phase === 'Failed' ? [] : gates(target);
  },
});

/** Gates that somebody else has to open: a load balancer's controller, a service mesh. */
function gates(target: Target): readonly FindingDraft<'readiness-gate'>[] {
  const pod = target.object;
  if (conditionOf(pod, 'ContainersReady')?.status !== 'True') return [];
  return listAt(pod, 'spec', 'readinessGates').flatMap((gate): readonly FindingDraft<'readiness-gate'>[] => {
    const type = textAt(gate, 'conditionType');
    const condition = conditionOf(pod, type);
    if (type === '' || condition?.status === 'True') return [];
    const words = quote(condition?.message || condition?.reason || '', 250);
    const state =
      condition === null ? 'nobody has set it' : `it is ${condition.status}${words === '' ? '' : `: ${words}`}`;
    return [
      {
        category: 'readiness-gate',
        severity: 'high',
        object: `pod/${target.namespace}/${target.name}`,
        description: `The containers of pod ${target.name} are ready, and its readiness gate ${type} is not met: ${state}. The pod gets no traffic.`,
        cause: `Pod ${target.name} is not ready because its readiness gate ${type} is not met: ${state}.`,
        decisive: true,
        when: {
          from: condition?.since ?? conditionOf(pod, 'Ready')?.since ?? null,
          until: null,
          source: `condition ${condition === null ? 'Ready' : type}`,
        },
        facts: { ...podFacts(pod), gate: type },
        evidence: [podEvidence(target)],
      },
    ];
  });
}
