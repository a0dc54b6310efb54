import { nameOf, objectName } from '../analyzers/define.ts';
import type { Relation, Target } from '../analyzers/define.ts';
import { isOwnedBy, mapAt } from '../analyzers/reading/fields.ts';
import { selectsLabels } from '../analyzers/reading/selectors.ts';
import type { KubernetesObject, ReadResult } from '../core/cluster.ts';
import type { Reads } from './reads.ts';

/** Pods of one workload that are named; the others are alike. */
const mostPods = 50;

/** From what was come to upwards, or is only beside it, no way leads down to other pods. */
const upwards: ReadonlySet<Relation> = new Set(['owner', 'selected by', 'node', 'mounts']);

/**
 * The pods behind the workloads and Services among the targets, by name. Those that are well were not looked at, and are linked all
 * the same: what their logs say is about the alert. Makes no read that was not made before where the links were followed.
 */
export async function podsBehind(reads: Reads, targets: readonly Target[]): Promise<readonly string[]> {
  const known = new Set(targets.map(nameOf));
  const behind = new Set<string>();
  for (const target of targets) {
    if (upwards.has(target.relation)) continue;
    for (const { metadata } of (await podsOf(reads, target)).slice(0, mostPods)) {
      const name = objectName('pod', metadata.namespace ?? null, metadata.name);
      if (!known.has(name)) behind.add(name);
    }
  }
  return [...behind];
}

const makers: ReadonlySet<string> = new Set(['deployment', 'replicaset', 'statefulset', 'daemonset', 'job']);

async function podsOf(reads: Reads, { kind, namespace, object }: Target): Promise<readonly KubernetesObject[]> {
  if (kind !== 'service' && !makers.has(kind)) return [];
  const pods = itemsOf(await reads.list('pods', namespace));
  if (kind === 'service') {
    const selector = mapAt(object, 'spec', 'selector');
    return pods.filter((pod) => selectsLabels(selector, pod.metadata.labels ?? {}));
  }
  const sets = kind === 'deployment' ? itemsOf(await reads.list('replicasets', namespace)) : [];
  const owners = [object, ...sets.filter((set) => isOwnedBy(set, object))];
  return pods.filter((pod) => owners.some((owner) => isOwnedBy(pod, owner)));
}

const itemsOf = (list: ReadResult<readonly KubernetesObject[]>): readonly KubernetesObject[] =>
  list.kind === 'ok' ? list.value : [];
