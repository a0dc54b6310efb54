import { randomBytes } from 'node:crypto';
import type { Change, ChangeReader } from '../../core/changes.ts';
import { AppError } from '../../core/errors.ts';
import type { Clock } from '../../core/ports.ts';
import { toTimestamp } from '../../core/time.ts';
import type { Complain } from '../../lib/complaints.ts';
import type { StreamClient } from './client.ts';
import { positionText, readPosition } from './position.ts';
import type { Position } from './position.ts';

/** Tells clients what changes, from all replicas; looks only while somebody listens. */
export interface Feed {
  /**
   * From now on, or from a position that an earlier event had. Resolves when the client has been told that, rejects where
   * the store cannot be read.
   */
  join(client: StreamClient, after: string | null): Promise<void>;
  leave(client: StreamClient): void;
  /** Ends all answers. */
  stop(): void;
}

export interface FeedOptions {
  readonly changes: Pick<ChangeReader, 'changesSince'>;
  readonly clock: Clock;
  readonly complain: Complain;
  readonly streamPollMs: number;
  /** False: the server stops, and so does the stream. */
  isOpen(): boolean;
  /** How many listen. */
  counted(clients: number): void;
}

/**
 * A change may become visible so long after the time that it bears: a transaction of another replica takes its time first
 * and commits later.
 */
const overlapMs = 15_000;
/** Changes of one look; with more, clients read their lists again. */
const mostAtOnce = 2000;
/** What is kept for who comes back to this process. */
const mostKept = 1000;
/** What is read from the store for who comes back. */
const oldestMs = 3_600_000;
/** Looks go on while a client that lost its connection may come back. */
const lingerMs = 60_000;
const beatMs = 15_000;

export function createFeed(options: FeedOptions): Feed {
  const { clock } = options;
  const clients = new Set<StreamClient>();
  const teller = createTeller(clients);
  let joining: readonly Joining[] = [];
  let isWorking = false;
  let isStopped = false;
  let lastNeededMs = 0;
  let wake = new AbortController();

  async function look(): Promise<void> {
    const nowMs = clock.now();
    const found = await options.changes.changesSince(toTimestamp(nowMs - overlapMs), mostAtOnce);
    teller.tell(nowMs, found);
    for (const one of joining) {
      const tell = await beginningOf(one.after, nowMs);
      // It may have gone meanwhile.
      if (!joining.includes(one)) continue;
      // Before it reads its lists, so that nothing lies between the two.
      one.client.begin();
      tell(one.client);
      joining = joining.filter((other) => other !== one);
      clients.add(one.client);
      one.joined.resolve();
    }
    options.counted(clients.size);
  }

  /** What a client is told first: where the stream is, what came after its position, or that this cannot be told. */
  async function beginningOf(after: string | null, nowMs: number): Promise<(client: StreamClient) => void> {
    if (after === null) return (client) => client.beat(teller.id());
    const reset = (reason: string) => (client: StreamClient) => client.reset(teller.id(), reason);
    const position = readPosition(after);
    if (position === null || position.atMs > nowMs + overlapMs) return reset('the position is not one of this stream');
    if (teller.knows(position)) return (client) => teller.replay(client, position);
    if (position.atMs < nowMs - oldestMs) return reset('the position is too old');
    const since = toTimestamp(Math.max(0, position.atMs - overlapMs));
    const missed = await options.changes.changesSince(since, mostAtOnce);
    if (missed === null) return reset('too much has changed since');
    return (client) => {
      // Who goes away before the last of them is told them again.
      for (const change of missed) client.change(after, change);
      client.beat(teller.id());
    };
  }

  /** Ends by itself when nobody has listened for a while; whoever joins after its last look begins it anew. */
  async function work(): Promise<void> {
    isWorking = true;
    try {
      let beatAtMs = clock.monotonic() + beatMs;
      while (isNeeded()) {
        if (!options.isOpen()) return end();
        await look().catch((error: unknown) => {
          options.complain('error', 'stream', { error }, 'the stream of changes could not be read');
          for (const { joined } of joining) joined.reject(error);
          joining = [];
        });
        if (clock.monotonic() >= beatAtMs) {
          for (const client of clients) client.beat(teller.id());
          beatAtMs = clock.monotonic() + beatMs;
        }
        // Who came during the look is not kept waiting.
        if (joining.length > 0) continue;
        wake = new AbortController();
        await clock.sleep(options.streamPollMs, wake.signal).catch(() => undefined);
      }
      teller.forget();
    } finally {
      isWorking = false;
    }
  }

  function isNeeded(): boolean {
    if (clients.size > 0 || joining.length > 0) lastNeededMs = clock.monotonic();
    return !isStopped && clock.monotonic() - lastNeededMs < lingerMs;
  }

  function end(): void {
    for (const client of clients) client.end();
    for (const { joined } of joining) joined.reject(stopping());
    clients.clear();
    joining = [];
    options.counted(0);
  }

  return {
    join(client, after) {
      if (isStopped) return Promise.reject(stopping());
      const joined = Promise.withResolvers<void>();
      joining = [...joining, { client, after, joined }];
      lastNeededMs = clock.monotonic();
      wake.abort('somebody came');
      if (!isWorking) void work();
      return joined.promise;
    },
    leave(client) {
      clients.delete(client);
      for (const one of joining) if (one.client === client) one.joined.resolve();
      joining = joining.filter((one) => one.client !== client);
      options.counted(clients.size);
    },
    stop() {
      isStopped = true;
      wake.abort('the server stops');
      end();
    },
  };
}

interface Joining {
  readonly client: StreamClient;
  readonly after: string | null;
  readonly joined: PromiseWithResolvers<void>;
}

function stopping(): AppError {
  return new AppError('Draining', 'the server is stopping', { next: 'connect again' });
}

function keyOf({ kind, id }: Change): string {
  return `${kind} ${id}`;
}

/** Finds in each look what is new since the one before, numbers it and tells it. */
function createTeller(clients: ReadonlySet<StreamClient>) {
  const process = randomBytes(4).toString('hex');
  /** What the last look found; null: there was none, or it found too much. */
  let known: ReadonlyMap<string, string> | null = null;
  let isBehind = false;
  let kept: { readonly number: number; readonly change: Change }[] = [];
  let atMs = 0;
  /** By the wall clock, as what is asked for; it may be set back. */
  let lookedAtMs = 0;
  let number = 0;

  const id = () => positionText({ atMs, process, number });

  function tellOne(change: Change): void {
    number += 1;
    kept.push({ number, change });
    if (kept.length > mostKept) kept = kept.slice(-mostKept / 2);
    for (const client of clients) client.change(id(), change);
  }

  return {
    id,
    tell(nowMs: number, found: readonly Change[] | null): void {
      // Changes may have come and left the overlap between two looks: the store was away, or this process stood still.
      const isLate = known !== null && nowMs - lookedAtMs > overlapMs / 2;
      const before = known;
      atMs = Math.max(atMs, nowMs);
      lookedAtMs = nowMs;
      const texts = found?.map((change) => JSON.stringify(change)) ?? [];
      known = found && new Map(found.map((change, index) => [keyOf(change), texts[index] ?? '']));
      if (found === null) {
        isBehind = true;
        return;
      }
      if (isBehind || isLate) {
        const reason = isBehind ? 'too much has changed at once' : 'changes were not looked at for a while';
        isBehind = false;
        number += 1;
        kept = [];
        for (const client of clients) client.reset(id(), reason);
        return;
      }
      if (before === null) return;
      for (const [index, change] of found.entries()) if (before.get(keyOf(change)) !== texts[index]) tellOne(change);
    },
    /** Whether all that came after a position is kept. */
    knows(position: Position): boolean {
      const oldest = kept[0]?.number ?? number + 1;
      return position.process === process && position.number >= oldest - 1 && position.number <= number;
    },
    /** Tells again what came after a position. */
    replay(client: StreamClient, position: Position): void {
      client.beat(positionText({ atMs, process, number: position.number }));
      for (const { number, change } of kept)
        if (number > position.number) client.change(positionText({ atMs, process, number }), change);
    },
    /** What comes until the next look is not noticed, so that no position of before is known then. */
    forget(): void {
      number += 1;
      known = null;
      isBehind = false;
      kept = [];
    },
  };
}
