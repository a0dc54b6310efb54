import type { AlertItem } from '../core/alert.ts';
import type { Notification } from '../core/event.ts';

/** Bounds of one part: it is decided in one go, and a batch is not larger. */
const mostOfPart = { items: 250, length: 256 * 1024 } as const;
/** What a label costs beside its text: it is a row of its own, where filters find it. */
const lengthOfPair = 30;
/** So short a body has no more than one part has. */
const shortBody = 128 * 1024;

/**
 * The items of a notification in the parts in which they are committed, one after the other: in the order of the
 * identities, within one in the order of the notification. Most notifications are one part.
 */
export function partsOf({ items, body }: Pick<Notification, 'items' | 'body'>): readonly (readonly AlertItem[])[] {
  if (items.length <= mostOfPart.items && body.length <= shortBody) return [items];
  const sorted = items.toSorted((one, other) => compare(one.fingerprint, other.fingerprint));
  const parts: AlertItem[][] = [];
  let part: AlertItem[] = [];
  let length = 0;
  for (const item of sorted) {
    const itemLength = lengthOf(item);
    if (part.length === mostOfPart.items || (part.length > 0 && length + itemLength > mostOfPart.length)) {
      parts.push(part);
      part = [];
      length = 0;
    }
    part.push(item);
    length += itemLength;
  }
  return [...parts, part];
}

function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}

/** What it weighs: about its text, in UTF-16 units. */
function lengthOf({ labels, annotations }: AlertItem): number {
  let length = 0;
  for (const pairs of [labels, annotations])
    for (const name of Object.keys(pairs)) length += lengthOfPair + name.length + (pairs[name]?.length ?? 0);
  return length;
}
