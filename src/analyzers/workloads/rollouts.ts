import type { KubernetesObject } from '../../core/cluster.ts';
import type { Timestamp } from '../../core/time.ts';
import type { TemplateChange } from '../define.ts';
import { at, isOwnedBy, listAt, textAt, timeAt } from '../reading/fields.ts';
import { revisionOf } from '../reading/replicas.ts';
import { diffTemplates } from './template-diff.ts';

/** A revision of a Deployment, and what it changed. */
export interface Rollout {
  readonly replicaSet: KubernetesObject;
  /** The revision before it. */
  readonly previous: KubernetesObject;
  /** When it began; null where nothing says. */
  readonly at: Timestamp | null;
  readonly changes: readonly TemplateChange[];
}

/** The replica sets of a Deployment, the newest revision first. */
export function replicaSetsOf(
  deployment: KubernetesObject,
  listed: readonly KubernetesObject[],
): readonly KubernetesObject[] {
  return listed
    .filter((object) => isOwnedBy(object, deployment))
    .sort((one, other) => revisionOf(other) - revisionOf(one));
}

/** The rollouts of a Deployment whose replica sets are still there, the newest first. */
export function rolloutsOf(deployment: KubernetesObject, listed: readonly KubernetesObject[]): readonly Rollout[] {
  const sets = replicaSetsOf(deployment, listed);
  return sets.slice(0, -1).flatMap((replicaSet, index): readonly Rollout[] => {
    const previous = sets[index + 1];
    if (previous === undefined) return [];
    const at = index === 0 ? startOf(deployment, replicaSet, previous) : createdAt(replicaSet);
    return [{ replicaSet, previous, at, changes: diffTemplates(templateOf(previous), templateOf(replicaSet)) }];
  });
}

const templateOf = (replicaSet: KubernetesObject): unknown => at(replicaSet, 'spec', 'template');
const createdAt = (object: KubernetesObject): Timestamp | null => timeAt(object, 'metadata', 'creationTimestamp');

/**
 * When the newest revision began: its ReplicaSet's creation. A rollback takes an older ReplicaSet again; then the
 * Progressing condition tells when the deployment last got on, which is not before the change.
 */
function startOf(object: KubernetesObject, newest: KubernetesObject, previous: KubernetesObject): Timestamp | null {
  const created = createdAt(newest);
  const before = createdAt(previous);
  if (created === null || before === null || created >= before) return created;
  const progressing = listAt(object, 'status', 'conditions').find(
    (condition) => textAt(condition, 'type') === 'Progressing',
  );
  return timeAt(progressing, 'lastUpdateTime');
}
