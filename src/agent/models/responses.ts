import type { OwnPart } from './raw.ts';

// What OpenAI's Responses have in common, at OpenAI and at Azure.

/** Not permitted in a strict schema. */
export const refusedWords: readonly string[] = ['minLength', 'maxLength'];

/**
 * Whether all reasoning came sealed. Nothing is stored, so what is not sealed cannot be found again, and the request that names it
 * is refused; a deployment of Azure does not tell by its name whether it reasons, so there it never is.
 */
export function isSealed(parts: readonly OwnPart[]): boolean {
  return parts.every(({ type, providerMetadata = {} }) => {
    const own = Object.values(providerMetadata)[0];
    return type !== 'reasoning' || typeof own?.['reasoningEncryptedContent'] === 'string';
  });
}
