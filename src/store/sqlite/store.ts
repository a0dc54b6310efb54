import { statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { AppError } from '../../core/errors.ts';
import type { CommitHints } from '../../core/ports.ts';
import type { ListReader } from '../../core/lists.ts';
import type { Store, StoreTransaction, TransactionName } from '../../core/store.ts';
import { createTurns } from '../../lib/turns.ts';
import { createAgentStore } from '../agent/store.ts';
import { createAlertStore } from '../alerts/store.ts';
import { defaultLimits } from '../commit/hooks.ts';
import type { CommitHooks, QueueLimits } from '../commit/hooks.ts';
import { createStoreReader } from '../commit/reader.ts';
import { createDeliveryStore } from '../deliveries/store.ts';
import { createEventStore } from '../events/store.ts';
import { clearHints, noHints } from '../commit/hints.ts';
import type { Hints } from '../commit/hints.ts';
import { checkImport } from '../admin/installation.ts';
import { createLearnedStore } from '../learned/store.ts';
import { createResourceStore } from '../resources/store.ts';
import { createRetentionStore } from '../retention/store.ts';
import { createGroupStore } from '../runs/groups.ts';
import { createRunStore } from '../runs/store.ts';
import { createDutyStore } from '../commit/duties.ts';
import { createWordIndex, createWordWriter, hasWordsDue } from '../alerts/word-index.ts';
import { createCommitter } from './committer.ts';
import { makePrivate } from './create.ts';
import { createLabelIndex } from './label-index.ts';
import { watchFiles } from './file-watch.ts';
import type { FileWatch } from './file-watch.ts';
import { lockDatabase, realPathOf, refuseLost } from './lock.ts';
import { createCheckpoints, inspectDatabase, openDatabase, openReadOnly } from './open.ts';
import type { Connection } from './open.ts';

export interface SqliteStoreOptions {
  /** File, or `:memory:`. */
  readonly path: string;
  readonly hooks?: CommitHooks;
  readonly limits?: QueueLimits;
  /** Monotonic milliseconds; the process's own unless a test gives another. */
  readonly monotonic?: () => number;
  /** Told of each file that others could read until now, in a sentence. */
  readonly onWiderMode?: (message: string) => void;
  /** There was no database; a new one was made. */
  readonly onCreated?: () => void;
  /** Called once: the database is damaged, or its files are no longer there. Nothing is written from here on. */
  readonly onLost?: (error: AppError) => void;
}

/**
 * Statements run on the thread of the event loop: after so long the others have their turn, also within a transaction. Not
 * those of all other work: no commit waits behind that.
 */
const turnMs = 10;

/**
 * Opens the store in one SQLite file and keeps every other server out of it until `close`. Reads go to a connection of
 * their own, which sees committed state only; `:memory:` has but one connection. Throws StoreUnusable (nothing was
 * touched) or StoreLocked.
 */
export function openSqliteStore(options: SqliteStoreOptions): Store {
  const files = openFiles(options);
  const { write, read, watch } = files;
  try {
    const hints = noHints();
    const listeners = new Set<(hints: CommitHints) => void>();
    const monotonic = options.monotonic ?? (() => performance.now());
    const labels = createLabelIndex(write, monotonic);
    const checkpoints = createCheckpoints(write.raw);
    const writeWords = createWordWriter(write.query);
    const words = createWordIndex({
      isDue: () => hasWordsDue(read.query),
      write: (limit, after) => submit(null, () => writeWords(limit, after)),
      alertsPerStep: 50,
      // A database that takes no writes is told to the callers of `transaction`.
      onError: () => undefined,
    });
    words.wake();
    const tx: StoreTransaction = {
      alerts: createAlertStore(write.query, labels.write),
      events: createEventStore(write.query),
      runs: createRunStore(write.query, hints),
      agent: createAgentStore(write.query),
      learned: createLearnedStore(write.query),
      groups: createGroupStore(write.query),
      deliveries: createDeliveryStore(write.query, hints),
      resources: createResourceStore(write.query),
      duties: createDutyStore(write.query),
      retention: createRetentionStore(write.query),
    };
    const committer = createCommitter({
      raw: write.raw,
      hooks: options.hooks ?? {},
      limits: options.limits ?? defaultLimits,
      monotonic,
      async beforeCommit() {
        // Pages of the index are many, and so are those of the log.
        checkpoints.leave(await labels.beforeCommit());
        // Either is as long as a turn.
        if (write.turns.isOver()) await write.turns.next();
        watch?.beforeCommit();
      },
      committed(names) {
        watch?.afterCommit();
        labels.committed();
        if (names.length > 0) words.wake();
        announce(hints, listeners);
      },
    });
    const lost = () => watch?.lost() ?? null;
    async function submit<T>(name: TransactionName | null, work: () => Promise<T>): Promise<T> {
      const reason = lost();
      if (reason !== null) throw reason;
      try {
        return await committer.submit(name, work);
      } catch (thrown) {
        if (thrown instanceof AppError && thrown.reason === 'StoreDamaged') watch?.giveUp(thrown);
        throw thrown;
      }
    }
    const reader = createStoreReader(read.query);
    const probe = write.raw.prepare('UPDATE schema_info SET updated_at = updated_at');
    return {
      transaction: (name, work) => submit(name, () => keepHints(hints, () => work(tx))),
      lost,
      probe: () => submit(null, async () => void probe.run()),
      read: {
        ...reader,
        lists: withLabels(reader.lists, async () => {
          if (labels.isBehind()) await submit(null, async () => labels.want());
        }),
      },
      onCommit(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      async close() {
        const ended = committer.close();
        await words.close();
        await ended;
        files.close();
      },
    };
  } catch (thrown) {
    files.close();
    throw thrown;
  }
}

/** What a store has open. */
interface OpenFiles {
  readonly write: Connection;
  /** Of `:memory:` the same as `write`. */
  readonly read: Connection;
  /** Null: there are no files. */
  readonly watch: FileWatch | null;
  /** Closing twice does nothing. */
  close(): void;
}

function openFiles({ path, onCreated, onLost, onWiderMode }: SqliteStoreOptions): OpenFiles {
  if (path === ':memory:') {
    const both = openDatabase(path);
    return { write: both, read: both, watch: null, close: once(both.close) };
  }
  inspectDatabase(path);
  refuseLost(path, 'all');
  const lock = lockDatabase(path);
  const connections: Connection[] = [];
  let watch: FileWatch | null = null;
  // The last connection to close copies the log into the database, unless it is the reader's: so the reader's is the last
  // where that would make damage worse. The lock goes after all.
  const close = once(() => {
    for (const { close: end } of watch?.mayCheckpoint() === false ? connections : connections.reverse()) end();
    watch?.close();
    lock.close();
  });
  try {
    const isNew = (statSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0;
    for (const message of makePrivate(path)) onWiderMode?.(message);
    const onDamage = (error: AppError) => watch?.giveUp(error);
    const write = openDatabase(path, undefined, { turns: createTurns(turnMs), onDamage });
    connections.push(write);
    closeImport(write.raw, path);
    // A connection of its own: nobody may look into the middle of a transaction.
    const read = openReadOnly(path, { onDamage });
    connections.push(read);
    // Its first look takes its lock on the file, without which it would not be the last one.
    read.raw.prepare('SELECT count(*) FROM sqlite_schema').get();
    watch = watchFiles({ path, realPath: realPathOf(path), onLost: onLost ?? (() => undefined) });
    if (isNew) onCreated?.();
    return { write, read, watch, close };
  } catch (thrown) {
    close();
    throw thrown;
  }
}

function once(work: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    work();
  };
}

/** A server writes from here on: no later export may replace what it writes. */
function closeImport(raw: DatabaseSync, path: string): void {
  const { import_state: state } = raw.prepare('SELECT import_state FROM installation').get() ?? {};
  if (checkImport(path, state)) raw.exec('UPDATE installation SET import_state = NULL');
}

/** Label filters see every committed alert. */
function withLabels(lists: ListReader, catchUp: () => Promise<void>): ListReader {
  return {
    ...lists,
    async alerts(query) {
      if ((query.matchers ?? []).length > 0) await catchUp();
      return lists.alerts(query);
    },
  };
}

/** Work that is undone has made nothing due. */
async function keepHints<T>(hints: Hints, work: () => Promise<T>): Promise<T> {
  const before = { runs: hints.runs.length, deliveries: hints.deliveries };
  try {
    return await work();
  } catch (thrown) {
    hints.runs.length = before.runs;
    hints.deliveries = before.deliveries;
    throw thrown;
  }
}

/** Tells the listeners what the last commit made due, once. They only note it: a hint is not work. */
function announce(hints: Hints, listeners: ReadonlySet<(hints: CommitHints) => void>): void {
  const told: CommitHints = { runs: hints.runs.length > 0, deliveries: hints.deliveries };
  clearHints(hints);
  if (!told.runs && !told.deliveries) return;
  for (const listener of listeners) listener(told);
}
