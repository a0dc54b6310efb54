import type { AccountPlace } from '../core/account.ts';
import type { Catalog } from '../core/catalog.ts';
import type { KubernetesObject } from '../core/cluster.ts';
import type { Clock, Log } from '../core/ports.ts';
import { createComplaints } from '../lib/complaints.ts';
import type { Complain } from '../lib/complaints.ts';
import { finishInTurns } from '../lib/turns.ts';
import type { Pieces } from '../lib/turns.ts';
import type { KubeClient } from '../kube/client.ts';
import { createInformers } from '../kube/informer.ts';
import type { Informer, InformerChange } from '../kube/informer.ts';
import { createWorkQueue } from '../kube/work-queue.ts';
import type { WorkQueue } from '../kube/work-queue.ts';
import { buildCatalogInPieces } from '../resources/catalog.ts';
import type { CatalogOptions } from '../resources/catalog.ts';
import { accountNamed } from '../resources/cluster-access.ts';
import { createCopies } from '../resources/holder.ts';
import type { LoadedResources, ResourceHolder } from '../resources/holder.ts';
import { withGrantsOf } from '../resources/grants.ts';
import { objectIssues } from '../resources/last-good.ts';
import { objectKey } from '../resources/object.ts';
import type { ResourceKind, ResourceObject } from '../resources/object.ts';
import { fieldName, isBlocking } from '../resources/problem.ts';
import type { Issue } from '../resources/problem.ts';
import { compiledOf } from '../resources/records.ts';
import { secretNames } from '../resources/secret-references.ts';
import { tellConflicts } from '../resources/webhook-paths.ts';
import { isServedElsewhere, servedBy } from './addresses.ts';
import { createNamedAccounts } from './accounts.ts';
import type { AccountWorld, NamedAccounts } from './accounts.ts';
import { resourceKinds } from './kinds.ts';
import { createNamedSecrets } from './secrets.ts';
import type { NamedSecrets } from './secrets.ts';

export interface ClusterResourcesOptions extends Omit<
  CatalogOptions,
  'generation' | 'secrets' | 'servedAt' | 'accounts'
> {
  readonly client: Pick<KubeClient, 'open' | 'kubectl' | 'server' | 'description'>;
  /** What the ServiceAccounts that Workflows name are asked with. */
  readonly accounts: AccountWorld;
  /** Whose objects count; null = all. */
  readonly namespaces: readonly string[] | null;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly log: Log;
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
  const onChange = (): void => becomeStale();
  const secrets = createNamedSecrets({ ...options, onChange });
  const accounts = createNamedAccounts({ ...options, ...options.accounts, onChange });
  const { current, load } = createLoader(options, watched, { secrets, accounts }, complain);
  let state: LoadedResources | null = null;
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
  function loadedState(): LoadedResources {
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

/** Makes a catalog of what is declared; `current` is what the last one was made of, by key. Never two at once. */
function createLoader(
  options: ClusterResourcesOptions,
  watched: ReadonlyMap<ResourceKind, Informer>,
  { secrets, accounts }: { readonly secrets: NamedSecrets; readonly accounts: NamedAccounts },
  complain: Complain,
) {
  const { log } = options;
  const current = new Map<string, ResourceObject>();
  let generation = 0;
  let before: Catalog | null = null;

  /** What is to be in force, from what is declared; what has not changed is the same object as before, which was checked already. */
  function* objectsNow(): Pieces<readonly ResourceObject[]> {
    const next = new Map<string, ResourceObject>();
    for (const [kind, informer] of watched) {
      for (const object of informer.list()) {
        if (object.metadata.deletionTimestamp !== undefined) continue;
        const told = toResource(kind, object);
        next.set(objectKey(told), newOrGood(told, current.get(objectKey(told)), complain));
        yield;
      }
    }
    current.clear();
    for (const [key, resource] of next) current.set(key, resource);
    return [...next.values()];
  }

  function* load(): Pieces<LoadedResources> {
    const objects = yield* objectsNow();
    secrets.need(objects.flatMap(({ kind, namespace, spec }) => named(kind, namespace, spec)));
    accounts.need(objects.flatMap(accountOf));
    generation += 1;
    const servedAt = servedBy(watched.get('Source'));
    const catalog = yield* buildCatalogInPieces(objects, { ...options, generation, secrets, servedAt, accounts });
    tellConflicts(log, before, catalog);
    before = catalog;
    return { catalog, objects };
  }
  return { current: current as ReadonlyMap<string, ResourceObject>, load };
}

/** An API server takes ten thousand levels in what is anything at all, more than a stack has. */
const mostLevels = 100;

/** One that nobody can use must not keep the others from being read: it is told as one without a spec. */
function bounded(told: ClusterObject, complain: Complain): ClusterObject {
  if (!isDeeper(told.spec, mostLevels)) return told;
  const fields = { object: objectKey(told), levels: mostLevels };
  complain('warn', `deep ${objectKey(told)}`, fields, 'the spec of an object is nested too deeply; it is not used');
  return { ...told, spec: null };
}

/** Without a stack of its own for each level. */
export function isDeeper(value: unknown, levels: number): boolean {
  let level: readonly unknown[] = [value];
  for (let depth = 0; depth <= levels; depth += 1) {
    level = level.flatMap((one) => (one !== null && typeof one === 'object' ? Object.values(one) : []));
    if (level.length === 0) return false;
  }
  return true;
}

function named(kind: ResourceKind, namespace: string, spec: unknown) {
  return secretNames(kind, spec).map((name) => ({ namespace, name }));
}

function accountOf({ kind, namespace, spec }: ResourceObject): readonly AccountPlace[] {
  const account = kind === 'Workflow' ? accountNamed(spec) : null;
  return account === null ? [] : [{ namespace, name: account }];
}

/** Its `generation` grows with each change of the spec, and with nothing else. */
interface ClusterObject extends ResourceObject {
  readonly uid: string;
  readonly generation: number;
}

function toResource(kind: ResourceKind, { metadata, spec }: KubernetesObject): ClusterObject {
  return {
    kind,
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    spec,
    origin: '',
    createdAt: metadata.creationTimestamp ?? null,
    uid: metadata.uid ?? '',
    generation: metadata.generation ?? 0,
  };
}

function newOrGood(declared: ClusterObject, before: ResourceObject | undefined, complain: Complain): ResourceObject {
  const earlier = before as ClusterObject | undefined;
  const isKnown = earlier !== undefined && earlier.uid === declared.uid;
  if (isKnown && earlier.generation === declared.generation) return earlier;
  const told = bounded(declared, complain);
  if (!isKnown) return told;
  const problem = objectIssues(told).find(isBlocking);
  if (problem === undefined || objectIssues(earlier).some(isBlocking)) return told;
  const { uid, generation } = told;
  const spec = withGrantsOf(earlier.spec, told.spec);
  return { ...earlier, spec, uid, generation, brokenEdit: issueText(problem) } as ClusterObject;
}

function issueText({ path, message, next }: Issue): string {
  return `${fieldName(path)}: ${message}${next === undefined ? '' : `; ${next}`}`;
}

/** A status that was written, ours above all, and labels declare nothing; nor does what was read already. */
function isDeclaredAnew(change: InformerChange, inForce: ResourceObject | undefined): boolean {
  if (change.type === 'deleted') return true;
  const { metadata } = change.object;
  if (change.type === 'updated') {
    const { generation, deletionTimestamp } = change.before.metadata;
    return metadata.generation !== generation || metadata.deletionTimestamp !== deletionTimestamp;
  }
  const known = inForce as ClusterObject | undefined;
  return known === undefined || known.uid !== metadata.uid || known.generation !== metadata.generation;
}

/** Which objects are there now and were not, or the other way round, or have other conditions. */
function changedKeys(known: ReadonlyMap<string, string>, next: ReadonlyMap<string, string>): readonly string[] {
  const changed = [...next].filter(([key, text]) => known.get(key) !== text).map(([key]) => key);
  return [...changed, ...[...known.keys()].filter((key) => !next.has(key))];
}

function states({ catalog, objects }: LoadedResources): ReadonlyMap<string, string> {
  return new Map(
    objects.map((object) => {
      // Deleted and made anew between two loads, it is of generation 1 again, and another one.
      const { uid, generation } = object as ClusterObject;
      return [objectKey(object), `${uid} ${generation} ${JSON.stringify(compiledOf(catalog, object)?.conditions)}`];
    }),
  );
}
