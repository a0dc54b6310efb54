import { AppError, errorCodes } from '../core/errors.ts';
import type { ErrorCode } from '../core/errors.ts';

/** Reads the API of a server, from outside or within it. */
export interface ApiReader {
  /** `/api/v1/runs?limit=1`. Rejects with an AppError where the answer is not 2xx. */
  get(path: string): Promise<unknown>;
}

/** The same for those who also start something. */
export interface ApiCaller extends ApiReader {
  post(path: string, body: unknown): Promise<unknown>;
}

/** What a caller of a route fills in. */
export interface GivenParameters {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, unknown>>;
}

/** A path of the table of routes, `/api/v1/runs/:id`, with its segments and the query filled in. */
export function requestPath(path: string, { params = {}, query = {} }: GivenParameters): string {
  const filled = path.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    for (const one of Array.isArray(value) ? (value as unknown[]) : value === undefined ? [] : [value])
      search.append(name, String(one));
  return search.size === 0 ? filled : `${filled}?${search.toString()}`;
}

/** What an answer that is not 2xx says. `where` it came from, for one that says nothing. */
export function errorOfAnswer(status: number, body: string, where: string): AppError {
  const { code, message, ...details } = errorOfBody(body);
  return new AppError(
    code ?? (status === 404 ? 'NotFound' : status === 503 ? 'Draining' : 'InvalidInput'),
    message ?? `${where} answered ${status}`,
    details,
  );
}

function errorOfBody(body: string): {
  readonly code?: ErrorCode;
  readonly message?: string;
  readonly field?: string;
  readonly next?: string;
} {
  try {
    const { code, ...rest } = JSON.parse(body) as { code?: string; message?: string; field?: string; next?: string };
    return code !== undefined && code in errorCodes ? { ...rest, code: code as ErrorCode } : rest;
  } catch {
    return {};
  }
}
