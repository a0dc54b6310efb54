import type { Log } from '../core/ports.ts';

/** Teardown in the reverse order of building. */
export interface Lifecycle {
  /** What to undo; run last-in, first-out by `stop`. */
  onStop(name: string, undo: () => unknown): void;
  /** Runs every teardown once, also when some of them fail. */
  stop(): Promise<void>;
}

/** An empty stack. */
export function createLifecycle(log: Log): Lifecycle {
  const stack: { name: string; undo: () => unknown }[] = [];
  let stopping: Promise<void> | undefined;

  async function stopAll(): Promise<void> {
    for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
      try {
        await entry.undo();
      } catch (error) {
        log.error({ part: entry.name, error }, 'could not stop cleanly');
      }
    }
  }
  return {
    onStop: (name, undo) => stack.push({ name, undo }),
    stop: () => (stopping ??= stopAll()),
  };
}
