import type { EvidenceDraft } from '../analyzers/define.ts';
import { containersOf } from '../analyzers/pods/pod-status.ts';
import { addMs, timeText, toEpochMs, toTimestamp } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';
import type { RankedFinding } from './findings.ts';
import { climbTo, highestWithin } from './metrics/climb.ts';
import { covers, evidenceOf, textOf } from './metrics/measured.ts';
import type { Measured } from './metrics/measured.ts';
import { percentOf } from './metrics/value-text.ts';

/** What a metric says for or against a finding. */
export interface Bearing {
  readonly reason: BearingReason;
  readonly message: string;
  readonly evidence: EvidenceDraft;
}

/** Finds what metrics say of a finding; nothing where none was asked. */
export type BearingsOf = (finding: RankedFinding) => readonly Bearing[];

/**
 * What a metric adds to the score of a finding: one that it supports comes before others that are as near, one that began when the
 * alert's own metric had changed already behind those that did not. A kill for memory that no sample shows coming stays where it
 * is: the kernel reported it, and memory can be asked for at once.
 */
export const bearingScores = { MemoryAtLimit: 3, MemoryFarFromLimit: 0, BeganAfterMetrics: -12 } as const;

export type BearingReason = keyof typeof bearingScores;

/** What the rules look at. */
interface Known {
  readonly measured: readonly Measured[];
  /** Since when, at the latest, what the alert measures is so; null where no metric says. */
  readonly measuredSince: Timestamp | null;
}

type Rule = (finding: RankedFinding, known: Known) => Bearing | null;

/** What metrics say of findings, by these rules and nothing else; each says why. */
export function bearingsOf(known: Known): BearingsOf {
  const rules: readonly Rule[] = [memoryAtLimit, memoryFarFromLimit, beganAfterMetrics];
  return (finding) => rules.flatMap((rule) => rule(finding, known) ?? []);
}

/**
 * From this part of its limit on memory was at it when the kernel looked: between two scrapes it may have grown by the rest. What
 * cAdvisor reports is usage without what can be given back at once, the kubelet's own measure of memory
 * (https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/, memory.available).
 */
export const atLimitPart = 0.9;
/** Below this part of its limit it was far from it. */
const farPart = 0.5;
/** Samples of so long before a kill tell how it came. */
const beforeKillMs = 600_000;

/** What ran shorter than two scrapes of a minute ended before a sample could show how. */
const shortestRunMs = 120_000;

interface Kill {
  /** How long it had run; null where that is not known. */
  readonly ranMs: number | null;
  readonly memory: Measured;
  readonly limit: NonNullable<Measured['limit']>;
  readonly at: Timestamp;
}

/** A kill for memory, with the memory of its container, if there are samples of the time just before it. */
function killOf({ draft, target }: RankedFinding, { measured }: Known): Kill | null {
  if (!/^(?:oom-killed|child-oom)$/.test(draft.category) || target.kind !== 'pod') return null;
  const container = containersOf(target.object).find(({ name }) => name === draft.facts['container']);
  const endings = [container?.terminated ?? null, container?.last ?? null].filter((ending) => ending !== null);
  const at = draft.facts['finished_at'] ?? endings[0]?.finishedAt ?? null;
  const startedAt = endings.find(({ finishedAt }) => finishedAt === at)?.startedAt ?? null;
  const memory = measured.find(
    (one) => one.kind === 'memory' && one.object === draft.object && one.container === container?.name,
  );
  const limit = memory?.limit ?? null;
  if (memory === undefined || limit === null || at === null || !covers(memory, at)) return null;
  return { ranMs: startedAt === null ? null : toEpochMs(at) - toEpochMs(startedAt), memory, limit, at };
}

/** The highest sample of the time before a kill. */
function highestBefore({ memory, at }: Kill): number {
  const killedMs = toEpochMs(at);
  return highestWithin(memory.series.points, killedMs - beforeKillMs, killedMs)?.[1] ?? 0;
}

/** Memory rose to its limit and the kernel killed: two that do not know of each other say the same. */
function memoryAtLimit(finding: RankedFinding, known: Known): Bearing | null {
  const kill = killOf(finding, known);
  if (kill === null || highestBefore(kill) < kill.limit.value * atLimitPart) return null;
  const { memory, limit, at } = kill;
  const climb = climbTo(memory.series.points, at);
  const text = textOf(memory);
  const how =
    climb === null
      ? `was at ${percentOf(highestBefore(kill), limit.value)} of its limit of ${limit.text}`
      : `rose from ${text(climb.from[1])} (${climb.isFromStart ? 'before ' : ''}${timeText(toTimestamp(climb.from[0]))}) to ${percentOf(climb.top[1], limit.value)} of its limit of ${limit.text}`;
  return {
    reason: 'MemoryAtLimit',
    message: `${memory.label} ${how} before the kill at ${timeText(at)}`,
    evidence: evidenceOf(memory),
  };
}

/** A kill that no sample shows coming: memory was asked for at once, or something else ran out. */
function memoryFarFromLimit(finding: RankedFinding, known: Known): Bearing | null {
  const kill = killOf(finding, known);
  if (kill === null || kill.ranMs === null || kill.ranMs < shortestRunMs) return null;
  if (highestBefore(kill) >= kill.limit.value * farPart) return null;
  const { memory, limit, at } = kill;
  return {
    reason: 'MemoryFarFromLimit',
    message: `${memory.label} was at ${percentOf(highestBefore(kill), limit.value)} of its limit of ${limit.text} at most in the samples before the kill at ${timeText(at)}: it was asked for at once, or something else ran out`,
    evidence: evidenceOf(memory),
  };
}

/** Clocks differ, conditions come late and samples are taken each minute. */
const lateMs = 300_000;

/** A cause comes before what it brings about; what came well after the alert's own metric had changed is no cause of that. */
function beganAfterMetrics({ draft }: RankedFinding, { measured, measuredSince }: Known): Bearing | null {
  const alert = measured.find(({ kind }) => kind === 'alert');
  const began = beginningOf(draft);
  if (alert === undefined || measuredSince === null || began === null || began <= addMs(measuredSince, lateMs))
    return null;
  return {
    reason: 'BeganAfterMetrics',
    message: `it began at ${timeText(began)}, and what the alert measures was so ${alert.summary.isBeyondFromStart ? 'before' : 'from'} ${timeText(measuredSince)}${alert.summary.isBeyondFromStart ? '' : ' on'}`,
    evidence: evidenceOf(alert),
  };
}

/** When a finding began; null where what is known is only the last of several times. */
function beginningOf({ facts, when }: RankedFinding['draft']): Timestamp | null {
  return (facts['restarts'] ?? '0') === '0' ? when.from : null;
}
