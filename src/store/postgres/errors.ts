import { AppError } from '../../core/errors.ts';

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
  '28', // invalid authorization
  '53', // insufficient resources: disk full, too many connections
  '57', // operator intervention: shutdown, starting up, a statement that took too long
  '58', // system error
]);

/** What the driver threw, as StoreConflict, StoreUnavailable, or unchanged where our statement is to blame. */
export function storeError(thrown: unknown): unknown {
  if (thrown instanceof AppError) return thrown;
  const message = `PostgreSQL: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
  const state = (thrown as { readonly code?: unknown } | null)?.code;
  if (typeof state === 'string' && /^[0-9A-Z]{5}$/.test(state)) {
    if (conflicts.has(state)) return new AppError('StoreConflict', message, { cause: thrown });
    if (!awayClasses.has(state.slice(0, 2))) return thrown;
  }
  return new AppError('StoreUnavailable', message, {
    cause: thrown,
    next: 'look at the PostgreSQL server and its log; fist db status shows whether it answers',
  });
}
