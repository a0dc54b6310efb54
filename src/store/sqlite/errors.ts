import { AppError } from '../../core/errors.ts';

const full = 13;
/** Result codes that speak of the file or the disk, not of the statement (sqlite.org/rescode.html). */
const away: ReadonlySet<number> = new Set([
  5, // SQLITE_BUSY: another program writes to the file
  6, // SQLITE_LOCKED
  7, // SQLITE_NOMEM
  8, // SQLITE_READONLY
  10, // SQLITE_IOERR
  11, // SQLITE_CORRUPT
  full,
  14, // SQLITE_CANTOPEN
  15, // SQLITE_PROTOCOL
  26, // SQLITE_NOTADB
]);

/** What SQLite threw as StoreUnavailable with its reason, or unchanged where our statement is to blame. */
export function sqliteError(thrown: unknown): Error {
  if (thrown instanceof AppError) return thrown;
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const code = 'errcode' in error ? Number(error.errcode) & 0xff : 0;
  return away.has(code) ? unavailable(error) : error;
}

/** A commit that failed, for whatever cause. */
export function commitError(thrown: unknown): AppError {
  const error = sqliteError(thrown);
  return error instanceof AppError ? error : unavailable(error);
}

function unavailable(cause: Error): AppError {
  const isFull = 'errcode' in cause && (Number(cause.errcode) & 0xff) === full;
  return new AppError('StoreUnavailable', `the database did not take the commit: ${cause.message}`, {
    cause,
    reason: isFull ? 'StoreFull' : 'StoreDown',
    next: isFull ? 'make room on the disk of the database' : 'look at the disk of the database',
  });
}
