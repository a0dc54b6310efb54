import { chainOf, withPeer } from './chain.ts';
import { readLine } from './lines.ts';
import type { LogLevel, LogLine } from './lines.ts';

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
/** `java.lang.IllegalStateException: ...`, `psycopg2.OperationalError: ...`, `TypeError [ERR_X]: ...` */
const headline =
  /^(?:Uncaught |Exception in thread "[^"]{0,100}" |Unhandled exception[.:] )?(?:[A-Za-z_$][\w$]{0,100}[.:]{1,2}){0,12}[A-Z_$][\w$]{0,100}(?:Error|Exception|Throwable|Warning|Failure|Exit|Interrupt|Fault|Timeout)(?:\$[A-Z]\w{0,60})?(?: \[\w{1,60}\])?(?::|$)/;

const isFrame = (line: LogLine): boolean => line.indented || frame.test(line.text);
const isHeadline = (text: string): boolean => headline.test(text) || text.startsWith('Caused by: ');

/** PostgreSQL says on a line of its own what its error is about: `DETAIL:  The data directory was initialized by ...`. */
const isDetail = (raw: string): boolean => /(?:^|\s)DETAIL: {1,3}\S/.test(raw.slice(0, 200));

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
const isSourceLine = ({ first }: Open): boolean =>
  /^(?:file:\/\/|node:)?[\w./@-]{1,300}\.(?:[cm]?[jt]s|js):\d+$|^node:internal\S{0,100}:\d+$/.test(first.text);

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

const ending =
  /^(?:panic: |fatal error: |Exception in thread "main"|Unhandled exception|Uncaught |thread '.{0,80}' (?:\(\d+\) )?panicked|APPLICATION FAILED TO START|terminate called|\*\* \(\w|Traceback \(most recent call last\):|Segmentation fault|PHP Fatal error|.{0,60}UnhandledPromiseRejection|error: Uncaught)|Application run failed|Error starting ApplicationContext|due to (?:a )?fatal exception|Fatal error during .{0,60}startup|Unhandled 'error' event|Bootstrap process died|panicked at|^Application \S{1,80} exited: /;

function endsWith(texts: readonly string[]): boolean {
  const [first = ''] = texts;
  if (/^http: panic serving|Recovered|recovered from panic/i.test(first)) return false;
  if (ending.test(first)) return true;
  // A bare exception with its frames: whoever logs one that was caught writes a time or a level before it.
  return (headline.test(first) || isSource(first) || rubyError.test(first)) && texts.length > 1;
}

const isSource = (text: string): boolean => /^(?:file:\/\/|node:)?\S{1,300}\.[cm]?[jt]s:\d+$|^node:internal/.test(text);
const rubyError = /^\S{1,200}\.rb:\d+:in .{0,120}?: (.{1,1000}) \(([A-Z]\w*(?:::\w+)*)\)$/;

/** What several lines come down to; empty where the first says it. */
function coreOf(texts: readonly string[], raised: readonly string[], raws: readonly string[]): string {
  const [first = ''] = texts;
  const detail = detailOf(first, texts, raws);
  if (detail !== null) return detail;
  const ruby = rubyError.exec(first);
  if (ruby !== null) return `${ruby[2]}: ${ruby[1]}`;
  if (texts.length === 1) return '';
  return (
    springReport(texts) ??
    fieldsOf(texts) ??
    rustPanic(texts) ??
    goPanic(texts) ??
    innermost(texts, raised) ??
    spoken(texts)
  );
}

/** The words of an error with its `DETAIL:` line; null where it has none. */
function detailOf(first: string, texts: readonly string[], raws: readonly string[]): string | null {
  const index = raws.findIndex((raw, place) => place > 0 && isDetail(raw));
  return index < 0 ? null : `${first} (${texts[index]})`;
}

/** Description and reason of `APPLICATION FAILED TO START`. */
function springReport(texts: readonly string[]): string | null {
  const start = texts.indexOf('Description:');
  if (start < 0) return null;
  return texts
    .slice(start + 1)
    .filter((text) => text !== '' && !/^\*+$/.test(text))
    .slice(0, 4)
    .join(' ');
}

/** Python's pydantic names each field on lines of its own. */
const invalidFields = /\b\d{1,4} validation errors? for [\w.[\], -]{1,100}$/;

function fieldsOf(texts: readonly string[]): string | null {
  const index = texts.findIndex((text) => invalidFields.test(text));
  const fields = texts.slice(index + 1).filter((text) => text !== '' && !text.startsWith('For further information'));
  return index < 0 || fields.length === 0 ? null : `${texts[index]}: ${fields.slice(0, 6).join(' ')}`;
}

function rustPanic(texts: readonly string[]): string | null {
  const index = texts.findIndex((text) => /^thread '.{0,80}' (?:\(\d+\) )?panicked at /.test(text));
  if (index < 0) return null;
  const where = /panicked at (.{1,300}):$/.exec(texts[index] ?? '')?.[1];
  const said = texts[index + 1];
  return where === undefined || said === undefined ? (texts[index] ?? null) : `${said} (panicked at ${where})`;
}

/** The panic with the first frame that is the program's own. */
function goPanic(texts: readonly string[]): string | null {
  const index = texts.findIndex((text) => /^(?:panic|fatal error): /.test(text));
  if (index < 0) return null;
  const frames = texts.slice(index + 1);
  const own = frames.findIndex(
    (text, place) =>
      /^\/\S+\.go:\d+/.test(frames[place + 1] ?? '') &&
      !/^(?:panic|runtime|testing|syscall|reflect|log|os|net|sync)[./(]/.test(text) &&
      !/\/(?:go|golang)\/src\/(?:runtime|log)\//.test(frames[place + 1] ?? ''),
  );
  const place = /^(\/\S+\.go:\d+)/.exec(frames[own + 1] ?? '')?.[1];
  const said = texts[index] ?? '';
  return own < 0 || place === undefined
    ? said
    : `${said} (in ${(frames[own] ?? '').replace(/\((?!\*).*$/s, '')}, ${place})`;
}

/** `Error: getaddrinfo ENOTFOUND db`, an error of a script that names no class of its own. */
const plainError = /^Error(?: \[\w{1,60}\])?: \S/;
const scriptFrame = /^at .{1,300}(?:\.[cm]?[jt]s|node:[\w/]{1,60}):\d+:\d+\)?(?: \{)?$/;

/** Of a chain of exceptions the one that says why, with the address that an outer one names. */
function innermost(texts: readonly string[], raised: readonly string[]): string | null {
  const named = chainOf(texts, (text) => headline.test(text) || raised.includes(text));
  const isScript = texts.some((text) => scriptFrame.test(text));
  const chain = named ?? (isScript ? chainOf(texts, (text) => plainError.test(text)) : null);
  return chain === null ? null : withPeer(withCode(spelledOut(chain, texts), texts), texts);
}

/** What an exception brings along as a list over several lines: `ZodError: [`. */
function spelledOut(head: string, texts: readonly string[]): string {
  const start = texts.indexOf(head);
  if (start < 0 || !/[[{]$/.test(head)) return head;
  const below = texts.slice(start + 1, start + 40);
  const end = below.findIndex((text) => /^at \S/.test(text));
  return [head, ...(end < 0 ? below : below.slice(0, end))].join(' ');
}

/** A Node error says more in its fields: `code: 'ECONNREFUSED', address: '10.0.0.1', port: 5432`. */
function withCode(head: string, texts: readonly string[]): string {
  const code = texts.map((text) => /^code: '(E[A-Z_]+)'/.exec(text)?.[1]).find((one) => one !== undefined);
  return code === undefined || head.includes(code) ? head : `${head} (${code})`;
}

/** `what():  ...` of C++, and a first line that ends with a colon. */
function spoken(texts: readonly string[]): string {
  const what = texts.map((text) => /^what\(\): +(.+)$/.exec(text)?.[1]).find((one) => one !== undefined);
  if (what !== undefined) return what;
  const [first = '', second = ''] = texts;
  return /:$|^\w[\w.]*\[\d+\]$|^(?:[\w ]{0,30}(?:error|failed|fail))?$/i.test(first) ? `${first} ${second}`.trim() : '';
}
