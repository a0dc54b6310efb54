import type { Catalog } from '../core/catalog.ts';
import type { KubernetesObject } from '../core/cluster.ts';
import type { ObjectPlace } from '../core/place.ts';
import type { Log } from '../core/ports.ts';
import type { Informer } from '../kube/watch/informer.ts';
import type { Complain } from '../lib/complaints.ts';
import type { Pieces } from '../lib/turns.ts';
import { buildCatalogInPieces } from '../resources/catalog.ts';
import type { CatalogOptions } from '../resources/catalog.ts';
import { accountNamed } from '../resources/cluster-access.ts';
import type { LoadedResources } from '../resources/holder.ts';
import { lastGood } from '../resources/last-good.ts';
import { objectKey } from '../resources/object.ts';
import type { ResourceKind, ResourceObject } from '../resources/object.ts';
import { fieldName } from '../resources/problem.ts';
import type { Issue } from '../resources/problem.ts';
import { secretNames } from '../resources/secret-references.ts';
import { tellConflicts } from '../resources/webhook-paths.ts';
import type { NamedAccounts } from './accounts.ts';
import { servedBy } from './addresses.ts';
import type { NamedSecrets } from './secrets.ts';

/** What is the same for each catalog. */
export interface LoaderOptions extends Omit<CatalogOptions, 'generation' | 'secrets' | 'servedAt' | 'accounts'> {
  readonly log: Log;
}

/** Its `generation` grows with each change of the spec, and with nothing else. */
export interface ClusterObject extends ResourceObject {
  readonly uid: string;
  readonly generation: number;
}

/** What one load made. */
export interface Loaded extends LoadedResources {
  readonly objects: readonly ClusterObject[];
}

/** Makes a catalog of what is declared; `current` is what the last one was made of, by key. Never two at once. */
export function createLoader(
  options: LoaderOptions,
  watched: ReadonlyMap<ResourceKind, Informer>,
  { secrets, accounts }: { readonly secrets: NamedSecrets; readonly accounts: NamedAccounts },
  complain: Complain,
) {
  const { log } = options;
  const current = new Map<string, ClusterObject>();
  let generation = 0;
  let before: Catalog | null = null;

  /** What is to be in force, from what is declared; what has not changed is the same object as before, which was checked already. */
  function* objectsNow(): Pieces<readonly ClusterObject[]> {
    const next = new Map<string, ClusterObject>();
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

  function* load(): Pieces<Loaded> {
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
  return { current: current as ReadonlyMap<string, ClusterObject>, load };
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

function accountOf({ kind, namespace, spec }: ResourceObject): readonly ObjectPlace[] {
  const account = kind === 'Workflow' ? accountNamed(spec) : null;
  return account === null ? [] : [{ namespace, name: account }];
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

/** One that was deleted and made anew is another object: what was good before is nothing to it. */
function newOrGood(declared: ClusterObject, before: ClusterObject | undefined, complain: Complain): ClusterObject {
  const isKnown = before !== undefined && before.uid === declared.uid;
  if (isKnown && before.generation === declared.generation) return before;
  const told = bounded(declared, complain);
  const { uid, generation } = told;
  return isKnown ? { ...lastGood(before, told, issueText), uid, generation } : told;
}

function issueText({ path, message, next }: Issue): string {
  return `${fieldName(path)}: ${message}${next === undefined ? '' : `; ${next}`}`;
}
