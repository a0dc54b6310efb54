import type { KubernetesObject } from '../../core/cluster.ts';
import { kubeReasonOf } from '../connection/failure.ts';

/** How a Job has ended. */
export type JobEnd =
  | { readonly kind: 'succeeded' }
  /** `reason` as the Job controller writes it: BackoffLimitExceeded, DeadlineExceeded, PodFailurePolicy. */
  | { readonly kind: 'failed'; readonly reason: string; readonly message: string }
  /** Somebody has deleted it. */
  | { readonly kind: 'gone' };

interface Condition {
  readonly type?: unknown;
  readonly status?: unknown;
  readonly reason?: unknown;
  readonly message?: unknown;
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

function conditionOf(object: KubernetesObject, type: string): Condition | undefined {
  const conditions = object.status?.['conditions'];
  return (Array.isArray(conditions) ? (conditions as readonly Condition[]) : []).find((one) => one.type === type);
}

/** null = it has not ended: `FailureTarget` and `SuccessCriteriaMet` come before, while pods of it still run. */
export function endOfJob(job: KubernetesObject): JobEnd | null {
  if (conditionOf(job, 'Complete')?.status === 'True') return { kind: 'succeeded' };
  const failed = conditionOf(job, 'Failed');
  if (failed?.status !== 'True') return null;
  return { kind: 'failed', reason: text(failed.reason), message: text(failed.message) };
}

/** What keeps a Job from having a pod that runs. */
export interface JobTrouble {
  /** A {@link import('../connection/failure.ts').KubeReason} where no pod could be made; else as the scheduler or the kubelet says: Unschedulable, ImagePullBackOff. */
  readonly reason: string;
  readonly message: string;
}

/** Reasons of a container that waits and gets no further by itself. */
const waitingForSomebody = new Set([
  'CreateContainerConfigError',
  'CreateContainerError',
  'ErrImageNeverPull',
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'RunContainerError',
]);

/** By the pods of a Job and the Events about it (core/v1 or events.k8s.io/v1), oldest first; null = nothing is known to be wrong. */
export function troubleOfJob(
  pods: readonly KubernetesObject[],
  events: readonly KubernetesObject[],
): JobTrouble | null {
  for (const pod of pods) {
    const trouble = troubleOfPod(pod);
    if (trouble !== null) return trouble;
  }
  const failed = pods.length > 0 ? undefined : events.findLast(({ reason }) => reason === 'FailedCreate');
  if (failed === undefined) return null;
  // The Job controller cites the refusal: `Error creating: pods "x" is forbidden: exceeded quota: ...`.
  const message = text(failed['message'] ?? failed['note']);
  return { reason: kubeReasonOf(message.includes(' is invalid: ') ? 422 : 403, message), message };
}

function troubleOfPod(pod: KubernetesObject): JobTrouble | null {
  const scheduled = conditionOf(pod, 'PodScheduled');
  if (scheduled?.status === 'False')
    return { reason: text(scheduled.reason) || 'Unschedulable', message: text(scheduled.message) };
  const { initContainerStatuses, containerStatuses } = pod.status ?? {};
  for (const status of [initContainerStatuses, containerStatuses].flat()) {
    const { state } = (status ?? {}) as { readonly state?: { readonly waiting?: Condition } };
    const reason = text(state?.waiting?.reason);
    if (waitingForSomebody.has(reason)) return { reason, message: text(state?.waiting?.message) };
  }
  return null;
}

/** Whether a container of a pod has ended for good, or will never run. */
export function hasEnded(pod: KubernetesObject, container: string): boolean {
  const { phase, containerStatuses, initContainerStatuses } = pod.status ?? {};
  if (phase === 'Succeeded' || phase === 'Failed') return true;
  const statuses = [initContainerStatuses, containerStatuses].flat() as readonly {
    readonly name?: unknown;
    readonly state?: { readonly terminated?: unknown };
  }[];
  const isOver = statuses.find((status) => status?.name === container)?.state?.terminated !== undefined;
  return isOver && pod.spec?.['restartPolicy'] === 'Never';
}
