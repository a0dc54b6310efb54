import type { DatabaseSync } from 'node:sqlite';
import { AppError } from '../../core/errors.ts';
import type { TransactionName } from '../../core/store.ts';
import { tooSlow } from '../commit/hooks.ts';
import type { CommitHooks, QueueLimits } from '../commit/hooks.ts';
import { commitError, sqliteError } from './errors.ts';

export interface CommitterOptions {
  readonly raw: DatabaseSync;
  readonly hooks: CommitHooks;
  readonly limits: QueueLimits;
  /** Monotonic milliseconds. */
  readonly monotonic: () => number;
  /** The last work of each commit, inside its transaction, whoever shares it. */
  readonly beforeCommit: () => Promise<void>;
  /** Called after each commit; the names are empty where only the store itself had work. */
  readonly committed: (names: readonly TransactionName[]) => void;
}

interface Waiting {
  /** Null: work of the store itself. */
  readonly name: TransactionName | null;
  readonly sinceMs: number;
  /** Its work was done and undone with another caller's. */
  isAgain: boolean;
  /** Runs the work in its savepoint; says how to settle the caller once the commit stands. */
  run(): Promise<() => void>;
  fail(error: AppError): void;
}

/** Most callers of a kind that share one commit; the rest take the next one, so that no answer waits for a long one. */
const mostPerCommit = 256;
/** No further intake joins a commit in which intake has worked for so long. */
const mostIntakeMs = 50;
/**
 * After intake has worked, the other writers have twice as long before it, so that not much more is accepted than can
 * be worked off, and at most this long, so that intake does not starve.
 */
const othersShare = 2;
const mostOwedMs = 1000;

/**
 * Group commit. A lone caller commits at once (after the current turn of the event loop, in which other requests may
 * arrive); callers that arrive during a commit share the next one. Each has a savepoint of its own, so that one
 * caller's error undoes only its own work; where SQLite gave up the whole transaction (disk full), the work of the others is
 * done again without it. Promises settle after COMMIT. Other writers go before intake, which has a
 * third of the time where both want more.
 */
export function createCommitter(options: CommitterOptions) {
  const { raw, hooks, limits, monotonic } = options;
  const savepoint = createSavepoint(raw);
  const begin = raw.prepare('BEGIN IMMEDIATE');
  const end = raw.prepare('COMMIT');
  const queue = createQueue(limits, monotonic);
  let scheduled = false;
  let closed = false;
  const whenIdle: (() => void)[] = [];

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => void commit());
  }

  async function commit(): Promise<void> {
    const turn = queue.begin();
    const batch: Waiting[] = [];
    const settles: (() => void)[] = [];
    let working: Waiting | undefined;
    try {
      rollBack();
      begin.run();
      for (let caller = turn.next(); caller !== undefined; caller = turn.next()) {
        batch.push(caller);
        working = caller;
        settles.push(await caller.run());
      }
      working = undefined;
      await options.beforeCommit();
      const names = batch.map((caller) => caller.name).filter((name) => name !== null);
      hooks.beforeCommit?.(names);
      end.run();
      hooks.afterCommit?.(names);
      for (const settle of settles) settle();
      options.committed(names);
    } catch (cause) {
      rollBack();
      const error = commitError(cause);
      // Where not even BEGIN worked, all who wait would find the same.
      const callers = batch.length > 0 ? batch : turn.rest();
      const innocent = working === undefined ? [] : callers.filter((caller) => caller !== working && !caller.isAgain);
      for (const caller of callers) if (!innocent.includes(caller)) caller.fail(error);
      queue.putBack(innocent);
    }
    turn.end();
    scheduled = false;
    if (!queue.isEmpty()) schedule();
    else for (const resolve of whenIdle.splice(0)) resolve();
  }

  /** A rollback that fails too is tried again before the next commit. */
  function rollBack(): void {
    try {
      if (raw.isTransaction) raw.exec('ROLLBACK');
    } catch {
      return;
    }
  }

  return {
    /** Runs `work` in the next commit. Rejects with the work's own error, with StoreUnavailable, or Draining. */
    submit<T>(name: TransactionName | null, work: () => Promise<T>): Promise<T> {
      if (closed) return Promise.reject(new AppError('Draining', 'the store is closed'));
      const refused = name === 'intake' ? queue.refusal() : null;
      if (refused !== null) return Promise.reject(refused);
      return new Promise<T>((resolve, reject) => {
        queue.add({
          name,
          sinceMs: monotonic(),
          isAgain: false,
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
      if (scheduled || !queue.isEmpty()) await new Promise<void>((resolve) => whenIdle.push(resolve));
    },
  };
}

/** Who waits for a commit: intake, which is bounded, and the others, whose number their pumps bound. */
function createQueue(limits: QueueLimits, monotonic: () => number) {
  const intake: Waiting[] = [];
  const others: Waiting[] = [];
  /** Until then intake works only where no other waits. */
  let othersUntilMs = Number.NEGATIVE_INFINITY;

  /** The first of intake that is not too late: what its sender no longer waits for is not done. */
  function nextIntake(): Waiting | undefined {
    for (let caller = intake.shift(); caller !== undefined; caller = intake.shift()) {
      const waitedMs = monotonic() - caller.sinceMs;
      if (waitedMs <= limits.maxWaitMs) return caller;
      caller.fail(tooSlow(intake.length + 1, waitedMs));
    }
    return undefined;
  }

  return {
    isEmpty: () => intake.length === 0 && others.length === 0,
    add: (caller: Waiting) => void (caller.name === 'intake' ? intake : others).push(caller),
    /** Who was undone by another's failure goes first, once more. */
    putBack(callers: readonly Waiting[]): void {
      for (const caller of callers) caller.isAgain = true;
      intake.unshift(...callers.filter(({ name }) => name === 'intake'));
      others.unshift(...callers.filter(({ name }) => name !== 'intake'));
    },
    refusal(): AppError | null {
      const waitedMs = intake[0] === undefined ? 0 : monotonic() - intake[0].sinceMs;
      const hasRoom = intake.length < limits.maxWaiting && waitedMs <= limits.maxWaitMs;
      return hasRoom ? null : tooSlow(intake.length, waitedMs);
    },
    /** Who takes part in one commit, one after the other. */
    begin() {
      const begunMs = monotonic();
      let left = Math.min(others.length, mostPerCommit);
      // Work of the store itself goes with whatever comes.
      const isIntakesTurn = begunMs >= othersUntilMs || others.every(({ name }) => name === null);
      let intakes = isIntakesTurn ? mostPerCommit : 0;
      let intakeSinceMs: number | null = null;
      return {
        next(): Waiting | undefined {
          if (left > 0) {
            left -= 1;
            return others.shift();
          }
          if (intakes === 0 || (intakeSinceMs !== null && monotonic() - intakeSinceMs >= mostIntakeMs))
            return undefined;
          intakes -= 1;
          intakeSinceMs ??= monotonic();
          return nextIntake();
        },
        /** Everybody who waits. */
        rest: (): readonly Waiting[] => [...others.splice(0), ...intake.splice(0)],
        end(): void {
          if (intakeSinceMs === null) return;
          const nowMs = monotonic();
          othersUntilMs = nowMs + Math.min(othersShare * (nowMs - intakeSinceMs), mostOwedMs);
        },
      };
    },
  };
}

type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: Error };

/** Runs work in a savepoint: its error undoes its own writes only. */
function createSavepoint(raw: DatabaseSync): <T>(work: () => Promise<T>) => Promise<Result<T>> {
  const open = raw.prepare('SAVEPOINT caller');
  const release = raw.prepare('RELEASE caller');
  return async (work) => {
    open.run();
    try {
      const value = await work();
      release.run();
      return { ok: true, value };
    } catch (error) {
      // SQLite may have ended the whole transaction by itself (disk full): then nobody's work stands.
      if (!raw.isTransaction) throw error;
      raw.exec('ROLLBACK TO caller; RELEASE caller');
      return { ok: false, error: sqliteError(error) };
    }
  };
}
