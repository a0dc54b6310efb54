// PostgreSQL stores neither NUL nor half a surrogate pair, in no text and no JSON. Both databases hold the same, so both
// get U+FFFD in their place.

const replacement = '\uFFFD';
/** Escape sequences of JSON in order, so that an escaped backslash does not look like the start of the next one. */
const escapes = /\\(?:u0000|ud[89a-f][0-9a-f]{2}|.)/g;

/** Text as every database can hold it. */
export function storable(text: string): string {
  const wellFormed = text.isWellFormed() ? text : text.toWellFormed();
  return wellFormed.includes('\0') ? wellFormed.replaceAll('\0', replacement) : wellFormed;
}

/** JSON text as every database can hold it, names of members too. For values that JSON can hold. */
export function storableJson(value: unknown): string {
  const text = JSON.stringify(value);
  // JSON.stringify writes whole pairs as they are and escapes only halves, in lower case.
  if (!text.includes('\\u0000') && !text.includes('\\ud')) return text;
  return text.replaceAll(escapes, (escape) => (escape.length === 2 ? escape : replacement));
}
