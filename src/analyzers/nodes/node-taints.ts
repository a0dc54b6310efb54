import type { KubernetesObject } from '../../core/cluster.ts';
import type { Timestamp } from '../../core/time.ts';
import { listAt, textAt, timeAt } from '../reading/fields.ts';

/** A taint that says that a node is on its way in or out. */
interface NodeTaint {
  readonly key: string;
  readonly meaning: string;
  readonly since: Timestamp | null;
}

/** Taints of controllers with what they say; those for conditions are told by the conditions. */
const meanings: readonly (readonly [RegExp, string])[] = [
  [/^node\.cloudprovider\.kubernetes\.io\/uninitialized$/, 'the cloud provider has not taken it into service yet'],
  [/^node\.cloudprovider\.kubernetes\.io\/shutdown$/, 'the cloud provider says that its machine is shut down'],
  [/^node\.kubernetes\.io\/out-of-service$/, 'it was declared out of service'],
  [/^ToBeDeletedByClusterAutoscaler$/, 'the cluster autoscaler is removing it'],
  [/^DeletionCandidateOfClusterAutoscaler$/, 'the cluster autoscaler may remove it'],
  [/^karpenter\.sh\/(?:disrupted|disruption|unregistered)$/, 'Karpenter is replacing or adding it'],
  [/^aws-node-termination-handler\//, 'its machine is about to be taken away'],
  [/^node\.cilium\.io\/agent-not-ready$/, 'the agent of its network plugin (Cilium) is not ready'],
  [/agent-not-ready|network-unavailable$/, 'an agent that it needs is not ready'],
];

/** Taints of a node that tell of more than where pods may go. */
export function nodeTaints(node: KubernetesObject): readonly NodeTaint[] {
  return listAt(node, 'spec', 'taints').flatMap((taint) => {
    const key = textAt(taint, 'key');
    const meaning = meanings.find(([pattern]) => pattern.test(key))?.[1];
    return meaning === undefined || key === 'node.kubernetes.io/network-unavailable'
      ? []
      : [{ key, meaning, since: timeAt(taint, 'timeAdded') }];
  });
}
