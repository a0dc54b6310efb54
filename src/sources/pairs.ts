import type { Labels } from '../core/alert.ts';
import { cutBytes, isLonger } from '../lib/cut.ts';
import { bounds } from './bounds.ts';
import { isObject } from './envelope.ts';

/** What is wrong with a field; `field` begins with a dot or a bracket, or is empty for the whole. */
export interface Wrong {
  readonly field: string;
  readonly message: string;
}

/** The wrong member of what should be an object with text values, bounded in number and size; or null. */
export function wrongPairs(field: string, value: unknown): Wrong | null {
  if (!isObject(value)) return { field, message: 'must be an object with text values' };
  const names = Object.keys(value);
  if (names.length > bounds.pairs) return { field, message: `must be at most ${bounds.pairs}` };
  for (const name of names) {
    const text = value[name];
    if (typeof text !== 'string') return { field: memberOf(field, name), message: 'must be text' };
    if (isLonger(name, bounds.nameBytes)) return { field: memberOf(field, name), message: longName };
    if (isLonger(text, bounds.valueBytes)) return { field: memberOf(field, name), message: longValue };
  }
  return null;
}

/** What is wrong with labels, which are bounded together too. */
export function wrongLabels(field: string, value: unknown): Wrong | null {
  const wrong = wrongPairs(field, value);
  if (wrong !== null) return wrong;
  const labels = value as Labels;
  let length = 0;
  for (const name of Object.keys(labels)) length += name.length + (labels[name]?.length ?? 0);
  // No UTF-16 unit has more than three bytes, and most labels are short.
  if (length * 3 <= bounds.labelBytes) return null;
  return isLonger(Object.entries(labels).flat().join(''), bounds.labelBytes)
    ? { field, message: `must have at most ${bounds.labelBytes / 1024} KiB together` }
    : null;
}

const longName = `must have a name of at most ${bounds.nameBytes / 1024} KiB`;
const longValue = `must have at most ${bounds.valueBytes / 1024} KiB`;

/**
 * Annotations, which an alert can do without: what is not text is kept as JSON writes it, a long value is cut, and what
 * is more than that is left out. Each goes into `unread`.
 */
export function readAnnotations(value: unknown, unread: Wrong[]): Labels {
  const field = '.annotations';
  if (value === undefined || value === null) return {};
  if (wrongPairs(field, value) === null) return value as Labels;
  if (!isObject(value)) {
    unread.push({ field, message: 'must be an object with text values' });
    return {};
  }
  const kept: [string, string][] = [];
  for (const [name, member] of Object.entries(value)) {
    const wrong =
      kept.length === bounds.pairs
        ? { field, message: `must be at most ${bounds.pairs}` }
        : wrongPairs(field, { [name]: member });
    if (wrong !== null) unread.push(wrong);
    if (kept.length < bounds.pairs && member !== null && !isLonger(name, bounds.nameBytes))
      kept.push([name, annotationOf(member)]);
  }
  return Object.fromEntries(kept);
}

function annotationOf(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return isLonger(text, bounds.valueBytes) ? cutBytes(Buffer.from(text), bounds.valueBytes) : text;
}

function memberOf(field: string, name: string): string {
  return `${field}[${JSON.stringify(name.slice(0, 80))}]`;
}
