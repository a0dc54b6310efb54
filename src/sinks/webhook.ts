import { objectOf } from '../core/json.ts';
import { z } from 'zod';
import { oneLine } from '../lib/printable.ts';
import { authentication, authorization } from '../lib/authorization.ts';
import { rule } from '../lib/rule.ts';
import { map } from '../lib/schema.ts';
import { defineSink } from './define.ts';
import type { SinkDelivery } from './define.ts';
import { endpoint, format, template } from './fields.ts';
import { sendRequest } from './http.ts';
import { viewOf } from './payload.ts';
import { signature, signatureHeaders } from './standard-webhooks.ts';

const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/**
 * Headers that are this program's: where the request goes and how its body is sent (RFC 9112), what belongs to a connection
 * (RFC 9110, 7.6.1), the key of the delivery, its signature, and the token, which is a Secret.
 */
const ownHeader =
  /^(?:host|content-.*|transfer-encoding|connection|keep-alive|proxy-.*|te|trailer|upgrade|expect|idempotency-key|authorization|webhook-(?:id|timestamp|signature))$/;

/** Posts the payload as JSON, with an `Idempotency-Key` that is the same in all attempts. */
export const webhook = defineSink({
  type: 'webhook',
  description:
    'Posts JSON to an HTTP receiver, with an Idempotency-Key header; as it is or as a CloudEvent, also signed.',
  example: { endpoint: 'https://receiver.example/fist', authentication: { type: 'bearer', secretRef: 'report-token' } },
  config: z
    .object({
      endpoint,
      format: format.optional().meta({
        description:
          'plain (the payload) or cloudevents (CloudEvents 1.0 in structured mode, the payload as data). Default: plain.',
      }),
      headers: map(
        z
          .string()
          .max(255)
          .regex(headerName, 'is not a header name')
          .check(
            rule(
              `!self.lowerAscii().matches('${ownHeader.source}')`,
              'is set by fist itself; for a token there is authentication',
              (name) => !ownHeader.test(name.toLowerCase()),
            ),
          ),
        z
          .string()
          .max(4096)
          .regex(/^[\t\x20-\x7e]*$/),
        50,
      )
        .default({})
        .meta({ description: 'Further request headers. No secrets: use authentication for a token.' }),
      authentication: authentication.optional(),
      signature: signature.optional(),
      template: template.optional(),
    })
    .check(
      rule(
        "!has(self.format) || self.format in ['plain', 'cloudevents']",
        'must be plain or cloudevents',
        ({ format: given }) => given === undefined || given === 'plain' || given === 'cloudevents',
        ['format'],
      ),
    ),
  async deliver(io, config, delivery) {
    const isEvent = config.format === 'cloudevents';
    const body = JSON.stringify(isEvent ? cloudEvent(delivery) : delivery.payload);
    const { idempotencyKey } = delivery;
    const answer = await sendRequest(io, {
      method: 'POST',
      url: config.endpoint,
      headers: {
        ...config.headers,
        'content-type': isEvent ? 'application/cloudevents+json; charset=utf-8' : 'application/json',
        'idempotency-key': idempotencyKey,
        ...authorization(io, config.authentication),
        ...(config.signature === undefined ? {} : signatureHeaders(io, config.signature, { idempotencyKey, body })),
      },
      body,
    });
    return answer.ok ? { ok: true, reference: null } : answer.verdict;
  },
});

/** CloudEvents 1.0. `source` and `id` name this delivery and no other, in all attempts. */
function cloudEvent({ event, payload, idempotencyKey }: SinkDelivery): object {
  const { namespace, name } = objectOf(payload['workflow']);
  const parts = [namespace, name].filter((part) => typeof part === 'string');
  const { object, name: alertName } = viewOf(payload);
  // An attribute has neither control characters nor halves of characters.
  const subject = oneLine((object || alertName).toWellFormed(), 200);
  return {
    specversion: '1.0',
    id: idempotencyKey,
    source: ['/punching-fist', ...parts].join('/'),
    type: `io.punchingfist.${event}.v1`,
    time: payload['timestamp'],
    ...(subject === '' ? {} : { subject }),
    datacontenttype: 'application/json',
    data: payload,
  };
}
