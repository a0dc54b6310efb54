import { toAppError } from '../core/errors.ts';
import type { Clock, Log } from '../core/ports.ts';
import { createComplaints } from './complaints.ts';

export interface PumpOptions {
  readonly name: string;
  /**
   * Keys of work that is due now, oldest first: at most `limit`, of which some may be in work here already. Who takes keys
   * out of a queue gives at most `room`, as many as can be started.
   */
  due(limit: number, room: number): Promise<readonly string[]>;
  /** When the next work becomes due; null = nothing planned. Milliseconds since the epoch. */
  nextDueAt(): Promise<number | null>;
  /**
   * Does the work of one key. Its errors are logged; the work stays due and is found again. When the pump stops, `pausing`
   * is aborted first: what can be finished soon may be; then `signal`: end now.
   */
  handle(key: string, signal: AbortSignal, pausing: AbortSignal): Promise<void>;
  readonly concurrency: number;
  /** The longest time between two looks: waking up is a hint, polling is the truth. */
  readonly pollMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** Between two looks while something stays due that was just seen: it is in work here or elsewhere, and its end is a hint. */
const seenPauseMs = 50;

export interface Pump {
  /** Looks for work soon; cheap, may be called for every commit. */
  hint(): void;
  /**
   * Takes nothing new and lets what runs end by itself for `finishMs`, then aborts it and waits for it; forgets it after
   * `timeoutMs` in all. True if all ended.
   */
  stop(timeoutMs: number, finishMs?: number): Promise<boolean>;
}

/**
 * The same work for one of several processes that share it: each begins elsewhere in the list of what is due, so that they
 * seldom try the same. `random` gives a number from 0 to 1.
 */
export function scattered(options: PumpOptions, random: () => number): PumpOptions {
  return {
    ...options,
    async due(limit, room) {
      const keys = await options.due(limit * 4, room);
      const from = Math.floor(random() * keys.length);
      return [...keys.slice(from), ...keys.slice(0, from)].slice(0, limit);
    },
  };
}

/** The only loop: hint + poll + bounded concurrency + drain. Never two handlers for one key. */
export function startPump(options: PumpOptions): Pump {
  const { clock, log, concurrency } = options;
  const active = new Map<string, Promise<void>>();
  /** Keys that became due again while they were in work. */
  const again = new Set<string>();
  const stopping = new AbortController();
  const aborting = new AbortController();
  const complain = createComplaints(log, clock);
  let hinted = false;
  let lookedAtMs = Number.NEGATIVE_INFINITY;
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
      lookedAtMs = clock.now();
      const keys = await options.due(concurrency + active.size, concurrency - active.size);
      for (const key of keys) {
        if (active.has(key)) again.add(key);
        else if (hasRoom()) start(key);
      }
      if (!hinted) return;
    }
  }

  function start(key: string): void {
    const work = options
      .handle(key, aborting.signal, stopping.signal)
      .catch((error: unknown) => {
        const fields = { pump: options.name, key, error };
        complain('error', `work ${kindOf(error)}`, fields, 'work failed; it will be found again');
        // It is still due: without a pause a store that is away would be asked as fast as it can refuse.
        return clock.sleep(options.pollMs, stopping.signal).catch(() => undefined);
      })
      .finally(() => {
        active.delete(key);
        if (again.delete(key) && !stopping.signal.aborted) start(key);
        else hint();
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
    const waitMs = nextAt === null ? options.pollMs : Math.min(options.pollMs, pauseUntil(nextAt));
    if (mustLook()) return;
    const timer = new AbortController();
    wake = () => timer.abort('there is work');
    await clock.sleep(waitMs, timer.signal).catch(() => undefined);
    wake = undefined;
  }

  function pauseUntil(nextAt: number): number {
    return nextAt <= lookedAtMs ? seenPauseMs : Math.max(1, nextAt - clock.now());
  }

  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await look();
        await idle();
      } catch (error) {
        complain('error', `look ${kindOf(error)}`, { pump: options.name, error }, 'could not look for work');
        await clock.sleep(options.pollMs, stopping.signal).catch(() => undefined);
      }
    }
  }
  const running = loop();

  return {
    hint,
    async stop(timeoutMs, finishMs = 0) {
      stopping.abort();
      wake?.();
      const all = running.then(() => Promise.allSettled(active.values()));
      if (finishMs > 0 && (await endsWithin(all, Math.min(finishMs, timeoutMs)))) return true;
      aborting.abort();
      return endsWithin(all, timeoutMs - finishMs);
    },
  };

  async function endsWithin(work: Promise<unknown>, milliseconds: number): Promise<boolean> {
    const limit = new AbortController();
    const late = clock.sleep(Math.max(0, milliseconds), limit.signal).then(
      () => false,
      () => true,
    );
    const ended = await Promise.race([work.then(() => true), late]);
    limit.abort();
    return ended;
  }
}

/** Errors of one kind are told once in a while: a store that is away fails every work in the same way. */
function kindOf(error: unknown): string {
  const { code, message } = toAppError(error);
  return code === 'Internal' ? message.slice(0, 100) : code;
}
