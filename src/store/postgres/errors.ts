import { AppError } from '../../core/errors.ts';
import type { ErrorCode } from '../../core/errors.ts';

/** SQLSTATEs after which the same work may succeed on fresh rows (PostgreSQL manual, appendix A). */
const conflicts: ReadonlySet<string> = new Set([
  '40001', // serialization_failure
  '40P01', // deadlock_detected
  '55P03', // lock_not_available
  '23505', // unique_violation: another replica was first
]);
/** Classes that speak of the server, not of the statement. */
const awayClasses: ReadonlySet<string> = new Set([
  '08', // connection exception
  '25', // invalid transaction state: a read-only standby, or a session that was idle for too long
  '53', // insufficient resources: disk full, too many connections
  '57', // operator intervention: shutdown, starting up, a statement that took too long
  '58', // system error
  'XX', // internal error: a damaged file, a pooler that lost its server
]);
const reasons: Readonly<Record<string, string>> = {
  '53100': 'StoreFull', // disk_full
  '57014': 'StoreSlow', // query_canceled: statement_timeout
};

interface Refusal {
  readonly states: readonly string[];
  readonly code: ErrorCode;
  readonly next: string;
}

interface ServerError {
  readonly state: string;
  readonly message: string;
  /** The function of the server that raised it. */
  readonly routine: string | undefined;
}

/**
 * What the driver threw, as StoreConflict, StoreUnavailable, StoreUnusable, or unchanged where our statement is to blame.
 * `retryable` is false where nothing changes before a person does something.
 */
export function storeError(thrown: unknown): unknown {
  if (thrown instanceof AppError) return thrown;
  const found = serverError(thrown);
  if (found === null) return connectionError(thrown);
  const message = `PostgreSQL: ${found.message}`;
  const refusal = refusals.find(({ states }) => states.includes(found.state));
  if (refusal !== undefined) {
    return new AppError(refusal.code, message, { cause: thrown, retryable: false, next: refusal.next });
  }
  if (conflicts.has(found.state) || isStalePlan(thrown))
    return new AppError('StoreConflict', message, { cause: thrown });
  return awayClasses.has(found.state.slice(0, 2)) ? unavailable(message, thrown, reasons[found.state]) : thrown;
}

/**
 * A prepared statement that a migration of another replica made void ("cached plan must not change result type"). It
 * stays so on its connection; a new one prepares it again.
 */
export function isStalePlan(thrown: unknown): boolean {
  const found = serverError(thrown instanceof AppError ? thrown.cause : thrown);
  return found?.state === '0A000' && found.routine === 'RevalidateCachedQuery';
}

/**
 * What is thrown where the same work is not done again. A lock that was held all the time (a VACUUM FULL, an
 * index being built) is a store that is slow, for the senders and for readiness; anything else is the work's own.
 */
export function lastConflict(thrown: unknown): unknown {
  if (!(thrown instanceof AppError) || serverError(thrown.cause)?.state !== '55P03') return thrown;
  return new AppError('StoreUnavailable', thrown.message, {
    cause: thrown,
    reason: 'StoreSlow',
    next: 'see in pg_locks and pg_stat_activity who holds the lock: an index being built, a VACUUM FULL, an open transaction',
  });
}

/** What only a person can change, and how. */
const refusals: readonly Refusal[] = [
  {
    states: ['28P01', '28000'],
    code: 'StoreUnavailable',
    next: 'check the user and the password in --db or DATABASE_URL (?sslmode=verify-full where the server wants TLS), and pg_hba.conf',
  },
  {
    states: ['3D000'],
    code: 'StoreUnusable',
    next: 'create it, as a user who may: createdb --host HOST --username USER --owner OWNER DATABASE',
  },
  {
    states: ['42501', '3F000'],
    code: 'StoreUnusable',
    next: 'make the user of --db its owner: ALTER DATABASE name OWNER TO user',
  },
];

/** The same for what the driver finds before the server has said anything; by code and text. */
const connectionRefusals: readonly { readonly pattern: RegExp; readonly next: string }[] = [
  {
    pattern: /SASL: .*password must be/,
    next: 'put the password into --db or DATABASE_URL: postgres://USER:PASSWORD@HOST:5432/DATABASE',
  },
  {
    pattern: /does not support SSL/,
    next: 'turn TLS on at the server, or leave sslmode out of --db or DATABASE_URL',
  },
  {
    pattern: /^(?:CERT_|ERR_TLS_CERT|SELF_SIGNED_CERT|DEPTH_ZERO_SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET_ISSUER))/,
    next: 'name the authority of its certificate in --db or DATABASE_URL: ?sslmode=verify-full&sslrootcert=/path/to/ca.pem',
  },
];

/** An error that the server itself sent; the driver's own have codes of the operating system, EPIPE among them. */
function serverError(thrown: unknown): ServerError | null {
  if (typeof thrown !== 'object' || thrown === null || !('severity' in thrown) || !('code' in thrown)) return null;
  const routine = 'routine' in thrown ? thrown.routine : undefined;
  return {
    state: String(thrown.code),
    message: textOf(thrown),
    routine: typeof routine === 'string' ? routine : undefined,
  };
}

function connectionError(thrown: unknown): AppError {
  const text = textOf(thrown);
  const message = `PostgreSQL: ${text}`;
  const code = thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';
  const found = connectionRefusals.find(({ pattern }) => pattern.test(`${code} ${text}`));
  if (found === undefined) return unavailable(message, thrown, undefined);
  return new AppError('StoreUnavailable', message, { cause: thrown, retryable: false, next: found.next });
}

function unavailable(message: string, cause: unknown, reason = 'StoreDown'): AppError {
  return new AppError('StoreUnavailable', message, {
    cause,
    reason,
    next: 'look at the PostgreSQL server and its log; fist db status shows whether it answers',
  });
}

/** A name with several addresses fails with one error for each, and no text of its own; pg-boss tells of copies of errors. */
function textOf(thrown: unknown): string {
  if (thrown instanceof AggregateError && thrown.message === '') return thrown.errors.map(textOf).join('; ');
  const message = typeof thrown === 'object' && thrown !== null && 'message' in thrown ? thrown.message : thrown;
  return String(message);
}
