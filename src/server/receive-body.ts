import type { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { AppError } from '../core/errors.ts';
import type { Clock } from '../core/ports.ts';
import { overloaded } from './admission.ts';
import { requestError } from './errors.ts';

/** Where the bytes of a body are counted as they come. */
export interface BodyBudget {
  /** False = there is no room for them, and nothing was counted. */
  hold(bytes: number): boolean;
}

/** Finds bodies that come too slowly. */
export interface Pace {
  /** Calls `tooSlow` once, should it come to that. Returns how to say how many bytes have come, and how to stop. */
  watch(tooSlow: () => void): Paced;
  stop(): void;
}

interface Paced {
  arrived(bytes: number): void;
  end(): void;
}

export interface PaceOptions {
  /** In each such time a body must bring its bytes. */
  readonly windowMs: number;
  readonly minBytesPerSecond: number;
  readonly checkIntervalMs: number;
  readonly clock: Clock;
}

/**
 * Every window of a body is judged by itself, so that one that came nearly whole and then stands still is found as well. Where
 * this process itself stood still nobody is judged: what had come was not read.
 */
export function createPace({ windowMs, minBytesPerSecond, checkIntervalMs, clock }: PaceOptions): Pace {
  const bodies = new Set<{ sinceMs: number; bytes: number; readonly tooSlow: () => void }>();
  const least = (minBytesPerSecond * windowMs) / 1000;
  const stopping = new AbortController();

  function check(stoodStill: boolean): void {
    const nowMs = clock.monotonic();
    for (const body of bodies) {
      if (!stoodStill && nowMs - body.sinceMs < windowMs) continue;
      if (!stoodStill && body.bytes < least) {
        bodies.delete(body);
        body.tooSlow();
        continue;
      }
      body.sinceMs = nowMs;
      body.bytes = 0;
    }
  }
  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      const sinceMs = clock.monotonic();
      await clock.sleep(checkIntervalMs, stopping.signal).catch(() => undefined);
      if (!stopping.signal.aborted) check(clock.monotonic() - sinceMs > checkIntervalMs + windowMs / 2);
    }
  }
  void loop();
  return {
    watch(tooSlow) {
      const body = { sinceMs: clock.monotonic(), bytes: 0, tooSlow };
      bodies.add(body);
      return { arrived: (bytes) => void (body.bytes += bytes), end: () => void bodies.delete(body) };
    },
    stop: () => stopping.abort(),
  };
}

export interface BodyOptions {
  /** As it was announced; undefined = not. */
  readonly contentLength: string | undefined;
  readonly maxBytes: number;
  readonly budget: BodyBudget;
  readonly pace: Pace;
}

/** How the body of an admitted request is read. */
export function bodyOptions(request: FastifyRequest, maxBytes: number, pace: Pace): BodyOptions {
  const { place, headers } = request;
  // Who was not admitted was answered before.
  if (place === null) throw new AppError('Internal', 'the body of a request that was not admitted is not read');
  return { contentLength: headers['content-length'], maxBytes, budget: place, pace };
}

/**
 * What a piece of a body costs beside its bytes: a byte in a chunk of its own takes 500 bytes of memory and a call, so that a
 * body of 16 MiB of them would end the process. So many pieces are free.
 */
const smallestPieceBytes = 256;
const freePieces = 1024;

/**
 * Reads a whole body: errors have the status of the answer, 413 too large (by what is announced already), 408 too slow, 503
 * no room, 400 cut off, or in too small pieces; then its connection is ended at once.
 */
export function receiveBody(
  stream: Readable,
  options: BodyOptions,
  done: (error: Error | null, body?: Buffer) => void,
): void {
  const { contentLength, maxBytes, budget, pace } = options;
  if (contentLength !== undefined && Number(contentLength) > maxBytes) return done(requestError(413));
  const chunks: Buffer[] = [];
  let size = 0;
  const paced = pace.watch(() => finish(requestError(408)));

  function finish(error: Error | null): void {
    paced.end();
    stream.off('data', take);
    stream.off('end', end);
    stream.off('error', fail);
    // Its connection is closed with the answer; what it still says of it is no news.
    stream.on('error', () => undefined);
    if (error === null) done(null, Buffer.concat(chunks, size));
    else done(error);
  }
  function take(chunk: Buffer): void {
    size += chunk.length;
    if (size > maxBytes) return finish(requestError(413));
    if (chunks.length >= freePieces && size < chunks.length * smallestPieceBytes) {
      finish(new AppError('InvalidInput', 'the body comes in too small pieces'));
      stream.destroy();
      return;
    }
    if (!budget.hold(chunk.length)) return finish(overloaded('there is no room for this body now'));
    paced.arrived(chunk.length);
    chunks.push(chunk);
  }
  function end(): void {
    finish(null);
  }
  function fail(cause: Error): void {
    finish(requestError(400, cause));
  }
  stream.on('data', take);
  stream.on('end', end);
  stream.on('error', fail);
}
