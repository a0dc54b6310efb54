/**
 * Cuts a template into tokens, after the rules of Go's text/template/parse: trim markers `{{- ` and ` -}}`, comments,
 * raw and quoted strings. Beside Go: a hyphen inside a field, and `[n]` after one.
 */
export type TokenKind =
  | 'text'
  | 'left'
  | 'right'
  | 'space'
  | 'identifier'
  | 'keyword'
  | 'field'
  | 'index'
  | 'variable'
  | 'dot'
  | 'nil'
  | 'bool'
  | 'string'
  | 'raw'
  | 'character'
  | 'number'
  | 'assign'
  | 'declare'
  | 'pipe'
  | 'open'
  | 'close'
  | 'other'
  | 'error'
  | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** As in the source (a field with its dot); of an error token, the reason. */
  readonly text: string;
  readonly offset: number;
}

interface Lexer {
  readonly source: string;
  readonly tokens: Token[];
  offset: number;
  parentheses: number;
}

const keywords = new Set(['block', 'break', 'continue', 'define', 'else', 'end', 'if', 'range', 'template', 'with']);
const space = /[ \t\r\n]/;
const wordPattern = /[\p{L}\p{Nd}_]+/uy;
/** A hyphen belongs to a name unless it would start ` -}}`, stand before `}}`, or before an operator. */
const chainPattern = /(?:[\p{L}\p{Nd}_]|-(?=[\p{L}\p{Nd}_\-. \t\r\n]))+/uy;
const numberPattern =
  /[+-]?(?:0[xX][0-9a-fA-F_]*\.?[0-9a-fA-F_]*(?:[pP][+-]?[0-9_]*)?|0[oO][0-7_]*\.?[0-7_]*|0[bB][01_]*\.?[01_]*|[0-9_]*\.?[0-9_]*(?:[eE][+-]?[0-9_]*)?)/y;
const indexPattern = /\[([0-9]{1,9})\](?=[.[])/y;

/** The tokens of a template; the last is `end`, or `error` where cutting had to stop. */
export function tokenize(source: string): Token[] {
  const lexer: Lexer = { source, tokens: [], offset: 0, parentheses: 0 };
  let goesOn = true;
  while (goesOn) goesOn = lexText(lexer) && lexAction(lexer);
  return lexer.tokens;
}

function emit(lexer: Lexer, kind: TokenKind, end: number): true {
  lexer.tokens.push({ kind, text: lexer.source.slice(lexer.offset, end), offset: lexer.offset });
  lexer.offset = end;
  return true;
}

function fail(lexer: Lexer, reason: string, offset = lexer.offset): false {
  lexer.tokens.push({ kind: 'error', text: reason, offset });
  return false;
}

/** Text and comments up to the next action; false at the end of the source. */
function lexText(lexer: Lexer): boolean {
  let inside = nextBraces(lexer);
  while (inside !== undefined && lexer.source.startsWith('/*', inside)) {
    if (!lexComment(lexer, inside)) return false;
    inside = nextBraces(lexer);
  }
  if (inside === undefined) return false;
  emit(lexer, 'left', lexer.offset + 2);
  lexer.offset = inside;
  lexer.parentheses = 0;
  return true;
}

/** Emits the text before the next `{{` and says where its inside starts; `offset` stays on the braces. */
function nextBraces(lexer: Lexer): number | undefined {
  const { source } = lexer;
  const start = source.indexOf('{{', lexer.offset);
  if (start === -1) {
    if (lexer.offset < source.length) emit(lexer, 'text', source.length);
    lexer.tokens.push({ kind: 'end', text: '', offset: source.length });
    return undefined;
  }
  const trims = source[start + 2] === '-' && isSpace(source[start + 3]);
  let textEnd = start;
  if (trims) while (textEnd > lexer.offset && isSpace(source[textEnd - 1])) textEnd -= 1;
  if (textEnd > lexer.offset) emit(lexer, 'text', textEnd);
  lexer.offset = start;
  return start + (trims ? 4 : 2);
}

function lexComment(lexer: Lexer, start: number): boolean {
  const { source } = lexer;
  const end = source.indexOf('*/', start + 2);
  if (end === -1) return fail(lexer, 'the comment is not closed with */}}');
  const closing = rightDelimiter(source, end + 2);
  if (closing === undefined) return fail(lexer, 'a comment must be the whole action: {{/* text */}}', end);
  lexer.offset = closing.end;
  return true;
}

/** The closing braces at an offset, with what a trim marker takes of the text behind them. */
function rightDelimiter(source: string, offset: number): { readonly end: number } | undefined {
  if (source.startsWith('}}', offset)) return { end: offset + 2 };
  if (!isSpace(source[offset]) || !source.startsWith('-}}', offset + 1)) return undefined;
  let end = offset + 4;
  while (isSpace(source[end])) end += 1;
  return { end };
}

/** The tokens of one action, to its closing braces; false after an error. */
function lexAction(lexer: Lexer): boolean {
  for (;;) {
    const closing = rightDelimiter(lexer.source, lexer.offset);
    if (closing !== undefined) {
      if (lexer.parentheses > 0) return fail(lexer, 'a left parenthesis is not closed');
      return emit(lexer, 'right', closing.end);
    }
    if (!lexInside(lexer)) return false;
  }
}

function lexInside(lexer: Lexer): boolean {
  const { source, offset } = lexer;
  const character = source[offset];
  if (character === undefined) return fail(lexer, 'the action is not closed with }}');
  if (isSpace(character)) return lexSpace(lexer);
  if (character === '"' || character === "'") return lexQuoted(lexer, character);
  if (character === '`') return lexRaw(lexer);
  if (character === '$') return lexChain(lexer, 'variable');
  const next = source[offset + 1];
  if (character === '.' && (next === undefined || next < '0' || next > '9')) return lexChain(lexer, 'field');
  if (/[.+\-0-9]/.test(character)) return lexNumber(lexer);
  if (match(wordPattern, lexer) !== undefined) return lexWord(lexer);
  return lexPunctuation(lexer, character);
}

function lexSpace(lexer: Lexer): boolean {
  let end = lexer.offset + 1;
  // The space before a trim marker belongs to the closing braces.
  while (isSpace(lexer.source[end]) && rightDelimiter(lexer.source, end) === undefined) end += 1;
  return emit(lexer, 'space', end);
}

function lexPunctuation(lexer: Lexer, character: string): boolean {
  const { offset } = lexer;
  if (character === '=') return emit(lexer, 'assign', offset + 1);
  if (character === '|') return emit(lexer, 'pipe', offset + 1);
  if (character === ':') {
    return lexer.source[offset + 1] === '=' ? emit(lexer, 'declare', offset + 2) : fail(lexer, 'expected :=');
  }
  if (character === '(') {
    lexer.parentheses += 1;
    return emit(lexer, 'open', offset + 1);
  }
  if (character === ')') {
    lexer.parentheses -= 1;
    return lexer.parentheses < 0 ? fail(lexer, 'unexpected right parenthesis') : emit(lexer, 'close', offset + 1);
  }
  if (character > ' ' && character <= '~') return emit(lexer, 'other', offset + 1);
  return fail(lexer, `unexpected character ${describe(lexer.source, offset)}`);
}

function lexQuoted(lexer: Lexer, quote: '"' | "'"): boolean {
  const { source } = lexer;
  let end = lexer.offset + 1;
  while (end < source.length && source[end] !== quote && source[end] !== '\n') {
    end += source[end] === '\\' && source[end + 1] !== '\n' ? 2 : 1;
  }
  if (source[end] !== quote)
    return fail(lexer, quote === '"' ? 'a quoted string is not closed' : 'a character is not closed');
  return emit(lexer, quote === '"' ? 'string' : 'character', end + 1);
}

function lexRaw(lexer: Lexer): boolean {
  const end = lexer.source.indexOf('`', lexer.offset + 1);
  return end === -1 ? fail(lexer, 'a raw string is not closed with `') : emit(lexer, 'raw', end + 1);
}

/** `.field`, `$variable` and `[n]`; a lone `.` or `$`. */
function lexChain(lexer: Lexer, kind: 'field' | 'variable'): boolean {
  const start = lexer.offset;
  lexer.offset += 1;
  const word = match(chainPattern, lexer) ?? '';
  const end = start + 1 + word.length;
  lexer.offset = end;
  const index = match(indexPattern, lexer);
  if (index === undefined && !isTerminator(lexer.source, end)) {
    return fail(lexer, `unexpected ${describe(lexer.source, end)} in a field name`, end);
  }
  lexer.offset = start;
  emit(lexer, word === '' && kind === 'field' ? 'dot' : kind, end);
  for (let next = index; next !== undefined; next = match(indexPattern, lexer)) {
    emit(lexer, 'index', lexer.offset + next.length);
  }
  return true;
}

function lexWord(lexer: Lexer): boolean {
  const word = match(wordPattern, lexer) ?? '';
  const end = lexer.offset + word.length;
  if (!isTerminator(lexer.source, end))
    return fail(lexer, `unexpected ${describe(lexer.source, end)} after ${word}`, end);
  if (word === 'true' || word === 'false') return emit(lexer, 'bool', end);
  if (word === 'nil') return emit(lexer, 'nil', end);
  return emit(lexer, keywords.has(word) ? 'keyword' : 'identifier', end);
}

function lexNumber(lexer: Lexer): boolean {
  const text = match(numberPattern, lexer) ?? '';
  const end = lexer.offset + text.length;
  wordPattern.lastIndex = end;
  const follows = lexer.source[end];
  if (wordPattern.test(lexer.source) || follows === '+' || follows === '-') {
    return fail(lexer, `${JSON.stringify(text + (follows ?? ''))} is not a number`);
  }
  return emit(lexer, 'number', end);
}

function match(pattern: RegExp, lexer: Lexer): string | undefined {
  pattern.lastIndex = lexer.offset;
  return pattern.exec(lexer.source)?.[0];
}

function isSpace(character: string | undefined): boolean {
  return character !== undefined && space.test(character);
}

function isTerminator(source: string, offset: number): boolean {
  const character = source[offset];
  return (
    character === undefined || isSpace(character) || '.,|:)('.includes(character) || source.startsWith('}}', offset)
  );
}

function describe(source: string, offset: number): string {
  if (source[offset] === '[') return '"[" (write .list[0].field, or (index .list 0) for the item itself)';
  return JSON.stringify(String.fromCodePoint(source.codePointAt(offset) ?? 0));
}
