import { AppError } from '../core/errors.ts';
import type { HttpClient } from '../core/ports.ts';
import { oneLine } from '../lib/printable.ts';

/** A server that is only read. */
export interface ReadServer {
  /** For people, `Prometheus`. */
  readonly name: string;
  /** Without a slash at its end. */
  readonly url: string;
  /** A bearer token; null = none. Asked for each request, because tokens change. */
  readonly token: () => string | null;
  /** Why it cannot be asked, where that is known before. */
  readonly refusal?: AppError | undefined;
  readonly http: HttpClient;
}

export interface ReadLimits {
  readonly timeoutMs: number;
  readonly mostBytes: number;
}

/** What a path answers to GET, as JSON. Every way in which it may not is an AppError in the words of people. */
export async function getJson(
  server: ReadServer,
  path: string,
  parameters: Readonly<Record<string, string>>,
  { timeoutMs, mostBytes }: ReadLimits,
  signal: AbortSignal,
): Promise<unknown> {
  const token = server.token();
  const response = await server.http.send({
    method: 'GET',
    url: `${server.url}${path}?${new URLSearchParams(parameters).toString()}`,
    headers: { accept: 'application/json', ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
    timeoutMs,
    maxResponseBytes: mostBytes,
    signal,
  });
  const { status, body, truncated } = response;
  if (status === 200 && truncated)
    throw new AppError('InvalidInput', `the answer has more than ${mostBytes} bytes`, { reason: 'TooLarge' });
  const json = parsed(body);
  if (status === 200 && json !== undefined) return json;
  throw refusal(server, status, errorOf(json) ?? oneLine(body, 200));
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** What the server says is wrong; null where it says nothing that is understood. */
function errorOf(json: unknown): string | null {
  const { error, message } = (json ?? {}) as { readonly error?: unknown; readonly message?: unknown };
  if (typeof error === 'string') return oneLine(error, 500);
  return typeof message === 'string' ? oneLine(message, 500) : null;
}

function refusal({ name, url }: ReadServer, status: number, said: string): AppError {
  const where = `${name} at ${url}`;
  if (status === 400 || status === 422) return new AppError('InvalidInput', `${name} refuses the expression: ${said}`);
  if (status === 401)
    return new AppError('Unauthenticated', `${where} wants a token, or another one (401)`, {
      next: 'name the Secret of its token',
    });
  if (status === 403) return new AppError('Forbidden', `${where} does not let this token read (403): ${said}`);
  if (status === 503 && /timed? ?out|timeout|deadline/i.test(said))
    return new AppError('Timeout', `${name} did not finish the expression in time: ${said}`);
  if (status === 200)
    return new AppError('Unreachable', `${where} did not answer with JSON: ${said}`, { retryable: false });
  return new AppError('Unreachable', `${where} answered ${status}: ${said}`, { retryable: status >= 500 });
}

/** The address of a server as it is configured. Throws InvalidInput that names the field. */
export function serverUrl(text: string, field: string): string {
  const url = URL.parse(text);
  const isHttp = url?.protocol === 'http:' || url?.protocol === 'https:';
  if (url === null || !isHttp || url.search !== '' || url.hash !== '')
    throw new AppError('InvalidInput', `${text} is no address of a server`, {
      field,
      next: `${field} http://prometheus.monitoring:9090`,
    });
  if (url.username !== '' || url.password !== '')
    throw new AppError('InvalidInput', `${field} holds credentials; name a Secret with a token`, { field });
  return url.href.replace(/\/+$/, '');
}
