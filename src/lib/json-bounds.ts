const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
/** `[` and `{`, `]` and `}` differ in this bit only. */
const caseBit = 0x20;
const opening = 0x7b;
const closing = 0x7d;

/**
 * Why a JSON text is refused before it is parsed, or null: JSON.parse of a few megabytes of `{},` takes half a second, one of
 * as much text ten milliseconds. Says nothing about whether it is JSON.
 */
export function jsonProblem(
  bytes: Uint8Array,
  bounds: { readonly values: number; readonly depth: number },
): string | null {
  // Every value but the first of a list or an object stands behind a comma.
  let values = 1;
  let depth = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === quote) at = endOfText(bytes, at + 1);
    else if (byte === comma) values += 1;
    else if ((byte | caseBit) === opening) {
      values += 1;
      depth += 1;
    } else if ((byte | caseBit) === closing) depth -= 1;
    if (values > bounds.values) return `has more than ${bounds.values} values`;
    if (depth > bounds.depth) return `is more than ${bounds.depth} deep`;
  }
  return null;
}

/** Where the quote is that ends a text; the end of the bytes where there is none. */
function endOfText(bytes: Uint8Array, from: number): number {
  for (let end = bytes.indexOf(quote, from); end >= 0; end = bytes.indexOf(quote, end + 1)) {
    let escapes = end;
    while (escapes > from && bytes[escapes - 1] === backslash) escapes -= 1;
    if ((end - escapes) % 2 === 0) return end;
  }
  return bytes.length;
}
