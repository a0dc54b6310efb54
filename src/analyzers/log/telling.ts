import { toEpochMs } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';
import { oneLine } from '../../lib/printable.ts';
import { besideAbandonment, followsAbandonment, isAbandonment, missesResult } from './abandonment.ts';
import { isAside } from './aside.ts';
import { namesPeer } from './chain.ts';
import { failureKind } from './kinds.ts';
import type { FailureKind } from './known.ts';
import { isAnswer, isNoise, isRetried, isSuccess } from './noise.ts';
import { emptiesCaches, isAfterStop, isEcho, isOutlived, isOvercome, recoveriesOf, rootKinds } from './outlived.ts';
import type { LogRecord } from './records.ts';
import { templateOf } from './template.ts';
import { weightOf } from './weight.ts';

/** The record that says best why a program ended, or why it is not well. */
export interface TellingLine {
  /** On one line. */
  readonly text: string;
  readonly kind: FailureKind | null;
  /** How sure it is that this is the reason: it ended the program, or it names a known reason at its end. */
  readonly certain: boolean;
  readonly at: number | null;
  /** How often the same was said. */
  readonly count: number;
  readonly record: LogRecord;
}

/** How a run ended. */
export interface RunEnd {
  readonly exitCode: number | null;
  readonly finishedAt: Timestamp | null;
}

const longestText = 400;
/** Records within this time, or this many of them, belong to one failure. */
const episodeMs = 20_000;
const episodeRecords = 25;
/** What fails at the end fails in a moment: what was said before that counts less. */
const momentMs = 3000;
const momentRecords = 10;
const earlier = 5;
/** What the last words say again. */
const repeated = 5;
/** What a time-out follows from. */
const rootFirst = 9;
/** What is said more than this many records before the end of the log was survived. */
const lastRecords = 40;
/** A complaint that names no known reason counts only among the last records. */
const lastVague = 6;
/** A program that ends on its own says why shortly before. */
const lastWordsMs = 90_000;
/** What was said longer before a trouble began has nothing to do with it. */
const beforeTroubleMs = 600_000;
/** What was said longer before the end was survived. */
const survivedMs = 600_000;
/** A log may be that of the next run, which ended before it was read and whose status was not. */
const nextRunMs = 600_000;
/** Zones differ by halves of hours. */
const zoneMs = 1_800_000;

/** Ends by a signal from outside: the process had no say. SIGABRT and SIGSEGV come from the process itself. */
const silentCodes: ReadonlySet<number> = new Set([129, 130, 137, 143]);

/** Signals that a process brings on itself: only a crash of its own fits. */
const ownSignals: ReadonlySet<number> = new Set([132, 133, 134, 135, 136, 139]);
/** What the shell's 126 and 127 may be about. */
const startKinds: ReadonlySet<FailureKind> = new Set(['missing-file', 'permission', 'exec-format', 'missing-variable']);

interface Candidate {
  readonly record: LogRecord;
  readonly kind: FailureKind | null;
  readonly place: number;
  readonly score: number;
}

/**
 * Why a run ended, in its own words: the beginning of its last failure, not its farewell; null where it does not say, or
 * said so long before that it lived on.
 */
export function lastWords(records: readonly LogRecord[], end: RunEnd): TellingLine | null {
  const lastSuccess = records.findLastIndex((record) => isSuccess(record));
  const candidates = candidatesOf(records, null).filter(
    (one) =>
      fitsExit(one.record, one.kind, end.exitCode) &&
      !(one.place < lastSuccess && hasWorkedOn(one, end)) &&
      !isAfterStop(records, one.place) &&
      !followsAbandonment(records, one.place, one.kind) &&
      !missesResult(records, one.place, one.kind),
  );
  const late = candidates.filter((one) => records.length - one.place <= lastRecords && fromEnd(one, end) <= survivedMs);
  const anchor = late.findLast(({ record }) => isLast(record)) ?? late.at(-1);
  if (anchor === undefined) return quietWords(records, end);
  const episode = candidates.filter(
    (one) => isNear(one, anchor, episodeMs, episodeRecords) && !isOutlived(records, one.place, anchor.place),
  );
  const recoveries = recoveriesOf(records);
  const isFirst = (one: Candidate): boolean => isRoot(one, anchor) && !isOvercome(one.record, one.place, recoveries);
  const scoreOf = (one: Candidate): number =>
    one.score -
    (isNear(one, anchor, momentMs, momentRecords) || isFirst(one) ? 0 : earlier) +
    (isFirst(one) ? rootFirst : 0) +
    (!isLast(anchor.record) && isEcho(anchor.record, one.record.text) ? repeated : 0);
  const best = episode.reduce((one, other) => (scoreOf(other) > scoreOf(one) ? other : one));
  const emptied = candidates.findLast(({ record }) => emptiesCaches(record, best.record));
  if (emptied !== undefined) return toldBy(emptied, records, isCertain(best));
  if (isVague(best) && records.length - best.place > lastVague) return null;
  return toldBy(best, records, isCertain(best) && fromEnd(best, end) <= lastWordsMs);
}

/**
 * What a program that runs complains about most recently; null where it does not. What it answered to a client counts where
 * that is the answer in question (`503`) and the line says more. What was overcome, or was said well before the trouble
 * began, is not what troubles it.
 */
export function complaint(
  records: readonly LogRecord[],
  answer: string | null = null,
  since: number | null = null,
): TellingLine | null {
  const recoveries = recoveriesOf(records);
  const counts = ({ record, place }: Candidate): boolean =>
    !isOvercome(record, place, recoveries) &&
    (since === null || record.at === null || record.at >= since - beforeTroubleMs);
  const loud = candidatesOf(records, answer).filter(counts);
  const quiet = loud.some(({ kind }) => kind !== null) ? [] : quietOf(records).filter(counts);
  const candidates = quiet.length > 0 ? quiet : loud;
  const last = candidates.at(-1);
  if (last === undefined) return null;
  const recent = candidates.filter((one) => isNear(one, last, episodeMs, episodeRecords));
  const best = recent.reduce((one, other) => (other.score >= one.score ? other : one));
  return toldBy(best, records, false);
}

/** Whether a time-out that names nobody follows from a connection that was refused before. */
function isRoot(one: Candidate, anchor: Candidate): boolean {
  const isConsequence = anchor.kind === 'timeout' || anchor.kind === 'unreachable';
  return (
    isConsequence &&
    one.place < anchor.place &&
    one.kind !== null &&
    rootKinds.has(one.kind) &&
    !namesPeer(anchor.record.text)
  );
}

const isLast = ({ ends, level }: LogRecord): boolean => ends || level === 'fatal';

/** Whether a program that was up later worked on for long after what it said. */
function hasWorkedOn(one: Candidate, end: RunEnd): boolean {
  return !one.record.ends && fromEnd(one, end) > lastWordsMs;
}

function repeats({ text }: LogRecord, answer: string | null): boolean {
  return answer !== null && new RegExp(`\\b${answer}\\b`).test(text) && failureKind(text) !== null;
}

function toldBy({ record, kind, place }: Candidate, records: readonly LogRecord[], certain: boolean): TellingLine {
  const template = templateOf(record.text);
  const [before, after] = isAbandonment(record) ? besideAbandonment(records, place) : ['', ''];
  return {
    text: oneLine([before, record.text, after].filter(Boolean).join('; '), longestText),
    kind,
    certain,
    at: record.at,
    count: records.filter((one) => templateOf(one.text) === template).length,
    record,
  };
}

/** The last failure of a connection that a program informs of before it ended, where it says nothing else; never sure. */
function quietWords(records: readonly LogRecord[], end: RunEnd): TellingLine | null {
  const last = quietOf(records).findLast(
    (one) => fitsExit(one.record, one.kind, end.exitCode) && fromEnd(one, end) <= lastWordsMs,
  );
  return last === undefined ? null : toldBy(last, records, false);
}

/** Failures of a connection that a program only informs of: the words that name its other end outweigh the level. */
function quietOf(records: readonly LogRecord[]): readonly Candidate[] {
  const lastSuccess = records.findLastIndex((record) => isSuccess(record));
  const first = Math.max(lastSuccess + 1, records.length - lastRecords);
  return records.slice(first).flatMap((record, index): readonly Candidate[] => {
    if ((record.level !== 'info' && record.level !== 'debug') || isAnswer(record)) return [];
    const kind = failureKind(record.text);
    return kind !== null &&
      quietKinds.has(kind) &&
      (kind === 'unresolved' || namesPeer(record.text)) &&
      !isNoise(record, kind)
      ? [{ record, kind, place: first + index, score: quietScore }]
      : [];
  });
}

const quietKinds: ReadonlySet<FailureKind> = new Set([...rootKinds, 'timeout', 'unreachable']);
const quietScore = 9;

function candidatesOf(records: readonly LogRecord[], answer: string | null): readonly Candidate[] {
  const lastSuccess = records.findLastIndex((record) => isSuccess(record));
  return records.flatMap((record, place): readonly Candidate[] => {
    if (isAnswer(record) && !repeats(record, answer)) return [];
    const kind = failureKind(record.text);
    const weight = weightOf(records, place, kind);
    if (weight === 0) return [];
    const survived = place < lastSuccess;
    if (survived && isRetried(record)) return [];
    return [{ record, kind, place, score: weight - (survived ? 8 : 0) }];
  });
}

function isNear(one: Candidate, anchor: Candidate, milliseconds: number, records: number): boolean {
  if (one.place > anchor.place) return true;
  if (one.record.at !== null && anchor.record.at !== null) return anchor.record.at - one.record.at <= milliseconds;
  return anchor.place - one.place <= records;
}

/** Whether a run that ended so can have ended for this. */
function fitsExit(record: LogRecord, kind: FailureKind | null, exitCode: number | null): boolean {
  if (exitCode === 0)
    return kind === 'config-changed' || kind === 'leader-lost' || record.ends || record.level === 'fatal';
  if (exitCode !== null && ownSignals.has(exitCode))
    return record.ends || record.level === 'fatal' || kind === 'program-error' || kind === 'memory';
  if (exitCode === 126 || exitCode === 127) return record.ends || (kind !== null && startKinds.has(kind));
  if (exitCode !== null && silentCodes.has(exitCode)) return exitCode === 137 && kind === 'memory';
  return true;
}

/** A complaint that names no known reason and that nobody called an error. */
function isVague({ record, kind }: Candidate): boolean {
  return (
    kind === null && !isAbandonment(record) && !record.ends && record.level !== 'fatal' && record.level !== 'error'
  );
}

function isCertain({ record, kind, score }: Candidate): boolean {
  if (record.level === 'warning' || score <= 2 || isAside(record, kind)) return false;
  return record.ends || record.level === 'fatal' || kind !== null || isAbandonment(record);
}

/**
 * Milliseconds from what was said to the end of the run; 0 where one of them has no time. What comes after the end is of the
 * run that followed and ended alike. Times without a zone may be any halves of hours away.
 */
function fromEnd({ record }: Candidate, { finishedAt }: RunEnd): number {
  if (record.at === null || finishedAt === null) return 0;
  const apart = toEpochMs(finishedAt) - record.at;
  if (record.zoned) return Math.max(0, apart);
  const before = ((apart % zoneMs) + zoneMs) % zoneMs;
  return before >= zoneMs - nextRunMs ? 0 : before;
}
