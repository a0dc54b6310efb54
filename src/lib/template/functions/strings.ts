import { FunctionError } from '../error.ts';
import { sprintf } from '../printf.ts';
import { formatValue, sprint } from '../print.ts';
import { quoteGo } from '../quote.ts';
import { checkCharacters, spend } from '../runtime.ts';
import type { Runtime } from '../runtime.ts';
import { byteLength, sliceBytes } from './access.ts';
import { lowerOf, upperOf } from './cases.ts';
import { fixed, variadic } from './define.ts';
import type { FunctionTable } from './define.ts';

const asciiText = /^[\0-\x7f]*$/;

function upper(text: string, runtime: Runtime): string {
  if (asciiText.test(text)) return text.toUpperCase();
  spend(runtime, text.length);
  return Array.from(text, upperOf).join('');
}

function lower(text: string, runtime: Runtime): string {
  if (asciiText.test(text)) return text.toLowerCase();
  spend(runtime, text.length);
  return Array.from(text, lowerOf).join('');
}

const wordPattern = /[\p{L}\p{M}\p{N}_]+(?:['.:\u2018\u2019\u00b7][\p{L}\p{M}\p{N}_]+)*/gu;

/** Every word with a capital first letter, the rest small; `o'neil` and `a.b` are one word, `well-known` is two. */
function title(text: string, runtime: Runtime): string {
  spend(runtime, text.length);
  return text.replaceAll(wordPattern, (word) => {
    const first = String.fromCodePoint(word.codePointAt(0) ?? 0);
    const capital = first.toUpperCase();
    return capital.charAt(0) + capital.slice(1).toLowerCase() + word.slice(first.length).toLowerCase();
  });
}

// Go's unicode.IsSpace; JavaScript's \s also has U+FEFF.
const spaces = '\\t\\n\\v\\f\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const leadingSpace = new RegExp(`^[${spaces}]+`);
const anySpace = new RegExp(`[${spaces}]+`, 'g');
const isSpace = new RegExp(`[${spaces}]`);

function trimSpace(text: string): string {
  let end = text.length;
  while (end > 0 && isSpace.test(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end).replace(leadingSpace, '');
}

function trimAll(cut: string, text: string, runtime: Runtime): string {
  spend(runtime, text.length);
  const characters = new Set(cut);
  const kept = Array.from(text);
  let start = 0;
  let end = kept.length;
  while (start < end && characters.has(kept[start] ?? '')) start += 1;
  while (end > start && characters.has(kept[end - 1] ?? '')) end -= 1;
  return kept.slice(start, end).join('');
}

function replace(old: string, replacement: string, text: string, runtime: Runtime): string {
  // Go puts the replacement around every character where the old text is empty.
  const parts = old === '' ? ['', ...Array.from(text), ''] : text.split(old);
  spend(runtime, parts.length);
  checkCharacters(runtime, text.length + (parts.length - 1) * replacement.length);
  return parts.join(replacement);
}

function repeat(count: number, text: string, runtime: Runtime): string {
  if (count < 0) throw new FunctionError('a text cannot be repeated a negative number of times');
  checkCharacters(runtime, count * text.length);
  return text.repeat(count);
}

function indent(count: number, text: string, runtime: Runtime): string {
  const padding = repeat(count, ' ', runtime);
  return padding + replace('\n', `\n${padding}`, text, runtime);
}

/** By bytes, as in Go; a negative count keeps the end. */
function trunc(count: number, text: string): string {
  if (count >= 0) return byteLength(text) > count ? sliceBytes(text, 0, count) : text;
  const start = byteLength(text) + count;
  return start > 0 ? sliceBytes(text, start) : text;
}

function abbrev(width: number, text: string): string {
  return width < 4 || byteLength(text) <= width ? text : `${sliceBytes(text, 0, width - 3)}...`;
}

function quoteAll(values: readonly unknown[], quote: (text: string) => string, runtime: Runtime): string {
  const present = values.filter((value) => value !== undefined && value !== null);
  return present.map((value) => quote(formatValue(value, runtime))).join(' ');
}

/** As quoteGo, with what it costs. */
function quoted(text: string, runtime: Runtime): string {
  spend(runtime, text.length);
  return quoteGo(text);
}

function printLine(values: readonly unknown[], runtime: Runtime): string {
  return `${values.map((value) => formatValue(value, runtime)).join(' ')}\n`;
}

function cat(values: readonly unknown[], runtime: Runtime): string {
  return values
    .filter((value) => value !== undefined && value !== null)
    .map((value) => formatValue(value, runtime))
    .join(' ');
}

const trimPrefix = fixed(['string', 'string'], (prefix, text) =>
  text.startsWith(prefix) ? text.slice(prefix.length) : text,
);
const trimSuffix = fixed(['string', 'string'], (suffix, text) =>
  suffix !== '' && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text,
);
const toUpper = fixed(['string'], upper);
const toLower = fixed(['string'], lower);
const trim = fixed(['string'], (text, runtime) => {
  spend(runtime, text.length >>> 2);
  return trimSpace(text);
});
const unchanged = fixed(['string'], (text) => text);

/** Text, as Go's fmt, Sprig and Alertmanager have it. */
export const stringFunctions: FunctionTable = {
  print: variadic([], 'any', sprint),
  printf: variadic(['format'], 'any', sprintf),
  println: variadic([], 'any', printLine),
  toUpper,
  upper: toUpper,
  toLower,
  lower: toLower,
  title: fixed(['string'], title),
  trimSpace: trim,
  trim,
  trimAll: fixed(['string', 'string'], trimAll),
  trimPrefix,
  trimSuffix,
  safeHtml: unchanged,
  safeUrl: unchanged,
  contains: fixed(['string', 'string'], (part, text) => text.includes(part)),
  hasPrefix: fixed(['string', 'string'], (prefix, text) => text.startsWith(prefix)),
  hasSuffix: fixed(['string', 'string'], (suffix, text) => text.endsWith(suffix)),
  replace: fixed(['string', 'string', 'string'], replace),
  repeat: fixed(['int', 'string'], repeat),
  indent: fixed(['int', 'string'], indent),
  nindent: fixed(['int', 'string'], (count, text, runtime) => `\n${indent(count, text, runtime)}`),
  trunc: fixed(['int', 'string'], (count, text) => trunc(count, text)),
  abbrev: fixed(['int', 'string'], (width, text) => abbrev(width, text)),
  plural: fixed(['string', 'string', 'int'], (one, many, count) => (count === 1 ? one : many)),
  nospace: fixed(['string'], (text, runtime) => {
    spend(runtime, text.length >>> 2);
    return text.replace(anySpace, '');
  }),
  cat: variadic([], 'any', cat),
  quote: variadic([], 'any', (values, runtime) => quoteAll(values, (text: string) => quoted(text, runtime), runtime)),
  squote: variadic([], 'any', (values, runtime) => quoteAll(values, (text) => `'${text}'`, runtime)),
  toString: fixed(['any'], (value, runtime) => formatValue(value, runtime)),
};
