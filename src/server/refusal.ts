import type { ErrorBody } from './errors.ts';

/** Why a webhook request is not taken: the answer, and the reason for the metric. */
export interface Refusal {
  readonly status: number;
  /** CamelCase. */
  readonly reason: string;
  readonly body: ErrorBody;
  readonly headers?: Readonly<Record<string, string>>;
  /** The log says it already, in words of its own. */
  readonly isLogged?: true;
}

/** 503: our side cannot take it now; every sender tries again. */
export function unavailable(reason: string, code: ErrorBody['code'], message: string, next = 'send it again'): Refusal {
  return { status: 503, reason, body: { code, message, next } };
}

export function unknownPath(): Refusal {
  return {
    status: 404,
    reason: 'UnknownPath',
    body: { code: 'NotFound', message: 'no Source has this path', next: 'fist get sources' },
  };
}

export function wrongMethod(method: string): Refusal {
  return {
    status: 405,
    reason: 'MethodNotAllowed',
    headers: { allow: 'POST, PUT' },
    body: { code: 'InvalidInput', message: `notifications are sent with POST or PUT, not ${method}` },
  };
}
