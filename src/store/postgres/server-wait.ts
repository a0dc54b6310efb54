import { setTimeout as pause } from 'node:timers/promises';
import { AppError, toAppError } from '../../core/errors.ts';

/** How long a start waits for a server that is not there yet. */
export interface ServerWait {
  readonly forMs: number;
  /** Ends the wait; its reason is thrown. */
  readonly signal?: AbortSignal;
  /** Called before each pause. */
  onWaiting(error: AppError, leftMs: number): void;
}

const firstPauseMs = 500;
const longestPauseMs = 5_000;

/**
 * Does `work` until it succeeds, with growing pauses. Rejects at once with what waiting does not cure (a wrong password,
 * a missing database, a newer schema), and after `forMs` with the last error.
 */
export async function waitForServer<T>(serverWait: ServerWait | undefined, work: () => Promise<T>): Promise<T> {
  const begunMs = performance.now();
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
    try {
      return await work();
    } catch (thrown) {
      const error = toAppError(thrown);
      if (serverWait === undefined || !isPassing(error)) throw thrown;
      const leftMs = serverWait.forMs - (performance.now() - begunMs);
      if (leftMs <= 0) throw gaveUp(error, serverWait.forMs);
      serverWait.onWaiting(error, leftMs);
      await pause(Math.min(pauseMs, leftMs), undefined, { signal: serverWait.signal }).catch(() => undefined);
      serverWait.signal?.throwIfAborted();
    }
  }
}

function isPassing({ code, retryable }: AppError): boolean {
  return retryable && (code === 'StoreUnavailable' || code === 'StoreConflict');
}

function gaveUp(error: AppError, forMs: number): AppError {
  return new AppError('StoreUnavailable', `no use of the database for ${forMs / 1000} s; ${error.message}`, {
    cause: error,
    ...(error.reason === undefined ? {} : { reason: error.reason }),
    next: error.next ?? 'look at the PostgreSQL server and its log',
  });
}
