import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AppError } from '../core/errors.ts';
import type { ServerLimits } from './options.ts';

/** Bounds how many requests and how many bytes of bodies are in work at a time. */
export interface Admission {
  /** Takes a place; false = full, and nothing was taken. */
  enter(bytes: number): boolean;
  leave(bytes: number): void;
}

export function createAdmission(maxRequests: number, maxBytes: number): Admission {
  let requests = 0;
  let held = 0;
  return {
    enter(bytes) {
      if (requests >= maxRequests || held + bytes > maxBytes) return false;
      requests += 1;
      held += bytes;
      return true;
    },
    leave(bytes) {
      requests -= 1;
      held -= bytes;
    },
  };
}

/** What the body may take: its announced length, or the most that is read of it. */
export function announcedBytes(request: FastifyRequest, most: number): number {
  const length = request.headers['content-length'];
  if (length === undefined) return request.headers['transfer-encoding'] === undefined ? 0 : most;
  const announced = Number(length);
  return announced >= 0 && announced < most ? announced : most;
}

/**
 * Bounds the requests of people and programs who have the token, from the body to the last byte of an answer that they
 * may read as slowly as they like. Metrics are not bounded: they tell of the overload.
 */
export function addApiAdmission(app: FastifyInstance, limits: ServerLimits): void {
  const admission = createAdmission(limits.maxApiRequests, limits.maxApiBytes);
  app.addHook('onRequest', (request, reply, done) => {
    const { config, url } = request.routeOptions;
    if (request.is404 || config.access !== 'token' || url === '/metrics') return done();
    const bytes = announcedBytes(request, limits.maxBodyBytes);
    if (!admission.enter(bytes)) return done(busy());
    const late = setTimeout(() => request.socket.destroy(), limits.answerTimeoutMs).unref();
    reply.raw.once('close', () => {
      clearTimeout(late);
      admission.leave(bytes);
    });
    return done();
  });
}

function busy(): AppError {
  return new AppError('StoreUnavailable', 'the server has as many requests in work as it can hold', {
    reason: 'Overloaded',
    next: 'send it again',
  });
}
