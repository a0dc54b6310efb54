/** How bad a program says a line is. */
export type LogLevel = 'fatal' | 'error' | 'warning' | 'info' | 'debug';

/** A line, taken apart. */
export interface LogLine {
  /** Milliseconds since the epoch; null where the line has no date, or none that is understood. A time without a zone is taken for UTC. */
  readonly at: number | null;
  /** Whether the time has a zone; one without may be hours away. */
  readonly zoned: boolean;
  readonly level: LogLevel | null;
  /** What it says, without time, level and source. */
  readonly text: string;
  /** It begins with a time or a level: it is no part of what stands above it. */
  readonly head: boolean;
  /** Spaces at its beginning. */
  readonly indented: boolean;
}

/** Characters of a line that are looked at. */
const longestLine = 4000;

const levels: Readonly<Record<string, LogLevel>> = {
  fatal: 'fatal',
  panic: 'fatal',
  dpanic: 'fatal',
  critical: 'fatal',
  crit: 'fatal',
  emerg: 'fatal',
  emergency: 'fatal',
  alert: 'fatal',
  severe: 'error',
  error: 'error',
  err: 'error',
  eror: 'error',
  fail: 'error',
  failure: 'error',
  warning: 'warning',
  warn: 'warning',
  wrn: 'warning',
  notice: 'info',
  info: 'info',
  inf: 'info',
  information: 'info',
  log: 'info',
  note: 'info',
  hint: 'info',
  statement: 'info',
  detail: 'info',
  system: 'info',
  debug: 'debug',
  dbug: 'debug',
  dbg: 'debug',
  trace: 'debug',
  trce: 'debug',
  verbose: 'debug',
  fine: 'debug',
};

/** Numbers of bunyan and pino, and of syslog. */
function numberedLevel(value: number): LogLevel {
  if (value >= 10) return value >= 60 ? 'fatal' : value >= 50 ? 'error' : value >= 40 ? 'warning' : 'info';
  return value <= 2 ? 'fatal' : value === 3 ? 'error' : value === 4 ? 'warning' : 'info';
}

const klogLevels: Readonly<Record<string, LogLevel>> = { I: 'info', W: 'warning', E: 'error', F: 'fatal' };
const mongoLevels: Readonly<Record<string, LogLevel>> = { F: 'fatal', E: 'error', W: 'warning', I: 'info' };
const redisLevels: Readonly<Record<string, LogLevel>> = { '#': 'error', '*': 'info', '-': 'debug', '.': 'debug' };

/** Takes a line of any common form apart: JSON, logfmt, klog, log4j and its kin, syslog words, plain text. */
export function readLine(raw: string): LogLine {
  const { line, moment } = withoutEnvelope(raw.slice(0, longestLine));
  const read = jsonLine(line) ?? klogLine(line) ?? redisLine(line) ?? logfmtLine(line) ?? plainLine(line);
  // The time of the envelope has a zone; the program's own may have none.
  return moment.at === null ? read : { ...read, ...moment };
}

/** Without colours, and without what `kubectl logs --timestamps` and the files of the container runtime put before each line. */
function withoutEnvelope(raw: string): { readonly line: string; readonly moment: Moment } {
  const line = raw.replaceAll(colours, '').replace(/\r$/, '').replace(frameOfBox, '');
  const envelope = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7,9}(?:Z|[+-]\d\d:\d\d)(?: (?:std(?:out|err) [FP] )?|$)/.exec(
    line,
  )?.[0];
  return envelope === undefined
    ? { line, moment: unknown }
    : { line: line.slice(envelope.length), moment: momentOf(envelope) };
}

/** Terraform draws a box around an error. */
const frameOfBox = /^[│╷╵](?: |$)/;

// oxlint-disable-next-line no-control-regex -- the escape character is the subject
const colours = /\u001b\[[0-9;]{0,20}m/g;

function jsonLine(line: string): LogLine | null {
  if (!/^\s*\{/.test(line)) return null;
  let fields: Record<string, unknown>;
  try {
    const parsed: unknown = JSON.parse(line);
    if (parsed === null || typeof parsed !== 'object' || Array.isArray(parsed)) return null;
    fields = parsed as Record<string, unknown>;
  } catch {
    return null;
  }
  const first = (names: readonly string[]): unknown => names.map((name) => fields[name]).find((one) => one != null);
  const message = words(first(['msg', 'message', 'Message', '@m', '@mt', 'short_message', 'event', 'log', 'text']));
  const error = words(
    first(['error', 'err', 'error.message', 'exception', 'Exception', '@x', 'errorVerbose', 'reason', 'attr']),
  );
  const stack = words(first(['stack_trace', 'stacktrace', 'exc_info', 'error.stack_trace', 'stack']));
  const text = [message, error.includes(message) && message !== '' ? '' : error].filter(Boolean).join(': ');
  const cause = deepestCause(`${error}\n${stack}`) || raisedBy(stack);
  return {
    ...jsonTime(first(['ts', 'time', 'timestamp', '@timestamp', '@t', 't', 'asctime', 'datetime', 'Timestamp'])),
    level:
      verbosity(fields) ??
      jsonLevel(first(['level', 'severity', 'lvl', 'log.level', 'levelname', 'Level', '@l', 'loglevel', 's'])),
    text: withFile(
      cause === '' || text.includes(cause) ? text || line.slice(0, 1000) : `${text}: ${cause}`,
      textOf(first(['file', 'filename', 'config_file'])),
    ),
    head: true,
    indented: false,
  };
}

/** The file that a failure is about stands in a field of its own; that of the source does not count. */
function withFile(text: string, file: string): string {
  return file.startsWith('/') &&
    !text.includes(file) &&
    !/\.(?:go|[cm]?[jt]s|py|rs|java|kt|c|cc|cpp|rb|php)$/.test(file)
    ? `${text} (${file.slice(0, 300)})`
    : text;
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** The last `Caused by` of a trace inside a field. */
function deepestCause(trace: string): string {
  return (
    trace
      .match(/^\s*Caused by: .*$/gm)
      ?.at(-1)
      ?.trim() ?? ''
  );
}

/** The exception of a trace inside a field: of Python its last line, else its first. */
function raisedBy(trace: string): string {
  const lines = trace.split('\n').filter((line) => line.trim() !== '');
  const line = (trace.startsWith('Traceback (') ? lines.at(-1) : lines[0])?.trim() ?? '';
  return /^[A-Za-z_$][\w$.]{1,200}(?:Error|Exception)?: \S/.test(line) ? line : '';
}

function words(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === null || value === undefined) return '';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value !== 'object') return '';
  const { message, msg, type } = value as Record<string, unknown>;
  const { error, reason } = value as Record<string, unknown>;
  const told = [message, msg, error, reason].find((one): one is string => typeof one === 'string') ?? '';
  if (told !== '') return typeof type === 'string' && !told.includes(type) ? `${type}: ${told}` : told;
  return JSON.stringify(value).slice(0, 1000);
}

/**
 * logr writes how much is told (`"level":0`) where others write how bad it is, and of errors no level but who logs them and
 * what the error is; null for anything else.
 */
function verbosity({ level, v, logger, caller, error, err }: Record<string, unknown>): LogLevel | null {
  const told = level ?? v;
  if (logger === undefined && caller === undefined) return null;
  if (typeof told === 'number' && told < 10) return told === 0 ? 'info' : 'debug';
  return told === undefined && !isNothing(words(error ?? err)) ? 'error' : null;
}

function jsonLevel(value: unknown): LogLevel | null {
  if (typeof value === 'number') return numberedLevel(value);
  if (typeof value !== 'string') return null;
  return mongoLevels[value] ?? levels[value.toLowerCase()] ?? null;
}

function jsonTime(value: unknown): Moment {
  if (typeof value === 'number')
    return { at: value > 1e14 ? value / 1e6 : value > 1e11 ? value : value * 1000, zoned: true };
  if (typeof value === 'string') return momentOf(value);
  const date = (value as { readonly $date?: unknown } | null)?.$date;
  return typeof date === 'string' ? momentOf(date) : unknown;
}

function klogLine(line: string): LogLine | null {
  const found = /^([IWEF])(\d\d)(\d\d) (\d\d:\d\d:\d\d)\.\d+\s+\d+ [^\s\]]{1,200}:\d+\] ?(.*)$/s.exec(line);
  if (found === null) return null;
  const [, letter = '', , , , rest = ''] = found;
  return {
    ...unknown,
    level: klogLevels[letter] ?? null,
    text: klogText(rest),
    head: true,
    indented: false,
  };
}

/** `"problem running manager" err="leader election lost"`: the message and its error. */
function klogText(rest: string): string {
  const structured = /^"((?:[^"\\]|\\.){0,1000})"(?: (.*))?$/s.exec(rest);
  if (structured === null) return rest;
  const error = /(?:^| )(?:err|error)="((?:[^"\\]|\\.){1,2000})"/.exec(structured[2] ?? '')?.[1];
  const others = (structured[2] ?? '').replace(/(?:^| )(?:err|error)="(?:[^"\\]|\\.){1,2000}"/, '').trim();
  const said = error === undefined ? (structured[1] ?? '') : `${structured[1]}: ${unescaped(error)}`;
  return others === '' ? said : `${said} (${others.slice(0, 300)})`;
}

const unescaped = (text: string): string => text.replace(/\\(["\\])/g, '$1').replace(/\\n/g, ' ');

/** `1:M 10 Jan 2026 09:02:57.113 # Fatal error ...` */
function redisLine(line: string): LogLine | null {
  const found = /^\d+:[A-Z] (\d\d? \w{3} \d{4} \d\d:\d\d:\d\d)\.\d+ ([-.*#]) (.*)$/s.exec(line);
  if (found === null) return null;
  const at = Date.parse(`${found[1]} UTC`);
  return {
    at: Number.isNaN(at) ? null : at,
    zoned: false,
    level: redisLevels[found[2] ?? ''] ?? null,
    text: found[3] ?? '',
    head: true,
    indented: false,
  };
}

function logfmtLine(line: string): LogLine | null {
  if (!/(?:^|\s)(?:level|lvl|severity)=\S/.test(line) || !/(?:^|\s)(?:msg|message|err|error|event)=\S/.test(line))
    return null;
  const value = (name: string): string => {
    const found = new RegExp(`(?:^|\\s)(?:${name})=(?:"((?:[^"\\\\]|\\\\.){0,2000})"|(\\S{1,500}))`).exec(line);
    return unescaped(found?.[1] ?? found?.[2] ?? '');
  };
  const error = value('err|error');
  const message = value('msg|message|event');
  return {
    ...momentOf(value('ts|time|t|timestamp')),
    level: levels[value('level|lvl|severity').toLowerCase()] ?? null,
    text: withFile(
      [message, message.includes(error) || isNothing(error) ? '' : error].filter(Boolean).join(': '),
      value('file|filename|config_file'),
    ),
    head: true,
    indented: false,
  };
}

const isNothing = (value: string): boolean => ['', 'null', 'nil', '<nil>', 'none', 'None', 'false'].includes(value);

const timePart =
  /^[[(<]?(?:(?:\d{4}[-/.]\d\d[-/.]\d\d|\d\d?\/\w{3}\/\d{4}|\d\d\/\d\d\/\d{4}|(?:\w{3} )?\w{3} [ \d]\d(?: \d{4})?)(?:[T:]| {1,2}|, ?))?\d\d?:\d\d:\d\d(?:[.,:]\d+)?(?: [AP]M\b)?(?: ?(?:Z|UTC|GMT|CET|CEST|[+-]\d\d:?\d\d))?(?: \d{4})?[\])>]?(?:[\s:|,-]+|(?=\[)|$)/;

/** `[Nest] 18  - ` before the time. */
const processName = /^\[[A-Z]\w{1,20}\] \d{1,7}\s+- (?=\d)/;

/** A time at the beginning, then words in brackets, names and numbers up to a level, then what is said. */
function plainLine(raw: string): LogLine {
  const line = raw.replace(processName, '');
  const indented = /^\s+\S/.test(line);
  const time = timePart.exec(line);
  const rest = time === null ? line : line.slice(time[0].length);
  const marked = levelMark(rest, time !== null);
  const text = marked === null ? withoutSource(rest, time !== null) : rest.slice(marked.end);
  return {
    ...(time === null ? unknown : momentOf(time[0])),
    level: marked?.level ?? null,
    text: text.trim().replace(/ \((?:[\w$]{1,60}\.){1,8}[\w$]{1,60}\)$|^[\w./-]{1,60}\t+/, ''),
    head: (time !== null || marked !== null) && !indented,
    indented,
  };
}

const words5 = '(?:\\S{1,80}\\s+){0,4}?';
const levelWord =
  'FATAL|CRITICAL|CRIT|EMERG|ALERT|PANIC|SEVERE|ERROR|ERR|EROR|WARNING|WARN|WRN|NOTICE|INFO|INF|LOG|HINT|DETAIL|STATEMENT|DEBUG|DBG|TRACE|VERBOSE';
const inBrackets = new RegExp(`^${words5}[[(<](${levelWord}|Note|System)\\s*[\\])>]:?\\s*`, 'i');
const inCapitals = new RegExp(`^${words5}[|-]?\\s?(${levelWord})(?=[\\s:|\\]-])[\\s:|\\]-]+`);
/** `error\t`, `[1][critical][main] `: behind a time also without capitals. */
const lowerCase =
  /^(?:\[\d{1,7}\]\s?)?\[?(fatal|critical|panic|error|warning|warn|info|debug|trace)(?:\]|\s)\s*(?:\[[\w.:/-]{1,80}\]\s*){0,3}/;
const before = /^(fatal error|fatal|critical|panic|error|err|fail|crit|warning|warn|info|debug|dbug|trce): ?/i;

/** The level of a line and where its words end. */
function levelMark(text: string, timed: boolean): { readonly level: LogLevel; readonly end: number } | null {
  const head = text.slice(0, 160);
  const found =
    before.exec(head) ??
    (timed ? lowerCase.exec(head) : null) ??
    (timed || /^\s*[[(<A-Z]/.test(head) ? (inBrackets.exec(head) ?? inCapitals.exec(head)) : null);
  if (found === null) return null;
  const word = (found[1] ?? '').toLowerCase();
  const level = levels[word.split(' ')[0] ?? ''];
  if (level === undefined) return null;
  // `panic:` and `Error:` are part of what is said.
  const spoken = /^(?:panic|fatal error|error|fatal): ?$/i.test(found[0]) && !timed;
  return { level, end: spoken ? 0 : found[0].length + sourceLength(text.slice(found[0].length)) };
}

/** `1 --- [           main] o.s.b.SpringApplication   : `, `[MY-010123] [Server] `, `(kafka.Kafka$)`: who says it. */
function sourceLength(text: string): number {
  const found =
    /^(?:\d{1,7} --- )?(?:\[[^\]]{0,80}\] ?|<[\d.]{1,20}> ?){0,4}(?:\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[.,]\d+ )?(?:[a-zA-Z_$.][\w.$[\]/-]{2,80}(?::\d+)?(?:\([\w.]+:\d+\))?\s+[:-](?:\s+(?=\S)|$))?/.exec(
      text,
    );
  return found?.[0].length ?? 0;
}

function withoutSource(text: string, timed: boolean): string {
  return timed ? text.replace(/^(?:\[[^\]]{0,40}\] ){1,4}/, '') : text;
}

/** When a line was said: see {@link LogLine}. */
type Moment = Pick<LogLine, 'at' | 'zoned'>;

const unknown: Moment = { at: null, zoned: false };

/** The moment of a time that has a date. */
function momentOf(text: string): Moment {
  const found =
    /(\d{4})[-/.](\d\d)[-/.](\d\d)(?:[T:,]| {1,2})(\d\d?:\d\d:\d\d)(?:[.,](\d{1,9}))?(?: ?(Z\b|UTC|GMT|[+-]\d\d:?\d\d))?/.exec(
      text,
    );
  if (found === null) return unknown;
  const [, year, month, day, clock = '', fraction = '0', zone = ''] = found;
  const offset = !/^[+-]/.test(zone) ? 'Z' : `${zone.slice(0, 3)}:${zone.slice(-2)}`;
  const at = Date.parse(
    `${year}-${month}-${day}T${clock.padStart(8, '0')}.${fraction.slice(0, 3).padEnd(3, '0')}${offset}`,
  );
  return Number.isNaN(at) ? unknown : { at, zoned: zone !== '' };
}
