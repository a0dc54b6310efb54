import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { CatalogSource } from '../core/catalog.ts';
import { AppError, toAppError } from '../core/errors.ts';
import type { IntakeAnswer } from '../core/event.ts';
import { toTimestamp } from '../core/time.ts';
import { cutBytes } from '../lib/cut.ts';
import { bounds } from '../sources/bounds.ts';
import type { ReceiveResult } from '../sources/define.ts';
import { refuse as refuseBody } from '../sources/envelope.ts';
import { announcedBytes, createAdmission } from './admission.ts';
import { bodyOptions, receiveBody } from './receive-body.ts';
import { isLoopback } from '../lib/address-policy.ts';
import { errorAnswer, retryAfterSeconds } from './errors.ts';
import { unknownPath } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import { inflate } from './inflate.ts';
import { verifyBody } from './source-authentication.ts';
import { complain } from './webhook-context.ts';
import type { ServerParts, WebhookContext } from './webhook-context.ts';
import { decide, isGzip, mediaTypeOf } from './webhook-decisions.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The Source of the path, whoever calls; null = none, or not known yet. */
    webhookSource: CatalogSource | null;
    /** What the path has behind that of the Source. */
    webhookSubpath: string;
  }
}

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/**
 * Serves `/webhook/*`. All that the headers can decide is decided before the body is read, in this order: state of the
 * server, path, method, authentication, content type, load. Only then the body is read, parsed and handed to the
 * intake; 2xx means committed. Overload, a slow store and draining answer 503, never 429, which Alertmanager would not
 * repeat.
 */
export async function registerWebhooks(app: FastifyInstance, parts: ServerParts): Promise<void> {
  const { options, limits, pace } = parts;
  const context: WebhookContext = {
    ...parts,
    admission: createAdmission({ maxRequests: limits.maxWebhooks, maxBytes: limits.maxWebhookBytes, shared: true }),
    allowsAnonymous: options.allowInsecureSources || isLoopback(options.host),
    receivers: new Map(options.sourceTypes.map((definition) => [definition.type, definition.receive])),
  };
  app.decorateRequest('webhookSource', null);
  app.decorateRequest('webhookSubpath', '');
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    // The content type was checked before.
    scope.addContentTypeParser('*', (request, stream, done) => {
      receiveBody(stream, bodyOptions(request, limits.maxWebhookBodyBytes, pace), done);
    });
    scope.addHook('onRequest', (request, reply, done) => {
      const refusal = decide(context, request);
      if (refusal !== null) return void refuse(context, request, reply, refusal);
      leaveAtTheEnd(context, request, reply);
      return done();
    });
    scope.setErrorHandler((error, request, reply) => {
      const { status, body } = errorAnswer(error);
      const reason = reasons[status] ?? toAppError(error).reason ?? 'Unreadable';
      if (status >= 500 && reason !== 'Overloaded') options.log.error({ error }, 'a webhook request failed');
      refuse(context, request, reply, { status, body, reason });
    });
    scope.route({
      method: [...methods],
      url: '/webhook/*',
      config: { access: 'source' },
      handler: (request, reply) => receive(context, request, reply),
    });
  });
}

const reasons: Readonly<Record<number, string>> = { 408: 'TooSlow', 413: 'TooLarge' };

/** Gives the place back when the answer is out or the connection is gone, whatever comes first. */
function leaveAtTheEnd({ connections }: WebhookContext, request: FastifyRequest, reply: FastifyReply): void {
  const { place } = request;
  const { socket } = request.raw;
  reply.raw.once('close', () => {
    place?.leave();
    connections.end(socket);
  });
}

async function receive(context: WebhookContext, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const source = request.webhookSource;
  const receiver = source === null ? null : context.receivers.get(source.type);
  if (source === null || receiver == null) return refuse(context, request, reply, unknownPath());
  const sent = request.body instanceof Buffer ? request.body : Buffer.alloc(0);
  const verified = verifyBody(context, source, request, sent);
  if (verified.refusal !== null) return refuse(context, request, reply, verified.refusal);
  const body = await inflated(context, request, sent);
  const receivedAt = toTimestamp(context.options.clock.now());
  // A body takes long to read; others have their turn between two of them.
  await context.turns.next();
  const { headers, webhookSubpath: subpath } = request;
  const mediaType = mediaTypeOf(headers['content-type']) ?? '';
  const result =
    body === null
      ? refuseBody('', 'the body is not what its content encoding says, gzip')
      : await parse(context, source, () =>
          receiver(
            { body, headers, receivedAt, subpath, mediaType, signedId: verified.signedId },
            context.turns,
            source.settings,
          ),
        );
  try {
    if (!result.ok) {
      const kept = cutBytes(body ?? sent, bounds.badBytes);
      await context.options.intake.deadLetter(source, 'Malformed', result.message, kept);
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

/** The body as the sender wrote it; null where it is not compressed as its header says. */
async function inflated(
  { limits }: WebhookContext,
  { headers, place }: FastifyRequest,
  sent: Buffer,
): Promise<Buffer | null> {
  if (!isGzip(headers['content-encoding']) || place === null) return sent;
  return inflate(sent, { maxBytes: limits.maxWebhookBodyBytes, budget: place });
}

/** A receiver must not throw; where it does, the body is still kept and the sender told, not the process ended. */
async function parse(
  context: WebhookContext,
  source: CatalogSource,
  work: () => Promise<ReceiveResult>,
): Promise<ReceiveResult> {
  try {
    return await work();
  } catch (error) {
    complain(context, source, { error }, 'a source failed to read a body');
    return { ok: false, status: 400, field: '', message: 'the body could not be read' };
  }
}

function malformed(result: ReceiveResult & { ok: false }): Refusal {
  const field = result.field === '' ? {} : { field: result.field };
  return { status: 400, reason: 'Malformed', body: { code: 'InvalidInput', message: result.message, ...field } };
}

function failed(context: WebhookContext, source: CatalogSource, thrown: unknown): Refusal {
  const { status, body } = errorAnswer(thrown);
  complain(context, source, { error: thrown }, 'a notification was not stored');
  // Whatever went wrong on our side, the sender shall try again: every 5xx is repeated.
  const { code, reason = code } = toAppError(thrown);
  return {
    status: status < 500 ? 503 : status,
    reason: code === 'StoreUnavailable' ? reason : code,
    body,
    isLogged: true,
  };
}

/** The answer of the intake, or StoreUnavailable after so long. The work goes on: its alerts then are repeats. */
async function inTime(work: Promise<IntakeAnswer>, milliseconds: number): Promise<IntakeAnswer> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(notInTime(milliseconds)), milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function notInTime(milliseconds: number): AppError {
  const message = `the store did not commit within ${milliseconds / 1000} s`;
  return new AppError('StoreUnavailable', message, { reason: 'StoreSlow' });
}

function answerText(answer: IntakeAnswer): string {
  const { received, opened, repeated, resolved, ignored, runs } = answer;
  return `{"received":${received},"opened":${opened},"repeated":${repeated},"resolved":${resolved},"ignored":${ignored},"runs":${runs}}`;
}

/** Answers, counts, and sees that a body that nobody reads does not hold the connection. */
function refuse(context: WebhookContext, request: FastifyRequest, reply: FastifyReply, refusal: Refusal): FastifyReply {
  const source = request.webhookSource;
  context.options.metrics.increment('fist_webhook_refused_total', {
    source: source?.name ?? '',
    reason: refusal.reason,
  });
  context.refusals.note(source, request.url.split('?', 1)[0] ?? '', request.ip, refusal);
  if (refusal.status === 503) reply.header('retry-after', retryAfterSeconds());
  if (refusal.headers !== undefined) reply.headers(refusal.headers);
  const unread = announcedBytes(request, context.limits.maxWebhookBodyBytes);
  if (refusal.reason === 'Draining' || unread >= context.limits.maxWebhookBodyBytes)
    reply.header('connection', 'close');
  return reply
    .code(refusal.status)
    .header('content-type', 'application/json; charset=utf-8')
    .send(JSON.stringify(refusal.body));
}
