import { AppError } from '../../core/errors.ts';
import type { TransactionName } from '../../core/store.ts';
import type { Connection } from './open.ts';

/** For tests of crashes: called with the names of the transactions of a commit. */
export interface CommitHooks {
  beforeCommit?(names: readonly TransactionName[]): void;
  afterCommit?(names: readonly TransactionName[]): void;
}

interface Waiting {
  readonly name: TransactionName;
  /** Runs the work in its savepoint; says how to settle the caller once the commit stands. */
  run(): Promise<{ readonly settle: () => void }>;
  fail(error: AppError): void;
}

/** Most callers that share one commit; the rest take the next one, so that no answer waits for a long one. */
const mostPerCommit = 256;

/**
 * Group commit. A lone caller commits at once (after the current turn of the event loop, in which other requests may
 * arrive); callers that arrive during a commit share the next one. Each has a savepoint of its own, so that one
 * caller's error undoes only its own work. Promises settle after COMMIT.
 */
export function createCommitter(connection: Connection, hooks: CommitHooks = {}) {
  let waiting: Waiting[] = [];
  let scheduled = false;
  let closed = false;
  let idle: (() => void)[] = [];
  const { raw } = connection;

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => void commit());
  }

  async function commit(): Promise<void> {
    const batch = waiting.slice(0, mostPerCommit);
    waiting = waiting.slice(mostPerCommit);
    const settles: (() => void)[] = [];
    try {
      raw.exec('BEGIN IMMEDIATE');
      for (const caller of batch) settles.push((await caller.run()).settle);
      const names = batch.map((caller) => caller.name);
      hooks.beforeCommit?.(names);
      raw.exec('COMMIT');
      hooks.afterCommit?.(names);
      for (const settle of settles) settle();
    } catch (cause) {
      if (raw.isTransaction) raw.exec('ROLLBACK');
      const error = new AppError('StoreUnavailable', `the database did not take the commit: ${String(cause)}`, { cause });
      for (const caller of batch) caller.fail(error);
    }
    scheduled = false;
    if (waiting.length > 0) schedule();
    else for (const resolve of idle.splice(0)) resolve();
  }

  async function inSavepoint<T>(work: () => Promise<T>): Promise<{ ok: true; value: T } | { ok: false; error: unknown }> {
    // SQLite may have ended the whole transaction by itself (disk full); a savepoint would then start one of its own.
    if (!raw.isTransaction) throw new Error('the transaction was rolled back');
    raw.exec('SAVEPOINT caller');
    try {
      const value = await work();
      raw.exec('RELEASE caller');
      return { ok: true, value };
    } catch (error) {
      // A full disk may have ended the whole transaction already; then the COMMIT fails and tells every caller.
      if (raw.isTransaction) raw.exec('ROLLBACK TO caller; RELEASE caller');
      return { ok: false, error };
    }
  }

  return {
    /** Runs `work` in the next commit. Rejects with the work's own error, or with StoreUnavailable. */
    submit<T>(name: TransactionName, work: () => Promise<T>): Promise<T> {
      if (closed) return Promise.reject(new AppError('Draining', 'the store is closed'));
      return new Promise<T>((resolve, reject) => {
        waiting.push({
          name,
          fail: reject,
          run: async () => {
            const result = await inSavepoint(work);
            return { settle: () => (result.ok ? resolve(result.value) : reject(result.error)) };
          },
        });
        schedule();
      });
    },
    /** How many callers wait for a commit. */
    depth: () => waiting.length,
    /** Resolves when everything submitted so far has settled; refuses what comes later. */
    async close(): Promise<void> {
      closed = true;
      if (scheduled || waiting.length > 0) await new Promise<void>((resolve) => idle.push(resolve));
    },
  };
}

export type Committer = ReturnType<typeof createCommitter>;
