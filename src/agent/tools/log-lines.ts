import type { RE2JS } from 're2js';
import { readLog } from '../../analyzers/log/records.ts';
import { AppError } from '../../core/errors.ts';
import { toEpochMs } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';
import { FunctionError } from '../../lib/template/error.ts';
import { compileRegex } from '../../lib/template/regex.ts';
import { eventLoopTurns } from '../../lib/turns.ts';
import { momentOf } from './moments.ts';

/** Which lines of a log are asked for. */
export interface LineChoice {
  readonly include: RE2JS | null;
  readonly exclude: RE2JS | null;
  readonly since: Timestamp | null;
  readonly until: Timestamp | null;
  /** The last ones of those that fit. */
  readonly tail: number;
}

interface AskedLines {
  readonly filter?: string | undefined;
  readonly exclude?: string | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly tail: number;
}

/** Throws InvalidInput for what is no regular expression. */
export function lineChoice(asked: AskedLines, now: Timestamp): LineChoice {
  return {
    include: expression('filter', asked.filter),
    exclude: expression('exclude', asked.exclude),
    since: momentOf(asked.since, now),
    until: momentOf(asked.until, now),
    tail: asked.tail,
  };
}

/** Parts of the program that an expression becomes: each line may meet each of them for each of its characters. */
const mostParts = 300;

function expression(field: string, pattern: string | undefined): RE2JS | null {
  if (pattern === undefined) return null;
  try {
    const regex = compileRegex(pattern);
    if (regex.programSize() <= mostParts) return regex;
  } catch (thrown) {
    if (!(thrown instanceof FunctionError)) throw thrown;
    throw new AppError('InvalidInput', `${field} is no RE2 regular expression: ${thrown.message}`, { cause: thrown });
  }
  throw new AppError('InvalidInput', `${field} is too large a regular expression; write alternatives of words`);
}

export interface ChosenLines {
  /** Those that fit, the last ones. */
  readonly lines: readonly string[];
  /** How many fitted. */
  readonly fitting: number;
  readonly lookedAt: number;
  /** A window was asked for, and no line has a time. */
  readonly isWithoutTimes: boolean;
}

/** The lines of a log that fit. Others have their turns meanwhile. */
export async function chooseLines(log: string, choice: LineChoice): Promise<ChosenLines> {
  const all = log === '' ? [] : log.replace(/\n$/, '').split('\n');
  const windowed = inWindow(log, all, choice);
  const fitting: string[] = [];
  for (const line of windowed ?? all) {
    if (eventLoopTurns.isOver()) await eventLoopTurns.next();
    if (choice.include?.test(line) === false || choice.exclude?.test(line) === true) continue;
    fitting.push(line);
  }
  return {
    lines: fitting.slice(-choice.tail),
    fitting: fitting.length,
    lookedAt: all.length,
    isWithoutTimes: windowed === null,
  };
}

/** Lines of records within the window: what stands below a line with a time was said then. Null where no line has a time. */
function inWindow(log: string, all: readonly string[], { since, until }: LineChoice): readonly string[] | null {
  if (since === null && until === null) return all;
  const records = readLog(log);
  if (!records.some(({ at }) => at !== null)) return null;
  const from = since === null ? -Infinity : toEpochMs(since);
  const to = until === null ? Infinity : toEpochMs(until);
  return records.filter(({ at }) => at !== null && at >= from && at <= to).flatMap(({ lines }) => lines);
}
