import { z } from 'zod';
import type { PageQuery } from '../../core/lists.ts';

const defaultLimit = 20;
export const largestLimit = 100;
/** What is skipped is read; `/api/v1` pages by a cursor. */
const largestOffset = 100_000;

/** A larger limit is cut to 100, as the first version did. */
export const limitOfFirstVersion = (byDefault: number) =>
  z
    .int()
    .min(1)
    .max(1_000_000)
    .default(byDefault)
    .describe(`At most so many; more than ${largestLimit} is ${largestLimit}.`);

/** `limit` and `offset` of the first version's lists. */
export const offsetParameters = {
  limit: limitOfFirstVersion(defaultLimit),
  offset: z.int().min(0).max(largestOffset).default(0).describe('How many of the newest are skipped.'),
};

export function pageAtOffset({ limit, offset }: { readonly limit: number; readonly offset: number }): PageQuery {
  return { limit: Math.min(limit, largestLimit), offset };
}
