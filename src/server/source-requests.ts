import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CatalogSource } from '../core/catalog.ts';
import { AppError, toAppError } from '../core/errors.ts';
import { toTimestamp } from '../core/time.ts';
import { cutBytes } from '../lib/cut.ts';
import type { Turns } from '../lib/turns.ts';
import { bounds } from '../sources/bounds.ts';
import type { SourceRequest } from '../sources/define.ts';
import { refuse as refuseBody } from '../sources/envelope.ts';
import type { Refusal as BodyRefusal } from '../sources/envelope.ts';
import { announcedBytes } from './admission.ts';
import { errorAnswer, retryAfterSeconds } from './errors.ts';
import { inflate } from './inflate.ts';
import { unknownPath } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import { verifyBody } from './source-authentication.ts';
import { complain } from './webhook-context.ts';
import type { WebhookContext } from './webhook-context.ts';
import { isGzip, mediaTypeOf } from './webhook-decisions.ts';

/** What a Source reads a body with. */
export type BodyReader<Read> = (request: SourceRequest, turns: Turns, settings: unknown) => Promise<Read | BodyRefusal>;

/** What requests of one kind come to. */
export interface RequestKind<Read extends { readonly ok: true }, Taken> {
  /** Null where the type of the Source takes none. */
  readonly reader: (context: WebhookContext, source: CatalogSource) => BodyReader<Read> | null;
  /** Resolves after the commit. */
  readonly take: (context: WebhookContext, source: CatalogSource, read: Read) => Promise<Taken>;
  /** The body of the answer, JSON. */
  readonly answer: (context: WebhookContext, request: FastifyRequest, taken: Taken) => Promise<string> | string;
}

/**
 * Serves a request whose headers let it in: proves who sent the body, unpacks it, reads it, takes it in, and answers after the
 * commit. A body that cannot be read is kept as a dead letter.
 */
export async function serveRequest<Read extends { readonly ok: true }, Taken>(
  context: WebhookContext,
  kind: RequestKind<Read, Taken>,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const source = request.webhookSource;
  const reader = source === null ? null : kind.reader(context, source);
  if (source === null || reader === null) return refuse(context, request, reply, unknownPath());
  const sent = request.body instanceof Buffer ? request.body : Buffer.alloc(0);
  const verified = await verifyBody(context, source, request, sent);
  if (verified.refusal !== null) {
    // Strangers use up nothing of what the Source takes.
    context.rates.giveBack(source);
    return refuse(context, request, reply, verified.refusal);
  }
  const body = await inflated(context, request, sent);
  const receivedAt = toTimestamp(context.options.clock.now());
  // A body takes long to read; others have their turn between two of them.
  await context.turns.next();
  const { headers, webhookSubpath: subpath } = request;
  const mediaType = mediaTypeOf(headers['content-type']) ?? '';
  const { signedId } = verified;
  try {
    const read =
      body === null
        ? refuseBody('', 'the body is not what its content encoding says, gzip')
        : await parse(context, source, () =>
            reader({ body, headers, receivedAt, subpath, mediaType, signedId }, context.turns, source.settings),
          );
    if (!read.ok) {
      const kept = cutBytes(body ?? sent, bounds.badBytes);
      await context.options.intake.deadLetter(source, 'Malformed', read.message, kept);
      return refuse(context, request, reply, malformed(read));
    }
    const taken = await inTime(kind.take(context, source, read), context.limits.acceptTimeoutMs);
    const text = await kind.answer(context, request, taken);
    return reply.code(200).header('content-type', 'application/json; charset=utf-8').send(text);
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

/**
 * A receiver throws only what may pass; where it has a defect, the body is still kept and the sender told, not the process
 * ended.
 */
async function parse<Read>(
  context: WebhookContext,
  source: CatalogSource,
  work: () => Promise<Read | BodyRefusal>,
): Promise<Read | BodyRefusal> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AppError && error.retryable) throw error;
    complain(context, source, { error }, 'a source failed to read a body');
    return refuseBody('', 'the body could not be read');
  }
}

function malformed(result: BodyRefusal): Refusal {
  const field = result.field === '' ? {} : { field: result.field };
  return { status: 400, reason: 'Malformed', body: { code: 'InvalidInput', message: result.message, ...field } };
}

function failed(context: WebhookContext, source: CatalogSource, thrown: unknown): Refusal {
  const { status, body } = errorAnswer(thrown);
  const isTheirs = thrown instanceof AppError && thrown.code === 'Conflict';
  if (isTheirs) return { status, reason: thrown.code, body };
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

/** The answer of the intake, or StoreUnavailable after so long. The work goes on: its alerts then are repeats, and so is a request with a key. */
async function inTime<T>(work: Promise<T>, milliseconds: number): Promise<T> {
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

/** Answers, counts, and sees that a body that nobody reads does not hold the connection. */
export function refuse(
  context: WebhookContext,
  request: FastifyRequest,
  reply: FastifyReply,
  refusal: Refusal,
): FastifyReply {
  context.refusals.note(request.webhookSource, request.url.split('?', 1)[0] ?? '', request.ip, refusal);
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
