import { createJsonWalk, isClosing, jsonSigns, signTable } from '../lib/json-walk.ts';
import { bounds } from './bounds.ts';

// JSON.parse of a few megabytes may take seconds, and cannot be interrupted. So a body is first looked through, a slice at a
// time, for what its parts are and how large: each is then parsed alone, and only where it is small.

const backslash = 0x5c;
const signs = signTable(',:[]{}');

/** Why an item is not parsed, whatever its format. */
export type ItemProblem = 'TooDeep' | 'TooManyParts';

/** Where a part of the body is, in bytes. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export interface ScannedItem extends Span {
  readonly problem: ItemProblem | null;
}

/** What a body consists of. */
export interface Scanned {
  /** Elements of the list that the scan was asked for, the last one where there are several; of a body that is a list, its own. */
  readonly items: readonly ScannedItem[];
  /** The body without them: the list is an empty one there. */
  readonly envelope: readonly Span[];
}

export interface Scanner {
  /** Goes on to `to`. Null, or why the body as a whole is refused. */
  scan(to: number): string | null;
  /** To be called when all was looked at. */
  end(): Scanned | string;
}

/**
 * Finds the elements of the list at `path`, names of members from the top: `['data', 'alerts']`; where the body itself is a
 * list, its elements. Says nothing about whether they, or the rest, are JSON: that is seen when they are parsed, and every
 * byte belongs to one of them.
 */
export function createScanner(bytes: Uint8Array, path: readonly string[]): Scanner {
  const items = createItems(bytes);
  const envelope = createEnvelope();
  let depth = 0;
  /** How many names of the path lead to the object that is being looked at. */
  let matched = 0;
  let isWanted = false;
  let listDepth = 0;

  /** Whether the list begins here; an object may be the next one on the way to it. */
  function isList(byte: number): boolean {
    if (depth === 1) return byte === jsonSigns.openingBracket;
    if (!isWanted || depth !== matched + 2) return false;
    isWanted = false;
    if (matched === path.length - 1) return byte === jsonSigns.openingBracket;
    if (byte !== jsonSigns.openingBracket) matched += 1;
    return false;
  }

  function enter(at: number, byte: number): void {
    depth += 1;
    if (items.isOpen()) return items.enter(depth - listDepth);
    envelope.count();
    if (!isList(byte)) return;
    listDepth = depth;
    envelope.leave(at + 1);
    items.open(at + 1);
  }

  function leave(at: number): void {
    depth -= 1;
    if (items.isOpen()) {
      if (depth !== listDepth - 1) return;
      items.close(at);
      envelope.enter(at);
    } else if (depth === matched && matched > 0) matched -= 1;
  }

  function separate(at: number): void {
    if (!items.isOpen()) envelope.count();
    else if (depth === listDepth) items.end(at);
    else items.count();
  }

  const { walk, lastText } = createJsonWalk(bytes, signs, (at, sign) => {
    if (sign === jsonSigns.colon) {
      if (depth === matched + 1 && matched < path.length)
        isWanted = isName(bytes, lastText.from, lastText.to, path[matched] as string);
      return null;
    }
    if (isClosing(sign)) {
      leave(at);
      return null;
    }
    if (sign === jsonSigns.comma) separate(at);
    else enter(at, sign);
    return items.isOpen() ? items.refusal() : envelope.refusal(depth);
  });

  return {
    scan: walk,
    end() {
      if (!items.isOpen()) envelope.leave(bytes.length);
      return items.refusal() ?? envelope.refusal(depth) ?? { items: items.all, envelope: envelope.spans };
    },
  };
}

/** The items of the list that was asked for. */
function createItems(bytes: Uint8Array) {
  const all: ScannedItem[] = [];
  /** Of all such lists. */
  let seen = 0;
  /** Place of the item that is being looked at; -1 outside of the list. */
  let from = -1;
  let parts = 0;
  let depth = 0;

  function begin(at: number): void {
    from = at;
    parts = 0;
    depth = 0;
  }

  function end(to: number): void {
    all.push({ from, to, problem: itemProblem(depth, parts) });
    seen += 1;
    begin(to + 1);
  }

  return {
    all,
    isOpen: () => from >= 0,
    open(at: number): void {
      all.length = 0;
      begin(at);
    },
    /** An empty list has no item; what stands after a comma is one, and is refused where it is empty. */
    close(at: number): void {
      if (all.length > 0 || !isBlank(bytes, from, at)) end(at);
      from = -1;
    },
    end,
    enter(itemDepth: number): void {
      parts += 1;
      depth = Math.max(depth, itemDepth);
    },
    count: (): void => void (parts += 1),
    refusal: () => (seen > bounds.items ? `has more than ${bounds.items} items` : null),
  };
}

function itemProblem(depth: number, parts: number): ItemProblem | null {
  if (depth > bounds.depth) return 'TooDeep';
  return parts > bounds.itemParts ? 'TooManyParts' : null;
}

/** The body without its items. */
function createEnvelope() {
  const spans: Span[] = [];
  let from = 0;
  let parts = 0;
  let bytes = 0;
  return {
    spans,
    enter: (at: number): void => void (from = at),
    leave(to: number): void {
      spans.push({ from, to });
      bytes += to - from;
    },
    count: (): void => void (parts += 1),
    refusal(depth: number): string | null {
      if (depth > bounds.depth) return `is nested more than ${bounds.depth} deep`;
      if (parts > bounds.envelopeParts) return `has more than ${bounds.envelopeParts} values beside its items`;
      return bytes > bounds.envelopeBytes ? `has more than ${bounds.envelopeBytes / 1024} KiB beside its items` : null;
    },
  };
}

function isBlank(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) if ((bytes[at] as number) > 0x20) return false;
  return true;
}

/** A name may be written with escapes, at most six bytes for a character. */
function isName(bytes: Uint8Array, from: number, to: number, name: string): boolean {
  const length = to - from - 2;
  if (length < name.length || length > 6 * name.length) return false;
  if (length === name.length) return startsWith(bytes, from + 1, name);
  const text = bytes.subarray(from, to);
  return text.includes(backslash) && isJsonOf(new TextDecoder().decode(text), name);
}

function startsWith(bytes: Uint8Array, from: number, text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (bytes[from + at] !== text.charCodeAt(at)) return false;
  return true;
}

function isJsonOf(text: string, value: string): boolean {
  try {
    return JSON.parse(text) === value;
  } catch {
    return false;
  }
}
