import { isSecretName, mayBeSecretName } from '../secret-names.ts';
import { isPlain, isSentence, isTagOrPort } from './plain.ts';
import { isRandomValue } from './random.ts';

type Report = (start: number, end: number) => void;

// A name begins where no name character precedes it, so each run of name characters is looked at once.
const pairStart =
  /(?<![A-Za-z0-9_.-])([A-Za-z0-9_.-]+)(\\{0,3}["']?\]?[ \t]{0,8}(?::=|=>|[:=])[ \t]{0,8}|(?<=--[A-Za-z0-9-]{1,64})[ \t]{1,8}(?!-))/g;
const quotedValue = /(?:[bru](?=["']))?(\\{0,3})(["'`])(?:[^"'`\\\n]|(?!\2)["'`]|\\[^\n])*?\1\2/y;
const openQuote = /(?:[bru](?=["']))?\\{0,3}["'`]/y;
/** `token=`, `Path: `: what follows a delimiter where the value ended. */
const nextPair = /\s*["']?[\w.%-]{1,64}["']?\s?(?:=|:(?!\/\/))/y;
const scheme = /(?:bearer|basic|token|apikey|key|splunk|negotiate|ntlm|genie[kK]ey|bot|glsa)\s{1,8}/iy;
/** Schemes of which more than one word is secret. */
const longScheme = /(?:aws4-hmac-sha256|digest|hawk|signature|oauth|sharedkey(?:lite)?)\b/iy;
const wholeHeader = /^(?:set-)?cookie2?$/i;
const authorization = /authorization$/i;
/** Longer values are no plain words. */
const longestPlain = 512;
const phrase = /passphrase|mnemonic|seedphrase/i;

/** Values of secret-like names: `name=value`, JSON, YAML, env files, options, headers, lists. */
export function findPairs(text: string, report: Report): void {
  const kinds = new Map<string, 'secret' | 'maybe' | 'other'>();
  pairStart.lastIndex = 0;
  for (let match = pairStart.exec(text); match !== null; match = pairStart.exec(text)) {
    const [whole, name = '', separator = ''] = match;
    const kind = kinds.get(name) ?? kindOf(name);
    kinds.set(name, kind);
    if (kind === 'other' || /unexpected $/i.test(text.slice(Math.max(0, match.index - 11), match.index))) continue;
    const start = match.index + whole.length;
    // `volume "db-secret" : secret "x" not found` is a sentence, `"password" : "x"` (Jackson) a pair.
    if (/^\\*["'] /.test(separator) && !/["'\\\d[{]/.test(text[start] ?? '')) continue;
    // `Post "https://sts/token": dial tcp`: the quote is not the name's.
    if (/^\\*["']/.test(separator) && !/["'\\[]/.test(text[match.index - 1] ?? '') && !/["'\\]/.test(text[start] ?? ''))
      continue;
    // `https://`, `token::Kind`.
    if (text.startsWith('//', start) || text[start] === ':') continue;
    const pair: Pair = { text, name, separator, start, nameStart: match.index };
    const end = kind === 'secret' ? findValue(pair, report) : findRandomValue(pair, report);
    if (end > start) pairStart.lastIndex = end;
  }
}

function kindOf(name: string): 'secret' | 'maybe' | 'other' {
  if (name.length > 256) return 'other';
  if (isSecretName(name)) return 'secret';
  return mayBeSecretName(name) ? 'maybe' : 'other';
}

interface Pair {
  readonly text: string;
  readonly name: string;
  readonly separator: string;
  /** Of the value. */
  readonly start: number;
  readonly nameStart: number;
}

/** Reports the value and returns where to go on: behind it; at its start where it holds no secret. */
function findValue(pair: Pair, report: Report): number {
  const { text, name, start } = pair;
  const quoted = matchAt(quotedValue, text, start);
  if (quoted !== undefined) {
    const inner = insideQuotes(quoted);
    if (isPlain(inner.text, name) || beginsStructure.test(inner.text) || isExplained(pair, inner.text)) return start;
    return found(report, start + inner.offset, start + inner.offset + inner.text.length);
  }
  const quote = matchAt(openQuote, text, start);
  if (quote !== undefined) return found(report, start + quote.length, start + lineFrom(text, start).length);
  const first = text[start] ?? '';
  if (first === '[') return findList(pair, report);
  if (first === '{' && !text.startsWith('{{', start)) return start;
  if (first === '' || first === '\n' || first === '\r') return findBelow(pair, report);
  return findUnquoted(pair, report);
}

/** A sentence about it: `"token": "the token has expired"`. */
function isExplained({ text, name, start }: Pair, value: string): boolean {
  const isHeader =
    /^(?:bearer|basic) /i.test(value) || (authorization.test(name) && matchAt(scheme, text, start) !== undefined);
  return !phrase.test(name) && !isHeader && isSentence(value);
}

function found(report: Report, start: number, end: number): number {
  if (end > start) report(start, end);
  return end;
}

/** A list or an object as text: its members have names of their own. */
const beginsStructure = /^\s*(?:\{(?!\{)|\[[{"'])/;

function insideQuotes(quoted: string): { readonly text: string; readonly offset: number } {
  const before = /^[bru]?\\*["'`]/.exec(quoted)?.[0] ?? '';
  const after = /\\*["'`]$/.exec(quoted)?.[0] ?? '';
  return { text: quoted.slice(before.length, quoted.length - after.length), offset: before.length };
}

function findUnquoted(pair: Pair, report: Report): number {
  const { text, name, separator, start } = pair;
  const line = lineFrom(text, start).trimEnd();
  const hasSpace = /[ \t]$/.test(separator);
  if (separator.includes(':') && hasSpace && isExplained(pair, line)) return start;
  // A block scalar of YAML (blocks.ts).
  if (/^[|>][+-]?\d?[+-]?$/.test(line)) return start;
  const value = unquotedValue(pair, line);
  if (value === '' || (value.length <= longestPlain && isPlain(value, name))) return start;
  if (separator.trim() === ':' && !hasSpace) {
    const before = text.slice(Math.max(0, pair.nameStart - 12), pair.nameStart);
    if (isTagOrPort(value, name, before)) return start;
  }
  return found(report, start, start + value.length);
}

/** How much of a line is the value. */
function unquotedValue(pair: Pair, line: string): string {
  const { text, name, separator, start, nameStart } = pair;
  if (wholeHeader.test(name) || (authorization.test(name) && matchAt(longScheme, text, start) !== undefined))
    return line;
  const lead = matchAt(scheme, text, start) ?? '';
  const isOwnLine = /^[ \t]*(?:[-+#>] ?|export |set |ENV |SET |ARG )*["']?$/.test(lineBefore(text, nameStart));
  if (lead === '' && (phrase.test(name) || (isOwnLine && /[:=]/.test(separator)))) return ownLineValue(line);
  return lead + line.slice(lead.length, wordEnd(line, lead.length));
}

/** The value of a pair that has its line for itself: to its end, or to the next pair or comment. */
function ownLineValue(line: string): string {
  const word = wordEnd(line, 0);
  const rest = line.slice(word, 4096);
  // A command behind it, or words about it.
  if (line.length > 4096 || /\s(?:--?\w|["'|&<>])/.test(rest) || isSentence(`x ${rest}`)) return line.slice(0, word);
  const next =
    /[ \t](?:#|\/\/)|[,;&]?[ \t]+["']?[\w.-]{1,64}["']?(?:=|:[ \t])|[,;&]["']?[A-Za-z_][\w.-]{0,63}["']?=/.exec(line);
  return (next === null ? line : line.slice(0, next.index)).replace(/[\s,;]+$/, '').replace(/["'}\])]+$/, '') || line;
}

const bareWord = /[^\s"'`]*/y;
const startOfWord = /[^\s"'`]{0,256}/y;

/** Where a value without quotes ends in a line of other text. Delimiters belong to it unless a next pair or nothing follows. */
function wordEnd(line: string, from: number): number {
  // Most words are short, and a long one is not to be looked through once for each value that begins in it.
  const start = matchAt(startOfWord, line, from) ?? '';
  const word = delimiterIn(line, from, start) === -1 ? (matchAt(bareWord, line, from) ?? '') : start;
  const end = delimiterIn(line, from, word);
  return from + (end < 0 ? word : word.slice(0, end)).replace(/[.:!?]$/, '').length;
}

/** Where in a word at `from` the value ends; -1 where it is all of it. */
function delimiterIn(line: string, from: number, word: string): number {
  for (const { 0: character, index } of word.matchAll(/[\\<,;&|)}\]>]/g)) {
    const at = from + index;
    const ends =
      character === '\\'
        ? /["'nrt]/.test(line[at + 1] ?? '')
        : character === '<'
          ? /^<\/|^<[A-Za-z]+>/.test(line.slice(at, at + 32))
          : isEnd(line, at + 1);
    if (ends) return index;
  }
  return -1;
}

function isEnd(line: string, position: number): boolean {
  if (/^[\s"'`,;&|)}\]>\\]?$|^[\s"'`)}\]>\\]/.test(line.slice(position, position + 1))) return true;
  return matchAt(nextPair, line, position) !== undefined;
}

/** `passwords: ["a", "b"]`; Kubernetes lists names under `secrets`. */
function findList({ text, name, start }: Pair, report: Report): number {
  if (/secrets$/i.test(name)) return start;
  const end = text.indexOf(']', start);
  const list = text.slice(start, end < 0 ? start + 2048 : Math.min(end, start + 8192));
  if (list.includes('{')) return start;
  for (const { 1: quote = '', 2: item = '', index } of list.matchAll(/(\\{0,3}["'])([^"'\\\n]+)/g)) {
    const at = start + index + quote.length;
    if (/^\\*["']$/.test(quote) && !/^\s*,?\s*$/.test(item) && !isPlain(item, name)) report(at, at + item.length);
  }
  if (!/["']/.test(list)) {
    for (const { 0: item, index } of list.matchAll(/[^\s,[\]]+/g))
      if (!isPlain(item, name)) report(start + index, start + index + item.length);
  }
  return start + list.length;
}

const blockBelow = /\r?\n([ \t]*)(?:- )?(?=\S)([^\n]*)/y;

/** A value on the lines below its name: YAML's plain scalar, or a list of scalars. */
function findBelow({ text, name, separator, start, nameStart }: Pair, report: Report): number {
  if (!separator.trim().endsWith(':') || /secrets$/i.test(name)) return start;
  const indent = lineBefore(text, nameStart).length;
  let position = start;
  for (let lines = 0; lines < 50; lines += 1) {
    blockBelow.lastIndex = position;
    const [whole, spaces = '', line = ''] = blockBelow.exec(text) ?? [''];
    if (whole === '' || spaces.length < indent) break;
    const item = whole.slice(whole.length - line.length);
    const isItem = whole.slice(0, whole.length - line.length).endsWith('- ');
    // A member with a name of its own, or the next key.
    if ((!isItem && spaces.length <= indent) || /^["']?[\w./-]+["']?:(?:\s|$)/.test(item) || /^[[{&*|>-]/.test(item))
      break;
    const bare = insideQuotes(item.trimEnd());
    const value = /^["']/.test(item) ? bare.text : item.trimEnd();
    const offset = /^["']/.test(item) ? bare.offset : 0;
    if (!isPlain(value, name) && !isSentence(value)) {
      const at = position + whole.length - line.length + offset;
      report(at, at + value.length);
    }
    position += whole.length;
  }
  return position;
}

const oneWord = /[^\s"'`,;&|<>(){}[\]\\=]{1,512}={0,2}/y;

/** The same for names that may be a secret's: only what looks like one. */
function findRandomValue({ text, name, start }: Pair, report: Report): number {
  const from = start + (matchAt(openQuote, text, start) ?? '').length;
  const value = matchAt(oneWord, text, from) ?? '';
  const isSecret = isRandomValue(value) || (/^_?auth$/i.test(name) && isBasicAuth(value));
  return isSecret ? found(report, from, from + value.length) : start;
}

/** `user:password` in base64, as Docker and npm keep it. */
function isBasicAuth(value: string): boolean {
  if (!/^[A-Za-z0-9+/_-]{6,2048}={0,2}$/.test(value)) return false;
  return /^[\x20-\x7e]*:[\x20-\x7e]*$/.test(Buffer.from(value, 'base64').toString('latin1'));
}

function lineFrom(text: string, start: number): string {
  const end = text.indexOf('\n', start);
  return text.slice(start, end < 0 ? text.length : end);
}

/** What stands before a name in its line, 200 characters at most. */
function lineBefore(text: string, nameStart: number): string {
  const before = text.slice(Math.max(0, nameStart - 200), nameStart);
  return before.slice(before.lastIndexOf('\n') + 1);
}

/** What a sticky pattern finds at `start`. */
function matchAt(pattern: RegExp, text: string, start: number): string | undefined {
  pattern.lastIndex = start;
  return pattern.exec(text)?.[0];
}
