import { AppError } from '../core/errors.ts';

/**
 * The JSONPath of kubectl: fields, `['quoted names']`, indexes and slices from either end, `[*]`, unions, `..name`, filters
 * `[?(@.a=="b")]`, and in templates text, strings and `{range EXPRESSION}...{end}`. What is absent gives nothing.
 */
type Values = readonly unknown[];
/** From the value at hand and the root to what it leads to. */
type Path = (current: unknown, root: unknown) => Values;

/** A single expression, with or without braces and the first dot: `{.a.b}`, `.a.b`, `a.b`. Throws InvalidInput. */
export function parseJsonPath(text: string): (value: unknown) => Values {
  const inner = /^\s*\{(.*)\}\s*$/s.exec(text)?.[1] ?? text;
  const reader = createReader(text, text.indexOf(inner));
  const end = text.indexOf(inner) + inner.length;
  const path = readPath(reader, { relaxed: true });
  reader.skipSpaces();
  if (reader.at() < end) throw reader.unexpected('the end');
  return (value) => path(value, value);
}

/** A template, `{range .items[*]}{.id}{"\n"}{end}`. An expression alone needs no braces. Throws InvalidInput. */
export function parseTemplate(text: string): (value: unknown) => string {
  if (!text.includes('{')) {
    const path = parseJsonPath(text);
    return (value) => path(value).map(textOf).join(' ');
  }
  const reader = createReader(text, 0);
  const body = readBody(reader, null);
  return (value) => body(value, value);
}

type Part = (current: unknown, root: unknown) => string;

/** Up to the end of the text, or to the `{end}` of a range that was opened at this column. */
function readBody(reader: Reader, opened: number | null): Part {
  const parts: Part[] = [];
  for (;;) {
    const literal = reader.take(/[^{]*/y);
    if (literal !== '') parts.push(() => literal);
    if (reader.isEnd()) {
      if (opened !== null) throw reader.problem('{range} has no {end}', opened);
      break;
    }
    const start = reader.at();
    reader.expect('{');
    reader.skipSpaces();
    if (reader.take(/end(?=\s*\})/y) !== '') {
      if (opened === null) throw reader.problem('{end} has no {range}', start);
      closeBrace(reader);
      break;
    }
    if (reader.take(/range\s+/y) !== '') {
      const over = readPath(reader, { relaxed: false });
      closeBrace(reader);
      const body = readBody(reader, start);
      parts.push((current, root) =>
        over(current, root)
          .map((value) => body(value, root))
          .join(''),
      );
      continue;
    }
    const string = readString(reader);
    const path = string === null ? readPath(reader, { relaxed: false }) : null;
    parts.push(path === null ? () => string ?? '' : (current, root) => path(current, root).map(textOf).join(' '));
    closeBrace(reader);
  }
  return (current, root) => parts.map((part) => part(current, root)).join('');
}

function closeBrace(reader: Reader): void {
  reader.skipSpaces();
  reader.expect('}');
}

/** As scripts want it: text bare, null and absent empty, objects as JSON in one line. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return value == null ? '' : JSON.stringify(value);
}

/** `relaxed`: the first dot may be absent. */
function readPath(reader: Reader, { relaxed }: { relaxed: boolean }): Path {
  reader.skipSpaces();
  const start = reader.at();
  const sign = reader.take(/[$@]/y);
  const steps: ((values: Values, root: unknown) => Values)[] = [];
  if (sign === '' && relaxed) {
    const name = readName(reader);
    if (name !== '') steps.push((values) => values.flatMap((value) => fieldOf(value, name)));
  }
  for (;;) {
    const step = readStep(reader);
    if (step === null) break;
    steps.push(step);
  }
  if (steps.length === 0 && sign === '' && reader.take(/\./y) === '') throw reader.unexpected('an expression', start);
  return (current, root) => steps.reduce<Values>((values, step) => step(values, root), [sign === '$' ? root : current]);
}

/** A field, `..name` or `[...]`; null where the path ends. */
function readStep(reader: Reader): ((values: Values, root: unknown) => Values) | null {
  if (reader.take(/\.\./y) !== '') {
    const next = reader.peek() === '[' ? readBrackets(reader) : nameStep(reader);
    return (values, root) =>
      next(
        values.flatMap((value) => [...descendants(value)]),
        root,
      );
  }
  if (reader.peek() === '[') return readBrackets(reader);
  if (reader.take(/\.(?=\[)/y) !== '') return readBrackets(reader);
  return reader.take(/\.(?=[^\s.[\]{}()=!<>,"'])/y) === '' ? null : nameStep(reader);
}

function nameStep(reader: Reader): (values: Values) => Values {
  const name = readName(reader);
  if (name === '') throw reader.unexpected('a name');
  return name === '*'
    ? (values) => values.flatMap(childrenOf)
    : (values) => values.flatMap((value) => fieldOf(value, name));
}

/** A backslash takes the next character as it is: `.labels.app\.kubernetes\.io/name`. */
function readName(reader: Reader): string {
  return reader.take(/(?:\\.|[^\s.[\]{}()=!<>,"'\\])*/y).replace(/\\(.)/g, '$1');
}

function readBrackets(reader: Reader): (values: Values, root: unknown) => Values {
  reader.expect('[');
  reader.skipSpaces();
  if (reader.take(/\?\(/y) !== '') {
    const holds = readFilter(reader);
    reader.expect(')');
    closeBracket(reader);
    return (values, root) => values.flatMap((value) => childrenOf(value).filter((child) => holds(child, root)));
  }
  const choices = [readChoice(reader)];
  while (reader.take(/\s*,\s*/y) !== '') choices.push(readChoice(reader));
  closeBracket(reader);
  return (values) => values.flatMap((value) => choices.flatMap((choice) => choice(value)));
}

function closeBracket(reader: Reader): void {
  reader.skipSpaces();
  reader.expect(']');
}

/** What stands between brackets: `*`, `'name'`, `-1`, `1:3`. */
function readChoice(reader: Reader): (value: unknown) => Values {
  if (reader.take(/\*/y) !== '') return childrenOf;
  const name = readString(reader);
  if (name !== null) return (value) => fieldOf(value, name);
  const slice = reader.take(/-?\d*\s*:\s*-?\d*(?:\s*:\s*\d*)?/y);
  if (slice !== '') {
    const [from, to, by] = slice.split(':').map((part) => (part.trim() === '' ? undefined : Number(part)));
    return (value) =>
      Array.isArray(value) ? value.slice(from, to).filter((_, index) => index % Math.max(1, by ?? 1) === 0) : [];
  }
  const index = reader.take(/-?\d+/y);
  if (index === '') throw reader.unexpected("an index, *, 'name' or ?(filter)");
  return (value) => (Array.isArray(value) ? value.slice(Number(index)).slice(0, 1) : []);
}

const comparisons: Readonly<Record<string, (left: unknown, right: unknown) => boolean>> = {
  '==': (left, right) => left === right,
  '!=': (left, right) => left !== right,
  '<=': (left, right) => order(left, right, (sign) => sign <= 0),
  '>=': (left, right) => order(left, right, (sign) => sign >= 0),
  '<': (left, right) => order(left, right, (sign) => sign < 0),
  '>': (left, right) => order(left, right, (sign) => sign > 0),
};

/** Only what is alike has an order. */
function order(left: unknown, right: unknown, holds: (sign: number) => boolean): boolean {
  const isOrdered = typeof left === typeof right && (typeof left === 'number' || typeof left === 'string');
  return isOrdered && holds(compareValues(left, right));
}

/** Numbers by value, text by code point, what is absent first, other things as their JSON. */
export function compareValues(left: unknown, right: unknown): number {
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  if (left == null || right == null) return Number(left != null) - Number(right != null);
  const [a, b] = [textOf(left), textOf(right)];
  return a < b ? -1 : Number(a > b);
}

function readFilter(reader: Reader): (current: unknown, root: unknown) => boolean {
  const left = readOperand(reader);
  reader.skipSpaces();
  const operator = reader.take(/[=!<>]=|[<>]/y);
  if (operator === '') {
    if (reader.peek() !== ')') throw reader.unexpected('== != < <= > >= or )');
    return (current, root) => left(current, root).length > 0;
  }
  const compare = comparisons[operator];
  const right = readOperand(reader);
  reader.skipSpaces();
  return (current, root) => compare?.(left(current, root)[0], right(current, root)[0]) === true;
}

function readOperand(reader: Reader): Path {
  reader.skipSpaces();
  const string = readString(reader);
  if (string !== null) return () => [string];
  const word = reader.take(/-?\d+(?:\.\d+)?|true|false|null/y);
  if (word !== '') {
    const value: unknown = JSON.parse(word);
    return () => [value];
  }
  if (!/[$@.]/.test(reader.peek())) throw reader.unexpected('@.field, "text" or a number');
  return readPath(reader, { relaxed: false });
}

/** In either quotes, with the escapes of JSON; null where there is none. */
function readString(reader: Reader): string | null {
  const quote = reader.peek();
  if (quote !== '"' && quote !== "'") return null;
  const start = reader.at();
  const quoted = reader.take(quote === '"' ? /"(?:\\.|[^"\\])*"/sy : /'(?:\\.|[^'\\])*'/sy);
  if (quoted === '') throw reader.problem(`${quote} is not closed`, start);
  const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };
  return quoted.slice(1, -1).replace(/\\(.)/gs, (_, letter: string) => escapes[letter] ?? letter);
}

function fieldOf(value: unknown, name: string): Values {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, name)) return [];
  return [(value as Readonly<Record<string, unknown>>)[name]];
}

function childrenOf(value: unknown): Values {
  if (Array.isArray(value)) return value as Values;
  return typeof value === 'object' && value !== null ? Object.values(value) : [];
}

function* descendants(value: unknown): Iterable<unknown> {
  yield value;
  for (const child of childrenOf(value)) yield* descendants(child);
}

/** Goes through a text from left to right. */
interface Reader {
  at(): number;
  isEnd(): boolean;
  peek(): string;
  /** What the pattern (sticky) matches here, which is then behind; empty where it does not. */
  take(pattern: RegExp): string;
  expect(character: string): void;
  skipSpaces(): void;
  unexpected(wanted: string, at?: number): AppError;
  problem(what: string, at: number): AppError;
}

function createReader(text: string, start: number): Reader {
  let position = start;
  const reader: Reader = {
    at: () => position,
    isEnd: () => position >= text.length,
    peek: () => text[position] ?? '',
    take(pattern) {
      pattern.lastIndex = position;
      const found = pattern.exec(text)?.[0] ?? '';
      position += found.length;
      return found;
    },
    expect(character) {
      if (text[position] !== character) throw reader.unexpected(character);
      position += 1;
    },
    skipSpaces: () => void reader.take(/\s*/y),
    unexpected(wanted, at = position) {
      const found = at >= text.length ? 'the end' : (text[at] ?? '');
      return reader.problem(`expected ${wanted}, found ${found}`, at);
    },
    problem: (what, at) =>
      new AppError('InvalidInput', `${text} is no JSONPath: column ${at + 1}: ${what}`, {
        next: `-o jsonpath='{range .items[*]}{.id}{"\\n"}{end}'`,
      }),
  };
  return reader;
}
