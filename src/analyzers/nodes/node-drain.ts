import type { KubernetesObject } from '../../core/cluster.ts';
import { look } from '../advice.ts';
import { defineAnalyzer, lasting } from '../define.ts';
import type { FindingDraft, Pointer } from '../define.ts';
import { at, controllerOf, numberAt, textAt } from '../reading/fields.ts';
import { matchesLabels } from '../reading/selectors.ts';

/** Cordoned nodes that cannot be drained, because a disruption budget keeps their pods. */
export const nodeDrain = defineAnalyzer({
  name: 'node-drain',
  kinds: ['node'],
  explains: [],
  categories: {
    'node-drain-blocked': {
      meaning: 'A cordoned node cannot be drained: a PodDisruptionBudget lets none of its pods go.',
      happened: 'could not be drained',
      nearness: 60,
      answers: ['node', 'disruption', 'unready'],
      changes: null,
      advice: (draft, { pod: name }) => [
        look(`kubectl get pods -A --field-selector spec.nodeName=${name}`, 'Shows which pods are still on the node.'),
        look(
          `kubectl get poddisruptionbudgets -A`,
          `Shows the budgets and what they allow; ${draft.facts['budget']} allows nothing.`,
        ),
      ],
    },
  },
  async run(io, target) {
    if (target.relation !== 'alert' || target.object.spec?.['unschedulable'] !== true) return [];
    const all = await io.list('pods', null);
    const pods = (all.kind === 'ok' ? all.value : []).filter((pod) => isHeldOn(pod, target.name));
    if (pods.length === 0) return [];
    const budgets = await io.list('poddisruptionbudgets', null);
    if (budgets.kind !== 'ok') return [];
    const kept = budgets.value.flatMap((budget) => {
      const pod = pods.find((one) => isKeptBy(one, budget));
      return pod === undefined ? [] : [{ budget, pod }];
    });
    const [first] = kept;
    if (first === undefined) return [];
    const words = kept
      .slice(0, 3)
      .map(
        ({ budget, pod }) =>
          `PodDisruptionBudget ${budget.metadata.namespace}/${budget.metadata.name} does not let pod ${pod.metadata.name} go (0 disruptions allowed)`,
      )
      .join('; ');
    const text = `Node ${target.name} is cordoned and cannot be drained: ${words}.`;
    const finding: FindingDraft<'node-drain-blocked'> = {
      category: 'node-drain-blocked',
      severity: 'high',
      object: `node/${target.name}`,
      description: text,
      cause: text,
      decisive: true,
      when: lasting,
      facts: { budget: `${first.budget.metadata.namespace}/${first.budget.metadata.name}` },
      evidence: [
        {
          read: { kind: 'object', of: 'node', namespace: null, name: target.name },
          excerpt: 'spec.unschedulable: true',
        },
        { read: { kind: 'list', resource: 'poddisruptionbudgets', namespace: null }, excerpt: words },
      ],
      pointers: kept.slice(0, 3).map(({ budget }): Pointer => ({
        kind: 'poddisruptionbudget',
        namespace: budget.metadata.namespace ?? null,
        name: budget.metadata.name,
      })),
    };
    return [finding];
  },
});

/** Pods that a drain has to evict: those of daemon sets and static ones stay, and those that ended do not count. */
function isHeldOn(pod: KubernetesObject, node: string): boolean {
  return (
    textAt(pod, 'spec', 'nodeName') === node &&
    !['Succeeded', 'Failed'].includes(textAt(pod, 'status', 'phase')) &&
    !['DaemonSet', 'Node'].includes(controllerOf(pod)?.kind ?? '')
  );
}

function isKeptBy(pod: KubernetesObject, budget: KubernetesObject): boolean {
  const selector = at(budget, 'spec', 'selector');
  return (
    selector !== undefined &&
    numberAt(budget, 'status', 'disruptionsAllowed') === 0 &&
    budget.metadata.namespace === pod.metadata.namespace &&
    matchesLabels(selector, pod.metadata.labels ?? {})
  );
}
