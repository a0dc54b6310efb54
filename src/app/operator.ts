import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { openClusterResources } from '../controllers/cluster-resources.ts';
import type { ClusterResources, ClusterResourcesOptions } from '../controllers/cluster-resources.ts';
import { keepStatuses } from '../controllers/status-writer.ts';
import type { Identities } from '../core/identity.ts';
import type { Metrics } from '../core/metrics.ts';
import type { CommandRunner } from '../core/command.ts';
import type { Clock, Log, ModelChecks } from '../core/ports.ts';
import type { StoreReader } from '../core/store.ts';
import { allDone } from '../lib/all-done.ts';
import { createAccountClients } from '../kube/accounts/account-clients.ts';
import { createAccountTokens } from '../kube/accounts/account-tokens.ts';
import { kubeClient } from '../kube/connection/client.ts';
import { createEventRecorder } from '../kube/events/event-recorder.ts';
import { clusterEvents } from '../kube/events/events.ts';
import { clusterIdentities } from '../kube/accounts/identities.ts';
import { createInformers } from '../kube/watch/informer.ts';
import type { Informer } from '../kube/watch/informer.ts';
import { createJobs } from '../kube/jobs/jobs.ts';
import type { Jobs } from '../kube/jobs/jobs.ts';
import { kinds } from '../kube/kinds/kinds.ts';
import { startElection } from '../kube/lease/lease.ts';
import { levelAccess } from '../kube/accounts/level-account.ts';
import { liveCluster } from '../kube/live/live.ts';
import { createReviews } from '../kube/accounts/review.ts';
import { accessOf, transportOf } from '../kube/connection/transport.ts';
import { kubeWriter } from '../kube/connection/writer.ts';
import type { KubeWriter } from '../kube/connection/writer.ts';
import { createJobRunner } from '../runners/job.ts';
import { jobLabels } from '../runners/job-object.ts';
import type { JobSettings } from '../runners/job-object.ts';
import { sweepJobs } from '../runners/job-sweep.ts';
import { withName } from './cluster.ts';
import { onlyNamespaceFrom } from './operator-options.ts';
import type { OperatorOptions } from './operator-options.ts';
import type { SharedCluster } from './tenancy.ts';

type CatalogPart = Pick<
  ClusterResourcesOptions,
  | 'loopback'
  | 'allowInsecureSources'
  | 'asksForCertificates'
  | 'models'
  | 'mcpCommands'
  | 'runsCommands'
  | 'noteSecret'
  | 'signal'
>;

/** What the parts of an operator share with the server. */
export interface OperatorWorld {
  readonly read: StoreReader;
  readonly modelChecks: Pick<ModelChecks, 'condition'>;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Log;
}

/** The objects of a cluster, and what became of them. */
export interface Operator {
  readonly resources: ClusterResources;
  /** Who callers are. */
  readonly identities: Identities;
  /** What is investigated: the same cluster, read with the rights of the account that only reads. */
  readonly cluster: SharedCluster;
  /** Runs commands as Jobs; null = they are not run. */
  readonly commands: CommandRunner | null;
  /** From now on this process may be the one that writes what became of the objects. */
  startControllers(world: OperatorWorld): { stop(timeoutMs: number): Promise<boolean> };
  close(): Promise<void>;
}

/** Resolves once everything that is declared was read. Throws ClusterUnavailable for an account or kubeconfig that cannot be used. */
export async function openOperator(
  options: OperatorOptions,
  catalog: CatalogPart & { readonly clock: Clock; readonly log: Log },
): Promise<Operator> {
  const { kubeconfig, context, namespaces } = options;
  const access = await accessOf({
    ...(kubeconfig === null ? {} : { kubeconfig }),
    ...(context === null ? {} : { context }),
  });
  const transport = transportOf(access);
  const client = kubeClient(transport);
  const writer = kubeWriter(transport);
  const random = Math.random;
  const tokens = createAccountTokens(transport, catalog.clock);
  const { readAs } = options;
  const reading =
    typeof readAs === 'object' && readAs !== null ? transportOf(levelAccess(access, tokens, readAs)) : transport;
  const accounts = createAccountClients({ access, client, tokens, allowed: options.allowAccounts });
  const onlyNamespaceOf = onlyNamespaceFrom(options.investigateFrom);
  const live = liveCluster(kubeClient(reading));
  const informers = createInformers(client, { clock: catalog.clock, random, log: catalog.log });
  function watchJobs(settings: JobSettings): WatchedJobs {
    const labelSelector = Object.entries(jobLabels)
      .map(([name, value]) => `${name}=${value}`)
      .join(',');
    const informer = informers.of({ kind: kinds.job, namespaces, labelSelector });
    return { informer, jobs: createJobs(transport, informer, { clock: catalog.clock, random }), settings };
  }
  async function close(): Promise<void> {
    await informers.stop();
    await accounts.close();
    await Promise.all([...new Set([transport, reading])].map((opened) => opened.close()));
  }
  try {
    const asked = { clients: accounts, onlyNamespaceOf };
    const resources = await openClusterResources({ ...catalog, client, namespaces, random, accounts: asked });
    const watched = options.jobs === null ? null : watchJobs(options.jobs);
    return {
      resources,
      commands: watched === null ? null : createJobRunner({ ...watched, clock: catalog.clock, random }),
      identities: clusterIdentities(createReviews(transport, catalog.clock)),
      startControllers: (world) => startControllers(options, { ...world, resources, writer, watched, random }),
      cluster: {
        cluster: withName(live, options),
        watch: readAs === 'none' ? null : live,
        // Who only reads makes no Events.
        events: clusterEvents(client, options.clusterName),
        isClosed: readAs === 'none',
        onlyNamespaceOf,
        asAccount(place) {
          const opened = accounts.of(place);
          return opened && withName(liveCluster(opened), options);
        },
        close: async () => undefined,
      },
      close,
    };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

/** The Jobs of commands. */
interface WatchedJobs {
  readonly informer: Informer;
  readonly jobs: Jobs;
  readonly settings: JobSettings;
}

interface ControllerWorld extends OperatorWorld {
  readonly resources: ClusterResources;
  readonly writer: KubeWriter;
  /** null = commands are not run. */
  readonly watched: WatchedJobs | null;
  readonly random: () => number;
}

/** Stands for election; while it leads it writes statuses and Events, and deletes Jobs of runs that have ended. */
function startControllers({ leaseNamespace, leaseName }: OperatorOptions, world: ControllerWorld) {
  const { read, metrics, modelChecks, watched, ...shared } = world;
  const identity = `${hostname()}_${randomBytes(4).toString('hex')}`;
  const onLost = (reason: string, count: number): void =>
    metrics.increment('fist_events_lost_total', { reason }, count);
  const events = createEventRecorder({ ...shared, instance: identity, onLost });
  metrics.set('fist_leader', {}, 0);
  const election = startElection({
    ...shared,
    namespace: leaseNamespace,
    name: leaseName,
    identity,
    async lead(term) {
      metrics.set('fist_leader', {}, 1);
      const isCurrent = (): boolean => term.isCurrent();
      const { lists, runs, learned, agent } = read;
      const statuses = { ...shared, metrics, events, lists, runs, learned, agent, modelChecks, isCurrent };
      // Where one fails the other ends as well: no term begins before the work of the last one has ended.
      const failed = new AbortController();
      const signal = AbortSignal.any([term.signal, failed.signal]);
      const works = [
        keepStatuses(statuses, signal),
        ...(watched === null ? [] : [sweepJobs({ ...shared, ...watched, runs }, signal)]),
      ].map((work) => work.finally(() => failed.abort()));
      await allDone(works).finally(() => metrics.set('fist_leader', {}, 0));
    },
  });
  return {
    async stop(timeoutMs: number): Promise<boolean> {
      const [hasEnded] = await Promise.all([election.stop(timeoutMs), events.stop(timeoutMs)]);
      return hasEnded;
    },
  };
}
