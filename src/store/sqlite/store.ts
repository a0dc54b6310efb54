import type { CommitHints } from '../../core/ports.ts';
import type { ListReader, Store, StoreTransaction } from '../../core/store.ts';
import { createAlertStore } from '../alerts.ts';
import { defaultLimits } from '../commit-hooks.ts';
import type { CommitHooks, QueueLimits } from '../commit-hooks.ts';
import { createDeliveryReader, createDeliveryStore } from '../deliveries.ts';
import { createEventStore } from '../events.ts';
import { clearHints, noHints } from '../hints.ts';
import type { Hints } from '../hints.ts';
import { createListReader } from '../lists.ts';
import { createResourceStore } from '../resources.ts';
import { createRunReader, createRunStore } from '../runs.ts';
import { createCommitter } from './committer.ts';
import { createLabelIndex } from './label-index.ts';
import { inspectDatabase, lockDatabase, openDatabase, openReadOnly } from './open.ts';

export interface SqliteStoreOptions {
  /** File, or `:memory:`. */
  readonly path: string;
  readonly hooks?: CommitHooks;
  readonly limits?: QueueLimits;
  /** Monotonic milliseconds; the process's own unless a test gives another. */
  readonly monotonic?: () => number;
}

/**
 * Opens the store in one SQLite file and keeps every other server out of it until `close`. Reads go to a connection of
 * their own, which sees committed state only; `:memory:` has but one connection. Throws StoreUnusable (nothing was
 * touched) or StoreLocked.
 */
export function openSqliteStore(options: SqliteStoreOptions): Store {
  const { path } = options;
  const inMemory = path === ':memory:';
  if (!inMemory) inspectDatabase(path);
  const lock = lockDatabase(path);
  const opened: { close(): void }[] = [lock];
  try {
    const write = openDatabase(path);
    opened.push(write);
    const read = inMemory ? write : openReadOnly(path);
    if (!inMemory) opened.push(read);
    const hints = noHints();
    const listeners = new Set<(hints: CommitHints) => void>();
    const monotonic = options.monotonic ?? (() => performance.now());
    const labels = createLabelIndex(write, monotonic);
    const tx: StoreTransaction = {
      alerts: createAlertStore(write.query, labels.write),
      events: createEventStore(write.query),
      runs: createRunStore(write.query, hints),
      deliveries: createDeliveryStore(write.query, hints),
      resources: createResourceStore(write.query),
    };
    const committer = createCommitter({
      raw: write.raw,
      hooks: options.hooks ?? {},
      limits: options.limits ?? defaultLimits,
      monotonic,
      beforeCommit: () => labels.beforeCommit(),
      committed() {
        labels.committed();
        announce(hints, listeners);
      },
    });
    return {
      transaction: (name, work) => committer.submit(name, () => work(tx)),
      read: {
        runs: createRunReader(read.query),
        deliveries: createDeliveryReader(read.query),
        lists: withLabels(createListReader(read.query), async () => {
          if (labels.isBehind()) await committer.submit(null, async () => labels.want());
        }),
      },
      onCommit(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      async close() {
        await committer.close();
        closeAll(opened);
      },
    };
  } catch (thrown) {
    closeAll(opened);
    throw thrown;
  }
}

/** Label filters see every committed alert. */
function withLabels(lists: ListReader, catchUp: () => Promise<void>): ListReader {
  return {
    ...lists,
    async alerts(query) {
      if (query.labels !== undefined) await catchUp();
      return lists.alerts(query);
    },
  };
}

/** Tells the listeners what the last commit made due, once. They only note it: a hint is not work. */
function announce(hints: Hints, listeners: ReadonlySet<(hints: CommitHints) => void>): void {
  const told: CommitHints = { runs: hints.runs.length > 0, deliveries: hints.deliveries };
  clearHints(hints);
  if (!told.runs && !told.deliveries) return;
  for (const listener of listeners) listener(told);
}

/** In reverse order of opening: the lock goes last. Closing twice does nothing. */
function closeAll(opened: { close(): void }[]): void {
  for (const part of opened.splice(0).reverse()) part.close();
}
