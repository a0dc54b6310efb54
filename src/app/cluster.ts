import type { Cluster, ClusterEvents } from '../core/cluster.ts';
import { AppError } from '../core/errors.ts';
import type { ClusterWatch } from '../core/watch.ts';
import type { ClusterOptions } from './options.ts';

/** A cluster, or what was captured of one, with its connections or what was unpacked. */
export interface OpenedCluster {
  readonly cluster: Cluster;
  /** null where it was captured. */
  readonly watch: ClusterWatch | null;
  /** null where it was captured. */
  readonly events: ClusterEvents | null;
  close(): Promise<void>;
}

/** Opens what the options name; null where they name nothing. The Kubernetes client is loaded only for a live cluster. */
export async function openCluster(options: ClusterOptions): Promise<OpenedCluster | null> {
  if (options.dump !== null) {
    const { openDump } = await import('../kube/dump/dump.ts');
    const dump = await openDump(options.dump);
    return { cluster: withName(dump, options), watch: null, events: null, close: () => dump.close() };
  }
  if (options.context === null && options.kubeconfig === null) return null;
  const { connectKube } = await import('../kube/connection/client.ts');
  const { liveCluster } = await import('../kube/live/live.ts');
  const { clusterEvents } = await import('../kube/events/events.ts');
  const client = await connectKube({
    ...(options.kubeconfig === null ? {} : { kubeconfig: options.kubeconfig }),
    ...(options.context === null ? {} : { context: options.context }),
  });
  const cluster = liveCluster(client);
  const events = clusterEvents(client, options.clusterName);
  return { cluster: withName(cluster, options), watch: cluster, events, close: () => client.close() };
}

/** What `work` makes of the cluster that the options name, which is closed behind it. Throws InvalidInput where they name none. */
export async function withCluster<T>(
  options: ClusterOptions,
  work: (cluster: Cluster) => Promise<T>,
  next = 'give --context NAME for a live cluster, or --dump PATH for a captured one',
): Promise<T> {
  const opened = await openCluster(options);
  if (opened === null) throw new AppError('InvalidInput', 'no cluster was named', { next });
  try {
    return await work(opened.cluster);
  } finally {
    await opened.close();
  }
}

/** A cluster that says which one it is, where that is known. */
export function withName(cluster: Cluster, { clusterName }: Pick<ClusterOptions, 'clusterName'>): Cluster {
  return clusterName === null ? cluster : { ...cluster, name: clusterName };
}
