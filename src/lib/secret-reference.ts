import { z } from 'zod';
import type { SecretReference } from '../core/catalog.ts';

const defaultKey = 'token';

/** A Secret's `name[/key]`, as in the contract; the default key is `token`. */
export const secretRef = z
  .string()
  .max(507)
  .regex(
    /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?(\/[-._a-zA-Z0-9]{1,253})?$/,
    'must be the name of a Secret, or name/key',
  )
  .meta({ description: 'Name of a Secret in the same namespace, or name/key. The default key is token.' });

/** The object form of {@link secretRef}. */
export const secretKeyRef = z
  .strictObject({
    name: z.string().min(1).max(253).meta({ description: 'Name of the Secret.' }),
    key: z.string().min(1).max(253).default(defaultKey).meta({ description: 'Key within the Secret.' }),
  })
  .meta({ description: 'A Secret in the same namespace, by name and key.' });

/** Takes `name[/key]` apart. */
export function parseSecretReference(text: string): SecretReference {
  const slash = text.indexOf('/');
  return slash === -1 ? { name: text, key: defaultKey } : { name: text.slice(0, slash), key: text.slice(slash + 1) };
}

/** Where somebody puts a Secret that is missing. */
export function secretFile({ name, key }: SecretReference): string {
  return `a file ${name}/${key} below --secrets-dir`;
}
