import { levels, momentOf, unknown } from './line-parts.ts';
import type { LogLevel, LogLine, Moment } from './line-parts.ts';
import { sourceEnding } from './source-place.ts';

/** Takes a line apart whose form says what its parts are; null for plain text. */
export function structuredLine(line: string): LogLine | null {
  return jsonLine(line) ?? klogLine(line) ?? redisLine(line) ?? logfmtLine(line);
}

/** Numbers of bunyan and pino, and of syslog. */
function numberedLevel(value: number): LogLevel {
  if (value >= 10) return value >= 60 ? 'fatal' : value >= 50 ? 'error' : value >= 40 ? 'warning' : 'info';
  return value <= 2 ? 'fatal' : value === 3 ? 'error' : value === 4 ? 'warning' : 'info';
}

const klogLevels: Readonly<Record<string, LogLevel>> = { I: 'info', W: 'warning', E: 'error', F: 'fatal' };
const mongoLevels: Readonly<Record<string, LogLevel>> = { F: 'fatal', E: 'error', W: 'warning', I: 'info' };
const redisLevels: Readonly<Record<string, LogLevel>> = { '#': 'error', '*': 'info', '-': 'debug', '.': 'debug' };

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

const sourceFile = new RegExp(`\\.(?:${sourceEnding})$`);

/** The file that a failure is about stands in a field of its own; that of the source does not count. */
function withFile(text: string, file: string): string {
  return file.startsWith('/') && !text.includes(file) && !sourceFile.test(file)
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
