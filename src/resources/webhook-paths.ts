import type { Catalog, CatalogSource, Condition } from '../core/catalog.ts';
import type { Log } from '../core/ports.ts';
import { namespacedPath, webhookAddress } from '../lib/webhook-path.ts';
import { objectTitle } from './object.ts';
import type { ResourceObject } from './object.ts';

/** A Source that wants a path; `path` is null where it wants none. */
export interface PathClaim {
  readonly object: ResourceObject;
  readonly path: string | null;
}

/** What a Source has of what it wants. */
export interface ClaimedPaths {
  /** Below `/webhook/`; the one that no other namespace can have comes first. Empty = another Source of the namespace has its path. */
  readonly paths: readonly string[];
  /** Who has what it wants and has not; null = it has all. */
  readonly lostTo: ResourceObject | null;
  readonly conditions: readonly Condition[];
}

/** By path below `/webhook/`: who wants it; the first one has it. */
type Wanted = ReadonlyMap<string, readonly ResourceObject[]>;

/**
 * Who has which webhook path. `@NAMESPACE/PATH` is of that namespace alone, and PATH of the first in all namespaces; of several
 * the one that is served there already goes before all others, so that nobody takes it from where alerts arrive, and then the
 * order of `claims` decides. A PATH holds no `@`, so the two never mean the same. Pure.
 */
export function claimPaths(
  claims: readonly PathClaim[],
  servedAt: (object: ResourceObject) => readonly string[],
): (claim: PathClaim) => ClaimedPaths {
  const wanting = claims.filter(({ path }) => path !== null);
  const own = queues(wanting, ownPath, servedAt);
  const having = wanting.filter((claim) => own.get(ownPath(claim))?.[0] === claim.object);
  const short = queues(having, shortPath, servedAt);
  return (claim) => (claim.path === null ? nothing : claimed(claim, own, short));
}

const nothing: ClaimedPaths = { paths: [], lostTo: null, conditions: [] };

function ownPath({ object, path }: PathClaim): string {
  return namespacedPath(object.namespace, path ?? '');
}

function shortPath({ path }: PathClaim): string {
  return path ?? '';
}

function queues(
  claims: readonly PathClaim[],
  pathOf: (claim: PathClaim) => string,
  servedAt: (object: ResourceObject) => readonly string[],
): Wanted {
  const wanted = new Map<string, ResourceObject[]>();
  for (const claim of claims) {
    const path = pathOf(claim);
    const queue = wanted.get(path) ?? [];
    const isServed = servedAt(claim.object).includes(webhookAddress(path));
    // Of two that are served, as replicas of two versions may write it, the first one stays before the other.
    if (isServed && !queue.some((object) => servedAt(object).includes(webhookAddress(path))))
      queue.unshift(claim.object);
    else queue.push(claim.object);
    wanted.set(path, queue);
  }
  return wanted;
}

function claimed(claim: PathClaim, own: Wanted, short: Wanted): ClaimedPaths {
  const { object, path } = claim;
  const ownAddress = webhookAddress(ownPath(claim));
  const [owner = object, ...others] = own.get(ownPath(claim)) ?? [];
  if (owner !== object) {
    const message = `path ${path} belongs to ${objectTitle(owner)}; choose another one`;
    return { paths: [], lostTo: owner, conditions: conflict(message, 'False') };
  }
  const [holder = object, ...more] = short.get(shortPath(claim)) ?? [];
  const kept = contested(ownAddress, others);
  if (holder === object) {
    const conditions = [...kept, ...contested(webhookAddress(shortPath(claim)), more)];
    return { paths: [ownPath(claim), shortPath(claim)], lostTo: null, conditions };
  }
  const message = `${webhookAddress(shortPath(claim))} belongs to ${objectTitle(holder)}; this one takes what comes to ${ownAddress} alone`;
  return { paths: [ownPath(claim)], lostTo: holder, conditions: [...conflict(message, 'True'), ...kept] };
}

/** `Ready` goes last: what else is wrong is told before it. */
function conflict(message: string, ready: 'True' | 'False'): readonly Condition[] {
  return [
    { type: 'PathConflict', status: 'True', reason: 'PathConflict', message },
    { type: 'Ready', status: ready, reason: 'PathConflict', message },
  ];
}

/** Names of one message; there may be thousands. */
const mostNames = 3;

/** Whoever has a path hears who wants it as well: it may be somebody's mistake, or an attempt. */
function contested(address: string, others: readonly ResourceObject[]): readonly Condition[] {
  if (others.length === 0) return [];
  const names = others.slice(0, mostNames).map((object) => objectTitle(object));
  const rest = others.length > mostNames ? ` and ${others.length - mostNames} more` : '';
  const message = `${names.join(', ')}${rest} ${others.length === 1 ? 'wants' : 'want'} ${address} as well; this one keeps it`;
  return [{ type: 'PathConflict', status: 'False', reason: 'PathKept', message }];
}

/** Lines about one change. */
const mostLines = 100;

/** Says of both Sources who has a path that two of them want, once. */
export function tellConflicts(log: Log, before: Catalog | null, now: Catalog): void {
  const told = now.sources.flatMap((source) => {
    const { namespace, name } = source;
    const message = conflictOf(source);
    return message === null || message === conflictOf(before?.source(namespace, name)) ? [] : [{ source, message }];
  });
  for (const { source, message } of told.slice(0, mostLines)) {
    const fullName = `${source.namespace}/${source.name}`;
    const fields = { source: fullName, why: message, next: `fist describe source/${fullName}` };
    log.warn(fields, 'two Sources want one webhook path');
  }
  if (told.length > mostLines)
    log.warn({ next: 'fist get sources -o wide' }, `${told.length - mostLines} more Sources want paths of others`);
}

function conflictOf(source: CatalogSource | undefined): string | null {
  return source?.conditions.find(({ type }) => type === 'PathConflict')?.message ?? null;
}
