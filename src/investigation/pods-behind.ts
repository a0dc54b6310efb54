import { nameOf, objectName } from '../analyzers/define.ts';
import type { ObjectKind, Relation, Target } from '../analyzers/define.ts';
import { podsOf } from './pods-of.ts';
import type { Reads } from './reads.ts';

/** Pods of one workload that are named; the others are alike. */
const mostPods = 50;

const kinds: ReadonlySet<ObjectKind> = new Set([
  'deployment',
  'replicaset',
  'statefulset',
  'daemonset',
  'job',
  'service',
]);

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
    if (!kinds.has(target.kind) || upwards.has(target.relation)) continue;
    const { pods } = await podsOf(reads, target);
    for (const { metadata } of pods.slice(0, mostPods)) {
      const name = objectName('pod', metadata.namespace ?? null, metadata.name);
      if (!known.has(name)) behind.add(name);
    }
  }
  return [...behind];
}
