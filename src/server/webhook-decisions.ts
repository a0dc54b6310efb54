import type { FastifyRequest } from 'fastify';
import type { CatalogSource } from '../core/catalog.ts';
import type { Complain } from '../lib/complaints.ts';
import type { Turns } from '../lib/turns.ts';
import type { SourceDefinition } from '../sources/define.ts';
import { announcedBytes } from './admission.ts';
import type { Admission } from './admission.ts';
import { challenge, checkBearer } from './auth.ts';
import type { ServerLimits, ServerOptions } from './options.ts';
import { unavailable, unknownPath, wrongMethod } from './refusal.ts';
import type { Refusal } from './refusal.ts';

export interface WebhookContext {
  readonly options: ServerOptions;
  readonly limits: ServerLimits;
  readonly admission: Admission;
  readonly allowsAnonymous: boolean;
  readonly receivers: ReadonlyMap<string, SourceDefinition['receive']>;
  readonly turns: Turns;
  readonly complain: Complain;
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
  return authenticate(context, source, request) ?? contentType(request) ?? load(context, request);
}

function authenticate(context: WebhookContext, source: CatalogSource, request: FastifyRequest): Refusal | null {
  const name = `${source.namespace}/${source.name}`;
  if (source.authentication === null) return context.allowsAnonymous ? browser(request) : notProtected(name);
  const { secret } = source.authentication;
  const expected = context.options.secrets.get(source.namespace, secret)?.trim() ?? '';
  const verdict = checkBearer(request.raw, expected);
  if (expected === '') {
    // A defect of our side: the sender shall try again, and must not learn more than that.
    complain(
      context,
      source,
      { secretName: secret.name, secretPath: secret.key },
      'a Source names a Secret that is missing or empty',
    );
    return unavailable(
      'SecretMissing',
      'SecretMissing',
      'the Secret of this Source is missing on our side',
      'on the server, see fist get sources -o wide; then send it again',
    );
  }
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

function load(context: WebhookContext, request: FastifyRequest): Refusal | null {
  const refused = context.options.intake.refusal?.() ?? null;
  if (refused !== null) return unavailable(refused.reason ?? refused.code, refused.code, refused.message, refused.next);
  const bytes = announcedBytes(request, context.limits.maxBodyBytes);
  if (context.admission.enter(bytes)) return null;
  return unavailable('Overloaded', 'StoreUnavailable', 'the server has as many notifications in work as it can hold');
}
