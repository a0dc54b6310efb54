import { AppError } from '../../core/errors.ts';
import type { ErrorCode } from '../../core/errors.ts';
import type { Clock, Log, StoreHealth } from '../../core/ports.ts';
import type { Store } from '../../core/store.ts';
import { createComplaints } from '../../lib/complaints.ts';
import { problemWords } from './problem-words.ts';

/** A write that has not come back after it is a problem. */
const slowMs = 1000;
/** A commit says so long that the store takes writes; then somebody who asks has it tried. */
const freshMs = 3000;
/** Between two trials of a store that fails. */
const trialEveryMs = 1000;
/** How long one question waits for a trial. */
const answerMs = 200;
/** So long after the last failure the store counts as failing, so that readiness does not flicker. */
const holdMs = 5000;

/** Codes by which a write speaks of the store and not of its caller. */
const ofTheStore: ReadonlySet<string> = new Set<ErrorCode>(['StoreUnavailable', 'StoreUnusable', 'StoreLocked']);

/** What went wrong last, until it is over. */
interface Failure {
  readonly words: string;
  readonly atMs: number;
  /** A write that began later was committed. */
  overcome: boolean;
}

/**
 * The same store, and its health by what became of its transactions: a write that was refused or failed is a problem
 * until writes are committed again. Where nothing was written for a while, a question has a tiny write tried.
 */
export function watchStore(
  store: Store,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): { readonly store: Store; readonly health: StoreHealth } {
  const complain = createComplaints(log, clock);
  let failure: Failure | null = null;
  let committedMs = Number.NEGATIVE_INFINITY;
  let triedMs = Number.NEGATIVE_INFINITY;
  let trial: Promise<void> | null = null;

  function committed(sinceMs: number): void {
    committedMs = clock.monotonic();
    if (failure === null) return;
    if (sinceMs >= failure.atMs) failure.overcome = true;
    judge();
  }

  function failed(thrown: unknown): void {
    const reason = thrown instanceof AppError ? (thrown.reason ?? thrown.code) : 'Internal';
    failure = { words: problemWords(thrown), atMs: clock.monotonic(), overcome: false };
    complain('error', reason, { error: thrown, reason }, 'the store refuses writes; alerts are answered 503 meanwhile');
  }

  async function observe<Result>(
    write: () => Promise<Result>,
    isOfTheStore: (thrown: unknown) => boolean,
  ): Promise<Result> {
    const sinceMs = clock.monotonic();
    try {
      const result = await write();
      committed(sinceMs);
      return result;
    } catch (thrown) {
      if (isOfTheStore(thrown)) failed(thrown);
      throw thrown;
    }
  }

  /** One trial at a time and a bounded number of them, however many ask and however slow it is. */
  function tryWrite(): Promise<void> {
    const nowMs = clock.monotonic();
    const isKnown = failure?.overcome !== false && nowMs - committedMs < freshMs;
    if (trial === null && !isKnown && nowMs - triedMs >= trialEveryMs) {
      triedMs = nowMs;
      const ended = (): void => void (trial = null);
      // Nobody else can be to blame for a trial that fails.
      trial = observe(
        () => store.probe(),
        (thrown) => !(thrown instanceof AppError && thrown.code === 'StoreConflict'),
      ).then(ended, ended);
    }
    return trial ?? Promise.resolve();
  }

  function judge(): string | null {
    const lost = store.lost();
    if (lost !== null) return problemWords(lost);
    const nowMs = clock.monotonic();
    if (failure?.overcome === true && nowMs - failure.atMs >= holdMs) {
      log.info({ was: failure.words }, 'the store takes writes again');
      failure = null;
    }
    if (failure !== null) return failure.words;
    return trial !== null && nowMs - triedMs >= slowMs ? 'it is slow' : null;
  }

  return {
    store: {
      ...store,
      transaction: (name, work) =>
        observe(
          () => store.transaction(name, work),
          (thrown) => thrown instanceof AppError && ofTheStore.has(thrown.code),
        ),
    },
    health: {
      async problem() {
        const late = new AbortController();
        await Promise.race([tryWrite(), clock.sleep(answerMs, late.signal).catch(() => undefined)]);
        late.abort();
        return judge();
      },
    },
  };
}
