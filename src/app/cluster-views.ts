import type { AccountPlace, AccountVerdicts } from '../core/account.ts';
import type { Cluster, ClosedCluster, ClusterView } from '../core/cluster.ts';
import type { Plan } from '../core/plan.ts';
import { walledCluster } from '../kube/walled.ts';

/** Who looks at a cluster, and how far. */
export interface ClusterViews {
  /** Whether Workflows of a namespace look at this namespace alone. */
  readonly isWalled: (namespace: string) => boolean;
  /** The cluster, read with the rights of a ServiceAccount; null = no Workflow may. */
  readonly asAccount: (place: AccountPlace) => Cluster | null;
}

/** A folder of resources: who wrote them is who started the server. */
export const servedViews: ClusterViews = { isWalled: () => false, asAccount: () => null };

/** `fist serve` looks with what its kubeconfig gives, which may be more than an account would. */
export const servedAccounts: AccountVerdicts = {
  verdict: ({ namespace, name }) => ({
    status: 'False',
    reason: 'AccountNotAllowed',
    message: `ServiceAccount ${namespace}/${name} is for fist operator: fist serve looks with the rights of its kubeconfig; leave clusterAccess out, and start it with a kubeconfig of that account`,
  }),
};

const lookingAtNone: ClosedCluster = {
  reason: 'clusterAccess.level of the Workflow is none',
  remedy: 'set clusterAccess.level of the Workflow to read',
};

/**
 * What the steps of a plan may look at of a cluster (null = none is configured). The wall of a namespace stays whatever the level:
 * an account may be bound elsewhere, and whoever raises an alert chooses the namespace that is looked at.
 */
export function viewOf(
  { namespace, clusterAccess }: Plan,
  cluster: Cluster | null,
  { isWalled, asAccount }: ClusterViews,
): ClusterView {
  const onlyNamespace = isWalled(namespace) ? namespace : null;
  const closed = (why: ClosedCluster): ClusterView => ({ cluster: null, closed: why, onlyNamespace });
  const open = (all: Cluster | null): ClusterView => ({
    cluster: all === null || onlyNamespace === null ? all : walledCluster(all, onlyNamespace),
    closed: null,
    onlyNamespace,
  });
  if (clusterAccess === undefined) return open(cluster);
  if (clusterAccess.level === 'none') return closed(lookingAtNone);
  const { serviceAccount: name } = clusterAccess;
  const own = asAccount({ namespace, name });
  return own === null ? closed(accountClosed(namespace, name)) : open(own);
}

function accountClosed(namespace: string, name: string): ClosedCluster {
  return {
    reason: `ServiceAccount ${namespace}/${name} may not be used here`,
    remedy: `fist describe workflow says why; --allow-account ${namespace}/${name} of fist operator lists it`,
  };
}
