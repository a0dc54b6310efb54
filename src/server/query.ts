import { AppError } from '../core/errors.ts';
import type { PageQuery } from '../core/lists.ts';
import { parseRfc3339 } from '../core/rfc3339.ts';
import { toTimestamp } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';
import { parseDuration } from '../lib/duration.ts';

/** Query parameters as they came: absent, once, or several times. */
export type RawQuery = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Reads the query of one request; every parameter must be asked for, so that a misspelt one is told and not ignored. */
export interface QueryReader {
  /** At most once, not empty. */
  text(name: string): string | undefined;
  /** One of a fixed set of words. */
  word(name: string, accepted: readonly string[]): string | undefined;
  /** Any number of times. */
  texts(name: string): readonly string[];
  /** A whole number within bounds. */
  integer(name: string, least: number, most: number): number | undefined;
  /** Throws InvalidInput for a parameter that nobody asked for. Call it last. */
  end(): void;
}

const longestValue = 4096;

export function readQuery(raw: RawQuery): QueryReader {
  const asked = new Set<string>();
  function texts(name: string): readonly string[] {
    asked.add(name);
    const value = raw[name];
    const values = value === undefined ? [] : typeof value === 'string' ? [value] : value;
    for (const text of values) if (text.length > longestValue) throw invalid(name, 'is too long');
    return values;
  }
  function text(name: string): string | undefined {
    const values = texts(name);
    if (values.length > 1) throw invalid(name, 'was given more than once');
    if (values[0] === '') throw invalid(name, 'is empty');
    return values[0];
  }
  return {
    text,
    texts,
    word(name, accepted) {
      const value = text(name);
      if (value === undefined || accepted.includes(value)) return value;
      throw invalid(name, `is not one of ${accepted.join(', ')}`);
    },
    integer(name, least, most) {
      const value = text(name);
      if (value === undefined) return undefined;
      const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
      if (number >= least && number <= most) return number;
      throw invalid(name, `is not a whole number from ${least} to ${most}`);
    },
    end() {
      const unknown = Object.keys(raw).find((name) => !asked.has(name));
      if (unknown === undefined) return;
      const known = [...asked].sort().join(', ');
      throw new AppError('InvalidInput', `there is no query parameter ${JSON.stringify(unknown.slice(0, 100))} here`, {
        field: unknown.slice(0, 100),
        next: known === '' ? 'this route takes none' : `this route takes ${known}`,
      });
    },
  };
}

const defaultLimit = 50;
const largestLimit = 500;

/** `limit` of the API's lists. */
export function readLimit(query: QueryReader): number {
  return query.integer('limit', 1, largestLimit) ?? defaultLimit;
}

/** `limit` and `cursor` of the API's lists. */
export function readPage(query: QueryReader): PageQuery {
  const cursor = query.text('cursor');
  const limit = readLimit(query);
  return cursor === undefined ? { limit } : { limit, cursor };
}

/**
 * `since` and `until` of the API's lists, as RFC 3339 or as a duration before now (`1h`). They bound when something was
 * made: of an alert, when it first came.
 */
export function readTimes(query: QueryReader, nowMs: number): Pick<PageQuery, 'since' | 'until'> {
  return present({ since: readTime(query, 'since', nowMs), until: readTime(query, 'until', nowMs) });
}

function readTime(query: QueryReader, name: string, nowMs: number): Timestamp | undefined {
  const text = query.text(name);
  if (text === undefined) return undefined;
  const time = parseRfc3339(text) ?? timeBefore(text, nowMs);
  if (time !== undefined) return time;
  throw new AppError('InvalidInput', `${name} is neither a time nor a duration before now`, {
    field: name,
    next: `${name}=2h30m, or ${name}=${toTimestamp(nowMs)}`,
  });
}

function timeBefore(text: string, nowMs: number): Timestamp | undefined {
  try {
    return toTimestamp(Math.max(0, nowMs - parseDuration(text)));
  } catch {
    return undefined;
  }
}

/** `label=name=value`, repeated; all must hold. The first `=` parts them. */
export function readLabels(query: QueryReader): Readonly<Record<string, string>> {
  const labels = query.texts('label').map((text): [string, string] => {
    const at = text.indexOf('=');
    if (at < 1)
      throw new AppError('InvalidInput', 'label is not name=value', { field: 'label', next: 'label=team=payments' });
    return [text.slice(0, at), text.slice(at + 1)];
  });
  if (labels.length > 10) throw invalid('label', 'was given more than ten times');
  if (new Set(labels.map(([name]) => name)).size < labels.length) throw invalid('label', 'names one label twice');
  return Object.fromEntries(labels);
}

/** The fields of `values` that are there, as `exactOptionalPropertyTypes` wants them. */
export function present<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

function invalid(name: string, what: string): AppError {
  return new AppError('InvalidInput', `${name} ${what}`, { field: name });
}
