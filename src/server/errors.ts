import { toAppError } from '../core/errors.ts';
import type { AppError, ErrorCode } from '../core/errors.ts';

/** The body of every answer that is not 2xx (but health and metrics). */
export interface ErrorBody {
  readonly code: ErrorCode;
  readonly message: string;
  /** The wrong query parameter, or path in the body. */
  readonly field?: string;
  /** What to do next. */
  readonly next?: string;
}

/** What a caller hears of an error. */
export interface ErrorAnswer {
  readonly status: number;
  readonly body: ErrorBody;
}

/**
 * Seconds of `Retry-After` with every 503: 1 to 5, so that senders who were refused together do not come back together; where
 * there is no room before `waitMs` have passed, from then on.
 */
export function retryAfterSeconds(waitMs = 0, random: () => number = Math.random): string {
  return String(Math.max(1, Math.ceil(waitMs / 1000)) + Math.floor(random() * 5));
}

const statuses: Partial<Record<ErrorCode, number>> = {
  InvalidInput: 400,
  InvalidResource: 400,
  TemplateInvalid: 400,
  Unauthenticated: 401,
  Forbidden: 403,
  NotFound: 404,
  Conflict: 409,
  WorkflowNotReady: 409,
  SecretMissing: 503,
  StoreUnavailable: 503,
  StoreLocked: 503,
  StoreConflict: 503,
  RateLimited: 503,
  Draining: 503,
  Timeout: 503,
  Unreachable: 503,
  ClusterUnavailable: 503,
  ResourcesExhausted: 503,
};

/** The status of an answer with this code. */
export function statusOf(code: ErrorCode): number {
  return statuses[code] ?? 500;
}

/** Maps what was thrown. Messages of defects stay in the log. */
export function errorAnswer(thrown: unknown): ErrorAnswer {
  const protocol = protocolError(thrown);
  if (protocol !== null) return protocol;
  const error = toAppError(thrown);
  const status = statusOf(error.code);
  if (error.code === 'Internal') {
    return {
      status,
      body: {
        code: 'Internal',
        message: 'the server failed; its log says why',
        next: "look for this time in the server's log",
      },
    };
  }
  return { status, body: errorBody(error) };
}

function errorBody(error: AppError): ErrorBody {
  return {
    code: error.code,
    message: error.message,
    ...(error.field === undefined ? {} : { field: error.field }),
    ...(error.next === undefined ? {} : { next: error.next }),
  };
}

/** Errors that fastify raises while it reads a request: they have a status below 500 and a code `FST_ERR_...`. */
function protocolError(thrown: unknown): ErrorAnswer | null {
  if (!(thrown instanceof Error) || !('statusCode' in thrown) || typeof thrown.statusCode !== 'number') return null;
  const status = thrown.statusCode;
  if (status === 503) return { status, body: { code: 'Draining', message: 'the server is stopping' } };
  if (status < 400 || status >= 500) return null;
  return { status, body: { code: 'InvalidInput', message: messages[status] ?? 'the request could not be read' } };
}

/** An error of reading a request, as fastify raises them. */
export function requestError(status: 400 | 408 | 413, cause?: unknown): Error {
  return Object.assign(new Error(messages[status], { cause }), { statusCode: status });
}

const messages: Readonly<Record<number, string>> = {
  400: 'the request could not be read: its body does not fit its headers',
  408: 'the request did not arrive in time, or too slowly',
  413: 'the body is larger than 3 MiB, or as a notification than 16 MiB',
  414: 'the path is too long',
  415: 'the content type must be application/json',
};
