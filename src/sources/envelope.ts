import type { ReceiveResult, SourceRequest } from './define.ts';

// What all sources that take JSON requests share.

type Refusal = Extract<ReceiveResult, { readonly ok: false }>;

/** A 400: `field` names the wrong one, empty for the body as a whole. */
export function refuse(field: string, message: string): Refusal {
  return { ok: false, status: 400, field, message: field === '' ? message : `${field} ${message}` };
}

interface ParsedBody {
  readonly ok: true;
  readonly text: string;
  readonly value: Readonly<Record<string, unknown>>;
}

/** The body as JSON object. The message of a refusal never repeats the body. */
export function parseBody(body: Buffer | string): ParsedBody | Refusal {
  const text = typeof body === 'string' ? body : body.toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refuse('', 'the body is not JSON');
  }
  return isObject(value) ? { ok: true, text, value } : refuse('', 'the body must be a JSON object');
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
