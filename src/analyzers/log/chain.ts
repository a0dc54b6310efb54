import { failureKind, remoteKinds } from './kinds.ts';
import { sourceEnds } from './source-place.ts';

const handling = /^During handling of the above exception, another exception occurred/;

/**
 * Of a chain of exceptions the innermost that names a known reason, else the innermost; null where there is none. What came up
 * while Python handled an exception ended the program: the former one says why only where the last says nothing.
 */
export function chainOf(texts: readonly string[], isHeadline: (text: string) => boolean): string | null {
  const heads = texts.flatMap((_, index) => headsOf(texts, index, isHeadline).map((head) => ({ head, index })));
  const last = heads.findLast(({ head }) => !/^SystemExit\b/.test(head)) ?? heads.at(-1);
  if (last === undefined) return null;
  const handled = texts.findLastIndex((text) => handling.test(text));
  const raisedLast = heads.filter(({ index }) => index > handled);
  const known = raisedLast.findLast(({ head }) => failureKind(head) !== null);
  // That the configuration cannot be used is no more than what is behind it says of it.
  const isOuter = known !== undefined && failureKind(known.head) === 'broken-config' && known.index < last.index;
  if (isOuter && saysSomething(last.head)) return last.head;
  if (known !== undefined) return known.head;
  if (handled >= 0 && saysSomething(last.head)) return last.head;
  return heads.findLast(({ head }) => failureKind(head) !== null)?.head ?? last.head;
}

function headsOf(texts: readonly string[], index: number, isHeadline: (text: string) => boolean): readonly string[] {
  const text = texts[index] ?? '';
  const caused = /^(?:Caused by: |---+> )(.{1,2000}?)(?: --->.*)?$/s.exec(text)?.[1];
  if (caused !== undefined) return [caused.trim()];
  if (text === 'Caused by:') return listed(texts.slice(index + 1));
  const nested = / ---> (.{1,2000})$/s.exec(text)?.[1];
  if (nested !== undefined) return [nested];
  const inner = /^\[cause\]: (.{1,2000}?)(?: \{)?$/s.exec(text)?.[1];
  if (inner !== undefined) return [inner];
  return isHeadline(text) || /^\*\* \((?!EXIT\))[A-Z][\w.]{1,100}\) /.test(text) ? [text] : [];
}

/** Causes below a line of their own: `0: could not open listener`, or one alone. */
function listed(texts: readonly string[]): readonly string[] {
  const numbered = texts.flatMap((text) => /^\d+: (.{1,2000})$/s.exec(text)?.[1] ?? []);
  return numbered.length > 0 ? numbered : texts.slice(0, 1);
}

/** Whether an exception names something of its own: a number, something in quotes, a variable; `RuntimeError: startup failed` does not. */
function saysSomething(head: string): boolean {
  const said = /^[\w.$]{1,200}: (.+)$/s.exec(head)?.[1] ?? '';
  return /\d|["'`][^"'`]{2,}["'`]|\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b|(?:^|\s)\/[\w.-]+\/[\w./-]+/.test(said);
}

/** A host or an address with a port, no place in a source and no time. */
const peer =
  /(?:(?<![\w.:-])(?:[a-z0-9](?:[\w-]{0,62}\.){0,8}[\w-]{1,63}|\[[\da-f:.]+\]|[\da-f]{0,4}:(?:[\da-f]{0,4}:){1,7}[\da-f]{0,4})[:/]\d{2,5}(?!\w|[:.]\d))/i;
const place = new RegExp(`${sourceEnds}|^(?:at |File "|#\\d)|^node:`, 'i');

const places = new RegExp(`(?<![\\w/.$-])[\\w/.$-]{1,300}${sourceEnds}+`, 'gi');

/** Whether a text names the other end of a connection. */
export const namesPeer = (text: string): boolean =>
  peer.test(text.replace(places, ' ')) || /\b(?:host|server|address)[ :=]+["'`]?[\w-]+\.[\w.-]+/i.test(text);

/** Peers of one failure that are told. */
const mostPeers = 2;

/**
 * An error of a connection with what names its other end, where the deepest exception does not: of the lines around it those
 * that tell of the same, `Connection failed, host broker:5671`, or of each address that was tried.
 */
export function withPeer(head: string, texts: readonly string[]): string {
  const kind = failureKind(head);
  if (kind === null || !remoteKinds.has(kind) || namesPeer(head)) return head;
  const named = texts
    .map((text) => text.replace(/^(?:Caused by: |---+> )/, ''))
    .filter((text) => text !== head && text.length < 400 && !place.test(text) && namesPeer(text));
  const same = named.filter((text) => failureKind(text) === kind);
  const told = [...new Set(same)].slice(0, mostPeers);
  if (told.length > 0) return told.join('; ');
  const outer = named.findLast((text) => texts.indexOf(text) <= texts.findIndex((one) => one.includes(head)));
  return outer === undefined ? head : `${outer}: ${head}`;
}
