import { writeSync } from 'node:fs';
import { AppError } from '../../core/errors.ts';
import { transactionNames } from '../../core/store.ts';
import type { TransactionName } from '../../core/store.ts';
import type { CommitHooks } from './hooks.ts';

/** A named instant: before or after the n-th commit that holds a transaction of this name. */
export interface CrashPoint {
  readonly when: 'before' | 'after';
  readonly name: TransactionName;
  /** From 1. */
  readonly occurrence: number;
}

/** Reads `before:step-end:3`. Throws InvalidInput. */
export function parseCrashPoint(text: string): CrashPoint {
  const [when, name, occurrence = '1', ...rest] = text.split(':');
  const known = transactionNames.find((candidate) => candidate === name);
  if (
    (when !== 'before' && when !== 'after') ||
    known === undefined ||
    !/^[1-9]\d*$/.test(occurrence) ||
    rest.length > 0
  ) {
    throw new AppError('InvalidInput', `${text} is not a crash point`, {
      field: 'FIST_CRASH_AT',
      next: `before:NAME:COUNT or after:NAME:COUNT, where NAME is one of ${transactionNames.join(', ')}`,
    });
  }
  return { when, name: known, occurrence: Number(occurrence) };
}

/** Ends this process as `kill -9` would, after a line on stderr that says where. Never returns. */
function killThisProcess(point: CrashPoint): void {
  writeSync(2, `${JSON.stringify({ level: 'warn', message: 'crash point', ...point })}\n`);
  process.kill(process.pid, 'SIGKILL');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

/**
 * For tests of crashes: hooks that end the process at one point of `spec` (see {@link parseCrashPoint}). `before` is
 * after all work of the commit and before COMMIT; `after` is after COMMIT and before any caller hears of it.
 */
export function crashHooks(spec: string, crash: (point: CrashPoint) => void = killThisProcess): CommitHooks {
  const point = parseCrashPoint(spec);
  let left = point.occurrence;
  const count = (names: readonly TransactionName[]): void => {
    for (const name of names) {
      if (name !== point.name) continue;
      left -= 1;
      if (left === 0) crash(point);
    }
  };
  return point.when === 'before' ? { beforeCommit: count } : { afterCommit: count };
}
