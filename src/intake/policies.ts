import type { CatalogSource } from '../core/catalog.ts';
import { toEpochMs, toTimestamp } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';

/** Flapping is looked at again after so long: the window of the cap is an hour, so most of it has passed by then. */
const flapRecheckMs = 5 * 60_000;
const minuteMs = 60_000;
/** Work that was begun earlier is at most so late; what is older says that the clock was put back. */
const latestMs = 10 * minuteMs;
/** Window of `flapCapPerHour`. */
export const flapWindowMs = 60 * minuteMs;

/** What the mute policies ask. */
export interface MuteFacts {
  readonly source: Pick<CatalogSource, 'suspend' | 'cooldownMs' | 'flapCapPerHour' | 'stormCapPerMinute'>;
  readonly nowMs: number;
  /** When the newest ended run of this alert ended. */
  readonly lastRunEndedAt: Timestamp | null;
  /** Runs of this alert and Workflow made within {@link flapWindowMs}. */
  readonly runsOfAlert: number;
  /** Runs of this Source made in the current minute. */
  readonly runsOfSource: number;
  /** The severity rose: that is news, whatever the last run said. */
  readonly raised: boolean;
}

/** Why no run starts now. The reason is also the counter and the word in the event's outcome. */
export interface Mute {
  readonly reason: 'Suspended' | 'Cooldown' | 'FlapCap' | 'StormGuard';
  readonly message: string;
  /** When it is decided anew, if the alert still fires; null = not by itself. */
  readonly until: Timestamp | null;
}

type MutePolicy = (facts: MuteFacts) => Mute | null;

function suspended({ source }: MuteFacts): Mute | null {
  return source.suspend
    ? { reason: 'Suspended', message: 'the Source is suspended: alerts are stored, nothing runs', until: null }
    : null;
}

function cooldown({ source, nowMs, lastRunEndedAt, raised }: MuteFacts): Mute | null {
  if (source.cooldownMs === 0 || lastRunEndedAt === null || raised) return null;
  const untilMs = toEpochMs(lastRunEndedAt) + source.cooldownMs;
  if (untilMs <= nowMs) return null;
  const until = toTimestamp(untilMs);
  return {
    reason: 'Cooldown',
    message: `a run of this alert ended at ${lastRunEndedAt}; the next may start at ${until}`,
    until,
  };
}

function flapCap({ source, nowMs, runsOfAlert }: MuteFacts): Mute | null {
  if (source.flapCapPerHour === 0 || runsOfAlert < source.flapCapPerHour) return null;
  return {
    reason: 'FlapCap',
    message: `${runsOfAlert} runs of this alert within an hour; the cap is ${source.flapCapPerHour}`,
    until: toTimestamp(nowMs + flapRecheckMs),
  };
}

function stormGuard({ source, nowMs, runsOfSource }: MuteFacts): Mute | null {
  if (source.stormCapPerMinute === 0 || runsOfSource < source.stormCapPerMinute) return null;
  return {
    reason: 'StormGuard',
    message: `${runsOfSource} runs of this Source within this minute; the cap is ${source.stormCapPerMinute}`,
    until: toTimestamp(minuteOf(nowMs) + minuteMs),
  };
}

const chain: readonly MutePolicy[] = [suspended, cooldown, flapCap, stormGuard];

/** The first policy that keeps a due run from starting, or null. Pure. */
export function decideMute(facts: MuteFacts): Mute | null {
  for (const policy of chain) {
    const mute = policy(facts);
    if (mute !== null) return mute;
  }
  return null;
}

/**
 * Counts the runs of each Source in the current minute, in this process, for the storm guard. The minute is the newest one
 * that anybody named: who is a little late counts in it, and takes nobody's count away.
 */
export interface StormCounter {
  count(source: string, nowMs: number): number;
  add(source: string, nowMs: number): void;
}

export function createStormCounter(): StormCounter {
  const counts = new Map<string, number>();
  let minute = Number.NEGATIVE_INFINITY;
  function turn(nowMs: number): void {
    const current = minuteOf(nowMs);
    if (current <= minute && minute - current <= latestMs) return;
    counts.clear();
    minute = current;
  }
  return {
    count(source, nowMs) {
      turn(nowMs);
      return counts.get(source) ?? 0;
    },
    add(source, nowMs) {
      turn(nowMs);
      counts.set(source, (counts.get(source) ?? 0) + 1);
    },
  };
}

/** The counter as one transaction sees it: what it adds counts there at once, and elsewhere only after the commit. */
export interface StormView extends StormCounter {
  /** To be called after the commit, once. */
  commit(): void;
}

export function viewStorm(storm: StormCounter): StormView {
  const added = createStormCounter();
  const log: (readonly [source: string, nowMs: number])[] = [];
  return {
    count: (source, nowMs) => storm.count(source, nowMs) + added.count(source, nowMs),
    add(source, nowMs) {
      added.add(source, nowMs);
      log.push([source, nowMs]);
    },
    commit() {
      for (const [source, nowMs] of log.splice(0)) storm.add(source, nowMs);
    },
  };
}

function minuteOf(epochMs: number): number {
  return Math.floor(epochMs / minuteMs) * minuteMs;
}
