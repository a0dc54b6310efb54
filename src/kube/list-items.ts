import type { Pieces } from '../lib/turns.ts';

/** What is smaller is parsed in one go; of the rest, each item. */
const smallCharacters = 512 * 1024;
/** No cluster stores an object of half the size. */
const largestItem = 4 * 1024 * 1024;
/** Characters that are looked through between two turns. */
const charactersAtOnce = 256 * 1024;

/**
 * The items of a `List`, as JSON.parse gives them, in pieces: JSON.parse of fifty megabytes takes half a second. Null where
 * it has no items. Throws where the text is not JSON, or an item is larger than any object of a cluster.
 */
export function* parseListItems(text: string): Pieces<readonly unknown[] | null> {
  if (text.length <= smallCharacters) return itemsOf(JSON.parse(text));
  const places = yield* findItems(text);
  if (places === null) return itemsOf(JSON.parse(text.slice(0, largestItem)));
  // What stands around and between the items is JSON only if it is with empty objects in their place.
  let rest = '';
  let from = 0;
  const items: unknown[] = [];
  for (const [start, end] of places) {
    if (end - start > largestItem) throw new Error(`an item has more than ${largestItem} characters`);
    rest += `${text.slice(from, start)}{}`;
    from = end;
    items.push(JSON.parse(text.slice(start, end)));
    yield;
  }
  const envelope = rest + text.slice(from);
  if (envelope.length > largestItem) throw new Error(`it has more than ${largestItem} characters beside its items`);
  return itemsOf(JSON.parse(envelope))?.length === items.length ? items : null;
}

function itemsOf(list: unknown): readonly unknown[] | null {
  const items = (list as { items?: unknown } | null)?.items ?? [];
  return Array.isArray(items) ? items : null;
}

/** Where the objects are that are elements of the member `items`; null where there is no such list. */
function* findItems(text: string): Pieces<readonly (readonly [start: number, end: number])[] | null> {
  const places: [number, number][] = [];
  const marks = /["{}[\]]/g;
  let depth = 0;
  let isOpen = false;
  let isFound = false;
  let name = '';
  let yielded = 0;
  for (let mark = marks.exec(text); mark !== null; mark = marks.exec(text)) {
    const at = mark.index;
    if (at - yielded > charactersAtOnce) {
      yielded = at;
      yield;
    }
    switch (mark[0]) {
      case '"':
        marks.lastIndex = endOfText(text, at + 1) + 1;
        if (depth === 1) name = text.slice(at, Math.min(marks.lastIndex, at + 10));
        break;
      case '{':
        if (isOpen && depth === 2) places.push([at, at]);
        depth += 1;
        break;
      case '[':
        if (depth === 1 && name === '"items"') {
          isOpen = true;
          isFound = true;
          places.length = 0;
        }
        depth += 1;
        break;
      default: {
        depth -= 1;
        const last = places.at(-1);
        if (isOpen && depth === 2 && mark[0] === '}' && last !== undefined) last[1] = at + 1;
        if (depth === 1) isOpen = false;
      }
    }
  }
  return isFound ? places : null;
}

/** Where the quote is that ends a text; the end where there is none. */
function endOfText(text: string, from: number): number {
  for (let at = from; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit === 0x22) return at;
    if (unit === 0x5c) at += 1;
  }
  return text.length;
}
