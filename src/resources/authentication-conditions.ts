import type { Condition, SecretReference } from '../core/catalog.ts';
import type { Secrets } from '../core/ports.ts';
import type { AcceptedSource } from './check-source.ts';
import type { ResourceObject } from './object.ts';

/** What the authentication of Sources is held against. */
export interface AuthenticationOptions {
  readonly secrets: Secrets;
  /** The server listens on loopback only: Sources without authentication are fine. */
  readonly loopback: boolean;
  /** `--allow-insecure-sources`. */
  readonly allowInsecureSources: boolean;
  /** `--tls-client-ca`. */
  readonly asksForCertificates: boolean;
}

const tlsRequired: Condition = {
  type: 'Ready',
  status: 'False',
  reason: 'TlsRequired',
  message:
    'the Source wants client certificates, and the server does not ask for any; start it with --tls-cert, --tls-key and --tls-client-ca',
};

/** What keeps a Source from knowing its senders. Design 3.3: open Sources are for loopback, or for who said so. */
export function authenticationConditions(
  object: ResourceObject,
  { compiled }: AcceptedSource,
  options: AuthenticationOptions,
): readonly Condition[] {
  // Without a path it is the API's, whose token is asked for.
  if (compiled.path === null && compiled.authentication === null) return [];
  const { authentication } = compiled;
  if (authentication !== null && !authentication.isOpen) {
    const listener = authentication.needsCertificate && !options.asksForCertificates ? [tlsRequired] : [];
    return [
      ...listener,
      ...authentication.secrets.flatMap((secret) => secretCondition(object, secret, options.secrets)),
    ];
  }
  if (options.loopback && authentication === null) return [];
  if (options.loopback || options.allowInsecureSources) {
    return [
      {
        type: 'Insecure',
        status: 'True',
        reason: 'NoAuthentication',
        message: options.loopback
          ? 'anybody on this machine can raise alerts (authentication: {type: none})'
          : 'anybody who reaches the server can raise alerts (--allow-insecure-sources)',
      },
    ];
  }
  const lines = `spec:\n  config:\n    authentication:\n      type: bearer\n      secretRef: ${object.name}-token`;
  const message = `the server can be reached from other machines and the Source has no authentication. Add:\n${lines}`;
  return [{ type: 'Ready', status: 'False', reason: 'AuthenticationRequired', message }];
}

/** Secrets may come later, so this does not make the Source not ready; requests are answered 503 until then. */
function secretCondition(object: ResourceObject, secret: SecretReference, secrets: Secrets): readonly Condition[] {
  if (secrets.get(object.namespace, secret) !== null) return [];
  const missing =
    secrets.whyMissing?.(object.namespace, secret) ??
    `there is no Secret ${object.namespace}/${secret.name} with key ${secret.key}`;
  const message = `${missing}; requests are answered 503 until there is`;
  return [{ type: 'SecretsResolved', status: 'False', reason: 'SecretMissing', message }];
}
