import type { FastifyRequest } from 'fastify';
import type { CatalogSource, SecretReference } from '../core/catalog.ts';
import { toAppError } from '../core/errors.ts';
import type { Complain } from '../lib/complaints.ts';
import type { Turns } from '../lib/turns.ts';
import type { SourceDefinition } from '../sources/define.ts';
import type { Admission } from './admission.ts';
import { challenge, checkBearer } from './auth.ts';
import type { Pace } from './receive-body.ts';
import type { Connections } from './connections.ts';
import type { ServerLimits, ServerOptions } from './options.ts';
import { unavailable, unknownPath, wrongMethod } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import type { Refusals } from './refusals.ts';

/** What the webhooks share with the rest of the server. */
export interface ServerParts {
  readonly options: ServerOptions;
  readonly limits: ServerLimits;
  readonly connections: Connections;
  readonly refusals: Refusals;
  readonly pace: Pace;
  readonly complain: Complain;
  readonly turns: Turns;
}

export interface WebhookContext extends ServerParts {
  readonly admission: Admission;
  readonly allowsAnonymous: boolean;
  readonly receivers: ReadonlyMap<string, SourceDefinition['receive']>;
}

/** Logs an error of our side about a Source; the same message at most once in a while, because anybody may cause it. */
export function complain(
  context: WebhookContext,
  source: CatalogSource,
  fields: Readonly<Record<string, unknown>>,
  message: string,
): void {
  const name = `${source.namespace}/${source.name}`;
  context.complain('error', `${name} ${message}`, { source: name, ...fields }, message);
}

/** The chain of decisions that need no body. */
export function decide(context: WebhookContext, request: FastifyRequest): Refusal | null {
  const { state, catalog } = context.options;
  const current = state();
  if (current !== 'ready')
    return unavailable(current === 'starting' ? 'Starting' : 'Draining', 'Draining', `the server is ${current}`);
  const known = catalog.current();
  if (known === null) return unavailable('NotSynchronised', 'Draining', 'the server has not read its Sources yet');
  const path = (request.params as { '*': string })['*'];
  const source = known.sourceByPath(path);
  if (source === undefined || context.receivers.get(source.type) == null) return unknownPath();
  request.webhookSource = source;
  if (request.method !== 'POST') return wrongMethod(request.method);
  return (
    authenticate(context, source, request) ?? contentType(request) ?? vanished(source) ?? load(context, source, request)
  );
}

function authenticate(context: WebhookContext, source: CatalogSource, request: FastifyRequest): Refusal | null {
  const name = `${source.namespace}/${source.name}`;
  if (source.authentication === null) return context.allowsAnonymous ? browser(request) : notProtected(name);
  const { secret } = source.authentication;
  let expected: string;
  try {
    expected = context.options.secrets.get(source.namespace, secret)?.trim() ?? '';
  } catch (thrown) {
    const { code, message } = toAppError(thrown);
    return unavailable(code, code, message);
  }
  const verdict = checkBearer(request.raw, expected);
  if (expected === '') return secretMissing(context, source, secret);
  if (verdict === 'ok') return null;
  return {
    status: 401,
    reason: 'Unauthenticated',
    headers: { 'www-authenticate': challenge(verdict) },
    body: {
      code: 'Unauthenticated',
      message: verdict === 'absent' ? 'a bearer token is required' : 'the bearer token is not the one of this Source',
      next: 'set http_config.authorization.credentials of the sender to the token of this Source',
    },
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

function notProtected(name: string): Refusal {
  return unavailable(
    'AuthenticationRequired',
    'InvalidResource',
    `Source ${name} has no authentication, and this server can be reached from other machines`,
    'add authentication: {type: bearer, secretRef: NAME} to its config, or start with --allow-insecure-sources',
  );
}

const jsonType = /^application\/json *(?:; *charset="?utf-?8"? *)?$/i;

function contentType(request: FastifyRequest): Refusal | null {
  const type = request.headers['content-type'];
  const encoding = request.headers['content-encoding'];
  const isJson = type === 'application/json' || (type !== undefined && jsonType.test(type));
  if (isJson && (encoding === undefined || encoding === 'identity')) return null;
  return {
    status: 415,
    reason: 'UnsupportedMediaType',
    body: {
      code: 'InvalidInput',
      message: 'the content type must be application/json, without content encoding',
      field: isJson ? 'content-encoding' : 'content-type',
    },
  };
}

/** By mistake or not: after a minute its path is unknown. */
function vanished({ leaving }: CatalogSource): Refusal | null {
  if (leaving !== true) return null;
  return unavailable(
    'SourceVanished',
    'InvalidResource',
    'the Source of this path vanished from the resources just now',
  );
}

/** Takes a place for the request, which {@link WebhookContext.admission} gets back when the answer is out. */
function load(context: WebhookContext, source: CatalogSource, request: FastifyRequest): Refusal | null {
  const refused = context.options.intake.refusal?.() ?? null;
  if (refused !== null) return unavailable(refused.reason ?? refused.code, refused.code, refused.message, refused.next);
  const { socket } = request.raw;
  if (!context.connections.begin(socket, source.authentication !== null))
    return full('this connection has too many notifications in work');
  const place = context.admission.enter(`${source.namespace}/${source.name}`);
  if (place === null) {
    context.connections.end(socket);
    return full('the server has as many notifications in work as it can hold, or as one Source may have');
  }
  request.place = place;
  return null;
}

function full(message: string): Refusal {
  return unavailable('Overloaded', 'StoreUnavailable', message);
}
