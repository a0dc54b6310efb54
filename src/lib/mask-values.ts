import { createKnownValues, piecesOf } from './known-values.ts';
import type { KnownValues } from './known-values.ts';
import { eventLoopTurns } from './turns.ts';

/**
 * A copy of text or JSON data without these values, and without colours: as they are, JSON-escaped, HTML-escaped, URL-encoded,
 * in base64 or hex, also where lines end within them, and each longer line of a value with several. Values under 6 characters
 * stay. Names stay. Others have their turns between values and between texts.
 */
export async function maskValues<T>(data: T, values: Iterable<string>): Promise<T> {
  const list = [...values];
  return list.length === 0 ? data : ((await maskIn(data, await knownOf(list))) as T);
}

/** The values that were asked for last, which are mostly those that are asked for next: to get them ready takes longer than to mask. */
let last: { readonly values: readonly string[]; readonly known: Promise<KnownValues> } | null = null;

function knownOf(values: readonly string[]): Promise<KnownValues> {
  if (last !== null && last.values.length === values.length && values.every((value, at) => value === last?.values[at]))
    return last.known;
  const known = gotReady(values);
  const mine = { values, known };
  last = mine;
  // What could not be got ready is tried again by whoever comes next.
  known.catch(() => void (last = last === mine ? null : last));
  return known;
}

async function gotReady(values: readonly string[]): Promise<KnownValues> {
  const known = createKnownValues(Infinity);
  for (const value of values)
    for (const piece of piecesOf(value)) {
      await eventLoopTurns.next();
      known.add(piece);
    }
  return known;
}

async function maskIn(data: unknown, known: KnownValues): Promise<unknown> {
  if (typeof data === 'string') {
    await eventLoopTurns.next();
    return known.mask(data);
  }
  if (data === null || typeof data !== 'object') return data;
  if (Array.isArray(data)) {
    const items: unknown[] = [];
    for (const item of data) items.push(await maskIn(item, known));
    return items;
  }
  const entries: [string, unknown][] = [];
  for (const [name, item] of Object.entries(data)) entries.push([name, await maskIn(item, known)]);
  return Object.fromEntries(entries);
}
