import type { KubernetesObject } from '../../core/cluster.ts';
import { addMs } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';
import { conditionOf, listAt, numberAt, textAt, timeAt } from '../reading/fields.ts';
import { eventsOfContainer } from '../reading/events.ts';
import { hasName } from '../reading/names.ts';
import type { EventView } from '../define.ts';
import type { ContainerView, Ending } from './pod-status.ts';
import { probeKillOf } from './probe.ts';

/** A deletion that somebody asked for. */
export interface Deletion {
  /** When it was asked for. */
  readonly askedAt: Timestamp;
  /** When it should have been gone: the end of the grace period, with what clocks and kubelets need more. */
  readonly overAt: Timestamp;
  readonly graceSeconds: number;
  /** What has to be done before the object goes, by whoever put it there. */
  readonly finalizers: readonly string[];
}

/** Kubelets remove a pod some time after its containers have ended. */
const removalMs = 60_000;

/** The deletion of a pod; null where nobody deleted it. Its time is that of the end of the grace period. */
export function deletionOf(pod: KubernetesObject): Deletion | null {
  const due = timeAt(pod, 'metadata', 'deletionTimestamp');
  if (due === null) return null;
  const graceSeconds = numberAt(pod, 'metadata', 'deletionGracePeriodSeconds') ?? 30;
  return {
    askedAt: addMs(due, -graceSeconds * 1000),
    overAt: addMs(due, removalMs),
    graceSeconds,
    finalizers: listAt(pod, 'metadata', 'finalizers').filter((one) => typeof one === 'string'),
  };
}

/** How long the containers of a pod have after SIGTERM. */
export function graceOf(pod: KubernetesObject): number {
  return (numberAt(pod, 'spec', 'terminationGracePeriodSeconds') ?? 30) * 1000;
}

/** Who ended a run: the kubelet for a probe, a hook or a changed spec, somebody who deleted the pod, what threw it out, the kernel, the node, or the process. */
export type EndedBy = 'probe' | 'hook' | 'change' | 'deletion' | 'disruption' | 'memory' | 'node' | 'itself';

/** Read from the kubelet's own words before the exit code. */
export function endedBy(
  pod: KubernetesObject,
  container: ContainerView,
  ending: Ending,
  events: readonly EventView[],
): EndedBy {
  const deletion = deletionOf(pod);
  if (deletion !== null && (ending.finishedAt === null || ending.finishedAt >= addMs(deletion.askedAt, -10_000)))
    return 'deletion';
  if (ending.reason === 'OOMKilled') return 'memory';
  if (isDisrupted(pod, ending)) return 'disruption';
  if (ending.reason === 'ContainerStatusUnknown' || ending.reason === 'Unknown' || ending.reason === 'NodeLost')
    return 'node';
  if (probeKillOf(events, container, ending, graceOf(pod)) !== null) return 'probe';
  return kubeletEnd(events, container, ending) ?? 'itself';
}

/** Ends that the kubelet brings about for another reason than a probe; null where its events tell of none. */
function kubeletEnd(events: readonly EventView[], { name }: ContainerView, { finishedAt }: Ending): EndedBy | null {
  const near = eventsOfContainer(events, name).filter(
    ({ last, message }) =>
      (!/ontainer "?[\w-]+"? (?:in|definition|resize)/.test(message) || hasName(message, name)) &&
      (last === null || finishedAt === null || last >= addMs(finishedAt, -120_000)),
  );
  if (near.some(({ reason }) => reason === 'FailedPostStartHook')) return 'hook';
  return near.some(({ reason, message }) => reason === 'Killing' && /definition changed|resize requires/i.test(message))
    ? 'change'
    : null;
}

/** Evicted, preempted, or gone with its node: the end came with that. */
function isDisrupted(pod: KubernetesObject, { finishedAt }: Ending): boolean {
  const condition = conditionOf(pod, 'DisruptionTarget');
  if (condition?.status === 'True')
    return finishedAt === null || condition.since === null || finishedAt >= addMs(condition.since, -10_000);
  return ['Evicted', 'Preempting', 'Preempted', 'NodeShutdown', 'Terminated', 'Shutdown', 'DeadlineExceeded'].includes(
    textAt(pod, 'status', 'reason'),
  );
}

/**
 * When a container that ended once was well again: the start of the run that goes on, where that is ready, or was (the pod
 * became unready later than the run began). null where it has not been well since.
 */
export function wellSince(pod: KubernetesObject, { running, ready, runningSince }: ContainerView): Timestamp | null {
  if (!running || runningSince === null) return null;
  if (ready) return runningSince;
  const condition = conditionOf(pod, 'ContainersReady') ?? conditionOf(pod, 'Ready');
  const lostLater =
    condition?.status === 'False' && condition.since !== null && condition.since > addMs(runningSince, 60_000);
  return lostLater ? runningSince : null;
}

/** Since when a container that ended is ready again; null where it is not, or was held back later than it started. */
export function readySince(
  pod: KubernetesObject,
  container: ContainerView,
  backOffs: readonly EventView[],
): Timestamp | null {
  const since = container.ready ? wellSince(pod, container) : null;
  const isHeldBack = backOffs.some(
    ({ last, container: name }) =>
      since !== null && last !== null && last > since && (name === '' || name === container.name),
  );
  if (since === null || isHeldBack) return null;
  const ready = conditionOf(pod, 'ContainersReady') ?? conditionOf(pod, 'Ready');
  return ready?.status === 'True' && ready.since !== null && ready.since > since ? ready.since : since;
}

/** When it began: the pod is not ready since then, or, where that is later or not told, its last end. */
export function unwellSince(pod: KubernetesObject, { finishedAt }: Ending): Timestamp | null {
  const ready = conditionOf(pod, 'Ready');
  const since = ready?.status === 'False' ? ready.since : null;
  return since !== null && (finishedAt === null || since < finishedAt) ? since : finishedAt;
}
