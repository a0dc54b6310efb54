import type { DeliveryVerdict } from '../core/delivery.ts';
import { AppError } from '../core/errors.ts';
import { parseSecretReference } from '../lib/secret-reference.ts';
import type { HttpRequest, HttpResponse } from '../core/ports.ts';
import { requestWasSent } from '../lib/http.ts';
import { retryAfterMs } from '../lib/retry-after.ts';
import type { SinkIo } from './define.ts';

// What sinks that speak HTTP share: one request, and what its answer means.

export type Failure = Extract<DeliveryVerdict, { readonly ok: false }>;

/** An answer that the sink has to read, or what became of the request. */
export type Answer =
  | { readonly ok: true; readonly response: HttpResponse }
  /** `response` is null where none came. */
  | { readonly ok: false; readonly verdict: Failure; readonly response: HttpResponse | null };

export interface SinkRequest extends Pick<HttpRequest, 'method' | 'url'> {
  readonly headers?: Readonly<Record<string, string>>;
  /** Text is sent as it is, anything else as JSON. */
  readonly body?: unknown;
  /** Of the answer, that are read. Default 0: only the status counts, and an answer that stalls after it is an answer. */
  readonly maxResponseBytes?: number;
  /**
   * Whether it only reads, or changes what was told before: then nothing about it is ambiguous. What may have told a receiver
   * that an alert fires is, also where a second request has no second effect, so that the end is told too. Default false.
   */
  readonly isIdempotent?: boolean;
}

/** Sends once. An answer 2xx is given back; anything else is the verdict that {@link failureOf} gives. */
export async function sendRequest(io: SinkIo, request: SinkRequest): Promise<Answer> {
  const { method, url, headers = {}, body, maxResponseBytes = 0, isIdempotent = false } = request;
  const isText = typeof body === 'string' || body === undefined;
  try {
    const response = await io.http.send({
      method,
      url,
      headers: isText ? headers : { 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
      timeoutMs: io.timeoutMs,
      maxResponseBytes,
      signal: io.signal,
    });
    if (response.status >= 200 && response.status < 300) return { ok: true, response };
    const { ambiguous, ...verdict } = failureOf(response, new URL(url).host, io.now());
    return { ok: false, response, verdict: ambiguous === true && !isIdempotent ? { ...verdict, ambiguous } : verdict };
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown;
    const { retryable: retry, message: reason } = thrown;
    const ambiguous = requestWasSent(thrown) && !isIdempotent;
    return { ok: false, response: null, verdict: { ok: false, retry, reason, ambiguous } };
  }
}

/** An address that is kept in a Secret. Throws SecretMissing, whose message does not tell it. */
export function secretAddress(io: SinkIo, reference: string): URL {
  const secret = parseSecretReference(reference);
  const url = URL.parse(io.secret(secret).trim());
  if (url !== null && /^https?:$/.test(url.protocol)) return url;
  throw new AppError('SecretMissing', `key ${secret.key} of Secret ${secret.name} holds no address (http or https)`);
}

/** An address below an endpoint, which may be written with slashes at its end. */
export function below(endpoint: string, path: string): string {
  return endpoint.replace(/\/+$/, '') + path;
}

/** Of these the receiver says itself that they pass; 409: it is at work on the same key. */
const passing = new Set([408, 409, 425, 429]);

/**
 * Those and 5xx may pass later; any other answer but 2xx is final. 429, 501 and 503 say that nothing was done; after
 * another 5xx (a defect, a gateway without an answer) nobody knows. The answer's body is never quoted.
 */
export function failureOf(response: HttpResponse, host: string, nowMs: number): Failure {
  const { status, headers } = response;
  if (status >= 300 && status < 400) {
    return { ok: false, retry: false, reason: `${host} answered ${status}; redirects are not followed` };
  }
  const retry = passing.has(status) || status >= 500;
  const wanted = retry ? retryAfterMs(headers['retry-after'], headers['date'], nowMs) : null;
  const reason = `${host} answered ${status}`;
  const ambiguous = status >= 500 && status !== 501 && status !== 503;
  return {
    ok: false,
    retry,
    reason,
    ...(ambiguous ? { ambiguous } : {}),
    ...(wanted === null ? {} : { retryAfterMs: wanted }),
  };
}

/** The body of an answer as JSON; undefined where it is none. */
export function jsonOf({ body }: HttpResponse): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return undefined;
  }
}
