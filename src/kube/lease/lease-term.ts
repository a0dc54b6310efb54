import { AppError } from '../../core/errors.ts';
import type { Clock } from '../../core/ports.ts';

/** A time in which this process leads. */
export interface Term {
  /** Aborted when it is over, whyever. What still runs then has `durationMs - renewDeadlineMs` (5 s) to end. */
  readonly signal: AbortSignal;
  /**
   * Whether it still leads by its own clock: to be asked right before whatever only one may do. False also in a process that was
   * stopped for longer than it may lead, before anything else of it runs.
   */
  isCurrent(): boolean;
  /** Grows with each term of any process, so it may fence what is written; begins anew where nobody has seen the Lease that was deleted. */
  readonly number: number;
}

/** A term and the work that was begun with it. */
export interface StartedTerm extends Term {
  /** Resolves when the work has ended, however. */
  readonly work: Promise<void>;
  isWorking(): boolean;
  /** False once it was lost: what is not ours is not renewed. */
  mayRenew(): boolean;
  renewed(untilMs: number): void;
  /** A term that ends gracefully may be renewed until its work has ended. */
  end(reason: string, mayRenew: boolean): void;
}

export interface TermOptions {
  readonly number: number;
  /** Monotonic milliseconds: nobody else can hold the Lease before it is later than this. */
  readonly untilMs: number;
  readonly lead: (term: Term) => Promise<void>;
  readonly clock: Clock;
  /** Hears once why it ended. */
  readonly onEnd: (reason: string) => void;
  /** Hears that the work has ended by itself, and of what. */
  readonly onLeft: (error: unknown) => Promise<void>;
}

/** Begins a term. It ends by itself where it is not renewed in time, however long a request takes. */
export function startTerm({ number, lead, clock, onEnd, onLeft, ...options }: TermOptions): StartedTerm {
  const ending = new AbortController();
  let { untilMs } = options;
  let isWorking = true;
  let mayRenew = true;

  function end(reason: string, mayRenewStill: boolean): void {
    mayRenew &&= mayRenewStill;
    if (ending.signal.aborted) return;
    ending.abort(new AppError('Stopped', reason));
    onEnd(reason);
  }

  async function watchDeadline(): Promise<void> {
    while (!ending.signal.aborted) {
      const leftMs = untilMs - clock.monotonic();
      if (leftMs <= 0) end('the Lease could not be renewed in time', false);
      else await clock.sleep(leftMs, ending.signal).catch(() => undefined);
    }
  }

  async function run(): Promise<void> {
    let failure: unknown = null;
    try {
      await lead(term);
    } catch (error) {
      failure = error;
    }
    isWorking = false;
    if (ending.signal.aborted) return;
    end('what leads has ended by itself', false);
    await onLeft(failure);
  }

  const term: Term = {
    number,
    signal: ending.signal,
    isCurrent: () => !ending.signal.aborted && clock.monotonic() < untilMs,
  };
  const work = Promise.resolve().then(run);
  void watchDeadline();
  return {
    ...term,
    work,
    isWorking: () => isWorking,
    mayRenew: () => mayRenew,
    renewed: (newUntilMs) => void (untilMs = newUntilMs),
    end,
  };
}
