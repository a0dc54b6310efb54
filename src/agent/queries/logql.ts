import type { Matcher, MatcherType } from '../../core/alert.ts';
import type { Selector } from './selector.ts';
import { createCursor, isMark, Unread } from './cursor.ts';
import type { Cursor } from './cursor.ts';
import { tokensOf } from './tokens.ts';
import type { Lexicon, Misunderstood } from './tokens.ts';

// LogQL, as far as it must be understood to know which streams an expression selects: braces outside of quotes are stream
// selectors and nothing else. After https://grafana.com/docs/loki/latest/query/ and loki/pkg/logql/syntax (lex.go, expr.y).

const lexicon: Lexicon = {
  // Of Loki's scanner they are characters, which LogQL has none of.
  singleQuotes: false,
  // No `//` and no `/*`, which begin comments.
  marks: /(?:\|=|\|~|\|>|!=|!~|!>|=~|==|>=|<=|\/(?![/*])|[(){}[\],:=<>+\-*%^|@.!])/y,
  numbers: /\d[\w.]*/y,
  colonsInWords: false,
};

/** The stream selectors of an expression, in order; a problem where it has none, or is not surely understood. Pure. */
export function logqlSelectors(expression: string): readonly Selector[] | Misunderstood {
  const tokens = tokensOf(expression, lexicon);
  if ('problem' in tokens) return tokens;
  const cursor = createCursor(tokens);
  const selectors: Selector[] = [];
  try {
    while (cursor.peek().kind !== 'end') {
      if (isMark(cursor.peek(), '}')) cursor.give();
      if (isMark(cursor.peek(), '{')) selectors.push(readSelector(cursor));
      else cursor.take();
    }
  } catch (thrown) {
    if (thrown instanceof Unread) return thrown.why;
    throw thrown;
  }
  return selectors.length === 0 ? { problem: 'it selects no streams: it has no {...}' } : selectors;
}

function readSelector(cursor: Cursor): Selector {
  const { end: place } = cursor.takeMark('{');
  const matchers: Matcher[] = [];
  while (!isMark(cursor.peek(), '}')) {
    const { value: name } = cursor.takeKind('word');
    const operator = cursor.takeMark('=', '!=', '=~', '!~');
    const { value } = cursor.takeKind('text');
    matchers.push({ name, type: operator.source as MatcherType, value });
    if (!cursor.skipMark(',')) break;
  }
  cursor.takeMark('}');
  return { name: null, matchers, place, form: matchers.length === 0 ? 'alone' : 'before others' };
}
