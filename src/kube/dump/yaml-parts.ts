import type { Pieces } from '../../lib/turns.ts';

/** A part of a YAML file that is an object: a document, or an item of a list in block style. */
export interface YamlRange {
  readonly from: number;
  readonly to: number;
  /** Columns before it that are not in the range: of the item's mark and what is left of it. */
  readonly indent: number;
  /** What the list says of itself, which its items may leave out. */
  readonly list: ListType | null;
}

/** `kind: PodList`. */
export interface ListType {
  kind: string;
  apiVersion: string;
}

/** Looked through between two turns. */
const bytesAtOnce = 256 * 1024;
const [space, dash, lineFeed, carriageReturn, tab, hash, percent] = [0x20, 0x2d, 0x0a, 0x0d, 0x09, 0x23, 0x25];

/**
 * Where the objects of a YAML file are: a list of a whole cluster is too much to be parsed in one go. A document without
 * such a list is one part; one of comments alone is none.
 */
export function* findYamlParts(bytes: Buffer): Pieces<readonly YamlRange[]> {
  const parts: YamlRange[] = [];
  let document = beginDocument(0);
  const endDocument = (to: number): void => {
    if (document.item !== null) parts.push(...closeItem(document, to));
    else if (!document.hasList && document.hasContent) parts.push({ from: document.from, to, indent: 0, list: null });
  };
  let looked = 0;
  for (let at = 0; at < bytes.length;) {
    if (at - looked > bytesAtOnce) {
      looked = at;
      yield;
    }
    const next = bytes.indexOf(lineFeed, at);
    const end = next < 0 ? bytes.length : next;
    if (isMark(bytes, at, end)) {
      endDocument(at);
      document = beginDocument(at);
      // Something may stand behind the mark.
      document.hasContent = !isIdle(bytes, at + 3, end);
    } else if (!isIdle(bytes, at, end)) parts.push(...takeLine(document, bytes, at, end));
    at = end + 1;
  }
  endDocument(bytes.length);
  return parts;
}

interface OpenDocument {
  readonly from: number;
  hasContent: boolean;
  hasList: boolean;
  readonly list: ListType;
  /** The line before was `items:`. */
  isOpening: boolean;
  /** Columns before the marks of the items; null outside of the list. */
  depth: number | null;
  /** Where the content of the open item begins. */
  item: number | null;
}

function beginDocument(from: number): OpenDocument {
  return {
    from,
    list: { kind: '', apiVersion: '' },
    hasContent: false,
    hasList: false,
    isOpening: false,
    depth: null,
    item: null,
  };
}

/** Returns the item that the line ends. */
function takeLine(document: OpenDocument, bytes: Buffer, at: number, end: number): readonly YamlRange[] {
  document.hasContent ||= bytes[at] !== percent;
  let column = 0;
  while (bytes[at + column] === space) column += 1;
  const isItem = bytes[at + column] === dash && isBlank(bytes[at + column + 1]);
  if (document.isOpening && isItem) {
    document.depth = column;
    document.hasList = true;
  }
  if (column === 0 && !isItem) readType(document.list, bytes, at, end);
  document.isOpening = column === 0 && document.depth === null && isItems(bytes, at, end);
  if (document.depth === null || column > document.depth) return [];
  const ended = document.item === null ? [] : closeItem(document, at);
  document.item = isItem ? at + column + 1 : null;
  if (!isItem) document.depth = null;
  return ended;
}

function closeItem(document: OpenDocument, to: number): readonly YamlRange[] {
  return document.item === null || document.depth === null
    ? []
    : [{ from: document.item, to, indent: document.depth + 1, list: document.list }];
}

function readType(list: ListType, bytes: Buffer, at: number, end: number): void {
  const line = bytes.toString('latin1', at, Math.min(end, at + 200));
  const [, name, value = ''] = /^(kind|apiVersion):[ \t]+["']?([\w./-]+)/.exec(line) ?? [];
  if (name === 'kind') list.kind = value;
  if (name === 'apiVersion') list.apiVersion = value;
}

const isBlank = (byte: number | undefined): boolean =>
  byte === undefined || byte === space || byte === tab || byte === lineFeed || byte === carriageReturn;

/** `---`. */
function isMark(bytes: Buffer, at: number, end: number): boolean {
  const isIt = bytes[at] === dash && bytes[at + 1] === dash && bytes[at + 2] === dash;
  return isIt && end >= at + 3 && isBlank(bytes[at + 3]);
}

function isItems(bytes: Buffer, at: number, end: number): boolean {
  return bytes.toString('latin1', at, Math.min(end, at + 6)) === 'items:' && isIdle(bytes, at + 6, end);
}

/** Nothing, or a comment. */
function isIdle(bytes: Buffer, from: number, end: number): boolean {
  let at = from;
  while (at < end && isBlank(bytes[at])) at += 1;
  return at >= end || bytes[at] === hash;
}
