import type { KubernetesObject } from '../../core/cluster.ts';
import type { Target } from '../define.ts';
import { numberAt, textAt } from './fields.ts';

/** How many pods a workload wants, and how many of them there are. */
export interface Replicas {
  readonly wanted: number;
  /** Those that exist. */
  readonly current: number;
  /** Those with the newest template. */
  readonly updated: number;
  readonly ready: number;
  readonly available: number;
}

/** The counts of a Deployment, ReplicaSet, StatefulSet or DaemonSet; what its status does not tell counts as none. */
export function replicasOf({ kind, object }: Pick<Target, 'kind' | 'object'>): Replicas {
  const status = (field: string): number => numberAt(object, 'status', field) ?? 0;
  if (kind === 'daemonset')
    return {
      wanted: status('desiredNumberScheduled'),
      current: numberAt(object, 'status', 'currentNumberScheduled') ?? status('numberReady'),
      updated: status('updatedNumberScheduled'),
      ready: status('numberReady'),
      available: status('numberAvailable'),
    };
  const wanted = numberAt(object, 'spec', 'replicas') ?? 1;
  return {
    wanted,
    current: status('replicas'),
    updated: kind === 'statefulset' && hasOneRevision(object) ? wanted : status('updatedReplicas'),
    ready: status('readyReplicas'),
    available: status('availableReplicas'),
  };
}

/** Where no update of a StatefulSet goes on, not every version of Kubernetes counts its pods as updated. */
const hasOneRevision = (set: KubernetesObject): boolean =>
  textAt(set, 'status', 'updateRevision') === textAt(set, 'status', 'currentRevision');

/** The revision of a Deployment, or of one of its ReplicaSets; 0 where it has none. */
export function revisionOf(object: KubernetesObject): number {
  return Number(object.metadata.annotations?.['deployment.kubernetes.io/revision'] ?? 0) || 0;
}

/** The number of a StatefulSet's pod; -1 for a name without one. */
export function ordinalOf(pod: string): number {
  return Number(/-(\d+)$/.exec(pod)?.[1] ?? -1);
}
