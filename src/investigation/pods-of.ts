import type { Target } from '../analyzers/define.ts';
import { at, isOwnedBy, mapAt } from '../analyzers/reading/fields.ts';
import { matchesLabels, selectsLabels } from '../analyzers/reading/selectors.ts';
import type { Labels } from '../core/alert.ts';
import type { KubernetesObject } from '../core/cluster.ts';
import type { Reads } from './reads.ts';

type Of = Pick<Target, 'kind' | 'namespace' | 'object'>;

interface PodsOf {
  readonly pods: readonly KubernetesObject[];
  /** The replica sets between a deployment and its pods; of anything else none. */
  readonly sets: readonly KubernetesObject[];
}

/** The pods that a workload owns, or that a Service, a disruption budget or a network policy picks; none where they cannot be read. */
export async function podsOf(reads: Reads, of: Of): Promise<PodsOf> {
  const { kind, namespace, object } = of;
  const pods = await reads.list('pods', namespace);
  if (pods.kind !== 'ok') return { pods: [], sets: [] };
  if (kind === 'service' || kind === 'poddisruptionbudget' || kind === 'networkpolicy') {
    const picks = pickerOf(of);
    return { pods: pods.value.filter(({ metadata }) => picks(metadata.labels ?? {})), sets: [] };
  }
  if (kind !== 'deployment') return { pods: pods.value.filter((pod) => isOwnedBy(pod, object)), sets: [] };
  const all = await reads.list('replicasets', namespace);
  const sets = all.kind === 'ok' ? all.value.filter((set) => isOwnedBy(set, object)) : [];
  return { pods: pods.value.filter((pod) => sets.some((set) => isOwnedBy(pod, set))), sets };
}

/** What the selector of a Service, a disruption budget or a network policy picks, by labels. */
export function pickerOf({ kind, object }: Pick<Of, 'kind' | 'object'>): (labels: Labels) => boolean {
  if (kind === 'service') return (labels) => selectsLabels(mapAt(object, 'spec', 'selector'), labels);
  const selector = at(object, 'spec', kind === 'networkpolicy' ? 'podSelector' : 'selector');
  return (labels) => selector !== undefined && matchesLabels(selector, labels);
}
