/** Longer ones were not written by a person. */
const longestExpression = 8000;

/**
 * The expression of an alert, as Prometheus puts it into `generatorURL` (`/graph?g0.expr=...`); Thanos and Mimir write it alike.
 * Null where it holds none.
 */
export function alertExpression(generatorUrl: string | null): string | null {
  const expression = generatorUrl === null ? null : URL.parse(generatorUrl)?.searchParams.get('g0.expr');
  return expression == null || expression.trim() === '' || expression.length > longestExpression ? null : expression;
}

/** An expression that compares with a number, in its parts. */
export interface Comparison {
  /** What is measured. */
  readonly measured: string;
  readonly operator: '>' | '>=' | '<' | '<=' | '==' | '!=';
  readonly threshold: number;
}

const opening = new Set(['(', '[', '{']);
const closing = new Set([')', ']', '}']);

/**
 * What an alert's expression measures and what it compares that with: `rate(x[5m]) > 0.5`. Null where it is no comparison with a
 * number, or more than one (`and`, `or`, `unless`, `bool`): then nothing can be taken off it without changing what it says.
 */
export function comparisonOf(expression: string): Comparison | null {
  const text = outermost(withoutComments(expression).trim());
  const skeleton = topLevel(text);
  if (/(?<![\w:])(?:and|or|unless|bool|on|ignoring)(?![\w:])/i.test(skeleton)) return null;
  const found = [...skeleton.matchAll(/(>=|<=|==|!=|>|<)/g)];
  const [only] = found;
  if (only === undefined || found.length > 1) return null;
  const [left, right] = [text.slice(0, only.index), text.slice(only.index + only[0].length)];
  const operator = only[0] as Comparison['operator'];
  const [below, above] = [numberOf(left), numberOf(right)];
  if (above !== null && below === null) return { measured: left.trim(), operator, threshold: above };
  if (below !== null && above === null)
    return { measured: right.trim(), operator: mirrored[operator], threshold: below };
  return null;
}

const mirrored: Readonly<Record<Comparison['operator'], Comparison['operator']>> = {
  '>': '<',
  '>=': '<=',
  '<': '>',
  '<=': '>=',
  '==': '==',
  '!=': '!=',
};

/** A number as PromQL writes it, or a product or quotient of such: `0.9`, `15 * 60`, `90 / 100`. */
function numberOf(text: string): number | null {
  const parts = outermost(text.trim()).split(/\s*([*/])\s*/);
  let value = literal(parts[0] ?? '');
  for (let index = 1; index < parts.length && value !== null; index += 2) {
    const next = literal(parts[index + 1] ?? '');
    value = next === null ? null : parts[index] === '*' ? value * next : value / next;
  }
  return value === null || !Number.isFinite(value) ? null : value;
}

function literal(text: string): number | null {
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text) ? Number(text) : null;
}

/** Without parentheses around all of it. */
function outermost(text: string): string {
  let inner = text;
  while (inner.startsWith('(') && inner.endsWith(')') && topLevel(inner).slice(1, -1).trim() === '')
    inner = inner.slice(1, -1).trim();
  return inner;
}

function withoutComments(text: string): string {
  return walk(text, (character, { isComment }) => (isComment ? '' : character));
}

/** The text with spaces for all that stands in quotes, parentheses, brackets or braces; of those the marks of the outermost stay. */
function topLevel(text: string): string {
  return walk(text, (character, { depth, isQuoted }) => (isQuoted || depth > 0 ? ' ' : character));
}

interface Place {
  /** Brackets around the character; 0 for the outermost brackets themselves. */
  readonly depth: number;
  readonly isQuoted: boolean;
  readonly isComment: boolean;
}

function walk(text: string, show: (character: string, place: Place) => string): string {
  let depth = 0;
  let quote: string | null = null;
  let isComment = false;
  let shown = '';
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index] ?? '';
    if (isComment) {
      isComment = character !== '\n';
      shown += isComment ? show(character, { depth, isQuoted: false, isComment }) : character;
      continue;
    }
    if (quote !== null) {
      shown += show(character, { depth, isQuoted: true, isComment });
      if (character === '\\' && quote !== '`') {
        index += 1;
        shown += show(text[index] ?? '', { depth, isQuoted: true, isComment });
      } else if (character === quote) quote = null;
      continue;
    }
    if (character === '#') isComment = true;
    if (character === '"' || character === "'" || character === '`') quote = character;
    if (closing.has(character)) depth -= 1;
    shown += show(character, { depth, isQuoted: quote !== null, isComment });
    if (opening.has(character)) depth += 1;
  }
  return shown;
}
