import type { SecretReference } from '../core/catalog.ts';
import { AppError } from '../core/errors.ts';
import type { Secrets } from '../core/ports.ts';

/** The first line of a Secret. Throws SecretMissing. */
export function secretText(secrets: Secrets, namespace: string, reference: SecretReference): string {
  const text = secrets.get(namespace, reference)?.trim().split('\n', 1)[0]?.trim() ?? '';
  if (text !== '') return text;
  throw new AppError('SecretMissing', `there is no Secret ${namespace}/${reference.name} with key ${reference.key}`, {
    next: `a file ${reference.name}/${reference.key} below --secrets-dir`,
  });
}
