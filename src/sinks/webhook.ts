import { z } from 'zod';
import { authentication, authorization } from './authorization.ts';
import { defineSink } from './define.ts';
import { endpoint, template } from './fields.ts';
import { sendRequest } from './http.ts';

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
  example: { endpoint: 'https://receiver.example/fist', authentication: { type: 'bearer', secretRef: 'report-token' } },
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
    const answer = await sendRequest(io, {
      method: 'POST',
      url: config.endpoint,
      headers: {
        ...config.headers,
        'idempotency-key': delivery.idempotencyKey,
        ...authorization(io, config.authentication),
      },
      body: delivery.payload,
    });
    return answer.ok ? { ok: true, reference: null } : answer.verdict;
  },
});
