import type { KubernetesObject } from '../../core/cluster.ts';
import { plural } from '../../lib/words.ts';
import { describeCommand, look } from '../advice.ts';
import { defineAnalyzer, lasting, objectName } from '../define.ts';
import type { FindingDraft, Pointer, Target } from '../define.ts';
import { at, conditionOf, numberAt } from '../reading/fields.ts';
import { isReady, podTrouble } from '../pods/pod-status.ts';
import { quote } from '../reading/quote.ts';
import { matchesLabels } from '../reading/selectors.ts';

type Name = 'pdb-blocks' | 'pdb-unhealthy' | 'pdb-broken';
type Draft = FindingDraft<Name>;

const describe = (draft: FindingDraft) =>
  look(
    describeCommand(draft),
    'Shows how many pods the budget counts, how many of them are healthy, and how many must be.',
  );

/** Disruption budgets that let no pod go: by their own numbers, or because pods are not healthy. */
export const disruptionBudget = defineAnalyzer({
  name: 'disruption-budget',
  kinds: ['poddisruptionbudget'],
  explains: ['NoPods', 'NoControllers', 'CalculateExpectedPodCountFailed', 'UnmanagedPods'],
  categories: {
    'pdb-blocks': {
      meaning: 'A PodDisruptionBudget asks for as many pods as there are, so that none may ever be evicted.',
      happened: 'let no pod go',
      nearness: 78,
      answers: ['disruption', 'node'],
      changes: null,
      advice: (draft, { namespace, pod: name }) => [
        describe(draft),
        look(
          `Allow one disruption in poddisruptionbudget ${name} of namespace ${namespace} (maxUnavailable: 1), or give the workload one replica more.`,
          'With these numbers a drained node waits for ever.',
        ),
      ],
    },
    'pdb-unhealthy': {
      meaning: 'A PodDisruptionBudget lets no pod go, because too few of its pods are healthy.',
      happened: 'let no pod go',
      nearness: 46,
      answers: ['disruption', 'node'],
      changes: null,
      advice: (draft) => [describe(draft)],
    },
    'pdb-broken': {
      meaning: 'A PodDisruptionBudget cannot be computed, or selects no pod.',
      happened: 'could not be computed',
      nearness: 76,
      answers: ['disruption'],
      changes: null,
      advice: (draft) => [describe(draft)],
    },
  },
  async run(io, target) {
    if (!isComputed(target.object) || numberAt(target.object, 'status', 'disruptionsAllowed') !== 0) return [];
    const pods = await io.list('pods', target.namespace);
    const selector = at(target.object, 'spec', 'selector');
    const selected = (pods.kind === 'ok' ? pods.value : []).filter(
      (pod) => selector !== undefined && matchesLabels(selector, pod.metadata.labels ?? {}),
    );
    return [findingOf(target, selected)];
  },
});

const isFailed = (object: KubernetesObject): boolean =>
  conditionOf(object, 'DisruptionAllowed')?.reason === 'SyncFailed';

/** Whether its numbers are those of its newest rules, or tell that none can be had: before that they are all zero, or missing. */
function isComputed(object: KubernetesObject): boolean {
  if (isFailed(object)) return true;
  const observed = numberAt(object, 'status', 'observedGeneration') ?? 0;
  return numberAt(object, 'status', 'expectedPods') !== null && observed >= (object.metadata.generation ?? 0);
}

function findingOf(target: Target, selected: readonly KubernetesObject[]): Draft {
  const count = (field: string): number => numberAt(target.object, 'status', field) ?? 0;
  const [expected, healthy, desired] = [count('expectedPods'), count('currentHealthy'), count('desiredHealthy')];
  const allowed = conditionOf(target.object, 'DisruptionAllowed');
  const budget = `PodDisruptionBudget ${target.name}`;
  const base = {
    object: objectName('poddisruptionbudget', target.namespace, target.name),
    when:
      allowed?.status === 'False'
        ? { from: allowed.since, until: null, source: 'condition DisruptionAllowed' }
        : lasting,
    facts: { expected: String(expected), healthy: String(healthy), desired: String(desired) },
    evidence: [
      {
        read: { kind: 'object', of: 'poddisruptionbudget', namespace: target.namespace, name: target.name } as const,
        excerpt: `${ruleText(target)}\npods: ${expected} expected, ${healthy} healthy, ${desired} must be; 0 disruptions allowed`,
      },
    ],
  };
  const cause = (category: Name, text: string): Draft => ({
    ...base,
    category,
    severity: 'high',
    description: text,
    cause: text,
    decisive: true,
  });
  if (isFailed(target.object))
    return cause(
      'pdb-broken',
      `${budget} cannot be computed: ${quote(allowed?.message ?? '', 250).replace(/\.$/, '')}.`,
    );
  if (expected === 0)
    return cause('pdb-broken', `${budget} allows no disruption: its selector picks no pod of a workload.`);
  if (healthy >= desired && desired >= expected)
    return cause(
      'pdb-blocks',
      `${budget} can never allow a disruption: it asks for ${desired} of ${plural(expected, 'pod')} to be healthy (${ruleText(target)}), so no pod may be evicted and no node with one can be drained.`,
    );
  const unhealthy = selected
    .filter((pod) => !isReady(pod))
    .toSorted((one, other) => podTrouble(other) - podTrouble(one))
    .slice(0, 5);
  return {
    ...base,
    category: 'pdb-unhealthy',
    severity: 'high',
    description: `${budget} allows no disruption: ${healthy} of its ${plural(expected, 'pod')} are healthy, and ${desired} must be (${ruleText(target)}).`,
    cause: null,
    decisive: false,
    pointers: unhealthy.map(({ metadata }): Pointer => ({
      kind: 'pod',
      namespace: target.namespace,
      name: metadata.name,
    })),
  };
}

function ruleText({ object }: Target): string {
  for (const field of ['minAvailable', 'maxUnavailable']) {
    const value = at(object, 'spec', field);
    if (typeof value === 'string' || typeof value === 'number') return `${field}: ${value}`;
  }
  return 'minAvailable: 1';
}
