import { z } from 'zod';
import { AppError } from '../../core/errors.ts';
import type { ListPage, PageQuery } from '../../core/lists.ts';
import { parseRfc3339 } from '../../core/rfc3339.ts';
import { toTimestamp } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';
import { parseDuration } from '../../lib/duration.ts';
import { longestValue } from '../parameters.ts';

// What the schemas of routes are made of.

/** A text of a query. */
export function textParameter(description: string, ...examples: readonly string[]) {
  return z
    .string()
    .min(1)
    .max(longestValue)
    .meta({ description, ...(examples.length === 0 ? {} : { examples: [...examples] }) });
}

/** One of some words. */
export function wordParameter<const Words extends readonly [string, ...string[]]>(description: string, words: Words) {
  return z.enum(words).describe(description);
}

const largestLimit = 500;
const defaultLimit = 50;

/** `limit` of the API's lists. */
export const limitParameter = z.int().min(1).max(largestLimit).default(defaultLimit).describe('At most so many items.');

/** `limit` and `cursor` of the API's lists. */
export const pageParameters = {
  limit: limitParameter,
  cursor: textParameter('`nextCursor` of the page before, to go on after it.').optional(),
};

function timeParameter(description: string) {
  return z
    .string()
    .min(1)
    .max(longestValue)
    .refine(
      (text) => (parseRfc3339(text) ?? timeBefore(text, 0)) !== undefined,
      'is neither a time nor a duration before now',
    )
    .meta({ description, examples: ['2h30m', '2026-01-31T08:00:00Z'] })
    .optional();
}

/** `since` and `until` of the API's lists. They bound when something was made; of an alert, when it changed last. */
export const timeParameters = {
  since: timeParameter('Only what was made at this time or later: RFC 3339, or a duration before now.'),
  until: timeParameter('Only what was made before this time: RFC 3339, or a duration before now.'),
};

/** The two as times. */
export function timesOf(
  query: { readonly since?: string; readonly until?: string },
  nowMs: number,
): Pick<PageQuery, 'since' | 'until'> {
  const timeOf = (text: string | undefined) =>
    text === undefined ? undefined : (parseRfc3339(text) ?? timeBefore(text, nowMs));
  return present({ since: timeOf(query.since), until: timeOf(query.until) });
}

function timeBefore(text: string, nowMs: number): Timestamp | undefined {
  try {
    return toTimestamp(Math.max(0, nowMs - parseDuration(text)));
  } catch {
    return undefined;
  }
}

/** The fields of `values` that are there, as `exactOptionalPropertyTypes` wants them. */
export function present<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

export const text = (description: string) => z.string().describe(description);
export const count = (description: string) => z.int().min(0).describe(description);
export const flag = (description: string) => z.boolean().describe(description);
export const time = (description: string) => z.iso.datetime().describe(description);
export const texts = (description: string) => z.record(z.string(), z.string()).describe(description);
export const anyJson = (description: string) => z.unknown().describe(description);
export const jsonObject = (description: string) => z.record(z.string(), z.unknown()).describe(description);

/** A schema that is made when it is first asked for, once. */
export function lazily<Schema extends z.ZodType>(make: () => Schema): () => Schema {
  let made: Schema | undefined;
  return () => (made ??= make());
}

/** A page of a list. */
export function pageOf<Item extends z.ZodType>(item: Item, description = 'Newest first.') {
  return z.strictObject({
    items: z.array(item).describe(description),
    nextCursor: z
      .string()
      .nullable()
      .describe('`cursor` of the next page; null = there is none. A page may be short although there is more.'),
  });
}

/** A page whose items are shown by `view`. */
export function viewPage<T, View>(page: ListPage<T>, view: (item: T) => View): ListPage<View> {
  return { items: page.items.map(view), nextCursor: page.nextCursor };
}

/** The item, or NotFound that names it. */
export function found<T>(item: T | undefined, kind: string, id: string, next: string): T {
  if (item !== undefined) return item;
  throw new AppError('NotFound', `there is no ${kind} ${id.slice(0, 200)}`, { next });
}
