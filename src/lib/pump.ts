import type { Clock, Log } from '../core/ports.ts';

export interface PumpOptions {
  readonly name: string;
  /** Keys of work that is due now, at most `limit`, oldest first. */
  due(limit: number): Promise<readonly string[]>;
  /** When the next work becomes due; null = nothing planned. Milliseconds since the epoch. */
  nextDueAt(): Promise<number | null>;
  /** Does the work of one key. Its errors are logged; the work stays due and is found again. */
  handle(key: string, signal: AbortSignal): Promise<void>;
  readonly concurrency: number;
  /** The longest time between two looks: waking up is a hint, polling is the truth. */
  readonly pollMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Pump {
  /** Looks for work soon; cheap, may be called for every commit. */
  hint(): void;
  /** Keys in work. */
  active(): number;
  /** Takes nothing new, aborts what runs and waits for it; forgets it after `timeoutMs`. True if all ended. */
  stop(timeoutMs: number): Promise<boolean>;
}

/** The only loop: hint + poll + bounded concurrency + drain. Never two handlers for one key. */
export function startPump(options: PumpOptions): Pump {
  const { clock, log, concurrency } = options;
  const active = new Map<string, Promise<void>>();
  const stopping = new AbortController();
  let hinted = false;
  let wake: (() => void) | undefined;

  function hint(): void {
    hinted = true;
    if (hasRoom()) wake?.();
  }

  function hasRoom(): boolean {
    return active.size < concurrency;
  }

  async function look(): Promise<void> {
    while (!stopping.signal.aborted && hasRoom()) {
      hinted = false;
      const keys = await options.due(concurrency + active.size);
      const fresh = keys.filter((key) => !active.has(key)).slice(0, concurrency - active.size);
      for (const key of fresh) start(key);
      if (!hinted) return;
    }
  }

  function start(key: string): void {
    const work = options
      .handle(key, stopping.signal)
      .catch((error: unknown) => {
        log.error({ pump: options.name, key, error }, 'work failed; it will be found again');
        // It is still due: without a pause a store that is away would be asked as fast as it can refuse.
        return clock.sleep(options.pollMs, stopping.signal).catch(() => undefined);
      })
      .finally(() => {
        active.delete(key);
        hint();
      });
    active.set(key, work);
  }

  /** A hint is kept while there is no room: the work that ends makes room and looks. */
  function mustLook(): boolean {
    return (hinted && hasRoom()) || stopping.signal.aborted;
  }

  async function idle(): Promise<void> {
    if (mustLook()) return;
    const nextAt = hasRoom() ? await options.nextDueAt() : null;
    const waitMs = nextAt === null ? options.pollMs : Math.min(options.pollMs, Math.max(1, nextAt - clock.now()));
    if (mustLook()) return;
    const timer = new AbortController();
    wake = () => timer.abort();
    await clock.sleep(waitMs, timer.signal).catch(() => undefined);
    wake = undefined;
  }

  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await look();
        await idle();
      } catch (error) {
        log.error({ pump: options.name, error }, 'could not look for work');
        await clock.sleep(options.pollMs, stopping.signal).catch(() => undefined);
      }
    }
  }
  const running = loop();

  return {
    hint,
    active: () => active.size,
    async stop(timeoutMs) {
      stopping.abort();
      wake?.();
      await running;
      const limit = new AbortController();
      const all = Promise.allSettled(active.values()).then(() => true);
      const late = clock.sleep(timeoutMs, limit.signal).then(
        () => false,
        () => true,
      );
      const ended = await Promise.race([all, late]);
      limit.abort();
      return ended;
    },
  };
}
