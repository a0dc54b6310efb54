import type { Matcher, MatcherType } from '../../core/alert.ts';
import type { Selector } from './selector.ts';
import { createCursor, isMark, isWord, Unread } from './cursor.ts';
import type { Cursor } from './cursor.ts';
import { tokensOf, unexpectedToken } from './tokens.ts';
import type { Lexicon, Misunderstood, Token } from './tokens.ts';

// PromQL, as far as it must be understood to know everything that an expression selects: after
// https://prometheus.io/docs/prometheus/latest/querying/basics/ and prometheus/promql/parser (lex.go, generated_parser.y).

const lexicon: Lexicon = {
  singleQuotes: true,
  marks: /(?:==|!=|=~|!~|>=|<=|[(){}[\],:=<>+\-*/%^@])/y,
  numbers: /(?:0[xX][0-9a-fA-F]+|(?:\d+(?:ms|[smhdwy]))+|\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)(?![\w.])/y,
  colonsInWords: true,
};

const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/));

const aggregators = words(
  'sum avg count min max group stddev stdvar topk bottomk count_values quantile limitk limit_ratio',
);

/** Those that select nothing of their own; `info` does. */
const functions =
  words(`abs absent absent_over_time acos acosh asin asinh atan atanh avg_over_time ceil changes clamp clamp_max
clamp_min cos cosh count_over_time day_of_month day_of_week day_of_year days_in_month deg delta deriv double_exponential_smoothing exp
first_over_time floor histogram_avg histogram_count histogram_fraction histogram_quantile histogram_stddev histogram_stdvar
histogram_sum holt_winters hour idelta increase irate label_join label_replace last_over_time ln log10 log2 mad_over_time max_over_time
min_over_time minute month pi predict_linear present_over_time quantile_over_time rad rate resets round scalar sgn sin sinh sort
sort_by_label sort_by_label_desc sort_desc sqrt stddev_over_time stdvar_over_time sum_over_time tan tanh time timestamp
ts_of_first_over_time ts_of_last_over_time ts_of_max_over_time ts_of_min_over_time vector year`);

const operatorWords = words('and or unless atan2');
const operatorMarks = words('+ - * / % ^ == != > < >= <=');
/** Words that are no names of metrics. */
const keywords = words('and or unless atan2 by without on ignoring group_left group_right bool offset');
const numberWords = words('inf nan');

/** Parentheses in parentheses. */
const deepest = 60;

/** Every selector of an expression, in order; a problem where it is not one of PromQL that is surely understood. Pure. */
export function promqlSelectors(expression: string): readonly Selector[] | Misunderstood {
  const tokens = tokensOf(expression, lexicon);
  if ('problem' in tokens) return tokens;
  const reader: Reader = { ...createCursor(tokens), selectors: [] };
  try {
    readExpression(reader, 0);
    return reader.peek().kind === 'end' ? reader.selectors : unexpectedToken(reader.peek());
  } catch (thrown) {
    if (thrown instanceof Unread) return thrown.why;
    throw thrown;
  }
}

/** What was read so far. */
interface Reader extends Cursor {
  readonly selectors: Selector[];
}

function readExpression(reader: Reader, depth: number): void {
  if (depth > deepest) throw new Unread({ problem: `it has more than ${deepest} levels` });
  readOperand(reader, depth);
  while (isOperator(reader.peek())) {
    reader.take();
    reader.skipWord('bool');
    if (reader.skipWord('on', 'ignoring')) {
      readLabels(reader);
      if (reader.skipWord('group_left', 'group_right') && isMark(reader.peek(), '(')) readLabels(reader);
    }
    readOperand(reader, depth);
  }
}

function isOperator({ kind, source }: Token): boolean {
  return kind === 'mark' ? operatorMarks.has(source) : kind === 'word' && operatorWords.has(source.toLowerCase());
}

function readOperand(reader: Reader, depth: number): void {
  while (reader.skipMark('+', '-'));
  readPrimary(reader, depth);
  while (readPostfix(reader));
}

function readPrimary(reader: Reader, depth: number): void {
  const token = reader.peek();
  if (token.kind === 'number' || token.kind === 'text') return void reader.take();
  if (isMark(token, '{')) return readBraces(reader, null);
  if (isMark(token, '(')) {
    reader.take();
    readExpression(reader, depth + 1);
    return void reader.takeMark(')');
  }
  if (token.kind !== 'word') return reader.give();
  const lower = token.source.toLowerCase();
  const next = reader.peek(1);
  if (aggregators.has(lower) && (isMark(next, '(') || isWord(next, 'by', 'without')))
    return readAggregation(reader, depth);
  if (isMark(next, '(')) return readCall(reader, depth);
  if (keywords.has(lower)) return reader.give();
  reader.take();
  if (numberWords.has(lower)) return undefined;
  if (isMark(reader.peek(), '{')) return readBraces(reader, token.source);
  reader.selectors.push({ name: token.source, matchers: [], place: token.end, form: 'without braces' });
  return undefined;
}

function readAggregation(reader: Reader, depth: number): void {
  reader.take();
  const isBefore = readGrouping(reader);
  readValues(reader, depth);
  if (!isBefore) readGrouping(reader);
}

function readGrouping(reader: Reader): boolean {
  const isIt = reader.skipWord('by', 'without');
  if (isIt) readLabels(reader);
  return isIt;
}

function readCall(reader: Reader, depth: number): void {
  const { source } = reader.take();
  if (!functions.has(source))
    throw new Unread({ problem: `there is no function ${source.slice(0, 40)} that is known to select nothing else` });
  readValues(reader, depth);
}

/** In parentheses, perhaps none. */
function readValues(reader: Reader, depth: number): void {
  reader.takeMark('(');
  if (reader.skipMark(')')) return;
  do readExpression(reader, depth + 1);
  while (reader.skipMark(','));
  reader.takeMark(')');
}

function readLabels(reader: Reader): void {
  reader.takeMark('(');
  while (!isMark(reader.peek(), ')')) {
    reader.takeKind('word', 'text');
    if (!reader.skipMark(',')) break;
  }
  reader.takeMark(')');
}

function readBraces(reader: Reader, metric: string | null): void {
  const { end: place } = reader.takeMark('{');
  const matchers: Matcher[] = [];
  let name = metric;
  let isEmpty = true;
  while (!isMark(reader.peek(), '}')) {
    isEmpty = false;
    const found = readMatcher(reader);
    const given = typeof found === 'string' ? found : found.name === '__name__' ? found.value : null;
    // The server refuses two names.
    if (given !== null && name !== null) throw new Unread({ problem: 'a selector has two names' });
    if (typeof found === 'string' || (given !== null && found.type === '=')) name = given;
    if (typeof found !== 'string') matchers.push(found);
    if (!reader.skipMark(',')) break;
  }
  reader.takeMark('}');
  reader.selectors.push({ name, matchers, place, form: isEmpty ? 'alone' : 'before others' });
}

/** `label="value"`, or the name of the metric in quotes. */
function readMatcher(reader: Reader): Matcher | string {
  const label = reader.takeKind('word', 'text');
  if (label.kind === 'text' && isMark(reader.peek(), ',', '}')) return label.value;
  const operator = reader.takeMark('=', '!=', '=~', '!~');
  const { value } = reader.takeKind('text');
  return { name: label.value, type: operator.source as MatcherType, value };
}

/** A range, a subquery, `offset` or `@`; whether there was one. */
function readPostfix(reader: Reader): boolean {
  if (reader.skipMark('[')) {
    reader.takeKind('number');
    if (reader.skipMark(':') && !isMark(reader.peek(), ']')) reader.takeKind('number');
    reader.takeMark(']');
    return true;
  }
  if (reader.skipWord('offset')) {
    readSigned(reader);
    return true;
  }
  if (!reader.skipMark('@')) return false;
  if (reader.skipWord('start', 'end')) {
    reader.takeMark('(');
    reader.takeMark(')');
  } else readSigned(reader);
  return true;
}

function readSigned(reader: Reader): void {
  reader.skipMark('+', '-');
  reader.takeKind('number');
}
