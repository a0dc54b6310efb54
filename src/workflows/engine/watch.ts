import { AppError, toAppError } from '../../core/errors.ts';
import { createComplaints } from '../../lib/complaints.ts';
import { addMs, toEpochMs } from '../../core/time.ts';
import { leaseMs } from './claim.ts';
import { deadlineOf } from './jumps.ts';
import type { EngineContext, Work } from './work.ts';

/** A cancel is seen within it (design 3.1.15). */
const lookEveryMs = 1_000;
/** Design 3.1.6. */
export const renewEveryMs = 10_000;
const giveUpAfterMs = 20_000;

export interface Watch {
  /** Aborted with an AppError: Timeout, RunTimeout, Cancelled, StaleFence (the lease is lost), Interrupted (the server stops). */
  readonly signal: AbortSignal;
  stop(): void;
}

/** Watches over one attempt: renews the lease, and aborts the attempt when it must not go on. */
export function startWatch(context: EngineContext, held: Work, timeoutMs: number, stopping: AbortSignal): Watch {
  const { clock, store, log } = context;
  const { run, heldSinceMs: since } = held;
  const work = new AbortController();
  const ended = new AbortController();
  const startedMs = clock.monotonic();
  let heldSinceMs = since;
  let renewing = false;
  let asking = false;
  // A store that is away fails at every look: the attempt tells of it once.
  const complain = createComplaints(log, clock, Number.POSITIVE_INFINITY);

  function abort(error: AppError): void {
    if (!work.signal.aborted) work.abort(error);
  }
  const stop = (): void => abort(new AppError('Interrupted', 'the server stopped; the attempt runs again'));

  const giveUp = (): void => abort(new AppError('StaleFence', 'the lease could not be renewed for 20 s'));

  async function renew(): Promise<void> {
    renewing = true;
    const askedMs = clock.monotonic();
    try {
      const leaseUntil = addMs(context.now(), leaseMs);
      const held = await store.transaction('renew', (tx) => tx.runs.renew(run.id, run.fence, leaseUntil));
      if (held) heldSinceMs = askedMs;
      else abort(new AppError('StaleFence', 'another worker took the run over'));
    } catch (error) {
      complain('warn', 'renew', { run: run.id, error: toAppError(error).message }, 'lease-not-renewed');
    } finally {
      renewing = false;
    }
  }

  async function ask(): Promise<void> {
    asking = true;
    try {
      if ((await store.read.runs.cancelRequestedAt(run.id)) !== null) {
        abort(new AppError('Cancelled', 'the run was cancelled while the step was running'));
      }
    } catch (error) {
      complain('warn', 'ask', { run: run.id, error: toAppError(error).message }, 'watch-failed');
    } finally {
      asking = false;
    }
  }

  /** Never waits for the store: one that hangs must not keep a worker from giving up in time. */
  function look(): void {
    const nowMs = clock.monotonic();
    if (nowMs - startedMs >= timeoutMs) {
      return abort(new AppError('Timeout', `the attempt took longer than ${timeoutMs / 1000} s`));
    }
    const deadlineAt = deadlineOf(clock, held);
    if (clock.now() >= toEpochMs(deadlineAt)) {
      return abort(new AppError('RunTimeout', `the run passed its deadline ${deadlineAt}`));
    }
    if (nowMs - heldSinceMs >= giveUpAfterMs) {
      return giveUp();
    }
    if (!renewing && nowMs - heldSinceMs >= renewEveryMs) void renew();
    if (!asking) void ask();
  }

  async function loop(): Promise<void> {
    while (!ended.signal.aborted && !work.signal.aborted) {
      const untilTimeoutMs = timeoutMs - (clock.monotonic() - startedMs);
      const untilDeadlineMs = toEpochMs(deadlineOf(clock, held)) - clock.now();
      const waitMs = Math.max(1, Math.min(lookEveryMs, untilTimeoutMs, untilDeadlineMs));
      await clock.sleep(waitMs, ended.signal);
      look();
    }
  }

  // Between the commit that began the attempt and here the whole process may have stood still.
  if (startedMs - heldSinceMs >= giveUpAfterMs) giveUp();
  if (stopping.aborted) stop();
  else stopping.addEventListener('abort', stop, { once: true });
  loop().catch(() => undefined);
  return {
    signal: work.signal,
    stop() {
      ended.abort('the attempt ended');
      stopping.removeEventListener('abort', stop);
    },
  };
}
