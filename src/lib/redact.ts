import type { MaskedKind } from '../core/finding.ts';
import { findBlocks } from './redact/blocks.ts';
import { noteMasked } from './redact/count.ts';
import { findForms } from './redact/forms.ts';
import { findPairs } from './redact/pairs.ts';
import { isPlain } from './redact/plain.ts';
import { findRandom } from './redact/random.ts';
import { findStructures } from './redact/structures.ts';
import { findUrls } from './redact/urls.ts';
import { isSecretName } from './secret-names.ts';
import { eventLoopTurns } from './turns.ts';

/** What stands where a secret was. Always the same, so that its length tells nothing. */
export const mask = '[REDACTED]';

/** More than this is cut before anything else looks at it. Characters. */
const maxTextLength = 8 * 1024 * 1024;
/** What is looked at without a turn for others, and how much of its surroundings with it. Characters. */
const pieceLength = 32 * 1024;
const surroundings = 2048;

type Range = [start: number, end: number, kind: MaskedKind];

/** Ids of rows: most fields of a log line are one. */
const rowId = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Answers for short texts, which come again and again: names of Workflows, messages of the log. */
const remembered = new Map<string, Redacted>();
const rememberedLength = 48;
const mostRemembered = 2000;

/**
 * Takes secrets out of text: values of secret-like names (`password=x`, JSON, YAML, env files, options, headers, XML, SQL),
 * tokens with a known form, private keys, passwords in URLs, and long strings that look random. Words that say why something
 * failed stay. Colour codes are removed first, because they would part a name from its value. Time is linear in the length of
 * the text; for long ones (logs, output) there is {@link redactInTurns}.
 */
export function redact(text: string): string {
  if (text.length > rememberedLength) return noted(redactOnce(text));
  if (text === '' || rowId.test(text)) return text;
  let answer = remembered.get(text);
  if (answer === undefined) {
    answer = redactOnce(text);
    if (remembered.size >= mostRemembered) remembered.clear();
    remembered.set(text, answer);
  }
  return noted(answer);
}

/** Text without its secrets, and what they were. */
interface Redacted {
  readonly text: string;
  readonly secrets: readonly (readonly [kind: MaskedKind, value: string])[];
}

function noted({ text, secrets }: Redacted): string {
  for (const [kind, value] of secrets) noteMasked(kind, value);
  return text;
}

/** The mask, of a value that its name tells to be a secret. */
export function maskNamedValue(value: string): string {
  noteMasked('named', value);
  return mask;
}

function redactOnce(text: string): Redacted {
  const plain = prepared(text);
  const ranges: Range[] = [];
  for (const piece of pieces(plain)) findIn(plain, piece, ranges);
  return masked(plain, ranges);
}

/** The same, with turns for others between pieces of 32 KiB. */
export async function redactInTurns(text: string): Promise<string> {
  const plain = prepared(text);
  const ranges: Range[] = [];
  for (const piece of pieces(plain)) {
    await eventLoopTurns.next();
    findIn(plain, piece, ranges);
  }
  return noted(masked(plain, ranges));
}

/** Colour sequences (SGR), and the clearing of a line that grep writes behind each. Others stay, to be shown escaped. */
// oxlint-disable-next-line no-control-regex -- control characters are the subject
const colour = /\u001b\[[0-9;:]{0,64}[mK]/g;

/** Text without colours, which would part a secret. */
export function withoutColours(text: string): string {
  return text.includes('\u001b') ? text.replace(colour, '') : text;
}

function prepared(text: string): string {
  const bounded = text.length > maxTextLength ? `${text.slice(0, maxTextLength)}\n[cut]` : text;
  return withoutColours(bounded);
}

function* pieces(text: string): Iterable<number> {
  for (let start = 0; start < text.length; start += pieceLength) yield start;
}

/**
 * Adds what begins in the piece at `start`. The finders see its surroundings, too, so that neither a name nor a value is
 * parted by the edge of a piece; a value that goes on behind them is masked to the end of its line or quotes.
 */
function findIn(whole: string, start: number, ranges: Range[]): void {
  const stop = Math.min(whole.length, start + pieceLength);
  const reached = ranges.reduce((furthest, [, end]) => Math.max(furthest, end), 0);
  findBlocks(whole, start, stop, reached, (from, to) => ranges.push([from, to, 'key']));
  const first = Math.max(0, start - surroundings);
  const text = whole.slice(first, stop + surroundings);
  const isCut = first + text.length < whole.length;
  for (const [find, kind] of finders)
    find(text, (from, to) => {
      if (to <= from || first + from < start || first + from >= stop) return;
      ranges.push([first + from, isCut && to === text.length ? endOfValue(whole, first + to) : first + to, kind]);
    });
}

const finders = [
  [findPairs, 'named'],
  [findStructures, 'named'],
  [findUrls, 'address'],
  [findForms, 'token'],
  [findRandom, 'random'],
] as const;

function endOfValue(whole: string, from: number): number {
  const end = /["'\n]/g;
  end.lastIndex = from;
  return end.exec(whole)?.index ?? whole.length;
}

function masked(text: string, ranges: readonly Range[]): Redacted {
  let result = '';
  let position = 0;
  const secrets: [MaskedKind, string][] = [];
  for (const [start, end, kind] of [...ranges].sort((one, other) => one[0] - other[0])) {
    if (end <= position) continue;
    const last = secrets.at(-1);
    // What touches the one before is the same secret.
    if (start > position || last === undefined) {
      result += `${text.slice(position, start)}${mask}`;
      secrets.push([kind, text.slice(start, end)]);
    } else last[1] += text.slice(position, end);
    position = end;
  }
  return { text: result + text.slice(position), secrets };
}

/**
 * A copy of JSON data with every string redacted, values under secret-like names masked, environment variables and
 * options (`--password`, `x`) included. Names stay.
 */
export function redactObject(value: unknown): unknown {
  if (typeof value === 'string') return redact(value);
  if (Array.isArray(value)) return redactArray(value);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value);
  const named = entries.find(([key, item]) => /^(?:name|key)$/i.test(key) && typeof item === 'string')?.[1];
  const isSecret = (value as { kind?: unknown }).kind === 'Secret';
  return Object.fromEntries(
    entries.map(([key, item]) => {
      if (isSecret && (key === 'data' || key === 'stringData')) return [key, maskAll(item)];
      const name = /^value$/i.test(key) && typeof named === 'string' ? named : key;
      return [key, isSecretName(name) ? maskNamed(item, name) : redactObject(item)];
    }),
  );
}

function maskNamed(item: unknown, name: string): unknown {
  if (typeof item === 'string') return isPlain(item, name) ? item : maskNamedValue(item);
  if (Array.isArray(item) && !/secrets$/i.test(name)) return item.map((one) => maskNamed(one, name));
  return redactObject(item);
}

function maskAll(data: unknown): unknown {
  if (data === null || typeof data !== 'object') return mask;
  for (const value of Object.values(data)) noteMasked('secret', String(value));
  return Object.fromEntries(Object.keys(data).map((key) => [key, mask]));
}

function redactArray(values: readonly unknown[]): unknown[] {
  return values.map((value, index) => {
    const option = values[index - 1];
    const follows = typeof option === 'string' && /^--?[A-Za-z0-9-]+$/.test(option) && isSecretName(option);
    return follows && typeof value === 'string' && !value.startsWith('-') ? maskNamedValue(value) : redactObject(value);
  });
}
