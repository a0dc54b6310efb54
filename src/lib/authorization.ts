import { z } from 'zod';
import type { SecretReference } from '../core/catalog.ts';
import { rule } from './rule.ts';
import { parseSecretReference, secretKeyRef, secretRef } from './secret-reference.ts';

/** How a request proves to its receiver who sends it. */
export const authentication = z
  .strictObject({
    type: z.enum(['bearer', 'basic']).meta({
      description: 'bearer: the header "Authorization: Bearer <token>". basic: a user name and a password (RFC 7617).',
    }),
    username: z
      .string()
      .max(255)
      .regex(/^[^:\p{Cc}]+$/u, 'must be a name without a colon')
      .optional()
      .meta({ description: 'For basic; the Secret has the password.' }),
    secretRef: secretRef.optional(),
    secretKeyRef: secretKeyRef.optional(),
  })
  .check(
    rule(
      'has(self.secretRef) != has(self.secretKeyRef)',
      'needs exactly one of secretRef and secretKeyRef',
      (value) => (value.secretRef === undefined) !== (value.secretKeyRef === undefined),
    ),
    rule(
      "(self.type == 'basic') == has(self.username)",
      'belongs to type basic, which needs it',
      (value) => (value.type === 'basic') === (value.username !== undefined),
      ['username'],
    ),
  )
  .meta({ description: 'Bearer token, or user name and password; what is secret is kept in a Secret.' });

/** The header of a request, or none. Throws SecretMissing. */
export function authorization(
  io: { secret(reference: SecretReference): string },
  value: z.output<typeof authentication> | undefined,
): Readonly<Record<string, string>> {
  if (value === undefined) return {};
  const secret = io.secret(value.secretKeyRef ?? parseSecretReference(value.secretRef ?? ''));
  if (value.username === undefined) return { authorization: `Bearer ${secret}` };
  return { authorization: `Basic ${Buffer.from(`${value.username}:${secret}`).toString('base64')}` };
}
