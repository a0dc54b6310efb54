import { AppError, toAppError } from '../../core/errors.ts';

/** What the person does who has a damaged or lost database. */
export const restore = '"Restore" in docs/guide/operate.md';

const full = 13;
/** SQLITE_CORRUPT and SQLITE_NOTADB. */
const damaged: ReadonlySet<number> = new Set([11, 26]);
/** Result codes that speak of the file or the disk, not of the statement (sqlite.org/rescode.html). */
const away: ReadonlySet<number> = new Set([
  5, // SQLITE_BUSY: another program writes to the file
  6, // SQLITE_LOCKED
  7, // SQLITE_NOMEM
  8, // SQLITE_READONLY
  10, // SQLITE_IOERR
  full,
  14, // SQLITE_CANTOPEN
  15, // SQLITE_PROTOCOL
  ...damaged,
]);

/** What SQLite threw as StoreUnavailable with its reason, or unchanged where our statement is to blame. */
export function sqliteError(thrown: unknown): Error {
  if (thrown instanceof AppError) return thrown;
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  return away.has(resultCode(error)) ? unavailable(error) : error;
}

/** Whether SQLite says that what it read is not what it wrote. */
export function isDamage(thrown: unknown): boolean {
  return damaged.has(resultCode(thrown));
}

function resultCode(thrown: unknown): number {
  return thrown instanceof Error && 'errcode' in thrown ? Number(thrown.errcode) & 0xff : 0;
}

/** What was thrown where a database was opened or looked at. */
export function unusable(path: string, thrown: unknown): AppError {
  if (isDamage(thrown)) return damagedFile(path, (thrown as Error).message, thrown);
  const cause = toAppError(thrown);
  return new AppError('StoreUnusable', `cannot open ${path}: ${cause.message}`, {
    cause,
    next: 'check the path and its permissions, or choose another file with --db',
  });
}

/** The file cannot be used because of what is wrong in it. */
export function damagedFile(path: string, problem: string, cause?: unknown): AppError {
  return new AppError('StoreUnusable', `${path} is damaged: ${problem}`, {
    cause,
    reason: 'StoreDamaged',
    next: `fist db check says where; then ${restore}`,
  });
}

/** A commit that failed, for whatever cause. */
export function commitError(thrown: unknown): AppError {
  const error = sqliteError(thrown);
  return error instanceof AppError ? error : unavailable(error);
}

function unavailable(cause: Error): AppError {
  const [reason, next] = adviceFor(cause);
  return new AppError('StoreUnavailable', `the database did not take the commit: ${cause.message}`, {
    cause,
    reason,
    next,
  });
}

function adviceFor(cause: Error): readonly [reason: string, next: string] {
  if (isDamage(cause)) return ['StoreDamaged', restore];
  return resultCode(cause) === full
    ? ['StoreFull', 'make room on the disk of the database']
    : ['StoreDown', 'look at the disk of the database'];
}
