const longToken = /(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{24,}={0,2}/g;

/** Long strings that look random, whatever stands around them. */
export function findRandom(text: string, report: (start: number, end: number) => void): void {
  for (const { 0: token, index } of text.matchAll(longToken)) {
    // A path: its parts are looked at by themselves.
    if (!/(?:^|\/)[a-z]{3,}(?:\/|$)/.test(token)) {
      if (looksRandom(token)) report(index, index + token.length);
      continue;
    }
    for (const { 0: part, index: offset } of token.matchAll(/[^/]{24,}/g))
      if (looksRandom(part)) report(index + offset, index + offset + part.length);
  }
}

/**
 * All three kinds of characters, mixed (words joined by capitals change kind seldom), with high entropy: not a hex digest, a
 * UUID, a path, an identifier or an object's name.
 */
function looksRandom(token: string): boolean {
  const sample = token.slice(0, 256);
  const { digits, upper, lower, changes } = kindsOf(sample);
  if (digits < 3 || upper < 3 || lower < 3 || changes < sample.length * 0.4) return false;
  return entropy(sample) >= (/[/_-]/.test(sample) ? 4.5 : sample.length < 32 ? 4 : 4.2);
}

/** Whether the value of a name that may be a secret's is one: no word, number, version, path or sentence. */
export function isRandomValue(value: string): boolean {
  if (!/^[\w+/=.~@!#$%^&*-]{12,}$/.test(value)) return false;
  const { digits, upper, lower, changes } = kindsOf(value.slice(0, 256));
  if (/^[0-9a-f]{32,}$/i.test(value)) return digits >= 6 && upper + lower >= 4;
  if (/^[a-z0-9]+$/.test(value))
    return value.length >= 20 && digits >= 3 && lower >= 5 && changes >= value.length * 0.25;
  return digits >= 2 && upper >= 2 && lower >= 2 && changes >= value.length * 0.35;
}

function kindsOf(text: string): {
  readonly digits: number;
  readonly upper: number;
  readonly lower: number;
  readonly changes: number;
} {
  const counts = [0, 0, 0, 0];
  let changes = 0;
  let before = -1;
  for (let position = 0; position < text.length; position += 1) {
    const code = text.charCodeAt(position);
    const kind = code >= 48 && code <= 57 ? 0 : code >= 65 && code <= 90 ? 1 : code >= 97 && code <= 122 ? 2 : 3;
    counts[kind] = (counts[kind] ?? 0) + 1;
    if (kind !== before) changes += 1;
    before = kind;
  }
  const [digits = 0, upper = 0, lower = 0] = counts;
  return { digits, upper, lower, changes };
}

/** Shannon entropy in bits per character. */
function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}
