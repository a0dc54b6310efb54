import type { KubernetesObject } from '../../core/cluster.ts';
import type { EventView } from '../define.ts';
import { listAt, textAt } from '../reading/fields.ts';
import { containersOf } from './pod-status.ts';

/**
 * Whether the pod has a node and none of its containers has come so far that it is looked at: its volumes, its sandbox or
 * its network are not there yet, or nobody works on it.
 */
export function isCreating(pod: KubernetesObject): boolean {
  if (['Succeeded', 'Failed'].includes(textAt(pod, 'status', 'phase')) || !hasNode(pod)) return false;
  if (pod.metadata.deletionTimestamp !== undefined) return false;
  return containersOf(pod).every(
    ({ waiting, running, terminated }) =>
      !running && terminated === null && ['', 'ContainerCreating', 'PodInitializing'].includes(waiting?.reason ?? ''),
  );
}

/** Whether work on the containers came after what failed: then volumes and sandbox were there in the end. */
export function isOvercome(failure: EventView | undefined, events: readonly EventView[]): boolean {
  const work = events.findLast(({ reason }) => ['Pulling', 'Pulled', 'Created', 'Started'].includes(reason));
  return failure !== undefined && work !== undefined && (work.last ?? '') > (failure.last ?? '');
}

function hasNode(pod: KubernetesObject): boolean {
  const isScheduled = listAt(pod, 'status', 'conditions').some(
    (condition) => textAt(condition, 'type') === 'PodScheduled' && textAt(condition, 'status') === 'True',
  );
  return isScheduled || textAt(pod, 'spec', 'nodeName') !== '';
}
