import type { KubernetesObject } from '../../core/cluster.ts';
import { addMs } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';
import { conditionOf, listAt, textAt, timeAt } from '../reading/fields.ts';

/** Clocks differ, and a node counts as lost some time after it fell silent. */
const slackMs = 120_000;

/** A condition of a node that it should not have, beside not being ready. */
interface NodeTrouble {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly since: Timestamp | null;
}

/** Conditions that are good where they are true: of the kubelet, of EKS's monitoring agent, of k3s. */
const goodWhenTrue = /(?:Ready|Healthy|IsVoter|Initialized|Configured)$/;
/** Conditions that only tell of something. */
const onlyTold = /^Deprecated|^(?:Has|Is|Was)[A-Z]/;

/**
 * Every condition but Ready that should not be as it is: of the kubelet (MemoryPressure, NetworkUnavailable), of a
 * problem detector (KernelDeadlock, ReadonlyFilesystem, FrequentKubeletRestart), of a cloud's agents.
 */
export function nodeTroubles(node: KubernetesObject): readonly NodeTrouble[] {
  return listAt(node, 'status', 'conditions').flatMap((condition) => {
    const type = textAt(condition, 'type');
    const status = textAt(condition, 'status');
    if (type === 'Ready' || onlyTold.test(type)) return [];
    if (status !== (goodWhenTrue.test(type) ? 'False' : 'True')) return [];
    return [
      {
        type,
        reason: textAt(condition, 'reason'),
        message: textAt(condition, 'message'),
        since: timeAt(condition, 'lastTransitionTime'),
      },
    ];
  });
}

/** Since when a node is not ready; null where it is, or where nothing says that it is not. */
export function notReadySince(node: KubernetesObject): {
  readonly at: Timestamp | null;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
} | null {
  const ready = conditionOf(node, 'Ready');
  if (ready === null || ready.status === 'True') return null;
  return { at: ready.since, status: ready.status, reason: ready.reason, message: ready.message };
}

/** Whether a node is not ready or reports a condition that it should not have. */
export function isUnwellNode(node: KubernetesObject): boolean {
  return notReadySince(node) !== null || nodeTroubles(node).length > 0;
}

/** Whether something has been wrong with a node since this moment or earlier; what has no time may have been. */
export function isUnwellSince(node: KubernetesObject, moment: Timestamp | null): boolean {
  const lost = notReadySince(node);
  const times = [...(lost === null ? [] : [lost.at]), ...nodeTroubles(node).map(({ since }) => since)];
  return times.some((since) => since === null || moment === null || since <= addMs(moment, slackMs));
}
