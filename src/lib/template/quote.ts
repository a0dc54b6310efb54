const simpleEscapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
};

const escapePattern = /\\(?:([abfnrtv\\'"])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|([^]?))/gu;

/**
 * The text of a Go string or character literal without its quotes: escapes `\a \b \f \n \r \t \v \\ \xHH \uHHHH
 * \UHHHHHHHH \NNN` and the quote itself. `undefined` where Go's strconv.Unquote refuses it. Bytes above 127 (`\xff`) must
 * be valid UTF-8 together.
 */
export function unquoteGo(body: string, quote: '"' | "'"): string | undefined {
  if (!body.includes('\\')) return body.includes('\n') ? undefined : body;
  if (body.includes('\n')) return undefined;
  let valid = true;
  let hasBytes = false;
  const text = body.replaceAll(escapePattern, (_all, simple, hex, short, long, octal) => {
    if (simple !== undefined) {
      const isOtherQuote = (simple === '"' || simple === "'") && simple !== quote;
      if (isOtherQuote) valid = false;
      return simpleEscapes[simple as string] ?? (simple as string);
    }
    const byteDigits = (hex ?? octal) as string | undefined;
    if (byteDigits !== undefined) {
      const byte = Number.parseInt(byteDigits, hex === undefined ? 8 : 16);
      if (byte > 255) valid = false;
      if (byte > 127) hasBytes = true;
      return byte > 127 ? String.fromCharCode(byteMarker + byte) : String.fromCharCode(byte);
    }
    const codePoint = Number.parseInt((short ?? long ?? 'x') as string, 16);
    if (!(codePoint <= 0x10ffff) || (codePoint >= 0xd800 && codePoint <= 0xdfff)) valid = false;
    return valid ? String.fromCodePoint(codePoint) : '';
  });
  if (!valid) return undefined;
  return hasBytes ? decodeMarkedBytes(text) : text;
}

/** Lone low surrogates stand for raw bytes until the whole literal is known. */
const byteMarker = 0xdc00;

function decodeMarkedBytes(text: string): string | undefined {
  const bytes: number[] = [];
  for (const character of text) {
    const codePoint = character.codePointAt(0) ?? 0;
    if (codePoint >= byteMarker + 128 && codePoint <= byteMarker + 255) bytes.push(codePoint - byteMarker);
    else bytes.push(...Buffer.from(character, 'utf8'));
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes));
  } catch {
    return undefined;
  }
}

const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

/** Go's unicode.IsPrint. */
export function isPrintable(character: string): boolean {
  return printable.test(character);
}

const quoteEscapes: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
};

const plainText = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

/** Text as a Go literal (strconv.Quote; `asciiOnly`: QuoteToASCII; quote `'`: QuoteRune of one character). */
export function quoteGo(text: string, asciiOnly = false, quote: '"' | "'" = '"'): string {
  if (quote === '"' && plainText.test(text)) return `"${text}"`;
  let quoted = quote;
  for (const character of text) quoted += quoteCharacter(character, asciiOnly, quote);
  return quoted + quote;
}

function quoteCharacter(character: string, asciiOnly: boolean, quote: string): string {
  if (character === quote) return `\\${quote}`;
  const escape = quoteEscapes[character];
  if (escape !== undefined) return escape;
  const codePoint = character.codePointAt(0) ?? 0;
  if (codePoint >= 0xd800 && codePoint <= 0xdfff) return '\\ufffd';
  if (isPrintable(character) && !(asciiOnly && codePoint > 126)) return character;
  if (codePoint < 0x20 || codePoint === 0x7f) return `\\x${codePoint.toString(16).padStart(2, '0')}`;
  if (codePoint > 0xffff) return `\\U${codePoint.toString(16).padStart(8, '0')}`;
  return `\\u${codePoint.toString(16).padStart(4, '0')}`;
}
