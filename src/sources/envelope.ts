import { createHash, hash } from 'node:crypto';
import { cutBytes, cutMark } from '../lib/cut.ts';
import type { Turns } from '../lib/turns.ts';
import { bounds } from './bounds.ts';
import type { ReceiveResult, SourceRequest } from './define.ts';
import { createScanner } from './scan.ts';
import type { ItemProblem, ScannedItem, Span } from './scan.ts';

// What all sources that take JSON requests share.

type Refusal = Extract<ReceiveResult, { readonly ok: false }>;

/** A 400: `field` names the wrong one, empty for the body as a whole. */
export function refuse(field: string, message: string): Refusal {
  return { ok: false, status: 400, field, message: field === '' ? message : `${field} ${message}` };
}

/** An element of the list that was asked for. */
export type BodyItem =
  | { readonly ok: true; readonly value: unknown; readonly text: () => string }
  | { readonly ok: false; readonly message: string; readonly text: () => string };

interface ParsedBody {
  readonly ok: true;
  /** The body as it came, so far as it is kept. */
  readonly text: string;
  /** SHA-256 of the body. */
  readonly contentHash: string;
  /** The body, with an empty list in place of the one that was asked for. */
  readonly value: Readonly<Record<string, unknown>>;
  /** Elements of that list, parsed one by one. Refused where one is not JSON: then the body is not. */
  items(take: (item: BodyItem, index: number) => void): Promise<Refusal | null>;
}

/** Looked through, or hashed, in one go. */
const sliceBytes = 256 * 1024;

/**
 * The body as JSON object, read in pieces that let others have their turns. The elements of the list `list` are set apart.
 * The message of a refusal never repeats the body.
 */
export async function parseBody({ body }: SourceRequest, turns: Turns, list = ''): Promise<ParsedBody | Refusal> {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const scanner = createScanner(bytes, list);
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
  if (!isObject(envelope)) return refuse('', 'the body must be a JSON object');
  if (turns.isOver()) await turns.next();
  return {
    ok: true,
    text: await keptText(bytes, turns),
    contentHash: digest?.digest('hex') ?? hash('sha256', bytes),
    value: envelope,
    async items(take) {
      for (const [index, item] of scanned.items.entries()) {
        if (turns.isOver()) await turns.next();
        const read = readItem(bytes, item);
        if (read === undefined) return refuse('', 'the body is not JSON');
        take(read, index);
      }
      return null;
    },
  };
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
  TooLong: `has more than ${bounds.itemBytes / 1024} KiB`,
};

function readItem(bytes: Buffer, { from, to, problem }: ScannedItem): BodyItem | undefined {
  const text = (): string => cutBytes(bytes.subarray(from, to), bounds.badBytes);
  if (problem !== null) return { ok: false, message: problems[problem], text };
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
