import { z } from 'zod';
import type { DeliveryVerdict } from '../core/delivery.ts';
import { AppError } from '../core/errors.ts';
import type { HttpResponse } from '../core/ports.ts';
import { requestWasSent } from '../lib/http.ts';
import { retryAfterMs } from '../lib/retry-after.ts';
import { authentication, authenticationSecret } from '../lib/secret-reference.ts';
import { defineSink } from './define.ts';
import { endpoint, template } from './fields.ts';

const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/**
 * Headers that are this program's: where the request goes and how its body is sent (RFC 9112), what belongs to a connection
 * (RFC 9110, 7.6.1), the key of the delivery, and the token, which is a Secret.
 */
const ownHeader =
  /^(?:host|content-.*|transfer-encoding|connection|keep-alive|proxy-.*|te|trailer|upgrade|expect|idempotency-key|authorization)$/i;

/** Posts the payload as JSON, with an `Idempotency-Key` that is the same in all attempts. */
export const webhook = defineSink({
  type: 'webhook',
  description: 'Posts JSON to an HTTP receiver, with an Idempotency-Key header.',
  config: z.object({
    endpoint,
    headers: z
      .record(
        z
          .string()
          .regex(headerName, 'is not a header name')
          .refine((name) => !ownHeader.test(name), 'is set by fist itself; for a token there is authentication'),
        z
          .string()
          .max(4096)
          .regex(/^[\t\x20-\x7e]*$/),
      )
      .default({})
      .meta({ description: 'Further request headers. No secrets: use authentication for a token.' }),
    authentication: authentication.optional(),
    template: template.optional(),
  }),
  async deliver(io, config, delivery) {
    try {
      const response = await io.http.send({
        method: 'POST',
        url: config.endpoint,
        headers: {
          ...config.headers,
          'content-type': 'application/json',
          'idempotency-key': delivery.idempotencyKey,
          ...(config.authentication === undefined
            ? {}
            : { authorization: `Bearer ${io.secret(authenticationSecret(config.authentication))}` }),
        },
        body: JSON.stringify(delivery.payload),
        timeoutMs: io.timeoutMs,
        // Only the status counts: an answer that stalls after it is an answer.
        maxResponseBytes: 0,
        signal: io.signal,
      });
      return verdictOf(response, new URL(config.endpoint).host, io.now());
    } catch (thrown) {
      if (!(thrown instanceof AppError)) throw thrown;
      return { ok: false, retry: thrown.retryable, reason: thrown.message, ambiguous: requestWasSent(thrown) };
    }
  },
});

/** Of these the receiver says itself that they pass; 409: it is at work on the same key. */
const passing = new Set([408, 409, 425, 429]);

/**
 * Those and 5xx may pass later; any other answer but 2xx is final. 429, 501 and 503 say that nothing was done; after
 * another 5xx (a defect, a gateway without an answer) nobody knows. The answer's body is never quoted.
 */
function verdictOf(response: HttpResponse, host: string, nowMs: number): DeliveryVerdict {
  const { status, headers } = response;
  if (status >= 200 && status < 300) return { ok: true, reference: null };
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
