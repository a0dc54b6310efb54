import type { KubernetesObject } from '../core/cluster.ts';
import { objectName } from '../analyzers/define.ts';
import type { ObjectKind, Relation, Target } from '../analyzers/define.ts';

/** The objects that were come to, each by the first link that led there. */
export interface Graph {
  /** In the order in which they were found. */
  targets(): readonly Target[];
  find(kind: ObjectKind, namespace: string | null, name: string): Target | null;
  /** Adds an object, or gives the target that it is already; null where the graph is full. */
  add(kind: ObjectKind, object: KubernetesObject, relation: Relation, via: Target | null): Target | null;
}

/** Objects looked at in one investigation: each may cost requests. */
const mostTargets = 60;

export function createGraph(maxTargets = mostTargets): Graph {
  const found = new Map<string, Target>();
  return {
    targets: () => [...found.values()],
    find: (kind, namespace, name) => found.get(objectName(kind, namespace, name)) ?? null,
    add(kind, object, relation, via) {
      const namespace = object.metadata.namespace ?? null;
      const name = object.metadata.name;
      const key = objectName(kind, namespace, name);
      const known = found.get(key);
      if (known !== undefined) return known;
      if (found.size >= maxTargets) return null;
      const target: Target = { kind, namespace, name, object, relation, via };
      found.set(key, target);
      return target;
    },
  };
}

/** The way from what the alert names to this object, both included. */
export function pathTo(target: Target): readonly Target[] {
  const path: Target[] = [];
  for (let step: Target | null = target; step !== null; step = step.via) path.unshift(step);
  return path;
}

/** Whether every step from what the alert names to this object is a link. */
export function isLinked(target: Target): boolean {
  return pathTo(target).every(({ relation }) => relation !== 'near');
}

/** What only surrounds an object and answers for its failure where that points at it, or where nothing else does. */
const surrounding: ReadonlySet<Relation> = new Set(['node', 'mounts', 'calls', 'points at']);

/** Whether the way goes through something that only surrounds what the alert names. */
export function isSurrounding(target: Target): boolean {
  return pathTo(target).some(({ relation }) => surrounding.has(relation));
}
