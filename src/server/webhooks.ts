import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { CatalogSource } from '../core/catalog.ts';
import { toAppError } from '../core/errors.ts';
import type { IntakeAnswer } from '../core/event.ts';
import type { JsonObject } from '../core/json.ts';
import { isLoopback } from '../lib/address-policy.ts';
import type { ReceiveResult } from '../sources/define.ts';
import { createAdmission } from './admission.ts';
import { errorAnswer } from './errors.ts';
import { bodyOptions, receiveBody } from './receive-body.ts';
import { decideEvent, events, eventsPath } from './source-events.ts';
import type { Refusal } from './refusal.ts';
import { refuse, serveRequest } from './source-requests.ts';
import type { RequestKind } from './source-requests.ts';
import type { ServerParts, WebhookContext } from './webhook-context.ts';
import { decide } from './webhook-decisions.ts';
import { createWaiting } from './waiting.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The Source of the path, whoever calls; null = none, or not known yet. */
    webhookSource: CatalogSource | null;
    /** Lines of its Secrets, as they were when the caller was looked at. */
    webhookSecrets: readonly string[] | null;
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
    types: new Map(options.sourceTypes.map((definition) => [definition.type, definition])),
    waiting: createWaiting(),
  };
  app.decorateRequest('webhookSource', null);
  app.decorateRequest('webhookSecrets', null);
  app.decorateRequest('webhookSubpath', '');
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    // The content type was checked before.
    scope.addContentTypeParser('*', (request, stream, done) => {
      receiveBody(stream, bodyOptions(request, limits.maxWebhookBodyBytes, pace), done);
    });
    scope.addHook('onRequest', (request, reply, done) => {
      const decision = (request.routeOptions.url === eventsPath ? decideEvent : decide)(context, request);
      const goOn = (refusal: Refusal | null): void => {
        if (refusal !== null) return void refuse(context, request, reply, refusal);
        leaveAtTheEnd(context, request, reply);
        done();
      };
      if (decision instanceof Promise) decision.then(goOn, done);
      else goOn(decision);
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
      handler: (request, reply) =>
        context.types.get(request.webhookSource?.type ?? '')?.converse == null
          ? serveRequest(context, notifications, request, reply)
          : serveRequest(context, conversations, request, reply),
    });
    scope.route({
      method: 'POST',
      url: eventsPath,
      config: { access: 'source' },
      handler: (request, reply) => serveRequest(context, events, request, reply),
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

const notifications: RequestKind<Extract<ReceiveResult, { readonly ok: true }>, IntakeAnswer> = {
  reader: ({ types }, source) => types.get(source.type)?.receive ?? null,
  take: ({ options }, source, { notification }) => options.intake.accept(source, notification),
  answer: (_context, _request, taken) => answerText(taken),
};

const conversations: RequestKind<{ readonly ok: true; readonly said: unknown }, JsonObject | null> = {
  reader: ({ types }, source) => types.get(source.type)?.converse?.read ?? null,
  take: async ({ types, options }, source, { said }) =>
    (await types.get(source.type)?.converse?.take(source, said, options.sourceWorld)) ?? null,
  answer: (_context, _request, taken) => (taken === null ? '' : JSON.stringify(taken)),
};

function answerText(answer: IntakeAnswer): string {
  const { received, opened, repeated, resolved, ignored, runs } = answer;
  return `{"received":${received},"opened":${opened},"repeated":${repeated},"resolved":${resolved},"ignored":${ignored},"runs":${runs}}`;
}
