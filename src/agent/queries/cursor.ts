import { unexpectedToken } from './tokens.ts';
import type { Misunderstood, Token } from './tokens.ts';

/** Ends the reading of an expression, wherever it is. */
export class Unread extends Error {
  readonly why: Misunderstood;

  constructor(why: Misunderstood) {
    super(why.problem);
    this.why = why;
  }
}

/** A place among tokens. What is not as it is asked for throws {@link Unread}. */
export interface Cursor {
  /** The next token, or one further ahead; `end` behind the last. */
  peek(ahead?: number): Token;
  take(): Token;
  takeMark(...marks: readonly string[]): Token;
  takeKind(...kinds: readonly Token['kind'][]): Token;
  /** Takes it where it is one of these; whether it was. */
  skipMark(...marks: readonly string[]): boolean;
  /** In small letters; the token may be in any. */
  skipWord(...words: readonly string[]): boolean;
  /** The next token is none that may stand here. */
  give(): never;
}

/** At the first of tokens whose last one is `end`. */
export function createCursor(tokens: readonly Token[]): Cursor {
  let index = 0;
  const peek = (ahead = 0): Token => tokens[Math.min(index + ahead, tokens.length - 1)] as Token;
  const give = (): never => {
    throw new Unread(unexpectedToken(peek()));
  };
  const skip = (isIt: boolean): boolean => {
    if (isIt) index += 1;
    return isIt;
  };
  const take = (): Token => {
    const token = peek();
    index += 1;
    return token;
  };
  return {
    peek,
    take,
    takeMark: (...marks) => (isMark(peek(), ...marks) ? take() : give()),
    takeKind: (...kinds) => (kinds.includes(peek().kind) ? take() : give()),
    skipMark: (...marks) => skip(isMark(peek(), ...marks)),
    skipWord: (...words) => skip(isWord(peek(), ...words)),
    give,
  };
}

export function isMark({ kind, source }: Token, ...marks: readonly string[]): boolean {
  return kind === 'mark' && marks.includes(source);
}

/** Words of a language may be written in any letters. */
export function isWord({ kind, source }: Token, ...words: readonly string[]): boolean {
  return kind === 'word' && words.includes(source.toLowerCase());
}
