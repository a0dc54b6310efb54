import type { FastifyInstance } from 'fastify';
import { AppError } from '../core/errors.ts';
import { jsonProblem } from '../lib/json-bounds.ts';
import type { ServerLimits } from './options.ts';
import { bodyOptions, receiveBody } from './receive-body.ts';
import type { Pace } from './receive-body.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The body of an API request as it came. */
    bodyText: string;
  }
}

/** Of a body of the API: an alert with the most labels has a fortieth of it. */
const bodyBounds = { values: 20_000, depth: 64 };

/** JSON only; an empty body is no body. */
export function addBodyParser(app: FastifyInstance, { maxBodyBytes }: ServerLimits, pace: Pace): void {
  app.removeAllContentTypeParsers();
  app.decorateRequest('bodyText', '');
  app.addContentTypeParser('application/json', (request, stream, done) => {
    // Nobody takes it: there is no such route.
    if (request.place === null) return done(null, undefined);
    receiveBody(stream, bodyOptions(request, maxBodyBytes, pace), (error, body) => {
      if (error !== null) return done(error);
      if (body === undefined || body === null || body.length === 0) return done(null, undefined);
      const problem = jsonProblem(body, bodyBounds);
      if (problem !== null) return done(new AppError('InvalidInput', `the body ${problem}`));
      request.bodyText = body.toString('utf8');
      try {
        done(null, JSON.parse(request.bodyText));
      } catch (cause) {
        done(new AppError('InvalidInput', 'the body is not JSON', { cause }));
      }
    });
  });
}
