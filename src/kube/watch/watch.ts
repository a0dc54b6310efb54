import type { KubernetesObject } from '../../core/cluster.ts';
import { AppError, toAppError } from '../../core/errors.ts';
import type { WatchIo, WatchQuery, WatchSignal } from '../../core/watch.ts';
import { backOffMs } from '../../lib/back-off.ts';
import { retryAfterMs } from '../../lib/retry-after.ts';
import type { KubeClient } from '../connection/client.ts';
import { watchRuleFor } from '../connection/remedies.ts';
import { watchedPath } from '../kinds/resources.ts';
import { parseStatus } from '../connection/response.ts';
import type { OpenAnswer } from '../connection/transport.ts';
import { linesOf, unlessSilent } from './watch-bytes.ts';

/** Objects of one page of a list; no more than a page is held at a time. */
const pageSize = 250;
const maxPageBytes = 64 * 1024 * 1024;
const maxStatusBytes = 64 * 1024;
/** An object is at most 1.5 MiB in etcd; JSON may be longer. */
const maxLineBytes = 16 * 1024 * 1024;
/** The server is asked to end a watch after so long, so that connections spread over its replicas again. Seconds. */
const watchSeconds = { least: 240, more: 240 } as const;
/**
 * Where the server says nothing for so long nobody is there. It writes a bookmark each minute (59 to 62 s, API server 1.36), but the first one of
 * a kind that was just declared after two, so less would end sound watches; of Events it writes none. A peer that is gone is known
 * sooner, by its connection (credentials.ts).
 */
const silentMs = 150_000;
/** Between two pieces of a page. */
const stalledMs = 30_000;
/** Everything is listed again so often, in case that something was missed all the same. */
const resyncMs = 30 * 60_000;
const pause = { firstMs: 1000, mostMs: 30_000 } as const;
const longestRetryAfterMs = 5 * 60_000;
/** A watch that ends sooner is no success. */
const shortestWatchMs = 1000;
/** A watch that broke after so long says nothing of the next one, even where there was nothing to tell. */
const soundWatchMs = 10_000;
/** A list may begin again so often because its snapshot is gone. */
const mostListings = 3;

type WatchClient = Pick<KubeClient, 'open' | 'kubectl' | 'server'>;

/** One watch on its way. */
interface Watching {
  readonly client: WatchClient;
  readonly query: WatchQuery;
  readonly path: string;
  /** What a role has to have for it. */
  readonly rule: () => string;
  readonly selectors: Readonly<Record<string, string>>;
  readonly io: WatchIo;
  /** In a row; what comes from the server ends the row, and so does a watch that has lived for a while. */
  failures: number;
  /** Monotonic milliseconds: since when the server has answered the watch; null = there is none. */
  watchingSinceMs: number | null;
}

/** Where a watch goes on. */
interface Position {
  resourceVersion: string;
  /** Monotonic milliseconds: when everything is listed again. */
  readonly listAgainMs: number;
}

/** An answer that is none. */
class Refused extends AppError {
  override readonly name: string = 'Refused';
  /** How long the server asks to wait; null = it does not say. */
  readonly afterMs: number | null;

  constructor(
    code: 'ClusterUnavailable' | 'Forbidden' | 'InvalidInput',
    message: string,
    next: string,
    afterMs: number | null,
  ) {
    super(code, message, { next, retryable: true });
    this.afterMs = afterMs;
  }
}

/**
 * Lists and watches one kind of object, for ever: pages, bookmarks, a new list where the server no longer knows the position
 * (410), a new connection where it is silent, pauses with jitter after failures, or as long as `Retry-After` says.
 */
export function watchObjects(client: WatchClient, query: WatchQuery, io: WatchIo): AsyncIterable<WatchSignal> {
  const { resource, namespace } = query;
  const path = watchedPath(resource, namespace);
  return watchCollection(client, { ...query, path, rule: () => watchRuleFor(resource, namespace) }, io);
}

/** A collection by its path: also what nobody may watch who investigates. */
export interface CollectionQuery extends WatchQuery {
  readonly path: string;
  /** What a role has to have for it, for messages. */
  readonly rule: () => string;
}

/** As {@link watchObjects}. */
export async function* watchCollection(
  client: WatchClient,
  query: CollectionQuery,
  io: WatchIo,
): AsyncIterable<WatchSignal> {
  const { labelSelector, fieldSelector, path, rule } = query;
  const watching: Watching = {
    client,
    query,
    path,
    rule,
    selectors: {
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
    },
    io,
    failures: 0,
    watchingSinceMs: null,
  };
  let position: Position | null = null;
  while (!io.signal.aborted) {
    try {
      const isListed: boolean = position === null || io.clock.monotonic() >= position.listAgainMs;
      if (position === null || isListed) position = yield* list(watching);
      const beganMs = io.clock.monotonic();
      const isGone = yield* watch(watching, position);
      watching.watchingSinceMs = null;
      if (isGone) position = null;
      // A position that has become too old is no failure. A server that forgets what it has just listed, or hangs up at once, is not
      // to be asked at once.
      if (isGone && !isListed) continue;
      if (io.clock.monotonic() - beganMs < shortestWatchMs) await rest(watching, null);
    } catch (thrown) {
      if (io.signal.aborted) return;
      const error = toAppError(thrown, 'ClusterUnavailable');
      const { watchingSinceMs } = watching;
      watching.watchingSinceMs = null;
      if (watchingSinceMs !== null && io.clock.monotonic() - watchingSinceMs >= soundWatchMs) watching.failures = 0;
      await io.onTrouble(error);
      await rest(watching, error instanceof Refused ? error.afterMs : null);
    }
  }
}

async function rest(watching: Watching, askedMs: number | null): Promise<void> {
  const { clock, random, signal } = watching.io;
  watching.failures += 1;
  const asked = askedMs === null ? null : Math.min(askedMs, longestRetryAfterMs) + random() * 1000;
  await clock.sleep(asked ?? backOffMs(pause, watching.failures, random()), signal).catch(() => undefined);
}

interface ListBody {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly items?: readonly KubernetesObject[];
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
}

/** Everything that is there, page by page; answers from where to watch. */
async function* list(watching: Watching): AsyncGenerator<WatchSignal, Position> {
  const { io } = watching;
  const listAgainMs = io.clock.monotonic() + resyncMs * (0.75 + io.random() / 4);
  for (let listings = 1; ; listings += 1) {
    yield { kind: 'list' };
    let next: string | undefined = '';
    while (next !== undefined) {
      const page = await readPage(watching, next);
      // The snapshot is gone.
      if (page === null && next !== '' && listings < mostListings) break;
      if (page === null)
        throw new AppError('ClusterUnavailable', `${watching.client.server} forgets a list while it is read`);
      const kind = page.kind?.replace(/List$/, '') ?? '';
      const typed = { apiVersion: page.apiVersion ?? '', kind };
      yield { kind: 'page', objects: (page.items ?? []).map((item) => ({ ...typed, ...item })) };
      next = page.metadata?.continue === '' ? undefined : page.metadata?.continue;
      if (next !== undefined) continue;
      yield { kind: 'listed' };
      return { resourceVersion: page.metadata?.resourceVersion ?? '', listAgainMs };
    }
  }
}

/** null = 410. */
async function readPage(watching: Watching, next: string): Promise<ListBody | null> {
  const { client, path, selectors, io } = watching;
  const ending = new AbortController();
  try {
    const position = next === '' ? {} : { continue: next };
    const query = { limit: String(pageSize), ...selectors, ...position };
    const answer = await client.open(path, query, AbortSignal.any([io.signal, ending.signal]));
    const text = await readText(watching, answer, answer.status === 200 ? maxPageBytes : maxStatusBytes);
    if (answer.status === 410) return null;
    if (answer.status !== 200) throw refusal(watching, answer, text);
    return JSON.parse(text) as ListBody;
  } finally {
    ending.abort();
  }
}

/** Answers whether the position is gone; else the watch has ended by itself, and goes on from where it is. */
async function* watch(watching: Watching, position: Position): AsyncGenerator<WatchSignal, boolean> {
  const { client, path, selectors, io } = watching;
  const ending = new AbortController();
  const seconds = watchSeconds.least + Math.floor(io.random() * watchSeconds.more);
  try {
    const query = {
      watch: '1',
      allowWatchBookmarks: 'true',
      resourceVersion: position.resourceVersion,
      timeoutSeconds: String(seconds),
      ...selectors,
    };
    const answer = await client.open(path, query, AbortSignal.any([io.signal, ending.signal]));
    if (answer.status === 410) return true;
    if (answer.status !== 200) throw refusal(watching, answer, await readText(watching, answer, maxStatusBytes));
    watching.watchingSinceMs = io.clock.monotonic();
    yield { kind: 'watching' };
    for await (const line of linesOf(unlessSilent(answer.body, io.clock, silentMs), maxLineBytes)) {
      const { type, object } = JSON.parse(line) as { readonly type: string; readonly object: KubernetesObject };
      if (type === 'ERROR') return readError(watching, object);
      watching.failures = 0;
      const change = changes[type];
      if (change !== undefined) yield { kind: 'changed', type: change, object };
      // Only now: what was not taken comes again.
      position.resourceVersion = object.metadata.resourceVersion ?? position.resourceVersion;
      if (type === 'BOOKMARK') yield { kind: 'alive' };
    }
    return false;
  } finally {
    ending.abort();
  }
}

const changes: Readonly<Record<string, 'added' | 'modified' | 'deleted'>> = {
  ADDED: 'added',
  MODIFIED: 'modified',
  DELETED: 'deleted',
};

/** A `Status` within a watch. */
function readError(watching: Watching, status: Readonly<Record<string, unknown>>): boolean {
  if (status['code'] === 410) return true;
  throw new AppError('ClusterUnavailable', `${watching.client.server} ended a watch: ${String(status['message'])}`);
}

function refusal(watching: Watching, answer: Pick<OpenAnswer, 'status' | 'retryAfter'>, text: string): AppError {
  const { client, query, io } = watching;
  const { message } = parseStatus(text);
  const { status, retryAfter } = answer;
  const afterMs = retryAfterMs(retryAfter ?? undefined, undefined, io.clock.now());
  if (status === 403) return new Refused('Forbidden', message, `allow it: ${watching.rule()}`, afterMs);
  const wrong = `${client.server} answered ${status} for ${query.resource}: ${message}`;
  if (status === 400) return new Refused('InvalidInput', wrong, 'look at labelSelector', afterMs);
  return new Refused('ClusterUnavailable', wrong, `${client.kubectl} get ${query.resource}`, afterMs);
}

async function readText({ io }: Watching, { body }: OpenAnswer, mostBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  let isWhole = false;
  for await (const chunk of unlessSilent(body, io.clock, stalledMs, () => (isWhole = true))) {
    size += chunk.length;
    if (size > mostBytes) throw new AppError('ClusterUnavailable', `an answer has more than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  if (!isWhole) throw new AppError('ClusterUnavailable', `an answer stopped for ${stalledMs / 1000} s before its end`);
  return Buffer.concat(chunks).toString('utf8');
}
