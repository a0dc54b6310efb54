import type { KubernetesObject } from '../../core/cluster.ts';
import type { AnalyzerIo, Target } from '../define.ts';
import { controllerOf } from './fields.ts';
import { podTrouble } from '../pods/pod-status.ts';

/** Pods that name the target as their controller, the worst first; also where the target itself could not be read. */
export async function podsOf(io: AnalyzerIo, target: Target): Promise<readonly KubernetesObject[]> {
  const pods = await io.list('pods', target.namespace);
  if (pods.kind !== 'ok') return [];
  return pods.value
    .filter((pod) => isControlledBy(pod, target))
    .toSorted((one, other) => podTrouble(other) - podTrouble(one));
}

function isControlledBy(pod: KubernetesObject, { kind, name, object }: Target): boolean {
  const owner = controllerOf(pod);
  if (owner === null || owner.kind.toLowerCase() !== kind || owner.name !== name) return false;
  return object.metadata.uid === undefined || owner.uid === object.metadata.uid;
}

/** Whether the object itself was read: of one that was not, only its events speak. */
export function wasRead({ object }: Target): boolean {
  return object.spec !== undefined || object.status !== undefined;
}
