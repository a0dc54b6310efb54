import { mask, withoutColours } from './redact.ts';
import { noteMasked } from './redact/count.ts';

/** Shorter values are not looked for: they would stand in half of all words. Characters. */
const shortestValue = 6;
/**
 * A line of a longer value (a key, a file) that is masked by itself, for output that indents or cuts; and what is looked for
 * across the ends of lines, which shorter ones may make by chance. Characters.
 */
const shortestLine = 16;
/** Of a longer value each piece of so many is looked for: to get one ready has to be short work. In base64 they meet without a gap. Characters. */
const pieceLength = 48 * 1024;
/** Those of the start (the token of the server, Secrets of its folder) stay known for as long as it runs. */
const lastingValues = 1000;
/** Of later ones at least the newest so many are known: rotation makes new ones for ever. */
const newestValues = 10_000;

/** Values that are taken out of text, in every form in which programs write them. */
export interface KnownValues {
  /** Under 6 characters it changes nothing. */
  add(value: string): void;
  /** Text without the values, and without colours, whoever printed them. Time is linear in the text, however many values there are. */
  mask(text: string): string;
}

/** No value is known at first. The first `lasting` ones are never forgotten. */
export function createKnownValues(lasting = lastingValues): KnownValues {
  const first = createGeneration();
  let older = createGeneration();
  let newer = createGeneration();
  const add = (value: string): void => {
    if (value.length < shortestValue || first.values.has(value)) return;
    if (first.values.size < lasting) return first.add(value);
    if (newer.values.size >= newestValues) [older, newer] = [newer, createGeneration()];
    newer.add(value);
  };
  return {
    add(value) {
      for (const piece of piecesOf(value)) add(piece);
    },
    mask(printed) {
      const text = withoutColours(printed);
      const ranges = [first, older, newer].flatMap((generation) => generation.rangesIn(text));
      return ranges.length === 0 ? text : masked(text, ranges);
    },
  };
}

/** The value, or the pieces of a long one. */
export function* piecesOf(value: string): Iterable<string> {
  for (let from = 0; from < value.length; from += pieceLength) yield value.slice(from, from + pieceLength);
}

/** Values that are forgotten together. */
interface Generation {
  readonly values: ReadonlySet<string>;
  add(value: string): void;
  rangesIn(text: string): readonly Range[];
}

function createGeneration(): Generation {
  const values = new Set<string>();
  const [whole, unbroken] = [createIndex(), createIndex()];
  return {
    values,
    add(value) {
      if (values.has(value)) return;
      values.add(value);
      for (const form of formsOf(value)) {
        whole.add(form);
        const joined = form.replace(lineBreak, '');
        if (joined.length >= shortestLine) unbroken.add(joined);
      }
    },
    rangesIn: (text) => (values.size === 0 ? [] : [...rangesIn(text, whole), ...brokenRanges(text, unbroken)]),
  };
}

function formsOf(value: string): ReadonlySet<string> {
  const trimmed = value.trim();
  if (trimmed.length < shortestValue) return new Set();
  const lines = trimmed.split(/\r?\n/);
  const parts = lines.length === 1 ? [trimmed] : [trimmed, ...lines.filter((line) => line.length >= shortestLine)];
  return new Set([...parts.flatMap((part) => [part, ...encoded(part)]), ...encoded(value)]);
}

function encoded(value: string): readonly string[] {
  const base64 = [value, `${value}\n`].flatMap((text) =>
    (['base64', 'base64url'] as const).map((encoding) => Buffer.from(text).toString(encoding)),
  );
  const unpadded = base64.map((text) => text.replace(/=+$/, ''));
  const hex = Buffer.from(value).toString('hex');
  return [
    ...inJson(value),
    ...inUrls(value.toWellFormed()),
    ...inHtml(value),
    ...base64,
    ...unpadded,
    hex,
    hex.toUpperCase(),
  ];
}

/** As most programs write it, and as Go's do (kubectl). */
function inJson(value: string): readonly string[] {
  const text = JSON.stringify(value).slice(1, -1);
  return [text, text.replace(/[<>&]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`)];
}

/** As browsers write it, as RFC 3986 says (curl, jq), and as forms do. */
function inUrls(value: string): readonly string[] {
  const text = encodeURIComponent(value);
  const strict = text.replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
  return [text, strict, strict.replaceAll('%20', '+')];
}

/** As most programs write the quotes, and Go's, Python's and XML's; some leave them as they are. */
const quotes = [
  ['&quot;', '&#39;'],
  ['&#34;', '&#39;'],
  ['&quot;', '&#x27;'],
  ['&quot;', '&apos;'],
  ['"', "'"],
] as const;

function inHtml(value: string): readonly string[] {
  const text = value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return quotes.map(([double, single]) => text.replaceAll('"', double).replaceAll("'", single));
}

/** What is looked for, by its first characters. */
interface Index {
  add(form: string): void;
  /** The length of the longest form that stands at a position; 0 = none does. */
  lengthAt(text: string, position: number): number;
}

function createIndex(): Index {
  const groups = new Map<string, { readonly forms: Set<string>; order: Order | undefined }>();
  const firsts = new Set<number>();
  return {
    add(form) {
      if (mask.includes(form)) return;
      const start = form.slice(0, shortestValue);
      let group = groups.get(start);
      if (group === undefined) {
        group = { forms: new Set(), order: undefined };
        groups.set(start, group);
        firsts.add(start.charCodeAt(0));
      }
      group.forms.add(form);
      group.order = undefined;
    },
    lengthAt(text, position) {
      if (!firsts.has(text.charCodeAt(position))) return 0;
      const group = groups.get(text.slice(position, position + shortestValue));
      if (group === undefined) return 0;
      group.order ??= orderOf(group.forms);
      return longestAt(group.order, text, position);
    },
  };
}

/** Forms that begin alike, in the order of their UTF-16 units, so that keys and certificates by the hundred take no time. */
interface Order {
  readonly sorted: readonly string[];
  /** For each the index of the longest other one that it begins with; -1 = none. */
  readonly shorter: readonly number[];
}

function orderOf(forms: Iterable<string>): Order {
  // By UTF-16 units, as compareAt does.
  const sorted = [...forms].sort();
  const open: number[] = [];
  const shorter = sorted.map((form, index) => {
    while (open.length > 0 && !form.startsWith(sorted[open.at(-1) ?? 0] ?? '')) open.pop();
    const longest = open.at(-1) ?? -1;
    open.push(index);
    return longest;
  });
  return { sorted, shorter };
}

function longestAt({ sorted, shorter }: Order, text: string, position: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareAt(sorted[middle] ?? '', text, position) <= 0) low = middle + 1;
    else high = middle;
  }
  // What stands there begins the last form that is not behind the text, or is it.
  for (let index = low - 1; index >= 0; index = shorter[index] ?? -1) {
    const form = sorted[index] ?? '';
    if (text.startsWith(form, position)) return form.length;
  }
  return 0;
}

/** The order of a form and the text from a position on; 0 = the text begins with it. */
function compareAt(form: string, text: string, position: number): number {
  for (let offset = 0; offset < form.length; offset += 1) {
    if (position + offset >= text.length) return 1;
    const difference = form.charCodeAt(offset) - text.charCodeAt(position + offset);
    if (difference !== 0) return difference;
  }
  return 0;
}

type Range = readonly [start: number, end: number];

/** Where forms stand, one behind the other. */
function* rangesIn(text: string, index: Index): Iterable<Range> {
  for (let position = 0; position + shortestValue <= text.length; position += 1) {
    const length = index.lengthAt(text, position);
    if (length === 0) continue;
    yield [position, position + length];
    position += length - 1;
  }
}

/** The end of a line, also as JSON writes it, with the indentation of the next. Begins with a rare character: linear. */
const lineBreak = /(?:\r?\n|\\r\\n|\\n)[ \t]*/g;

/** Where forms stand that go on over the ends of lines, as programs wrap what is long (`base64`, `fold`, YAML). */
function* brokenRanges(text: string, index: Index): Iterable<Range> {
  const breaks: { readonly at: number; readonly shift: number }[] = [];
  let shift = 0;
  const joined = text.replace(lineBreak, (found: string, at: number) => {
    breaks.push({ at: at - shift, shift: (shift += found.length) });
    return '';
  });
  let passed = 0;
  for (const [start, end] of breaks.length === 0 ? [] : rangesIn(joined, index)) {
    while ((breaks[passed]?.at ?? joined.length) <= start) passed += 1;
    let inside = passed;
    while ((breaks[inside]?.at ?? joined.length) < end) inside += 1;
    if (inside > passed) yield [start + (breaks[passed - 1]?.shift ?? 0), end + (breaks[inside - 1]?.shift ?? 0)];
  }
}

function masked(text: string, ranges: readonly Range[]): string {
  let result = '';
  let kept = 0;
  for (const [start, end] of [...ranges].sort((one, other) => one[0] - other[0])) {
    if (start >= kept) {
      result += `${text.slice(kept, start)}${mask}`;
      noteMasked('secret', text.slice(start, end));
    }
    kept = Math.max(kept, end);
  }
  return result + text.slice(kept);
}
