// Ids as people see and type them. An id is a UUID v7: its first eight characters change once a minute, so that alerts of one
// incident share them. A short id is made of the four that tell the minute from others (65 seconds; they come again after 50
// days) and of the random ones at the end.

/** Characters of a short id, where nothing in sight has the same. */
const shortLength = 8;
const idLength = 36;
const minuteLength = 4;
const randomStart = 24;

/** All that a short id may be a beginning of. What is no id is its own. */
function keyOf(id: string): string {
  return id.length === idLength ? id.slice(minuteLength, 2 * minuteLength) + id.slice(randomStart) : id;
}

/** The short id of one of some ids that are shown together: as long as it takes to tell it from the others. */
export function shortId(id: string, shown: readonly string[] = []): string {
  const key = keyOf(id);
  const others = shown.filter((other) => other !== id).map(keyOf);
  let length = shortLength;
  while (length < key.length && others.some((other) => other.startsWith(key.slice(0, length)))) length++;
  return key.slice(0, length);
}

/** Where ids lie that a text may name: those from one on and below another whose end begins so. */
interface IdRange {
  readonly from: string;
  readonly before: string;
  /** What stands at {@link tailStart}. */
  readonly tail: string;
}

/** The place of the tail in an id, from 1, as databases count. */
export const tailStart = randomStart + 1;

/** Fifty days each; more than an installation lives for. */
const mostRounds = 400;

/**
 * The ranges of ids, newest first, that a beginning of an id or of a short id names, among ids from `oldest` to `newest`.
 * Empty for what is neither.
 */
export function idRanges(text: string, oldest: string, newest: string): readonly IdRange[] {
  if (!/^[0-9a-f][0-9a-f-]{3,35}$/.test(text)) return [];
  const whole: IdRange = { from: text, before: `${text}g`, tail: '' };
  if (text.includes('-') || text.length > idLength - randomStart + minuteLength) return [whole];
  const [minute, tail] = [text.slice(0, minuteLength), text.slice(minuteLength)];
  const first = Number.parseInt(oldest.slice(0, minuteLength), 16);
  const last = Number.parseInt(newest.slice(0, minuteLength), 16);
  const rounds = Math.min(mostRounds, last - first + 1);
  const short = Array.from({ length: Math.max(0, rounds) }, (_, back): IdRange => {
    const start = (last - back).toString(16).padStart(minuteLength, '0') + minute;
    return { from: start, before: `${start}g`, tail };
  });
  return [whole, ...short];
}
