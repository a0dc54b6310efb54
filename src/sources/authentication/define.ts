import { hash, timingSafeEqual } from 'node:crypto';
import type { z } from 'zod';
import type { CatalogAuthentication } from '../../core/authentication.ts';
import type { SecretReference } from '../../core/catalog.ts';
import { rule } from '../../lib/rule.ts';
import { parseSecretReference, secretKeyRef, secretRef } from '../../lib/secret-reference.ts';

/** A way in which callers of a Source prove who they are. A new one is its file, its test and one line in index.ts. */
export interface AuthenticationWay {
  readonly type: string;
  /** What the caller sends, for the generated reference. */
  readonly description: string;
  /** Fields beside `type`. */
  readonly config: z.ZodObject;
  /** From fields that `config` accepted. */
  readonly compile: (config: object) => CatalogAuthentication;
}

interface Definition<Schema extends z.ZodObject> {
  readonly type: string;
  readonly description: string;
  readonly config: Schema;
  readonly compile: (
    config: z.output<Schema>,
  ) => Pick<CatalogAuthentication, 'secrets' | 'check'> & Partial<CatalogAuthentication>;
}

export function defineAuthentication<Schema extends z.ZodObject>(definition: Definition<Schema>): AuthenticationWay {
  const { type, description, config, compile } = definition;
  return {
    type,
    description,
    config,
    compile: (accepted) => ({
      type,
      isOpen: false,
      needsCertificate: false,
      verify: null,
      cluster: null,
      ...compile(accepted as z.output<Schema>),
    }),
  };
}

/** The fields of a way with a secret: one of the first two, and the one before while senders change to it. */
export const secretFields = {
  secretRef: secretRef.optional(),
  secretKeyRef: secretKeyRef.optional(),
  previousSecretRef: secretRef.optional().meta({
    description:
      'Another Secret, or key, that is valid beside it while senders change from one to the other. Lines of one Secret are valid all the same.',
  }),
};

/** For the schema of a way with {@link secretFields}. */
export const oneSecret = rule<SecretConfig>(
  'has(self.secretRef) != has(self.secretKeyRef)',
  'needs exactly one of secretRef and secretKeyRef',
  (given) => (given.secretRef === undefined) !== (given.secretKeyRef === undefined),
);

interface SecretConfig {
  readonly secretRef?: string | undefined;
  readonly secretKeyRef?: SecretReference | undefined;
  readonly previousSecretRef?: string | undefined;
}

/** Where the secrets are. */
export function secretsOf({ secretRef: text, secretKeyRef: object, previousSecretRef }: SecretConfig) {
  const first = object ?? parseSecretReference(text ?? '');
  return previousSecretRef === undefined ? [first] : [first, parseSecretReference(previousSecretRef)];
}

/** Compares in constant time: both sides are hashed, so that neither length nor content of `expected` shows. */
export function isSame(given: Buffer | string, expected: string | Buffer): boolean {
  return timingSafeEqual(digest(given), digest(expected));
}

/** Whether it is one of them; all are looked at, whichever it is. An empty one is none. */
export function isOneOf(given: Buffer | string, expected: readonly (string | Buffer)[]): boolean {
  let found = false;
  for (const one of expected) if (isSame(given, one) && one.length > 0) found = true;
  return found;
}

function digest(text: string | Buffer): Buffer {
  return hash('sha256', text, 'buffer');
}

/**
 * The value of a header; null = there is none, undefined = there is more than one: then a proxy in front may have looked at
 * the other one. `name` in lower case.
 */
export function onlyHeader(rawHeaders: readonly string[], name: string): string | null | undefined {
  let found: string | null = null;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const given = rawHeaders[index];
    if (given?.length !== name.length || given.toLowerCase() !== name) continue;
    if (found !== null) return undefined;
    found = rawHeaders[index + 1] ?? '';
  }
  return found;
}

/** RFC 9110: the scheme is case-insensitive, one or more spaces, then the token: whatever a person chose. */
const bearerScheme = /^bearer +(\S.*)$/i;

/** The bearer token that a request has; null where it has none, or several. */
export function bearerOf(rawHeaders: readonly string[]): string | null {
  return bearerScheme.exec(onlyHeader(rawHeaders, 'authorization') ?? '')?.[1] ?? null;
}
