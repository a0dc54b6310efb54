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

/** Words of levels, in small letters. */
export const levels: Readonly<Record<string, LogLevel>> = {
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

/** When a line was said: see {@link LogLine}. */
export type Moment = Pick<LogLine, 'at' | 'zoned'>;

export const unknown: Moment = { at: null, zoned: false };

/** The moment of a time that has a date. */
export function momentOf(text: string): Moment {
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
