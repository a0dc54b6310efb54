import { readLine } from './lines.ts';
import type { LogLevel, LogLine } from './line-parts.ts';
import { coreOf, endsWith, headline, invalidFields, isDetail } from './record-text.ts';
import { scriptPlace } from './source-place.ts';

/** What a program said at once: a line with what belongs to it, a whole stack trace among them. */
export interface LogRecord {
  /** Milliseconds since the epoch; null where its lines have no date. */
  readonly at: number | null;
  /** Whether that time has a zone. */
  readonly zoned: boolean;
  readonly level: LogLevel | null;
  /** What it comes down to: of a trace the innermost cause, else the words of the first line. */
  readonly text: string;
  /** The program ends with it: a panic, an exception that nobody caught, a start that the framework gave up. */
  readonly ends: boolean;
  /** As they stand in the log. */
  readonly lines: readonly string[];
}

/** Lines that are read, from the end. */
const mostLines = 3000;
/** Characters of what a record comes down to. */
const longestText = 1500;
/** Lines of one record: more belong to none. */
const longestRecord = 400;

interface Open {
  readonly first: LogLine;
  readonly lines: { readonly raw: string; readonly line: LogLine }[];
  /** A Python traceback whose last line has not come. */
  awaits: 'exception' | 'message' | 'report' | null;
  /** Last lines of tracebacks. */
  readonly raised: string[];
  /** The message of an exception goes on: no frame has come since its headline. */
  inMessage: boolean;
  blank: boolean;
  /** What its lines have shown so far; kept, so that no line is read again for each that follows. */
  hasTrace: boolean;
  hasGoroutine: boolean;
  hasInvalidFields: boolean;
}

/** Takes a log apart into what was said, oldest first. Time is linear in its length. */
export function readLog(log: string): readonly LogRecord[] {
  const records: LogRecord[] = [];
  let open: Open | null = null;
  const close = (): void => {
    if (open !== null) records.push(recordOf(open));
    open = null;
  };
  for (const raw of log.replace(/\n$/, '').split('\n').slice(-mostLines)) {
    const line = readLine(raw);
    if (line.text.trim() === '' && !line.head) {
      if (open !== null) open.blank = true;
      continue;
    }
    const current = open;
    if (current !== null && current.lines.length < longestRecord && belongs(current, raw, line))
      add(current, raw, line);
    else {
      close();
      open = begin(raw, line);
    }
  }
  const last: Open | null = open;
  if (last !== null) records.push(...splitLast(last));
  return dated(records);
}

/** What stands below a line with a time was said then. */
function dated(records: readonly LogRecord[]): readonly LogRecord[] {
  let last: Pick<LogRecord, 'at' | 'zoned'> = { at: null, zoned: false };
  return records.map((record) => {
    const { at, zoned } = record;
    if (at !== null) last = { at, zoned };
    return { ...record, ...last };
  });
}

/** A traceback at the very end that stands below a warning ended the program: whoever logs one goes on. */
function splitLast(open: Open): readonly LogRecord[] {
  const start = open.lines.findIndex(({ line }, index) => index > 0 && line.text.startsWith('Traceback (most'));
  const [traceback] = open.lines.slice(start);
  if (open.first.level !== 'warning' || start < 1 || traceback === undefined) return [recordOf(open)];
  return [
    recordOf({ ...open, lines: open.lines.slice(0, start), raised: [] }),
    recordOf({ ...open, first: traceback.line, lines: open.lines.slice(start) }),
  ];
}

function begin(raw: string, line: LogLine): Open {
  const open: Open = {
    first: line,
    lines: [{ raw, line }],
    awaits: awaited(line.text),
    raised: [],
    inMessage: false,
    blank: false,
    hasTrace: false,
    hasGoroutine: false,
    hasInvalidFields: false,
  };
  note(open, line);
  return open;
}

/** Keeps what a line shows about those that may follow it. */
function note(open: Open, { text }: LogLine): void {
  open.hasTrace ||= frame.test(text) || headline.test(text);
  open.hasGoroutine ||= /^goroutine \d/.test(text);
  open.hasInvalidFields ||= invalidFields.test(text);
}

function awaited(text: string): Open['awaits'] {
  if (/Traceback \(most recent call last\):\s*$/.test(text)) return 'exception';
  if (/^thread '.{0,80}' (?:\(\d+\) )?panicked at [^']{1,300}:$/.test(text)) return 'message';
  return /^APPLICATION FAILED TO START$/.test(text) ? 'report' : null;
}

function add(open: Open, raw: string, line: LogLine): void {
  open.lines.push({ raw, line });
  note(open, line);
  open.blank = false;
  if (isHeadline(line.text)) open.inMessage = true;
  else if (isFrame(line)) open.inMessage = false;
  if (open.awaits === 'exception' && !line.indented) open.raised.push(line.text.trim());
  const next = awaited(line.text);
  if (next !== null) open.awaits = next;
  else if (open.awaits === 'message' || (open.awaits === 'exception' && !line.indented)) open.awaits = null;
}

const frame =
  /^(?:at [\w$.<>[\]]|\.\.\. \d+ (?:more|common)|Caused by:|Suppressed:|---+>|--- End of|#\d+ |Stack trace:|Require stack:|- \/|goroutine \d|created by |exit status \d|\[signal |from \/|stack backtrace:|note: |\d+: )/;

const isFrame = (line: LogLine): boolean => line.indented || frame.test(line.text);
const isHeadline = (text: string): boolean => headline.test(text) || text.startsWith('Caused by: ');

const uncaught = /^(?:Unhandled exception[.:]|Exception in thread "|thread '.{0,80}' (?:\(\d+\) )?panicked at )/;

/** Whether a line is part of what was begun. */
function belongs(open: Open, raw: string, line: LogLine): boolean {
  const { text } = line;
  const chained = /^(?:The above exception was the direct cause|During handling of the above exception)/.test(text);
  if (chained || text.startsWith('Caused by:')) return true;
  if (isDetail(raw)) return true;
  // What ends the program is said on its own, whatever was said before it.
  if (!line.indented && uncaught.test(text)) return false;
  if (open.awaits === 'exception') return !line.head || headline.test(text);
  if (open.awaits === 'message') return true;
  if (open.awaits === 'report') return !line.head && !/^Action:?$/.test(text);
  if (text.startsWith('Traceback (most')) return isBad(open.first.level) || (open.blank && open.hasTrace);
  if (line.head && !/^panic:|^Error:/.test(text)) return false;
  if (open.hasInvalidFields) return true;
  if (open.inMessage && (isBad(open.first.level) || isFrame(open.first)) && !headline.test(text)) return true;
  if (open.lines.at(-1)?.line.text.trimEnd().endsWith(':') === true && !help.test(text)) return true;
  if (line.indented) return !open.blank || open.hasTrace || isSourceLine(open);
  if (frame.test(text)) return true;
  if (isSourceLine(open)) return headline.test(text) || /^\s*\^/.test(text);
  if (headline.test(text))
    return isBad(open.first.level) && !open.hasTrace && !/^(?:panic|Error):/.test(open.first.text);
  // Go writes the frames of a panic as `main.run(0x1)` over an indented file.
  return open.hasGoroutine && /^[\w./*()-]{1,200}\(.*\)$/.test(text);
}

const isBad = (level: LogLevel | null): boolean => level === 'fatal' || level === 'error' || level === 'warning';

const help = /^\s*-|^(?:usage|options|flags)\b/i;

/** Node shows the line of the source before the error. */
const isSourceLine = ({ first }: Open): boolean => scriptPlace.test(first.text);

function recordOf({ first, lines, raised }: Open): LogRecord {
  const texts = lines.map(({ line }) => line.text.trim());
  const raws = lines.map(({ raw }) => raw);
  const timed = [first, ...lines.map(({ line }) => line)].find(({ at }) => at !== null);
  return {
    at: timed?.at ?? null,
    zoned: timed?.zoned ?? false,
    level: first.level,
    text: (coreOf(texts, raised, raws) || first.text.trim()).slice(0, longestText),
    ends: endsWith(texts),
    lines: raws,
  };
}
