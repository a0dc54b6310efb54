import type { Cluster, ClusterResource, ReadResult } from '../core/cluster.ts';
import { resourceTypes } from './resources.ts';

/**
 * A cluster as a Workflow may look at it that has no business elsewhere: what is in no namespace, and what is in its own. An alert may name
 * any namespace, and whoever sends one chooses; so other namespaces are forbidden, and the report says so.
 */
export function walledCluster(cluster: Cluster, namespace: string): Cluster {
  function refusal(
    resource: ClusterResource,
    of: string | null,
  ): Extract<ReadResult<never>, { kind: 'forbidden' }> | null {
    if (!resourceTypes[resource].namespaced || of === namespace) return null;
    const what = of === null ? 'all namespaces' : `namespace ${of}`;
    return { kind: 'forbidden', reason: `a Workflow in namespace ${namespace} may not look at ${what}` };
  }
  const { usage } = cluster;
  return {
    ...cluster,
    get: async (resource, of, name) => refusal(resource, of) ?? cluster.get(resource, of, name),
    list: async (query) => refusal(query.resource, query.namespace ?? null) ?? cluster.list(query),
    logs: async (query) => refusal('pods', query.namespace) ?? cluster.logs(query),
    ...(usage === undefined
      ? {}
      : { usage: async (query) => (query.of === 'pods' ? refusal('pods', query.namespace) : null) ?? usage(query) }),
    remedyFor: (read) =>
      refusal(read.resource === 'pods/log' ? 'pods' : read.resource, read.namespace) === null
        ? (cluster.remedyFor?.(read) ?? 'ask whoever runs this operator')
        : `start the operator with --investigate-from ${namespace}, or have a Workflow look that is in a namespace with that right`,
  };
}
