import { createHash, hash } from 'node:crypto';
import { cutBytes, cutMark } from '../lib/cut.ts';
import { sliceBytes } from '../lib/turns.ts';
import type { Turns } from '../lib/turns.ts';
import { bounds } from './bounds.ts';
import type { ReceiveResult, SourceRequest } from './define.ts';
import { createScanner } from './scan.ts';
import type { ItemProblem, ScannedItem, Span } from './scan.ts';

// What all sources that take JSON requests share.

export type Refusal = Extract<ReceiveResult, { readonly ok: false }>;

/** A 400: `field` names the wrong one, empty for the body as a whole. */
export function refuse(field: string, message: string): Refusal {
  return { ok: false, status: 400, field, message: field === '' ? message : `${field} ${message}` };
}

/** An element of the list that was asked for. */
export type BodyItem =
  | { readonly ok: true; readonly value: unknown; readonly text: () => string }
  | { readonly ok: false; readonly message: string; readonly text: () => string };

/** Takes one after the other; what it returns is waited for. */
type TakeItem = (item: BodyItem, index: number) => Promise<void> | void;

export interface ParsedBody {
  readonly ok: true;
  /** The body as it came, so far as it is kept. */
  readonly text: string;
  /** SHA-256 of the body. */
  readonly contentHash: string;
  /** The body, with an empty list in place of the one that was asked for; an empty object where it is a list itself. */
  readonly value: Readonly<Record<string, unknown>>;
  readonly isList: boolean;
  /** Where the list is that was asked for. */
  readonly path: readonly string[];
  /** The list has no elements. */
  readonly isEmpty: boolean;
  /** The first element of the list that can be read; undefined where there is none. */
  readonly first: () => unknown;
  /**
   * Elements of the list, parsed one by one, of at most so many bytes. Refused where one is not JSON: then the body is not.
   */
  readonly items: (take: TakeItem, mostBytes?: number) => Promise<Refusal | null>;
}

/**
 * The body as JSON, read in pieces that let others have their turns. The elements of the list at `path` are set apart, or
 * those of the body where it is a list. The message of a refusal never repeats the body.
 */
export async function parseBody(
  { body }: SourceRequest,
  turns: Turns,
  path: readonly string[] = [],
): Promise<ParsedBody | Refusal> {
  const bytes = withoutMark(typeof body === 'string' ? Buffer.from(body) : body);
  const scanner = createScanner(bytes, path);
  const digest = bytes.length > sliceBytes ? createHash('sha256') : null;
  for (let from = 0; from < bytes.length; from += sliceBytes) {
    if (turns.isOver()) await turns.next();
    const to = Math.min(from + sliceBytes, bytes.length);
    const refused = scanner.scan(to);
    if (refused !== null) return refuse('', `the body ${refused}`);
    digest?.update(bytes.subarray(from, to));
  }
  const scanned = scanner.end();
  if (typeof scanned === 'string') return refuse('', `the body ${scanned}`);
  const envelope = parseText(scanned.envelope.map((span) => textOf(bytes, span)).join(''));
  if (envelope === undefined) return refuse('', 'the body is not JSON');
  const isList = Array.isArray(envelope);
  if (!isList && !isObject(envelope)) return refuse('', 'the body must be a JSON object or a list of them');
  if (turns.isOver()) await turns.next();
  return {
    ok: true,
    text: await keptText(bytes, turns),
    contentHash: digest?.digest('hex') ?? hash('sha256', bytes),
    value: isList ? {} : envelope,
    isList,
    path,
    isEmpty: scanned.items.length === 0,
    first() {
      const item = scanned.items.find(({ from, to, problem }) => problem === null && to - from <= bounds.itemBytes);
      const read = item === undefined ? undefined : readItem(bytes, item, bounds.itemBytes);
      return read?.ok === true ? read.value : undefined;
    },
    async items(take, mostBytes = bounds.itemBytes) {
      for (const [index, item] of scanned.items.entries()) {
        if (turns.isOver()) await turns.next();
        const read = readItem(bytes, item, mostBytes);
        if (read === undefined) return refuse('', 'the body is not JSON');
        const pending = take(read, index);
        if (pending !== undefined) await pending;
      }
      return null;
    },
  };
}

const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);

/** Some senders write one before their JSON; it says nothing. */
function withoutMark(bytes: Buffer): Buffer {
  return bytes.length >= 3 && bytes.compare(byteOrderMark, 0, 3, 0, 3) === 0 ? bytes.subarray(3) : bytes;
}

/** Bytes that are no UTF-8 take long to decode. */
async function keptText(bytes: Buffer, turns: Turns): Promise<string> {
  if (bytes.length <= sliceBytes) return bytes.toString('utf8');
  const mark = bytes.length > bounds.keptBodyBytes ? cutMark(bytes.length) : '';
  const end = Math.min(bytes.length, bounds.keptBodyBytes - mark.length);
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let text = '';
  for (let from = 0; from < end; from += sliceBytes) {
    if (turns.isOver()) await turns.next();
    const to = Math.min(from + sliceBytes, end);
    text += decoder.decode(bytes.subarray(from, to), { stream: to < bytes.length });
  }
  return text + mark;
}

const problems: Readonly<Record<ItemProblem, string>> = {
  TooDeep: `is nested more than ${bounds.depth} deep`,
  TooManyParts: `has more than ${bounds.itemParts} values`,
};

function readItem(bytes: Buffer, { from, to, problem }: ScannedItem, mostBytes: number): BodyItem | undefined {
  const text = (): string => cutBytes(bytes.subarray(from, to), bounds.badBytes);
  if (problem !== null) return { ok: false, message: problems[problem], text };
  if (to - from > mostBytes) return { ok: false, message: `has more than ${mostBytes / 1024} KiB`, text };
  const value = parseText(textOf(bytes, { from, to }));
  return value === undefined ? undefined : { ok: true, value, text };
}

function textOf(bytes: Buffer, { from, to }: Span): string {
  return bytes.toString('utf8', from, to);
}

/** Undefined where it is not JSON. */
function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const mostDeliveryKey = 255;

/** The sender's id of this delivery, header `Idempotency-Key`; null = none. A longer one than 255 characters is none. */
export function deliveryKeyOf({ headers }: SourceRequest): string | null {
  const value = headers['idempotency-key'];
  return typeof value === 'string' && value !== '' && value.length <= mostDeliveryKey ? value : null;
}
