import type { DatabaseSync } from 'node:sqlite';
import { AppError } from '../../core/errors.ts';
import type { TransactionName } from '../../core/store.ts';
import type { CommitHooks, QueueLimits } from '../commit-hooks.ts';

export interface CommitterOptions {
  readonly raw: DatabaseSync;
  readonly hooks: CommitHooks;
  readonly limits: QueueLimits;
  /** Monotonic milliseconds. */
  readonly monotonic: () => number;
  /** The last work of each commit, inside its transaction, whoever shares it. */
  readonly beforeCommit: () => void;
  /** Called after each commit. */
  readonly committed: () => void;
}

interface Waiting {
  /** Null: work of the store itself. */
  readonly name: TransactionName | null;
  readonly sinceMs: number;
  /** Runs the work in its savepoint; says how to settle the caller once the commit stands. */
  run(): Promise<() => void>;
  fail(error: AppError): void;
}

/** Most callers that share one commit; the rest take the next one, so that no answer waits for a long one. */
const mostPerCommit = 256;

/**
 * Group commit. A lone caller commits at once (after the current turn of the event loop, in which other requests may
 * arrive); callers that arrive during a commit share the next one. Each has a savepoint of its own, so that one
 * caller's error undoes only its own work. Promises settle after COMMIT.
 */
export function createCommitter(options: CommitterOptions) {
  const { raw, hooks, limits, monotonic } = options;
  const savepoint = createSavepoint(raw);
  const begin = raw.prepare('BEGIN IMMEDIATE');
  const end = raw.prepare('COMMIT');
  let waiting: Waiting[] = [];
  let scheduled = false;
  let closed = false;
  const whenIdle: (() => void)[] = [];

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
      begin.run();
      for (const caller of batch) settles.push(await caller.run());
      options.beforeCommit();
      const names = batch.map((caller) => caller.name).filter((name) => name !== null);
      hooks.beforeCommit?.(names);
      end.run();
      hooks.afterCommit?.(names);
      for (const settle of settles) settle();
      options.committed();
    } catch (cause) {
      if (raw.isTransaction) raw.exec('ROLLBACK');
      const message = `the database did not take the commit: ${cause instanceof Error ? cause.message : String(cause)}`;
      const error = new AppError('StoreUnavailable', message, { cause });
      for (const caller of batch) caller.fail(error);
    }
    scheduled = false;
    if (waiting.length > 0) schedule();
    else for (const resolve of whenIdle.splice(0)) resolve();
  }

  function refusal(name: TransactionName | null): AppError | null {
    if (closed) return new AppError('Draining', 'the store is closed');
    if (name !== 'intake') return null;
    const waitedMs = waiting[0] === undefined ? 0 : monotonic() - waiting[0].sinceMs;
    if (waiting.length < limits.maxWaiting && waitedMs <= limits.maxWaitMs) return null;
    return new AppError(
      'StoreUnavailable',
      `${waiting.length} writers wait for the database, the first for ${Math.round(waitedMs)} ms`,
      { next: 'send it again later; if this stays, look at the disk of the database' },
    );
  }

  return {
    /** Runs `work` in the next commit. Rejects with the work's own error, with StoreUnavailable, or Draining. */
    submit<T>(name: TransactionName | null, work: () => Promise<T>): Promise<T> {
      const refused = refusal(name);
      if (refused !== null) return Promise.reject(refused);
      return new Promise<T>((resolve, reject) => {
        waiting.push({
          name,
          sinceMs: monotonic(),
          fail: reject,
          run: async () => {
            const result = await savepoint(work);
            return () => (result.ok ? resolve(result.value) : reject(result.error));
          },
        });
        schedule();
      });
    },
    /** Resolves when everything submitted so far has settled; refuses what comes later. */
    async close(): Promise<void> {
      closed = true;
      if (scheduled || waiting.length > 0) await new Promise<void>((resolve) => whenIdle.push(resolve));
    },
  };
}

type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: Error };

/** Runs work in a savepoint: its error undoes its own writes only. */
function createSavepoint(raw: DatabaseSync): <T>(work: () => Promise<T>) => Promise<Result<T>> {
  const open = raw.prepare('SAVEPOINT caller');
  const release = raw.prepare('RELEASE caller');
  return async (work) => {
    // SQLite may have ended the whole transaction by itself (disk full); a savepoint would then start one of its own.
    if (!raw.isTransaction) throw new Error('the transaction was rolled back');
    open.run();
    try {
      const value = await work();
      release.run();
      return { ok: true, value };
    } catch (error) {
      if (raw.isTransaction) raw.exec('ROLLBACK TO caller; RELEASE caller');
      return { ok: false, error: error instanceof Error ? error : new Error(String(error)) };
    }
  };
}
