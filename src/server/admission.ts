import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AppError } from '../core/errors.ts';
import type { BodyBudget } from './receive-body.ts';
import type { Connections } from './connections.ts';
import type { ServerLimits } from './options.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Among the requests in work; null before it was admitted. */
    place: Place | null;
  }
}

/** Bounds how many requests and how many bytes of bodies are in work at a time. */
export interface Admission {
  /** A place for a request of `owner`; null = there is none for it. */
  enter(owner: string): Place | null;
}

/** A request in work. Only bytes that have come are counted: what a sender announces costs nothing. */
export interface Place extends BodyBudget {
  /** Gives back the place and the bytes. Once. */
  leave(): void;
}

export interface AdmissionOptions {
  readonly maxRequests: number;
  readonly maxBytes: number;
  /**
   * Whether an owner may have at most as much as is left for others after it: alone one half, of two who want all one third
   * each, and something is always free for who comes new (dynamic thresholds, Choudhury and Hahne 1998, with alpha 1).
   */
  readonly shared: boolean;
}

export function createAdmission({ maxRequests, maxBytes, shared }: AdmissionOptions): Admission {
  const owners = new Map<string, { requests: number; bytes: number }>();
  let requests = 0;
  let bytes = 0;

  function place(owner: string, own: { requests: number; bytes: number }): Place {
    let held = 0;
    return {
      hold(more) {
        const free = maxBytes - bytes - more;
        if (free < 0 || (shared && own.bytes + more > free)) return false;
        held += more;
        bytes += more;
        own.bytes += more;
        return true;
      },
      leave() {
        requests -= 1;
        own.requests -= 1;
        bytes -= held;
        own.bytes -= held;
        if (own.requests === 0) owners.delete(owner);
      },
    };
  }

  return {
    enter(owner) {
      const own = owners.get(owner) ?? { requests: 0, bytes: 0 };
      const free = maxRequests - requests;
      if (free <= 0 || (shared && own.requests >= free)) return null;
      requests += 1;
      own.requests += 1;
      owners.set(owner, own);
      return place(owner, own);
    },
  };
}

/** What may come of a body that is not read: its announced length, or the most that is read of it. */
export function announcedBytes(request: FastifyRequest, most: number): number {
  const length = request.headers['content-length'];
  if (length === undefined) return request.headers['transfer-encoding'] === undefined ? 0 : most;
  const announced = Number(length);
  return announced >= 0 && announced < most ? announced : most;
}

/**
 * Bounds the requests of people and programs who have the token, and streams apart from the others, from the body to the last byte of an answer that they
 * may read as slowly as they like. Metrics are not bounded: they tell of the overload. All that may be answered keeps its
 * connection meanwhile.
 */
export function addApiAdmission(app: FastifyInstance, limits: ServerLimits, connections: Connections): void {
  const admission = createAdmission({
    maxRequests: limits.maxApiRequests,
    maxBytes: limits.maxApiBytes,
    shared: false,
  });
  const streams = createAdmission({ maxRequests: limits.maxStreams, maxBytes: limits.maxApiBytes, shared: false });
  app.decorateRequest('place', null);
  app.addHook('onRequest', (request, reply, done) => {
    const { config, url } = request.routeOptions;
    if (request.is404 || config.access === 'source' || config.access === undefined) return done();
    const { socket } = request.raw;
    if (!connections.begin(socket, config.access === 'token'))
      return done(overloaded('this connection has too many requests in work'));
    const isBounded = config.access === 'token' && url !== '/metrics';
    const isStream = config.isStream === true;
    const place = isBounded ? (isStream ? streams : admission).enter('') : null;
    const late =
      isBounded && !isStream ? setTimeout(() => socket.destroy(), limits.answerTimeoutMs).unref() : undefined;
    request.place = place;
    reply.raw.once('close', () => {
      clearTimeout(late);
      place?.leave();
      connections.end(socket);
    });
    return isBounded && place === null
      ? done(overloaded('the server has as many requests in work as it can hold'))
      : done();
  });
}

/** 503 for want of room in this server: it says nothing about the store or readiness. */
export function overloaded(message: string): AppError {
  return new AppError('StoreUnavailable', message, { reason: 'Overloaded', next: 'send it again' });
}
