import type { Cluster, ClosedCluster, ClusterEvents, ClusterView } from '../core/cluster.ts';
import { AppError } from '../core/errors.ts';
import type { ObjectPlace } from '../core/place.ts';
import type { Plan } from '../core/plan.ts';
import type { ClusterHealth } from '../core/ports.ts';
import type { ClusterWatch } from '../core/watch.ts';
import type { ReadersOf } from '../workflows/engine/work.ts';
import { watchClusterHealth } from './cluster-health.ts';
import type { WatchedCluster } from './cluster-health.ts';
import { openCluster } from './cluster.ts';
import type { OpenedCluster } from './cluster.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { AppOptions, ClusterOptions } from './options.ts';
import { createReaders, recordedMetrics } from './readers.ts';
import type { ReaderWorld } from './readers.ts';
import { walledCluster, walledEvents, walledLogs, walledMetrics, walledWatch } from './walls.ts';

/** A cluster that namespaces share, with all that this process itself may do there, and how far each of them may look. */
export interface SharedCluster extends OpenedCluster {
  /** Whether it is looked at with the rights of accounts of Workflows alone. */
  readonly isClosed: boolean;
  /** The one namespace that Workflows, Sources and Sinks of a namespace have to do with, their own; null = with all. */
  readonly onlyNamespaceOf: (namespace: string) => string | null;
  /** The cluster, read with the rights of a ServiceAccount; null = no Workflow may. */
  readonly asAccount: (place: ObjectPlace) => Cluster | null;
}

/**
 * All that is read and written for a namespace, as it may. Namespaces are walls: an alert may name any, and whoever sends one chooses. So
 * what is done for one goes no further than its own, unless the installation lets it.
 */
export interface Tenancy {
  /** null = no cluster is configured. */
  readonly health: ClusterHealth | null;
  /** What the steps of a plan may look at of a cluster. */
  readonly viewOf: (plan: Plan) => ClusterView;
  /** What a run reads beside it. */
  readonly readersOf: ReadersOf;
  /** The watch that Sources of a namespace have; null = no live cluster is there. */
  readonly watchOf: (namespace: string) => ClusterWatch | null;
  /** The Events that Sinks of a namespace may make; null = no live cluster is there. */
  readonly eventsOf: (namespace: string) => ClusterEvents | null;
}

/** A folder of resources: who wrote them is who started the server. */
const served = { isClosed: false, onlyNamespaceOf: () => null, asAccount: () => null };
const noCluster = { cluster: null, watch: null, events: null, health: null, ...served };

/** Shares the cluster of an operator, or (null) the one that the options name. Rejects where that cannot be used. */
export async function openTenancy(
  options: ClusterOptions & Pick<AppOptions, 'readers'>,
  ofOperator: SharedCluster | null,
  { lifecycle, ...world }: Omit<ReaderWorld, 'recorded'> & { readonly lifecycle: Pick<Lifecycle, 'onStop'> },
): Promise<Tenancy> {
  const shared = ofOperator ?? (await openCluster(options));
  if (shared === null) return createTenancy(null, createReaders(options.readers, world));
  lifecycle.onStop('cluster', () => shared.close());
  const recorded = await recordedMetrics(shared.cluster);
  return createTenancy(
    watchClusterHealth({ ...served, ...shared }, world.clock),
    createReaders(options.readers, { ...world, recorded }),
  );
}

/** `readersOf` reads of any namespace. */
export function createTenancy(shared: WatchedCluster | null, readersOf: ReadersOf): Tenancy {
  const { cluster, watch, events, health, isClosed, onlyNamespaceOf, asAccount } = shared ?? noCluster;

  function within<T>(namespace: string, all: T | null, wall: (all: T, namespace: string) => T): T | null {
    const onlyNamespace = onlyNamespaceOf(namespace);
    return all === null || onlyNamespace === null ? all : wall(all, onlyNamespace);
  }

  return {
    health,
    // The wall stays whatever the level: an account may be bound elsewhere, and whoever raises an alert chooses the namespace that is looked at.
    viewOf({ namespace, clusterAccess }) {
      const onlyNamespace = onlyNamespaceOf(namespace);
      const closed = (why: ClosedCluster): ClusterView => ({ cluster: null, closed: why, onlyNamespace });
      const open = (all: Cluster | null): ClusterView => ({
        cluster: within(namespace, all, walledCluster),
        closed: null,
        onlyNamespace,
      });
      if (clusterAccess === undefined) return isClosed ? closed(closedByInstallation) : open(cluster);
      if (clusterAccess.level === 'none') return closed(lookingAtNone);
      const { serviceAccount: name } = clusterAccess;
      const own = asAccount({ namespace, name });
      return own === null ? closed(accountClosed(namespace, name)) : open(own);
    },
    readersOf(run, endpoints) {
      const { metrics, logs, runbooks, incidents, http } = readersOf(run, endpoints);
      return {
        metrics: within(run.namespace, metrics, walledMetrics),
        logs: within(run.namespace, logs, walledLogs),
        // Runbooks are of no namespace, incidents of the run's own, and pages at addresses that its Workflow names.
        runbooks,
        incidents,
        http,
      };
    },
    watchOf: (namespace) => (isClosed ? closedWatch : within(namespace, watch, walledWatch)),
    eventsOf: (namespace) => within(namespace, events, walledEvents),
  };
}

const lookingAtNone: ClosedCluster = {
  reason: 'clusterAccess.level of the Workflow is none',
  remedy: 'set clusterAccess.level of the Workflow to read',
};

const closedByInstallation: ClosedCluster = {
  reason: 'this installation lets no investigation look at the cluster',
  remedy:
    'set read.cluster of the chart (--read-as of fist operator), or name an account that it lists (clusterAccess.level custom)',
};

/** Says why to whoever watches, in place of a missing cluster: nothing was left out at the start. */
const closedWatch: ClusterWatch = {
  watch() {
    throw new AppError('Forbidden', 'this installation lets no Source watch the cluster', {
      next: 'set read.cluster of the chart (--read-as of fist operator)',
    });
  },
};

function accountClosed(namespace: string, name: string): ClosedCluster {
  return {
    reason: `ServiceAccount ${namespace}/${name} may not be used here`,
    remedy: `fist describe workflow says why; --allow-account ${namespace}/${name} of fist operator lists it`,
  };
}
