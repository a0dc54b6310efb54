import { styleText } from 'node:util';
import { AppError } from '../core/errors.ts';
import type { Log } from '../core/ports.ts';
import { oneLine, printableJson } from './printable.ts';
import { redact, redactObject } from './redact.ts';

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

export interface LogOptions {
  readonly level: LogLevel;
  /** `text` for people, `json` for programs; absent: text on a terminal, else json. */
  readonly format?: 'json' | 'text';
  /** Absent: stderr of the process. Lines that it cannot write are lost; a later one says how many. */
  readonly stream?: LogStream;
  /** Instead of the stream. */
  readonly write?: (line: string) => void;
  /** Takes known Secret values out of a text. */
  readonly mask?: (text: string) => string;
  /** Absent: colours where stderr is a terminal that wants them. */
  readonly colour?: boolean;
}

/** What the log needs of a stream. */
export interface LogStream {
  /** Bytes that wait for a reader. */
  readonly writableLength: number;
  write(text: string, written: (error?: Error | null) => void): unknown;
}

type Fields = Readonly<Record<string, unknown>>;

/** A reader that stands still does not fill the memory of the server. */
const mostWaitingBytes = 4 * 1024 * 1024;

/**
 * The program's log: one line an entry, written before the call returns. Secrets are masked by the name of their field
 * and by their form, in messages of errors too, and where their values are known by these.
 */
export async function createLog(options: LogOptions): Promise<Log> {
  const { pino } = await import('pino');
  const { write, takeLost } = lossy(options);
  const isText = (options.format ?? (process.stderr.isTTY ? 'text' : 'json')) === 'text';
  const colour = options.colour ?? (process.stderr.isTTY && process.env['NO_COLOR'] === undefined);
  const destination = {
    write(line: string) {
      const lines = takeLost();
      if (lines > 0) logger.warn({ lines }, 'log lines before this one could not be written');
      write(isText ? textLine(line, colour) : printableJson(line));
    },
  };
  const logger = pino(
    {
      level: options.level,
      base: null,
      messageKey: 'message',
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
  return wrap(logger, options.mask ?? ((text) => text));
}

/** Writes where it can; counts what is lost, which `takeLost` tells as soon as lines can be written again. */
function lossy({ write, stream = process.stderr }: LogOptions): {
  readonly write: (line: string) => void;
  /** The lines that were lost; 0 also while they still cannot be written. */
  readonly takeLost: () => number;
} {
  if (write !== undefined) return { write, takeLost: () => 0 };
  let lost = 0;
  let isBroken = false;
  return {
    write(line) {
      if (stream.writableLength > mostWaitingBytes) {
        lost += 1;
        return;
      }
      stream.write(line, (error) => {
        isBroken = error != null;
        if (isBroken) lost += 1;
      });
    },
    takeLost() {
      if (isBroken || stream.writableLength > mostWaitingBytes) return 0;
      const lines = lost;
      lost = 0;
      return lines;
    },
  };
}

interface Writer {
  isLevelEnabled(level: string): boolean;
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: Record<string, unknown>): Writer;
}

/** Takes known values out of a text. */
type Mask = (text: string) => string;

function wrap(writer: Writer, mask: Mask): Log {
  const at = (level: 'debug' | 'info' | 'warn' | 'error') => (fields: Fields, message: string) => {
    if (writer.isLevelEnabled(level)) writer[level](safeFields(fields, mask), redact(shorten(message, mask)));
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => wrap(writer.child(safeFields(fields, mask)), mask),
  };
}

/** Names that the log itself uses; a field of that name is kept under another one. */
const reserved: ReadonlySet<string> = new Set(['level', 'time', 'message']);

function safeFields(fields: Fields, mask: Mask): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    plain[reserved.has(name) ? `${name}_` : name] = value instanceof Error ? describeError(value) : value;
  }
  try {
    return redactObject(shortened(plain, mask)) as Record<string, unknown>;
  } catch {
    // Only data without cycles can be shown; an entry never fails its caller.
    return { unloggable: Object.keys(plain) };
  }
}

/** A longer text is cut: what senders choose (a group key, an error that quotes them) must not fill the log. Characters. */
const longestText = 8 * 1024;

/** Looked at with it, so that a value that the cut would part is known. Characters. */
const behindTheCut = 4 * 1024;

function shorten(text: string, mask: Mask = (same) => same): string {
  if (text.length <= longestText) return mask(text);
  const head = mask(text.slice(0, longestText + behindTheCut)).slice(0, longestText);
  return `${head}[... ${text.length - longestText} characters left out]`;
}

/** A copy of JSON data with every text masked and cut. */
function shortened(value: unknown, mask: Mask): unknown {
  if (typeof value === 'string') return shorten(value, mask);
  if (Array.isArray(value)) return value.map((item) => shortened(item, mask));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, shortened(item, mask)]));
}

/** How many causes are followed. */
const deepestCause = 5;

/** An error as plain data: code, message, what to do next, the stack of a defect, and its causes. */
export function describeError(error: unknown, depth = 0, isExplained = false): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: redact(shorten(String(error))) };
  const code: unknown = 'code' in error ? error.code : undefined;
  // What the system said (`ECONNREFUSED`) below an error that says what it means: where in the program is of no use.
  const isSystems = isExplained && (typeof code === 'string' || error.name === 'TimeoutError');
  const isExpected = isSystems || (error instanceof AppError && error.code !== 'Internal');
  return {
    ...(typeof code === 'string' ? { code } : {}),
    message: redact(shorten(error.message)),
    ...(error instanceof AppError && error.next !== undefined ? { next: error.next } : {}),
    ...(isExpected || error.stack === undefined ? {} : { stack: redact(shorten(error.stack)) }),
    ...(error.cause == null || depth >= deepestCause
      ? {}
      : { cause: describeError(error.cause, depth + 1, isExpected) }),
  };
}

const marks = {
  debug: ['gray', 'debug'],
  info: ['cyan', 'info '],
  warn: ['yellow', 'WARN '],
  error: ['red', 'ERROR'],
} as const;

/** `12:03:44.120 WARN  message  field=value`. What cannot be shown as one safe line is escaped. */
function textLine(line: string, colour: boolean): string {
  const { level, time, message, ...fields } = JSON.parse(line) as { level: string; time: string; message?: string };
  const [style, word] = marks[level as keyof typeof marks] ?? marks.info;
  const pairs = Object.entries(fields).map(([name, value]) => `${name}=${text(value)}`);
  const mark = colour ? styleText(style, word, { validateStream: false }) : word;
  return `${time.slice(11, 23)} ${mark} ${[oneLine(message ?? '', 2000), ...pairs].join('  ')}\n`;
}

function text(value: unknown): string {
  const shown = typeof value === 'string' ? value : JSON.stringify(value);
  const line = oneLine(shown, 2000);
  return typeof value === 'string' && /[\s="]/.test(line) ? JSON.stringify(line) : line;
}
