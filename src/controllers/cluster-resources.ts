import type { KubernetesObject } from '../core/cluster.ts';
import type { Clock } from '../core/ports.ts';
import { createComplaints } from '../lib/complaints.ts';
import { finishInTurns } from '../lib/turns.ts';
import type { KubeClient } from '../kube/connection/client.ts';
import { createInformers } from '../kube/watch/informer.ts';
import type { Informer, InformerChange } from '../kube/watch/informer.ts';
import { createWorkQueue } from '../kube/watch/work-queue.ts';
import type { WorkQueue } from '../kube/watch/work-queue.ts';
import { createCopies } from '../resources/holder.ts';
import type { ResourceHolder } from '../resources/holder.ts';
import { objectKey } from '../resources/object.ts';
import type { ResourceKind, ResourceObject } from '../resources/object.ts';
import { compiledOf } from '../resources/records.ts';
import { createNamedAccounts } from './accounts.ts';
import type { AccountWorld } from './accounts.ts';
import { isServedElsewhere } from './addresses.ts';
import { resourceKinds } from './kinds.ts';
import { createLoader } from './loader.ts';
import type { ClusterObject, Loaded, LoaderOptions } from './loader.ts';
import { createNamedSecrets } from './secrets.ts';

export interface ClusterResourcesOptions extends LoaderOptions {
  readonly client: Pick<KubeClient, 'open' | 'kubectl' | 'server' | 'description'>;
  /** What the ServiceAccounts that Workflows name are asked with. */
  readonly accounts: AccountWorld;
  /** Whose objects count; null = all. */
  readonly namespaces: readonly string[] | null;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Hears each value of a Secret before anybody uses it, also twice. */
  readonly noteSecret: (value: string) => void;
  /** Ends the wait for the first look. */
  readonly signal?: AbortSignal | undefined;
}

/** A Source, Workflow or Sink as the API server has it, and as it is in force. */
export interface DeclaredObject {
  readonly object: KubernetesObject;
  /** null = it is being deleted, or was not looked at yet. */
  readonly resource: ResourceObject | null;
}

/** Sources, Workflows and Sinks of a cluster. */
export interface ClusterResources extends ResourceHolder {
  /** By {@link objectKey}: `Source/shop/alertmanager`. */
  find(key: string): DeclaredObject | undefined;
  keys(): readonly string[];
  /** Hears the keys of what has another state after a load, or was declared anew, or is gone. Returns the unsubscriber. */
  onChange(listener: (key: string) => void): () => void;
}

const catalogKey = 'catalog';
/** Many changes at once are one load. */
const settleMs = 50;
const copyAgainMs = 2000;

/**
 * Follows the objects of a cluster as `serve` follows a folder: each change swaps one whole catalog; a version that cannot be used
 * leaves the last good one in force, with a condition. Resolves once everything that is there was read; until then it goes on trying.
 */
export async function openClusterResources(options: ClusterResourcesOptions): Promise<ClusterResources> {
  const { client, clock, random, log, namespaces, signal } = options;
  const complain = createComplaints(log, clock);
  const informers = createInformers(client, { clock, random, log });
  const watched = new Map<ResourceKind, Informer>();
  const listeners = new Set<(key: string) => void>();
  const secrets = createNamedSecrets({ ...options, onChange: becomeStale });
  const accounts = createNamedAccounts({ ...options, ...options.accounts, onChange: becomeStale });
  const { current, load } = createLoader(options, watched, { secrets, accounts }, complain);
  let state: Loaded | null = null;
  let known: ReadonlyMap<string, string> = new Map();
  /** Something was declared anew since the last load has begun. */
  let isStale = true;
  /** null = the first loads are under way; never are there two at once. */
  let queue: WorkQueue | null = null;

  function becomeStale(): void {
    isStale = true;
    queue?.addAfter(catalogKey, settleMs);
  }

  function declared(kind: ResourceKind, name: string): KubernetesObject | undefined {
    return watched.get(kind)?.get(name);
  }

  async function reload(): Promise<void> {
    isStale = false;
    try {
      state = await finishInTurns(load());
    } catch (thrown) {
      isStale = true;
      throw thrown;
    }
    const next = states(state);
    const changed = changedKeys(known, next);
    known = next;
    for (const key of changed) for (const listener of listeners) listener(key);
  }
  async function bringUpToDate(): Promise<number | null> {
    if (isStale) await reload();
    return (await copies.keep()) ? null : copyAgainMs;
  }
  function loadedState(): Loaded {
    if (state === null) throw new Error('resources are asked for before they were read');
    return state;
  }
  const copies = createCopies(loadedState, complain);

  async function stop(): Promise<void> {
    await informers.stop();
    await Promise.all([secrets.stop(), accounts.stop()]);
    await queue?.stop(5000);
  }

  try {
    for (const [kind, objectKind] of Object.entries(resourceKinds) as [
      ResourceKind,
      (typeof resourceKinds)['Source'],
    ][])
      watched.set(kind, informers.of({ kind: objectKind, namespaces }));
    log.info({ cluster: client.description, namespaces: namespaces ?? 'all' }, 'reading Sources, Workflows and Sinks');
    await Promise.all([...watched.values()].map((informer) => informer.whenSynced(signal)));
    for (const [kind, informer] of watched)
      informer.onChange((change) => {
        const isNews = isDeclaredAnew(change, current.get(`${kind}/${change.key}`));
        if (isNews || isServedElsewhere(change, state?.catalog)) becomeStale();
      });
    await reload();
    await Promise.all([secrets.whenRead(), accounts.whenAsked()]);
    if (isStale) await reload();
    const { sources, workflows, sinks } = loadedState().catalog;
    log.info({ sources: sources.length, workflows: workflows.length, sinks: sinks.length }, 'resources loaded');
    queue = createWorkQueue({
      name: 'resources',
      handle: bringUpToDate,
      concurrency: 1,
      rate: { requestsPerMinute: 600, burst: 10 },
      clock,
      random,
      log,
    });
    if (isStale) queue.add(catalogKey);
  } catch (thrown) {
    await stop();
    throw thrown;
  }

  return {
    current: () => loadedState().catalog,
    secrets,
    secretValues: async () => secrets.values(),
    mirrorTo: (write) => copies.begin(write),
    find(key) {
      const [kind = '', namespace = '', name = ''] = key.split('/');
      const object = declared(kind as ResourceKind, `${namespace}/${name}`);
      return object === undefined ? undefined : { object, resource: current.get(key) ?? null };
    },
    keys: () => [...current.keys()],
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    stop,
  };
}

/** A status that was written, ours above all, and labels declare nothing; nor does what was read already. */
function isDeclaredAnew(change: InformerChange, inForce: ClusterObject | undefined): boolean {
  if (change.type === 'deleted') return true;
  const { metadata } = change.object;
  if (change.type === 'updated') {
    const { generation, deletionTimestamp } = change.before.metadata;
    return metadata.generation !== generation || metadata.deletionTimestamp !== deletionTimestamp;
  }
  return inForce === undefined || inForce.uid !== metadata.uid || inForce.generation !== metadata.generation;
}

/** Which objects are there now and were not, or the other way round, or have other conditions. */
function changedKeys(known: ReadonlyMap<string, string>, next: ReadonlyMap<string, string>): readonly string[] {
  const changed = [...next].filter(([key, text]) => known.get(key) !== text).map(([key]) => key);
  return [...changed, ...[...known.keys()].filter((key) => !next.has(key))];
}

function states({ catalog, objects }: Loaded): ReadonlyMap<string, string> {
  return new Map(
    objects.map((object) => {
      // Deleted and made anew between two loads, it is of generation 1 again, and another one.
      const { uid, generation } = object;
      return [objectKey(object), `${uid} ${generation} ${JSON.stringify(compiledOf(catalog, object)?.conditions)}`];
    }),
  );
}
