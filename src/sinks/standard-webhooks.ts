import { createHmac } from 'node:crypto';
import { z } from 'zod';
import { AppError } from '../core/errors.ts';
import { parseSecretReference, secretRef } from '../lib/secret-reference.ts';
import type { SinkIo } from './define.ts';

// Symmetric signatures as www.standardwebhooks.com has them (v1): HMAC-SHA256 over the id, the time and the body.

export const signature = z
  .strictObject({
    secretRefs: z.array(secretRef).min(1).max(5).meta({
      description:
        'Secrets with a signing secret each: name, or name/key. All of them sign, so that one can be taken out of use after the receiver knows the next.',
    }),
  })
  .meta({
    description:
      'Signs the body (Standard Webhooks): headers webhook-id, webhook-timestamp and webhook-signature. A signing secret is whsec_ and 24 to 64 bytes in base64.',
  });

/**
 * The headers of a message; its id is the same in all attempts. Throws SecretMissing for a Secret that is not there, or that is
 * no signing secret.
 */
export function signatureHeaders(
  io: Pick<SinkIo, 'secret' | 'now'>,
  { secretRefs }: z.output<typeof signature>,
  { idempotencyKey, body }: { readonly idempotencyKey: string; readonly body: string },
): Readonly<Record<string, string>> {
  // A dot stands between what is signed; no name has a `_`, so that ids stay apart.
  const id = idempotencyKey.replaceAll('.', '_');
  const time = String(Math.floor(io.now() / 1000));
  const signed = `${id}.${time}.${body}`;
  const signatures = secretRefs.map((text) => {
    const key = signingKey(io, text);
    return `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
  });
  return { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': signatures.join(' ') };
}

function signingKey(io: Pick<SinkIo, 'secret'>, text: string): Buffer {
  const reference = parseSecretReference(text);
  const encoded = io
    .secret(reference)
    .trim()
    .replace(/^whsec_/, '');
  const key = Buffer.from(encoded, 'base64');
  const isBase64 = /^[A-Za-z0-9+/]+={0,2}$/.test(encoded);
  if (isBase64 && key.length >= 24 && key.length <= 64) return key;
  throw new AppError(
    'SecretMissing',
    `key ${reference.key} of the Secret ${reference.name} is no signing secret: it needs whsec_ and 24 to 64 bytes in base64`,
    { next: 'printf whsec_%s "$(openssl rand -base64 32)"' },
  );
}
