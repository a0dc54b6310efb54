import { AppError } from '../../core/errors.ts';

/** By the reason of StoreUnavailable, where that says enough. */
const ofReason: Readonly<Record<string, string>> = {
  StoreFull: 'its disk is full',
  StoreSlow: 'it is slow',
  StoreDamaged: 'the database is damaged',
  StoreReplaced: 'the database file was replaced',
  StoreRemoved: 'the database file was removed',
};

/** By SQLite's result code (sqlite.org/rescode.html). */
const ofResultCode: Readonly<Record<number, string>> = {
  5: 'another program writes to its file',
  7: 'there is no memory for it',
  8: 'its file is read-only',
  10: 'its disk cannot be read or written',
  14: 'its file cannot be opened',
};

/** By the beginning of what PostgreSQL (its manual, appendix A) or the network says. The first that fits. */
const ofCode: readonly (readonly [RegExp, string])[] = [
  [/^25006$/, 'the server only reads'],
  [/^28/, 'the server refuses the user or the password'],
  [/^42501$/, 'the user lacks a right'],
  [/^53300$/, 'the server has no connection left'],
  [/^57P0[1-4]$/, 'the server is stopping or starting'],
  [/^E(?:MFILE|NFILE|NOMEM)$/, 'this process has no file descriptor or memory left'],
  [/^E[A-Z]+$/, 'the server does not answer'],
];

/**
 * What is wrong with a store, in fixed words: they are shown to everybody, and messages of a database hold names, addresses
 * and values.
 */
export function problemWords(thrown: unknown): string {
  if (!(thrown instanceof AppError)) return 'it takes no writes';
  const { reason = '', cause } = thrown;
  return ofReason[reason] ?? wordsOfCause(cause) ?? 'it takes no writes';
}

function wordsOfCause(cause: unknown): string | undefined {
  if (cause === null || typeof cause !== 'object') return undefined;
  if ('errcode' in cause) return ofResultCode[Number(cause.errcode) & 0xff];
  const code = 'code' in cause ? String(cause.code) : '';
  return ofCode.find(([pattern]) => pattern.test(code))?.[1];
}
