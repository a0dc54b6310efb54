import { createJsonWalk, isClosing, isOpening, jsonSigns, signTable } from '../../lib/json-walk.ts';
import type { Pieces } from '../../lib/turns.ts';

/** No cluster stores an object of half the size. */
const largestItem = 4 * 1024 * 1024;
/** Looked through between two turns. */
const bytesAtOnce = 256 * 1024;

/**
 * The items of a `List`, as JSON.parse gives them, in pieces: JSON.parse of fifty megabytes takes half a second, and only to
 * make one text of them takes 40 ms. Null where it has no items. Throws where it is not JSON, or an item is larger than any
 * object of a cluster.
 */
export function* parseListItems(bytes: Buffer): Pieces<readonly unknown[] | null> {
  const places = yield* findItems(bytes);
  if (places === null) return itemsOf(JSON.parse(bytes.toString('utf8', 0, largestItem)));
  // What stands around and between the items is JSON only if it is with empty objects in their place.
  let rest = '';
  let from = 0;
  const items: unknown[] = [];
  for (const [start, end] of places) {
    if (end - start > largestItem) throw new Error(`an item has more than ${largestItem} bytes`);
    rest += `${between(bytes, from, start, rest)}{}`;
    from = end;
    items.push(JSON.parse(bytes.toString('utf8', start, end)));
    yield;
  }
  const envelope = rest + between(bytes, from, bytes.length, rest);
  return itemsOf(JSON.parse(envelope))?.length === items.length ? items : null;
}

function between(bytes: Buffer, from: number, to: number, before: string): string {
  if (before.length + to - from > largestItem)
    throw new Error(`it has more than ${largestItem} bytes beside its items`);
  return bytes.toString('utf8', from, to);
}

/** The items of a list that is parsed; null where it is none. */
export function itemsOf(list: unknown): readonly unknown[] | null {
  const items = (list as { items?: unknown } | null)?.items ?? [];
  return Array.isArray(items) ? items : null;
}

/** Where the objects are that are elements of the member `items`; null where there is no such list. */
function* findItems(bytes: Buffer): Pieces<readonly (readonly [start: number, end: number])[] | null> {
  const places: [number, number][] = [];
  let depth = 0;
  let isOpen = false;
  let isFound = false;
  const json = createJsonWalk(bytes, signTable('[]{}'), (at, sign) => {
    if (isOpening(sign)) {
      const isList = sign === jsonSigns.openingBracket;
      if (isList && depth === 1 && bytes.toString('latin1', json.lastText.from, json.lastText.to) === '"items"') {
        isOpen = true;
        isFound = true;
        places.length = 0;
      } else if (!isList && isOpen && depth === 2) places.push([at, at]);
      depth += 1;
    } else if (isClosing(sign)) {
      depth -= 1;
      const last = places.at(-1);
      if (isOpen && depth === 2 && sign === closingBrace && last !== undefined) last[1] = at + 1;
      if (depth === 1) isOpen = false;
    }
    return null;
  });
  for (let to = bytesAtOnce; to < bytes.length; to += bytesAtOnce) {
    json.walk(to);
    yield;
  }
  json.walk(bytes.length);
  return isFound ? places : null;
}

const closingBrace = 0x7d;
