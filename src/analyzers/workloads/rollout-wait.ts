import { plural } from '../../lib/words.ts';
import { look, unreadyQuestions, describeCommand } from '../advice.ts';
import { defineAnalyzer, lasting, objectName } from '../define.ts';
import type { FindingDraft, Target } from '../define.ts';
import { numberAt } from '../reading/fields.ts';
import { replicasOf } from '../reading/replicas.ts';

type Name = 'not-observed' | 'min-ready';
type Draft = FindingDraft<Name>;

/** Workloads whose change no controller has seen, and those that only wait for their pods to be ready long enough. */
export const rolloutWait = defineAnalyzer({
  name: 'rollout-wait',
  kinds: ['deployment', 'statefulset', 'daemonset'],
  explains: [],
  categories: {
    'not-observed': {
      meaning: 'The controller has not seen the newest change of a workload.',
      happened: 'was not looked at by its controller',
      nearness: 68,
      answers: ['unready'],
      changes: null,
      advice: () => [
        look(
          'kubectl -n kube-system get pods -l component=kube-controller-manager -o wide; kubectl -n kube-system get leases',
          'Shows whether the controller manager runs, and when its leader last renewed its lease.',
        ),
      ],
    },
    'min-ready': {
      meaning: 'The pods of a workload are ready, but not for as long as minReadySeconds asks.',
      happened: 'had pods that were not ready for long enough',
      nearness: 48,
      answers: unreadyQuestions,
      changes: null,
      advice: (draft) => [look(describeCommand(draft), 'Shows minReadySeconds, and since when the pods are ready.')],
    },
  },
  async run(_, target) {
    return [...notObserved(target), ...notLongEnough(target)];
  },
});

const kindWords: Readonly<Record<string, string>> = {
  deployment: 'Deployment',
  statefulset: 'StatefulSet',
  daemonset: 'DaemonSet',
};
const wordOf = ({ kind }: Target): string => kindWords[kind] ?? kind;

function draft(target: Target, category: Name, text: string, excerpt: string): Draft {
  const { kind, namespace, name } = target;
  return {
    category,
    severity: 'high',
    object: objectName(kind, namespace, name),
    description: text,
    cause: text,
    decisive: true,
    when: lasting,
    facts: {},
    evidence: [{ read: { kind: 'object', of: kind, namespace, name }, excerpt }],
  };
}

/** Only where the alert is about the object: controllers are always a moment behind. */
function notObserved(target: Target): readonly Draft[] {
  const { generation } = target.object.metadata;
  const observed = numberAt(target.object, 'status', 'observedGeneration');
  if (target.relation !== 'alert' || generation === undefined || observed === null || observed >= generation) return [];
  const text = `The controller has not seen the newest change of ${wordOf(target)} ${target.name}: its generation is ${generation}, observed is ${observed}. Where that lasts, the controller manager does not work.`;
  return [draft(target, 'not-observed', text, `generation: ${generation}\nobservedGeneration: ${observed}`)];
}

function notLongEnough(target: Target): readonly Draft[] {
  const seconds = numberAt(target.object, 'spec', 'minReadySeconds') ?? 0;
  const { wanted, ready, available } = replicasOf(target);
  if (seconds === 0 || ready < wanted || available >= wanted) return [];
  const text = `All ${plural(wanted, 'pod')} of ${wordOf(target)} ${target.name} are ready, but ${wanted - available} not yet for ${seconds} seconds (minReadySeconds): until then they do not count as available.`;
  return [
    draft(
      target,
      'min-ready',
      text,
      `minReadySeconds: ${seconds}\npods: ${wanted} wanted, ${ready} ready, ${available} available`,
    ),
  ];
}
