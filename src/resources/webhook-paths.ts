import type { Catalog, CatalogSource, Condition } from '../core/catalog.ts';
import type { Log } from '../core/ports.ts';
import { namespacedPath, webhookAddress } from '../lib/webhook-path.ts';
import { formats } from '../sources/formats/index.ts';
import { objectTitle } from './object.ts';
import type { ResourceObject } from './object.ts';

/** A Source that wants a path; `path` is null where it wants none. */
export interface PathClaim {
  readonly object: ResourceObject;
  readonly path: string | null;
  /** What it takes behind the path as well: `/api/v2/alerts`. */
  readonly subpaths: readonly string[];
  /** True: it takes nothing now, and wants no more than where it is served. */
  readonly isReserved?: boolean;
}

/** What a Source wants and has not. */
export interface LostPath {
  /** Below `/webhook/`. */
  readonly path: string;
  readonly owner: PathClaim;
  /** Where it takes the same, below `/webhook/`; null = nowhere. */
  readonly instead: string | null;
}

/** What a Source has of what it wants. */
export interface ClaimedPaths {
  /** Below `/webhook/`; the one that no other namespace can have comes first. Empty = another Source of the namespace has its path. */
  readonly paths: readonly string[];
  /** Empty = it has all. */
  readonly lost: readonly LostPath[];
  readonly conditions: readonly Condition[];
}

/** By path below `/webhook/`: who wants it; the first one has it. Paths that are declared, not what is taken behind them alone. */
type Wanted = ReadonlyMap<string, readonly PathClaim[]>;

/** The addresses at which a Source is served already, as its status says. */
export type ServedAt = (object: ResourceObject) => readonly string[];

/**
 * Who has which webhook path. `@NAMESPACE/PATH` is of that namespace alone, and PATH of the first in all namespaces; of several
 * the one that is served there already goes before all others, so that nobody takes it from where alerts arrive, and then the
 * order of `claims` decides. Who has a path wants what it takes behind it as well. A PATH holds no `@`, so the two never mean
 * the same. Pure.
 */
export function claimPaths(claims: readonly PathClaim[], servedAt: ServedAt): (claim: PathClaim) => ClaimedPaths {
  const wanting = claims.filter(({ path }) => path !== null);
  const own = owners(wanting, ownPath, servedAt);
  const having = wanting.filter((claim) => own.get(ownPath(claim))?.[0] === claim);
  const short = owners(having, shortPath, servedAt);
  return (claim) => (claim.path === null ? nothing : claimed(claim, own, short));
}

/** Of a Source whose spec cannot be used: what its status says, so that nobody has it when the spec is mended. */
export function reservedClaim(object: ResourceObject, servedAt: ServedAt): PathClaim {
  const prefix = webhookAddress(namespacedPath(object.namespace, ''));
  const address = servedAt(object).find((one) => one.startsWith(prefix));
  const path = address === undefined ? null : address.slice(prefix.length);
  return { object, path, subpaths: everySubpath, isReserved: true };
}

/** Which of them it takes says its spec. */
const everySubpath = [...new Set(formats.flatMap(({ subpaths }) => subpaths))];

const nothing: ClaimedPaths = { paths: [], lost: [], conditions: [] };

function ownPath({ object, path }: PathClaim): string {
  return namespacedPath(object.namespace, path ?? '');
}

function shortPath({ path }: PathClaim): string {
  return path ?? '';
}

/** Short paths come first: who has one of them may want a longer one by what it takes behind it. */
function owners(claims: readonly PathClaim[], pathOf: (claim: PathClaim) => string, servedAt: ServedAt): Wanted {
  const declared = queues(claims, pathOf, servedAt);
  const order = new Map(claims.map((claim, index) => [claim, index]));
  const behind = new Map<string, PathClaim>();
  const wanted = new Map<string, readonly PathClaim[]>();

  /** Whoever is told to be served at the very path stays; a status does not name what is taken behind one. */
  function goesBefore(above: PathClaim, first: PathClaim, path: string): boolean {
    if (isServed(first, path, servedAt)) return false;
    return isServed(above, pathOf(above), servedAt) || (order.get(above) ?? 0) < (order.get(first) ?? 0);
  }

  for (const [path, queue] of [...declared].sort(([left], [right]) => left.length - right.length)) {
    const [first] = queue;
    const above = behind.get(path);
    const all =
      first === undefined || above === undefined
        ? queue
        : goesBefore(above, first, path)
          ? [above, ...queue]
          : [first, above, ...queue.slice(1)];
    wanted.set(path, all);
    const [owner] = all;
    if (owner === undefined || pathOf(owner) !== path) continue;
    for (const subpath of owner.subpaths) behind.set(`${path}${subpath}`, owner);
  }
  return wanted;
}

function queues(claims: readonly PathClaim[], pathOf: (claim: PathClaim) => string, servedAt: ServedAt): Wanted {
  const wanted = new Map<string, PathClaim[]>();
  for (const claim of claims) {
    const path = pathOf(claim);
    if (claim.isReserved === true && !isServed(claim, path, servedAt)) continue;
    const queue = wanted.get(path) ?? [];
    // Of two that are served, as replicas of two versions may write it, the first one stays before the other.
    if (isServed(claim, path, servedAt) && !queue.some((other) => isServed(other, path, servedAt)))
      queue.unshift(claim);
    else queue.push(claim);
    wanted.set(path, queue);
  }
  return wanted;
}

function isServed({ object }: PathClaim, path: string, servedAt: ServedAt): boolean {
  return servedAt(object).includes(webhookAddress(path));
}

function claimed(claim: PathClaim, own: Wanted, short: Wanted): ClaimedPaths {
  const [ownAt, shortAt] = [ownPath(claim), shortPath(claim)];
  const [refused] = lostAt(claim, own, ownAt, null);
  if (refused !== undefined) {
    const message = `path ${claim.path} belongs to ${ownerText(refused)}; choose another one`;
    return { paths: [], lost: [refused], conditions: conflict(message, 'False') };
  }
  const shortLost = lostAt(claim, short, shortAt, ownAt);
  const paths = short.get(shortAt)?.[0] === claim ? [ownAt, shortAt] : [ownAt];
  const lost = [...shortLost, ...claim.subpaths.flatMap((subpath) => lostBehind(claim, own, short, paths, subpath))];
  const kept = paths.flatMap((path, index) =>
    ['', ...claim.subpaths].flatMap((subpath) => contested(claim, index === 0 ? own : short, `${path}${subpath}`)),
  );
  const told = lost.length === 0 || claim.isReserved === true ? [] : conflict(lost.map(lostText).join('; '), 'True');
  return { paths, lost, conditions: [...told, ...kept] };
}

/** One path, or none where the Source has it. */
function lostAt(claim: PathClaim, wanted: Wanted, path: string, instead: string | null): readonly LostPath[] {
  const owner = wanted.get(path)?.[0] ?? claim;
  return owner === claim ? [] : [{ path, owner, instead }];
}

/** What another Source has behind the `paths` that this one has. */
function lostBehind(
  claim: PathClaim,
  own: Wanted,
  short: Wanted,
  [ownAt = '', shortAt]: readonly string[],
  subpath: string,
): readonly LostPath[] {
  const ownLost = lostAt(claim, own, `${ownAt}${subpath}`, null);
  const instead = ownLost.length === 0 ? `${ownAt}${subpath}` : null;
  return [...ownLost, ...(shortAt === undefined ? [] : lostAt(claim, short, `${shortAt}${subpath}`, instead))];
}

function ownerText({ path, owner }: LostPath): string {
  const isBehind = owner.path !== null && owner.path !== path && ownPath(owner) !== path;
  return `${objectTitle(owner.object)}${isBehind ? `, whose path is ${owner.path}` : ''}`;
}

function lostText(lost: LostPath): string {
  const left =
    lost.instead === null
      ? 'this one takes nothing that comes there'
      : `this one takes what comes to ${webhookAddress(lost.instead)} alone`;
  return `${webhookAddress(lost.path)} belongs to ${ownerText(lost)}; ${left}`;
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
function contested(claim: PathClaim, wanted: Wanted, path: string): readonly Condition[] {
  const queue = wanted.get(path) ?? [];
  const others = queue.length - 1;
  if (queue[0] !== claim || others === 0) return [];
  const names = queue.slice(1, 1 + mostNames).map(({ object }) => objectTitle(object));
  const rest = others > mostNames ? ` and ${others - mostNames} more` : '';
  const message = `${names.join(', ')}${rest} ${others === 1 ? 'wants' : 'want'} ${webhookAddress(path)} as well; this one keeps it`;
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
