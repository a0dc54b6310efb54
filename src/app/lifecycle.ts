import type { Clock, Log } from '../core/ports.ts';

/** Teardown in the reverse order of building, within one budget of time. */
export interface Lifecycle {
  /** What to undo; run last-in, first-out by `stop`, with the time that is left. `false` = it did not end in time. */
  onStop(name: string, undo: (leftMs: number) => unknown): void;
  /**
   * Runs every teardown once, also when some of them fail. What does not end within the budget is left behind. True where
   * all ended well.
   */
  stop(): Promise<boolean>;
}

/** An empty stack. */
export function createLifecycle({ log, clock, budgetMs }: { log: Log; clock: Clock; budgetMs: number }): Lifecycle {
  const stack: { name: string; undo: (leftMs: number) => unknown }[] = [];
  let stopping: Promise<boolean> | undefined;

  async function within(leftMs: number, work: unknown): Promise<unknown> {
    const ended = new AbortController();
    const late = clock.sleep(leftMs, ended.signal).then(
      () => false,
      () => undefined,
    );
    try {
      return await Promise.race([work, late]);
    } finally {
      ended.abort();
    }
  }

  async function stopAll(): Promise<boolean> {
    const endMs = clock.monotonic() + budgetMs;
    let isClean = true;
    for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
      const leftMs = Math.max(0, endMs - clock.monotonic());
      try {
        if ((await within(leftMs, entry.undo(leftMs))) !== false) continue;
        log.warn({ part: entry.name }, 'did not end in time; what it had in work goes on after the next start');
      } catch (error) {
        log.error({ part: entry.name, error }, 'could not stop cleanly');
      }
      isClean = false;
    }
    return isClean;
  }
  return {
    onStop: (name, undo) => stack.push({ name, undo }),
    stop: () => (stopping ??= stopAll()),
  };
}

/** The end of the budget: for what comes after the work, and before it for work that has to be checkpointed. */
const tailMs = 1000;
const checkpointMs = 5000;

/** How work may use what is left of the budget: until `finishMs` it may end by itself, then it is aborted. */
export function workBudget(leftMs: number): { readonly finishMs: number; readonly timeoutMs: number } {
  const timeoutMs = leftMs - Math.min(tailMs, leftMs / 4);
  return { finishMs: timeoutMs - Math.min(checkpointMs - tailMs, timeoutMs / 2), timeoutMs };
}
