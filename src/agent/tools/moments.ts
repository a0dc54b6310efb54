import { z } from 'zod';
import { parseRfc3339 } from '../../core/rfc3339.ts';
import { addMs } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';
import { parseDuration } from '../../lib/duration.ts';

/** A moment in the input of a tool: so long ago, or RFC 3339. */
export const moment = z
  .string()
  .max(40)
  .refine(
    (text) => isDuration(text) || typeof parseRfc3339(text) === 'string',
    'must be 15m (ago) or 2026-01-31T12:00:00Z',
  )
  .optional();

const isDuration = (text: string): boolean => /^(?:\d+(?:ms|[smhdw]))+$/.test(text) && canParse(text);

function canParse(text: string): boolean {
  try {
    parseDuration(text);
    return true;
  } catch {
    return false;
  }
}

/** The moment that {@link moment} names; null where it names none. */
export function momentOf(text: string | undefined, now: Timestamp): Timestamp | null {
  if (text === undefined) return null;
  return isDuration(text) ? addMs(now, -parseDuration(text)) : (parseRfc3339(text) ?? null);
}
