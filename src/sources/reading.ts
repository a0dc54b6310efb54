import type { AlertItem } from '../core/alert.ts';
import type { BadItem, UnreadFields } from '../core/event.ts';
import { bounds } from './bounds.ts';
import type { BodyItem } from './envelope.ts';
import type { ReadAlert } from './formats/define.ts';
import type { Wrong } from './pairs.ts';

/** The alerts of a notification, as they are read one after the other. */
export interface Reading {
  /** Reads an element of the body's list; `at` is its path, `alerts[3]`. */
  add(body: BodyItem, index: number, at: string, read: (value: unknown) => ReadAlert | Wrong): void;
  /** What was made of one item; `text` is the item as it came. */
  took(read: ReadAlert | Wrong, index: number, at: string, text: () => string): void;
  taken(): {
    readonly items: readonly AlertItem[];
    readonly bad: readonly BadItem[];
    readonly moreBad: number;
    readonly unread: UnreadFields | null;
  };
}

export function createReading(): Reading {
  const items: AlertItem[] = [];
  const bad: BadItem[] = [];
  let moreBad = 0;
  let unread: UnreadFields | null = null;

  function took(read: ReadAlert | Wrong, index: number, at: string, text: () => string): void {
    if ('message' in read) {
      if (bad.length === bounds.badItems) moreBad += 1;
      else bad.push({ index, field: at + read.field, message: read.message, body: text() });
      return;
    }
    items.push(read.item);
    const [first] = read.unread;
    if (first === undefined) return;
    const fields = read.unread.length + (unread?.fields ?? 0);
    unread = { fields, first: unread?.first ?? `${at}${first.field} ${first.message}` };
  }

  return {
    took,
    add(body, index, at, read) {
      took(body.ok ? read(body.value) : { field: '', message: body.message }, index, at, body.text);
    },
    taken: () => ({ items, bad, moreBad, unread }),
  };
}
