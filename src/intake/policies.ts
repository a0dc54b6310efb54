import { referenceTo } from '../core/access.ts';
import type { Labels, MuteReason } from '../core/alert.ts';
import type { CatalogSource } from '../core/catalog.ts';
import type { RunBrief } from '../core/run-store.ts';
import { quotedLabels } from './groups.ts';
import type { AnsweringRun, GroupFacts } from './groups.ts';
import type { RunMinute } from '../core/store.ts';
import { addMs, toEpochMs, toTimestamp } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';

/**
 * What has no end that is known is looked at again after so long: a Source that is suspended or away, and flapping (the
 * window of the cap is an hour, so most of it has passed by then).
 */
export const recheckMs = 5 * 60_000;
const minuteMs = 60_000;
/** Work that was begun earlier is at most so late; what is older says that the clock was put back. */
const latestMinutes = 10;
/** Window of `flapCapPerHour`. */
export const flapWindowMs = 60 * minuteMs;

/** What the mute policies ask. */
export interface MuteFacts {
  readonly source: Pick<CatalogSource, 'suspend' | 'mutes' | 'cooldownMs' | 'flapCapPerHour' | 'stormCapPerMinute'>;
  /** With the severity among them, as matchers see them. */
  readonly labels: Labels;
  readonly nowMs: number;
  /** When the newest ended run of this alert ended. */
  readonly lastRunEndedAt: Timestamp | null;
  /** Runs of this alert and Workflow made within {@link flapWindowMs}. */
  readonly runsOfAlert: number;
  /** Runs of this Source made in the current minute, by all replicas. */
  readonly runsOfSource: number;
  /** The group of the alert, with the run that answers for it, or keeps it waiting; null = it has its own. */
  readonly group: GroupFacts | null;
  /** The severity rose: that is news, whatever the last run said. */
  readonly raised: boolean;
}

/** Why no run starts now. The reason is also the counter and the word in the event's outcome. */
export interface Mute {
  readonly reason: MuteReason;
  readonly message: string;
  /** When it is decided anew, if the alert still fires. */
  readonly until: Timestamp;
  /** The run of its group; absent = it is not for its group. */
  readonly run?: Pick<AnsweringRun, 'id' | 'joins'>;
}

type MutePolicy = (facts: MuteFacts) => Mute | null;

function suspended({ source, nowMs }: MuteFacts): Mute | null {
  if (!source.suspend) return null;
  return {
    reason: 'Suspended',
    message: 'the Source is suspended: alerts are stored, nothing runs',
    until: toTimestamp(nowMs + recheckMs),
  };
}

/** A window may be taken back by then, and matchers changed. */
function labelled({ source, labels, nowMs }: MuteFacts): Mute | null {
  const mute = source.mutes(labels, nowMs);
  if (mute === null) return null;
  const { reason, message, untilMs } = mute;
  return { reason, message, until: toTimestamp(Math.min(untilMs ?? Number.POSITIVE_INFINITY, nowMs + recheckMs)) };
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
    until: toTimestamp(nowMs + recheckMs),
  };
}

/** A run that has not begun answers for the alert; one that has keeps it waiting for the next one. */
function grouped({ group: found }: MuteFacts): Mute | null {
  if (found === null) return null;
  const { group, run } = found;
  const until = toTimestamp(run.untilMs);
  const labels = quotedLabels(group.labels);
  const { name, isAtWork } = run;
  const next = isAtWork ? 'the next one comes when that has ended' : `the next one may begin at ${until}`;
  return {
    reason: 'Grouped',
    message: run.joins
      ? `${name} answers for the group ${labels}`
      : `${name} of the group ${labels} began before this alert came; ${next}`,
    until,
    run: { id: run.id, joins: run.joins },
  };
}

function stormGuard({ source, nowMs, runsOfSource }: MuteFacts): Mute | null {
  if (source.stormCapPerMinute === 0 || runsOfSource < source.stormCapPerMinute) return null;
  return {
    reason: 'StormGuard',
    message: `${runsOfSource} runs of this Source within this minute; the cap is ${source.stormCapPerMinute}`,
    until: toTimestamp((Math.floor(nowMs / minuteMs) + 1) * minuteMs),
  };
}

/** Of an alert's runs, those of the Workflow that its Source triggers, for `flapCapPerHour`. */
export function countInFlapWindow(
  runs: readonly RunBrief[],
  { namespace: from, triggerWorkflow }: Pick<CatalogSource, 'namespace' | 'triggerWorkflow'>,
  now: Timestamp,
): number {
  if (runs.length === 0) return 0;
  const since = addMs(now, -flapWindowMs);
  return runs.filter(
    ({ namespace, name, createdAt, requestedBy }) =>
      referenceTo({ namespace, name }, from) === triggerWorkflow && createdAt >= since && requestedBy === null,
  ).length;
}

const chain: readonly MutePolicy[] = [suspended, labelled, cooldown, flapCap, grouped, stormGuard];

/** The first policy that keeps a due run from starting, or null. Pure. */
export function decideMute(facts: MuteFacts): Mute | null {
  for (const policy of chain) {
    const mute = policy(facts);
    if (mute !== null) return mute;
  }
  return null;
}

/** Runs of Sources in their current minute, as one transaction sees them: those that are stored, and those that it adds. */
export interface RunMinutes {
  count(source: SourceName, nowMs: number): number;
  add(source: SourceName, nowMs: number): void;
  /** What the transaction adds. */
  added(source: SourceName, nowMs: number): RunMinute;
}

type SourceName = Pick<CatalogSource, 'namespace' | 'name'>;

/**
 * For the storm guard. The minute of a Source is the newest one that anybody named: who is a little late counts in it, and
 * takes nobody's count away. `stored` by `namespace/name`.
 */
export function createRunMinutes(stored: ReadonlyMap<string, RunMinute>): RunMinutes {
  const minutes = new Map<string, { minute: number; stored: number; added: number }>();
  function minuteOf({ namespace, name }: SourceName, nowMs: number) {
    const source = `${namespace}/${name}`;
    const minute = Math.floor(nowMs / minuteMs);
    let known = minutes.get(source);
    if (known === undefined) {
      const before = stored.get(source);
      known = { minute: before?.minute ?? minute, stored: before?.runs ?? 0, added: 0 };
    }
    const isSame = known.minute >= minute && known.minute - minute <= latestMinutes;
    if (!isSame) known = { minute, stored: 0, added: 0 };
    minutes.set(source, known);
    return known;
  }
  return {
    count(source, nowMs) {
      const known = minuteOf(source, nowMs);
      return known.stored + known.added;
    },
    add(source, nowMs) {
      minuteOf(source, nowMs).added += 1;
    },
    added(source, nowMs) {
      const { minute, added } = minuteOf(source, nowMs);
      return { minute, runs: added };
    },
  };
}
