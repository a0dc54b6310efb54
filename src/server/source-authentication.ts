import type { FastifyRequest } from 'fastify';
import type { AuthenticationFailure, Caller, CatalogAuthentication } from '../core/authentication.ts';
import type { CatalogSource, SecretReference } from '../core/catalog.ts';
import { toAppError } from '../core/errors.ts';
import { rightText } from '../core/identity.ts';
import type { Right } from '../core/identity.ts';
import { finishInTurns } from '../lib/turns.ts';
import { challenge } from '../sources/authentication/bearer.ts';
import { bearerOf } from '../sources/authentication/define.ts';
import { callerCertificate } from './caller-certificate.ts';
import { unavailable } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import { complain } from './webhook-context.ts';
import type { WebhookContext } from './webhook-context.ts';

/** All that can be known of a caller before the body is read; null = nothing keeps it out so far. */
export function authenticate(context: WebhookContext, source: CatalogSource, request: FastifyRequest): Refusal | null {
  const { authentication } = source;
  if (authentication === null || authentication.isOpen)
    return context.allowsAnonymous ? browser(request) : notProtected(source);
  if (authentication.needsCertificate && context.options.tls?.clientAuthorities == null) return withoutListener();
  const secrets = readSecrets(context, source, authentication);
  if (!Array.isArray(secrets)) return secrets;
  // The body is judged by the same ones.
  request.webhookSecrets = secrets;
  const failure = authentication.check(callerOf(context, request), secrets);
  return failure === null ? null : unauthenticated(failure);
}

/** What the cluster says of a caller whom {@link authenticate} let through; null = nothing keeps it out. */
export async function askCluster(
  { options: { identities } }: WebhookContext,
  { namespace, name, authentication }: CatalogSource,
  request: FastifyRequest,
): Promise<Refusal | null> {
  const token = bearerOf(request.raw.rawHeaders);
  if (identities === null) return withoutCluster();
  if (token === null) return null;
  const right = { verb: 'create', resource: 'sources/webhook', namespace, name } as const;
  try {
    const verdict = await identities.check({ token, from: request.ip }, right, authentication?.cluster?.audience);
    if (verdict.kind === 'allowed') return null;
    return verdict.kind === 'forbidden' ? forbidden(verdict.user, right) : unknownToken();
  } catch (thrown) {
    const { code, message, next } = toAppError(thrown);
    if (code === 'RateLimited') return unavailable('IdentityBusy', code, `nobody can say who calls: ${message}`);
    return unavailable('IdentityUnavailable', 'ClusterUnavailable', `nobody can say who calls: ${message}`, next);
  }
}

function unknownToken(): Refusal {
  return unauthenticated({
    message: 'the cluster does not know the bearer token, or it is for somebody else',
    next: 'kubectl create token NAME --audience punching-fist',
    challenge: challenge('wrong'),
  });
}

function forbidden(user: string, right: Right): Refusal {
  const message = `${user} may not ${rightText(right)}`;
  return { status: 403, reason: 'Forbidden', body: { code: 'Forbidden', message, next: 'bind a role to it that may' } };
}

function withoutCluster(): Refusal {
  return unavailable(
    'ClusterRequired',
    'InvalidResource',
    'this Source wants tokens of a cluster, and this server asks none',
    'run it with fist operator, or give the Source another authentication',
  );
}

/** What the body proves, as it came: the refusal, or the id of the delivery that was signed with it. */
export async function verifyBody(
  context: WebhookContext,
  source: CatalogSource,
  request: FastifyRequest,
  body: Buffer,
): Promise<{ readonly refusal: Refusal } | { readonly refusal: null; readonly signedId: string | null }> {
  const { authentication } = source;
  if (authentication === null || authentication.verify === null) return { refusal: null, signedId: null };
  const work = authentication.verify(callerOf(context, request), request.webhookSecrets ?? [], body);
  const verdict = await finishInTurns(work, context.turns);
  return verdict.ok ? { refusal: null, signedId: verdict.signedId } : { refusal: unauthenticated(verdict) };
}

/** Whether the headers, or the connection, have proved who calls. */
export function isProved({ authentication }: CatalogSource): boolean {
  return authentication !== null && !authentication.isOpen && authentication.verify === null;
}

function callerOf({ options }: WebhookContext, { raw }: FastifyRequest): Caller {
  return {
    rawHeaders: raw.rawHeaders,
    certificate: () => callerCertificate(raw.socket),
    nowMs: options.clock.now(),
  };
}

/** The lines of all its Secrets; a refusal where the first has none, or nobody can tell. */
function readSecrets(
  context: WebhookContext,
  source: CatalogSource,
  { secrets }: CatalogAuthentication,
): string[] | Refusal {
  const [first] = secrets;
  try {
    const lines = secrets.map((reference) => linesOf(context.options.secrets.get(source.namespace, reference)));
    if (first !== undefined && lines[0]?.length === 0) return secretMissing(context, source, first);
    return lines.flat();
  } catch (thrown) {
    const { code, message } = toAppError(thrown);
    return unavailable(code, code, message);
  }
}

/** A Secret may have several, a line each, while senders change from one to the other. */
const mostLines = 4;

function linesOf(secret: string | null): string[] {
  if (secret === null) return [];
  const lines = secret.includes('\n') ? secret.split('\n').slice(0, mostLines) : [secret];
  return lines.map((line) => line.trim()).filter((line) => line !== '');
}

function unauthenticated({ message, next, challenge }: AuthenticationFailure): Refusal {
  return {
    status: 401,
    reason: 'Unauthenticated',
    headers: { 'www-authenticate': challenge },
    body: { code: 'Unauthenticated', message, next },
  };
}

/** A defect of our side: the sender shall try again, and must not learn more than that. */
function secretMissing(context: WebhookContext, source: CatalogSource, secret: SecretReference): Refusal {
  complain(
    context,
    source,
    { secretName: secret.name, secretPath: secret.key },
    'a Source names a Secret that is missing or empty',
  );
  const refusal = unavailable(
    'SecretMissing',
    'SecretMissing',
    'the Secret of this Source is missing on our side',
    'on the server, see fist get sources -o wide; then send it again',
  );
  return { ...refusal, isLogged: true };
}

/** Pages in a browser on this machine could reach a Source without authentication; senders never set Origin. */
function browser(request: FastifyRequest): Refusal | null {
  if (request.headers.origin === undefined) return null;
  return {
    status: 403,
    reason: 'Forbidden',
    body: { code: 'Forbidden', message: 'a Source without authentication takes no requests of browsers' },
  };
}

function notProtected({ namespace, name }: CatalogSource): Refusal {
  return unavailable(
    'AuthenticationRequired',
    'InvalidResource',
    `Source ${namespace}/${name} has no authentication, and this server can be reached from other machines`,
    'add authentication: {type: bearer, secretRef: NAME} to its config, or start with --allow-insecure-sources',
  );
}

function withoutListener(): Refusal {
  return unavailable(
    'TlsRequired',
    'InvalidResource',
    'this Source wants client certificates, and this server does not ask for any',
    'start it with --tls-cert, --tls-key and --tls-client-ca',
  );
}
