import type { Cluster } from '../core/cluster.ts';
import type { ClusterOptions } from './options.ts';

/** A cluster, or what was captured of one, with its connections or what was unpacked. */
export interface OpenedCluster {
  readonly cluster: Cluster;
  close(): Promise<void>;
}

/** Opens what the options name; null where they name nothing. The Kubernetes client is loaded only for a live cluster. */
export async function openCluster(options: ClusterOptions): Promise<OpenedCluster | null> {
  if (options.dump !== null) {
    const { openDump } = await import('../kube/dump.ts');
    const dump = await openDump(options.dump);
    return { cluster: withName(dump, options), close: () => dump.close() };
  }
  if (options.context === null && options.kubeconfig === null) return null;
  const { openLive } = await import('../kube/live.ts');
  const cluster = await openLive({
    ...(options.kubeconfig === null ? {} : { kubeconfig: options.kubeconfig }),
    ...(options.context === null ? {} : { context: options.context }),
  });
  return { cluster: withName(cluster, options), close: () => cluster.close() };
}

function withName(cluster: Cluster, { clusterName }: ClusterOptions): Cluster {
  return clusterName === null ? cluster : { ...cluster, name: clusterName };
}
