import type { ReadResult } from '../../core/cluster.ts';
import { toEpochMs } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';
import { oneLine } from '../../lib/printable.ts';
import type { AnalyzerIo, EvidenceDraft, Target } from '../define.ts';
import { logExcerpt } from '../log/excerpt.ts';
import { kindSentence } from '../log/kinds.ts';
import { readLog } from '../log/records.ts';
import type { LogRecord } from '../log/records.ts';
import { complaint, lastWords } from '../log/telling.ts';
import type { TellingLine } from '../log/telling.ts';
import type { ContainerView, Ending } from './pod-status.ts';

/** What the logs of a container say. */
export interface RunLog {
  /** The line that says why; null where none does. */
  readonly telling: TellingLine | null;
  /** What was said last; empty where nothing was. */
  readonly last: string;
  /** Whether a log of the run in question was read. */
  readonly read: boolean;
  /** All that was said, oldest first. */
  readonly records: readonly LogRecord[];
  readonly evidence: readonly EvidenceDraft[];
}

const tailLines = 500;

/**
 * The log of the run that ended, and what it says of why. While a container waits for its next run the current log is that
 * of the run that ended, so it stands in where the previous one cannot be had; the log of a run that goes on does not.
 */
export function logOfEndedRun(
  io: AnalyzerIo,
  target: Target,
  container: ContainerView,
  ending: Ending,
): Promise<RunLog> {
  const runs = endedRuns.get(io) ?? new Map<string, Promise<RunLog>>();
  endedRuns.set(io, runs);
  const key = `${target.namespace}/${target.name}/${container.name} ${ending.finishedAt}`;
  const run = runs.get(key) ?? readEndedRun(io, target, container, ending);
  runs.set(key, run);
  return run;
}

/** Logs of an investigation that were taken apart: several analyzers ask for the same one. */
const endedRuns = new WeakMap<AnalyzerIo, Map<string, Promise<RunLog>>>();

async function readEndedRun(io: AnalyzerIo, target: Target, container: ContainerView, ending: Ending): Promise<RunLog> {
  const [before, now] = await Promise.all([
    container.last === null ? null : readText(io, target, container, true),
    readText(io, target, container, false),
  ]);
  const endedNow = container.terminated !== null || (before === null && !container.running);
  const text = endedNow ? (now ?? before) : before;
  const records = text === null ? [] : readLog(text);
  const telling = lastWords(records, ending);
  return {
    telling,
    last: lastOf(records),
    read: text !== null,
    records,
    evidence: [
      ...(before === null ? [] : [excerptOf(target, container, true, before, text === before ? telling : null)]),
      ...(now === null || now === before
        ? []
        : [excerptOf(target, container, false, now, text === now ? telling : null)]),
    ],
  };
}

/**
 * The log of the run that goes on (or of the one before, where that is how it fails), and what it complains about since the
 * trouble began.
 */
export async function logOfRun(
  io: AnalyzerIo,
  target: Target,
  container: ContainerView,
  previous: boolean,
  answer: string | null = null,
  since: Timestamp | null = null,
): Promise<RunLog> {
  const text = await readText(io, target, container, previous);
  if (text === null) return noLog;
  const records = readLog(text);
  const telling = complaint(records, answer, since === null ? null : toEpochMs(since));
  return {
    telling,
    last: lastOf(records),
    read: true,
    records,
    evidence: [excerptOf(target, container, previous, text, telling)],
  };
}

/** Where no log can be had. */
export const noLog: RunLog = { telling: null, last: '', read: false, records: [], evidence: [] };

const lastOf = (records: readonly LogRecord[]): string => oneLine(records.at(-1)?.text ?? '', 300);

async function readText(
  io: AnalyzerIo,
  { namespace, name }: Target,
  container: ContainerView,
  previous: boolean,
): Promise<string | null> {
  const log: ReadResult<string> = await io.logs({
    namespace: namespace ?? '',
    pod: name,
    container: container.name,
    previous,
    tailLines,
  });
  return log.kind === 'ok' && log.value !== '' ? log.value : null;
}

function excerptOf(
  { namespace, name }: Target,
  container: ContainerView,
  previous: boolean,
  text: string,
  telling: TellingLine | null,
): EvidenceDraft {
  return {
    read: { kind: 'logs', namespace: namespace ?? '', pod: name, container: container.name, previous },
    excerpt: logExcerpt(text, telling),
  };
}

/** A quoted line with what it means: `Its log says: "...". Nothing listens at that address and port.` */
export function saidText(telling: TellingLine | null): string {
  if (telling === null) return '';
  const meaning = kindSentence(telling.kind);
  return ` Its log says: "${telling.text}".${meaning === '' ? '' : ` ${meaning}`}`;
}
