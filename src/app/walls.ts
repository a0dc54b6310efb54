import type { Refusal } from '../agent/policy.ts';
import { bindPromql, logqlRefusal } from '../agent/queries/bind.ts';
import type { NamespaceScope } from '../agent/queries/bind.ts';
import type { Cluster, ClusterEvents, ClusterResource, ReadResult } from '../core/cluster.ts';
import { AppError } from '../core/errors.ts';
import type { LogReader, MetricsReader } from '../core/readers.ts';
import type { ClusterWatch } from '../core/watch.ts';
import { resourceTypes } from '../kube/kinds/resources.ts';
import { oneLine } from '../lib/printable.ts';

// What stands between a namespace and the others. Of the program, `tenancy.ts` alone puts anything behind these.

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

/** Events as a Sink may make them that has no business elsewhere: on its own namespace, and on what is in it. */
export function walledEvents(events: ClusterEvents, namespace: string): ClusterEvents {
  return {
    ...events,
    onlyNamespace: namespace,
    async refer(kind, of, name) {
      const place = kind === 'namespace' ? name : of;
      return place === namespace ? events.refer(kind, of, name) : null;
    },
    create: async (event, limits) =>
      event.regarding.namespace === namespace
        ? events.create(event, limits)
        : { kind: 'refused', reason: `a Sink in namespace ${namespace} makes Events there alone` },
  };
}

/**
 * A watch as a Source may have it that has no business elsewhere: of its own namespace, also where it names none, and of kinds that are known to be
 * in no namespace. What is seen becomes alerts, which all who read its namespace read.
 */
export function walledWatch(cluster: ClusterWatch, namespace: string): ClusterWatch {
  return {
    watch(query, io) {
      const { resource, namespace: of } = query;
      const known = Object.hasOwn(resourceTypes, resource) ? resourceTypes[resource as ClusterResource] : undefined;
      if (known?.namespaced === false) return cluster.watch(query, io);
      if (of !== null && of !== namespace)
        throw new AppError('Forbidden', `a Source in namespace ${namespace} may not watch namespace ${of}`, {
          next: `leave namespace out, or start the operator with --investigate-from ${namespace}`,
        });
      return cluster.watch({ ...query, namespace }, io);
    },
  };
}

/**
 * Metrics as a Workflow may ask for them that looks at its own namespace alone, whoever asks: whoever raises an alert chooses its expression.
 */
export function walledMetrics(metrics: MetricsReader, namespace: string): MetricsReader {
  function bind(expression: string): string {
    const bound = bindPromql(expression, scopeOf(namespace));
    if ('reason' in bound) throw notAsked(namespace, expression, bound);
    return bound.expression;
  }
  return {
    ...metrics,
    bind,
    query: async (expression, at, signal) => metrics.query(bind(expression), at, signal),
    queryRange: async (range, signal) => metrics.queryRange({ ...range, expression: bind(range.expression) }, signal),
    series: async (selector, from, to, signal) => metrics.series(bind(selector), from, to, signal),
  };
}

/** Logs of a store as such a Workflow may ask for them, whoever asks. */
export function walledLogs(logs: LogReader, namespace: string): LogReader {
  return {
    ...logs,
    async query(range, signal) {
      const refusal = logqlRefusal(range.expression, scopeOf(namespace));
      if (refusal !== null) throw notAsked(namespace, range.expression, refusal);
      return logs.query(range, signal);
    },
  };
}

function scopeOf(namespace: string): NamespaceScope {
  return { namespaces: new Set([namespace]), isClusterWide: false };
}

function notAsked(namespace: string, expression: string, { reason, message }: Refusal): AppError {
  return new AppError(
    'Forbidden',
    `a Workflow in namespace ${namespace} may not ask for ${oneLine(expression, 200)}: ${message}`,
    {
      reason,
      next: `start the operator with --investigate-from ${namespace} (read.fromNamespaces of the chart), or have a Workflow look that is in a namespace with that right`,
    },
  );
}
