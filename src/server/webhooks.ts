import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { CatalogSource } from '../core/catalog.ts';
import { AppError } from '../core/errors.ts';
import type { IntakeAnswer } from '../core/event.ts';
import { toTimestamp } from '../core/time.ts';
import type { ReceiveResult, SourceDefinition } from '../sources/define.ts';
import { createAdmission } from './admission.ts';
import type { Admission } from './admission.ts';
import { challenge, checkBearer, isLoopback } from './auth.ts';
import { errorAnswer, retryAfterSeconds } from './errors.ts';
import type { ErrorBody } from './errors.ts';
import type { ServerLimits, ServerOptions } from './options.ts';

/** Why a request is not taken: the answer, and the reason for the metric. */
interface Refusal {
  readonly status: number;
  readonly reason: string;
  readonly body: ErrorBody;
  readonly headers?: Readonly<Record<string, string>>;
}

interface WebhookContext {
  readonly options: ServerOptions;
  readonly limits: ServerLimits;
  readonly admission: Admission;
  readonly allowsAnonymous: boolean;
  readonly receivers: ReadonlyMap<string, SourceDefinition['receive']>;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The Source whose caller was authenticated, or null. */
    webhookSource: CatalogSource | null;
  }
}

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/**
 * Serves `/webhook/*`. All that the headers can decide is decided before the body is read, in this order: state of the
 * server, path, method, authentication, content type, load. Only then the body is read, parsed and handed to the
 * intake; 2xx means committed. Overload, a slow store and draining answer 503, never 429, which Alertmanager would not
 * repeat.
 */
export async function registerWebhooks(
  app: FastifyInstance,
  options: ServerOptions,
  limits: ServerLimits,
): Promise<void> {
  const context: WebhookContext = {
    options,
    limits,
    admission: createAdmission(limits.maxWebhooks, limits.maxWebhookBytes),
    allowsAnonymous: options.allowInsecureSources || isLoopback(options.host),
    receivers: new Map(options.sourceTypes.map((definition) => [definition.type, definition.receive])),
  };
  app.decorateRequest('webhookSource', null);
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    // The content type was checked before; this only says that the body is wanted as bytes.
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    scope.addHook('onRequest', (request, reply, done) => {
      const refusal = decide(context, request);
      if (refusal !== null) return void refuse(context, request, reply, refusal);
      admit(context.admission, request, reply, limits.maxBodyBytes);
      return done();
    });
    scope.setErrorHandler((error, request, reply) => {
      const { status, body } = errorAnswer(error);
      refuse(context, request, reply, { status, body, reason: status === 413 ? 'TooLarge' : 'Unreadable' });
    });
    scope.route({
      method: [...methods],
      url: '/webhook/*',
      config: { access: 'source' },
      handler: (request, reply) => receive(context, request, reply),
    });
  });
}

/** The chain of decisions that need no body. */
function decide(context: WebhookContext, request: FastifyRequest): Refusal | null {
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
    context.options.log.error(
      { source: name, secret: secret.name, key: secret.key },
      'a Source names a Secret that is missing or empty',
    );
    return unavailable('SecretMissing', 'SecretMissing', 'the Secret of this Source is missing on our side');
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
  const bytes = announcedBytes(request, context.limits.maxBodyBytes);
  if (context.admission.enter(bytes)) return null;
  return unavailable('Overloaded', 'StoreUnavailable', 'the server has as many notifications in work as it can hold');
}

/** What the body may take: its announced length, or the most that is read of it. */
function announcedBytes(request: FastifyRequest, most: number): number {
  const length = request.headers['content-length'];
  if (length === undefined) return request.headers['transfer-encoding'] === undefined ? 0 : most;
  const announced = Number(length);
  return announced >= 0 && announced < most ? announced : most;
}

/** Gives the place back when the answer is out or the connection is gone, whatever comes first. */
function admit(admission: Admission, request: FastifyRequest, reply: FastifyReply, most: number): void {
  const bytes = announcedBytes(request, most);
  reply.raw.once('close', () => admission.leave(bytes));
}

async function receive(context: WebhookContext, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const source = request.webhookSource;
  const receiver = source === null ? null : context.receivers.get(source.type);
  if (source === null || receiver == null) return refuse(context, request, reply, unknownPath());
  const body = request.body instanceof Buffer ? request.body : Buffer.alloc(0);
  const receivedAt = toTimestamp(context.options.clock.now());
  const result = parse(context, source, () => receiver({ body, headers: request.headers, receivedAt }));
  try {
    if (!result.ok) {
      await context.options.intake.deadLetter(source, 'Malformed', describe(result), body.toString('utf8'));
      return refuse(context, request, reply, malformed(result));
    }
    const answer = await inTime(
      context.options.intake.accept(source, result.notification),
      context.limits.acceptTimeoutMs,
    );
    return reply.code(200).header('content-type', 'application/json; charset=utf-8').send(answerText(answer));
  } catch (thrown) {
    return refuse(context, request, reply, failed(context, source, thrown));
  }
}

/** A receiver is pure and must not throw; where it does, the body is still kept and the sender told, not the process ended. */
function parse(context: WebhookContext, source: CatalogSource, work: () => ReceiveResult): ReceiveResult {
  try {
    return work();
  } catch (error) {
    context.options.log.error(
      { source: `${source.namespace}/${source.name}`, error },
      'a source failed to read a body',
    );
    return { ok: false, status: 400, field: '', message: 'the body could not be read' };
  }
}

function describe(result: ReceiveResult & { ok: false }): string {
  return result.field === '' ? result.message : `${result.field}: ${result.message}`;
}

function malformed(result: ReceiveResult & { ok: false }): Refusal {
  const field = result.field === '' ? {} : { field: result.field };
  return { status: 400, reason: 'Malformed', body: { code: 'InvalidInput', message: result.message, ...field } };
}

function failed(context: WebhookContext, source: CatalogSource, thrown: unknown): Refusal {
  const { status, body } = errorAnswer(thrown);
  const name = `${source.namespace}/${source.name}`;
  context.options.log.error({ source: name, error: thrown }, 'a notification was not stored');
  // Whatever went wrong on our side, the sender shall try again: every 5xx is repeated.
  return { status: status < 500 ? 503 : status, reason: body.code, body };
}

/** The answer of the intake, or StoreUnavailable after so long. The work goes on: its alerts then are repeats. */
async function inTime(work: Promise<IntakeAnswer>, milliseconds: number): Promise<IntakeAnswer> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new AppError('StoreUnavailable', `the store did not commit within ${milliseconds / 1000} s`)),
      milliseconds,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function answerText(answer: IntakeAnswer): string {
  const { received, opened, repeated, resolved, ignored, runs } = answer;
  return `{"received":${received},"opened":${opened},"repeated":${repeated},"resolved":${resolved},"ignored":${ignored},"runs":${runs}}`;
}

function unavailable(reason: string, code: ErrorBody['code'], message: string, next = 'send it again'): Refusal {
  return { status: 503, reason, body: { code, message, next } };
}

function unknownPath(): Refusal {
  return {
    status: 404,
    reason: 'UnknownPath',
    body: { code: 'NotFound', message: 'no Source has this path', next: 'fist get sources' },
  };
}

function wrongMethod(method: string): Refusal {
  return {
    status: 405,
    reason: 'MethodNotAllowed',
    headers: { allow: 'POST' },
    body: { code: 'InvalidInput', message: `notifications are sent with POST, not ${method}` },
  };
}

/** Answers, counts, and sees that a body that nobody reads does not hold the connection. */
function refuse(context: WebhookContext, request: FastifyRequest, reply: FastifyReply, refusal: Refusal): FastifyReply {
  const source = request.webhookSource;
  context.options.metrics.increment('fist_webhook_refused_total', {
    source: source?.name ?? '',
    reason: refusal.reason,
  });
  if (refusal.status === 503) reply.header('retry-after', retryAfterSeconds);
  if (refusal.headers !== undefined) reply.headers(refusal.headers);
  const unread = announcedBytes(request, context.limits.maxBodyBytes);
  if (refusal.reason === 'Draining' || unread >= context.limits.maxBodyBytes) reply.header('connection', 'close');
  return reply
    .code(refusal.status)
    .header('content-type', 'application/json; charset=utf-8')
    .send(JSON.stringify(refusal.body));
}
