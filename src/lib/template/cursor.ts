import type { TemplateNode } from './ast.ts';
import { TemplateError, positionAt } from './error.ts';
import type { Token } from './lexer.ts';

/** Blocks and parentheses inside each other; keeps the recursive parser and executor off the end of the stack. */
const maximumNesting = 100;

/** A parser over one template; `variables` are those that are visible at the current place. */
export interface Parser {
  readonly name: string;
  readonly source: string;
  readonly tokens: readonly Token[];
  readonly functionNames: ReadonlySet<string>;
  readonly definitions: Map<string, readonly TemplateNode[]>;
  variables: string[];
  index: number;
  loops: number;
  nesting: number;
}

/** Fails at a token, or at an offset in the source. */
export function fail(parser: Parser, reason: string, at: Token | number): never {
  const offset = typeof at === 'number' ? at : at.offset;
  throw new TemplateError(parser.name, positionAt(parser.source, offset), 'parse', reason);
}

export function unexpected(parser: Parser, token: Token, where: string): never {
  if (token.kind === 'error') fail(parser, token.text, token);
  if (token.kind === 'end') fail(parser, 'unexpected end of the template: an {{end}} is missing', token);
  fail(parser, `unexpected ${JSON.stringify(token.text)} in ${where}`, token);
}

export function next(parser: Parser): Token {
  const token = peek(parser);
  parser.index += 1;
  return token;
}

export function peek(parser: Parser): Token {
  const { tokens } = parser;
  return tokens[Math.min(parser.index, tokens.length - 1)] ?? { kind: 'end', text: '', offset: parser.source.length };
}

/** The next token that is no space, not taken. */
export function peekVisible(parser: Parser): Token {
  while (peek(parser).kind === 'space') parser.index += 1;
  return peek(parser);
}

export function nextVisible(parser: Parser): Token {
  peekVisible(parser);
  return next(parser);
}

export function enter(parser: Parser): void {
  parser.nesting += 1;
  if (parser.nesting > maximumNesting)
    fail(parser, `more than ${maximumNesting} blocks or parentheses in each other`, peek(parser));
}
