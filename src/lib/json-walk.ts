/** Bytes of JSON's own signs. */
export const jsonSigns = { comma: 0x2c, colon: 0x3a, openingBracket: 0x5b } as const;

const quote = 0x22;
const backslash = 0x5c;
/** `[` and `{`, `]` and `}` differ in this bit only. */
const caseBit = 0x20;
const opening = 0x7b;
const closing = 0x7d;
/** By byte, 1 where a walk stops: at these signs, some of `,:[]{}`. */
export function signTable(signs: string): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => Number(`${signs}"`.includes(String.fromCharCode(byte))));
}

/** `[` or `{`. */
export function isOpening(sign: number): boolean {
  return (sign | caseBit) === opening;
}

/** `]` or `}`. */
export function isClosing(sign: number): boolean {
  return (sign | caseBit) === closing;
}

/** The way through the bytes of a JSON text. */
export interface JsonWalk {
  /** Goes on to `to`. Null, or what a sign was answered with: then it is at its end. */
  readonly walk: (to: number) => string | null;
  /** Where the last text in quotes began, and ended with its quote. */
  readonly lastText: { readonly from: number; readonly to: number };
}

/**
 * Tells `sign` of each of `signs` that stands outside of texts, a slice of the bytes at a time. For what has to be known of a
 * body before it is parsed, because JSON.parse of a few megabytes may take seconds and cannot be interrupted. Says nothing
 * about whether it is JSON.
 */
export function createJsonWalk(
  bytes: Uint8Array,
  signs: Uint8Array,
  sign: (at: number, byte: number) => string | null,
): JsonWalk {
  const lastText = { from: 0, to: 0 };
  let next = 0;
  let isText = false;
  return {
    lastText,
    walk(to) {
      let at = next;
      for (;;) {
        if (isText) {
          at = endOfText(bytes, at, to);
          if (at >= to) break;
          isText = false;
          at += 1;
          lastText.to = at;
        }
        at = nextSign(bytes, signs, at, to);
        if (at >= to) break;
        const byte = bytes[at] as number;
        if (byte === quote) {
          isText = true;
          lastText.from = at;
        } else {
          const answer = sign(at, byte);
          if (answer !== null) return answer;
        }
        at += 1;
      }
      next = at;
      return null;
    },
  };
}

/** Place of the quote that ends a text; `to` or the place after it where it is not there yet. */
function endOfText(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  for (; at < to; at += 1) {
    const byte = bytes[at];
    if (byte === quote) return at;
    if (byte === backslash) at += 1;
  }
  return at;
}

/** Place of the next of the signs, or of a quote, or `to`. */
function nextSign(bytes: Uint8Array, signs: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && signs[bytes[at] as number] === 0) at += 1;
  return at;
}
