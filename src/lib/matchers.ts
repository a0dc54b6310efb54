import type { Labels, Matcher, MatcherType } from '../core/alert.ts';
import { AppError } from '../core/errors.ts';
import { compareUtf8 } from './hash.ts';
import { FunctionError } from './template/error.ts';
import { quoteGo, unquoteGo } from './template/quote.ts';
import { compileRegex, isBounded } from './template/regex.ts';

interface Token {
  readonly kind: 'open' | 'close' | 'comma' | 'operator' | 'word' | 'quoted' | 'wrong' | 'end';
  readonly text: string;
  readonly offset: number;
}

/** Letters that only quotes can hold in a name or value (alertmanager/matcher/parse). */
const tokenPattern =
  /[[\s\u0085]--\ufeff]*(?:(\{)|(\})|(,)|(=~|!~|!=|=)|("(?:[^"\\]|\\[^])*")|((?:[^\s\u0085\{\}!=~,\\"'`]|\ufeff)+)|([^])|$)/vy;
const kinds = ['open', 'close', 'comma', 'operator', 'quoted', 'word', 'wrong'] as const;

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  tokenPattern.lastIndex = 0;
  for (;;) {
    const match = tokenPattern.exec(text);
    const group = match === null ? -1 : match.findIndex((found, index) => index > 0 && found !== undefined);
    if (match === null || group < 1) return [...tokens, { kind: 'end', text: '', offset: text.length }];
    const found = match[group] ?? '';
    tokens.push({ kind: kinds[group - 1] ?? 'wrong', text: found, offset: tokenPattern.lastIndex - found.length });
  }
}

/**
 * Parses zero or more matchers, `foo=bar,severity=~"a|b"` with or without braces, after Alertmanager's UTF-8 strict mode
 * (alertmanager/matcher/parse). Regular expressions are checked too. Throws InvalidInput, which names the column.
 */
export function parseMatchers(text: string): Matcher[] {
  const tokens = tokenize(text);
  let index = 0;
  const peek = (): Token => tokens[index] ?? { kind: 'end', text: '', offset: text.length };
  const take = (kind: Token['kind']): boolean => {
    const isNext = peek().kind === kind;
    if (isNext) index += 1;
    return isNext;
  };
  const wrong = (expected: string): never => {
    const { kind, text: found, offset } = peek();
    const place = kind === 'end' ? 'at the end' : `at column ${offset + 1}, not ${JSON.stringify(found)}`;
    throw new AppError('InvalidInput', `Matchers ${JSON.stringify(text)}: expected ${expected} ${place}.`);
  };
  const label = (expected: string): string => {
    const token = peek();
    if (token.kind !== 'word' && token.kind !== 'quoted') return wrong(expected);
    const value = token.kind === 'word' ? token.text : unquoteGo(token.text.slice(1, -1), '"');
    if (value === undefined) return wrong('a quoted text with valid escapes (a backslash is written \\\\)');
    index += 1;
    return value;
  };

  const matchers: Matcher[] = [];
  const hasBrace = take('open');
  while (peek().kind !== 'end' && peek().kind !== 'close') {
    const name = label('a label name');
    const operator = peek();
    if (!take('operator')) wrong('an operator (=, !=, =~ or !~)');
    const matcher = { name, type: operator.text as MatcherType, value: label('a label value') };
    checkRegex(matcher, text);
    matchers.push(matcher);
    if (!take('comma') && peek().kind !== 'close' && peek().kind !== 'end') wrong('a comma');
  }
  if (hasBrace && !take('close')) wrong('a closing brace');
  if (peek().kind !== 'end') wrong(hasBrace ? 'nothing more' : 'an opening brace before it');
  return matchers;
}

function checkRegex(matcher: Matcher, text: string): void {
  if (!isRegex(matcher)) return;
  try {
    regexTest(matcher.value);
  } catch (thrown) {
    if (!(thrown instanceof FunctionError)) throw thrown;
    throw new AppError('InvalidInput', `Matchers ${JSON.stringify(text)}: ${thrown.message}.`, { cause: thrown });
  }
}

function isRegex({ type }: Matcher): boolean {
  return type === '=~' || type === '!~';
}

/** Alternatives of plain text, by far the most frequent expressions, need no regular expression and no library. */
const plainAlternatives = /^[\p{L}\p{N}_ /:@-]+(?:\|[\p{L}\p{N}_ /:@-]+)*$/u;

interface RegexTest {
  readonly fits: (text: string) => boolean;
  /** Of the program that the expression becomes; none where it is plain text. */
  readonly parts: number;
}

function regexTest(value: string): RegexTest {
  if (plainAlternatives.test(value)) {
    const texts = value.split('|');
    return { fits: (text) => texts.includes(text), parts: 0 };
  }
  const regex = compileRegex(`^(?:${value})$`);
  // Alerts of one group share their long values, and each of them meets the same matchers.
  let last = '';
  let didMatch = false;
  const fits = (text: string) => {
    if (text.length <= shortText) return regex.test(text);
    if (text !== last) {
      didMatch = isBounded(regex, text.length) && regex.test(text);
      last = text;
    }
    return didMatch;
  };
  return { fits, parts: regex.programSize() };
}

/** A match of shorter text costs less than to remember it. */
const shortText = 256;

/** Characters of a value times parts of expressions, where others wait: about 5 ms. */
const mostWork = 50_000;

/**
 * Characters of the longest value that all regular expressions of some matchers may meet where others wait: together they
 * take about 5 ms for it. Throws InvalidInput where they are too large for ordinary values.
 */
export function longestValueFor(matchers: readonly Matcher[]): number {
  const parts = matchers.reduce((sum, matcher) => sum + (isRegex(matcher) ? testOf(matcher).parts : 0), 0);
  const most = Math.floor(mostWork / shortText);
  if (parts <= most) return Math.floor(mostWork / Math.max(parts, 1));
  const message = `the regular expressions have ${parts} parts together (x{100} has a hundred), more than ${most}`;
  throw new AppError('InvalidInput', message, { next: 'smaller ones; alternatives of plain text, a|b, have none' });
}

/**
 * Whether labels fit one matcher; a missing label is "". The regular expression must fit the whole value; a value that is
 * too long for its size (tens of thousands of characters), or longer than `longestValue`, fits none.
 */
export function matches(matcher: Matcher, labels: Labels, longestValue = Number.POSITIVE_INFINITY): boolean {
  const value = Object.hasOwn(labels, matcher.name) ? (labels[matcher.name] ?? '') : '';
  switch (matcher.type) {
    case '=':
      return value === matcher.value;
    case '!=':
      return value !== matcher.value;
    case '=~':
      return value.length <= longestValue && testOf(matcher).fits(value);
    default:
      return value.length > longestValue || !testOf(matcher).fits(value);
  }
}

const tests = new WeakMap<Matcher, RegexTest>();

function testOf(matcher: Matcher): RegexTest {
  const known = tests.get(matcher);
  if (known !== undefined) return known;
  const test = regexTest(matcher.value);
  tests.set(matcher, test);
  return test;
}

/** Whether labels fit all matchers; no matchers fit everything. `longestValue` as of {@link longestValueFor}. */
export function matchesAll(matchers: readonly Matcher[], labels: Labels, longestValue?: number): boolean {
  return matchers.every((matcher) => matches(matcher, labels, longestValue));
}

const reserved = /[[\s\u0085\{\}!=~,\\"'`]--\ufeff]/v;

/** A matcher as Alertmanager prints it. */
export function formatMatcher({ name, type, value }: Matcher): string {
  const escaped = value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
  return `${reserved.test(name) ? quoteGo(name) : name}${type}"${escaped}"`;
}

const typeOrder: readonly MatcherType[] = ['=', '!=', '=~', '!~'];

function compareMatchers(left: Matcher, right: Matcher): number {
  return (
    compareUtf8(left.name, right.name) ||
    compareUtf8(left.value, right.value) ||
    typeOrder.indexOf(left.type) - typeOrder.indexOf(right.type)
  );
}

/**
 * Alertmanager's group key of a route and group labels (`{}/{team="core"}:{alertname="X"}`); `route` has the matchers of
 * every route from the root down. Its SHA-256 in hex is the key that Alertmanager itself gives to receivers.
 */
export function groupKey(route: readonly (readonly Matcher[])[], labels: Labels): string {
  const routes = route.map((matchers) => `{${[...matchers].sort(compareMatchers).map(formatMatcher).join(',')}}`);
  const pairs = Object.keys(labels)
    .sort(compareUtf8)
    .map((name) => `${name}=${quoteGo(labels[name] ?? '')}`);
  return `${routes.join('/')}:{${pairs.join(', ')}}`;
}
