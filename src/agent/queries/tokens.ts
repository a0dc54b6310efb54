import { unquoteGo } from '../../lib/template/quote.ts';

/** A word, number, text or mark of a query language. */
export interface Token {
  readonly kind: 'word' | 'number' | 'text' | 'mark' | 'end';
  /** As it is written. */
  readonly source: string;
  /** What a text says; of the others as `source`. */
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

/** What keeps an expression from being understood, in words: `unexpected "#" at character 12`. */
export interface Misunderstood {
  readonly problem: string;
}

/** A query language, as far as its tokens go. */
export interface Lexicon {
  /** Single quotes are quotes too. */
  readonly singleQuotes: boolean;
  /** Sticky. The longest marks first. */
  readonly marks: RegExp;
  /** Sticky. Numbers, durations, sizes: nothing that could hold a quote or a brace. */
  readonly numbers: RegExp;
  /** Names may hold a colon, but not in brackets. */
  readonly colonsInWords: boolean;
}

const blank = /[ \t\r\n]+/y;
const plainWord = /[A-Za-z_][A-Za-z0-9_]*/y;
const colonWord = /[A-Za-z_:][A-Za-z0-9_:]*/y;

/**
 * The tokens of an expression, the last one `end`. Everything that is not surely one (comments, letters of other scripts outside
 * of quotes, quotes without an end) is a problem: what is read otherwise here than by the server would be no protection.
 */
export function tokensOf(text: string, lexicon: Lexicon): readonly Token[] | Misunderstood {
  const tokens: Token[] = [];
  let position = 0;
  let brackets = 0;
  const match = (pattern: RegExp): string | null => {
    pattern.lastIndex = position;
    return pattern.exec(text)?.[0] ?? null;
  };
  const add = (kind: Token['kind'], source: string, value = source): void => {
    tokens.push({ kind, source, value, start: position, end: position + source.length });
    position += source.length;
  };
  while (position < text.length) {
    const space = match(blank);
    if (space !== null) {
      position += space.length;
      continue;
    }
    const word = match(lexicon.colonsInWords && brackets === 0 ? colonWord : plainWord);
    if (word !== null) {
      add('word', word);
      continue;
    }
    const number = match(lexicon.numbers);
    if (number !== null && number !== '') {
      add('number', number);
      continue;
    }
    const quoted = quotedAt(text, position, lexicon.singleQuotes);
    if (quoted !== null) {
      if (quoted.value === undefined) return unexpected(text, position);
      add('text', quoted.source, quoted.value);
      continue;
    }
    const mark = match(lexicon.marks);
    if (mark === null) return unexpected(text, position);
    if (mark === '[') brackets += 1;
    if (mark === ']') brackets -= 1;
    add('mark', mark);
  }
  add('end', '');
  return tokens;
}

/** A text in quotes that begins here; null where none does. Its value is undefined where it has no end or a wrong escape. */
function quotedAt(
  text: string,
  start: number,
  singleQuotes: boolean,
): { readonly source: string; readonly value: string | undefined } | null {
  const quote = text[start];
  if (quote === '`') {
    const end = text.indexOf('`', start + 1);
    return end < 0
      ? { source: '`', value: undefined }
      : { source: text.slice(start, end + 1), value: text.slice(start + 1, end) };
  }
  if (quote !== '"' && !(quote === "'" && singleQuotes)) return null;
  for (let index = start + 1; index < text.length; index += 1) {
    if (text[index] === '\\') index += 1;
    else if (text[index] === quote)
      return { source: text.slice(start, index + 1), value: unquoteGo(text.slice(start + 1, index), quote) };
  }
  return { source: quote, value: undefined };
}

function unexpected(text: string, position: number): Misunderstood {
  const rest = Array.from(text.slice(position, position + 20))
    .slice(0, 10)
    .join('');
  return { problem: `unexpected ${JSON.stringify(rest)} at character ${position + 1}` };
}

/** Of a token. */
export function unexpectedToken({ kind, source, start }: Token): Misunderstood {
  if (kind === 'end') return { problem: 'it ends too early' };
  return { problem: `unexpected ${JSON.stringify(source.slice(0, 20))} at character ${start + 1}` };
}
