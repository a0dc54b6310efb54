import { AppError } from '../core/errors.ts';
import type { HttpClient, HttpResponse } from '../core/ports.ts';
import { refusalOf } from './policy.ts';
import type { Scope } from './policy.ts';

/** A page as it came; text alone. */
export interface Page {
  /** Where it was in the end, after redirects. */
  readonly url: string;
  readonly status: number;
  readonly contentType: string;
  /** Empty for HEAD. */
  readonly body: string;
  readonly truncated: boolean;
}

/** Pages of the hosts that a Workflow names. */
export interface PageReader {
  /** Throws AppErrors: Forbidden for what the policy refuses, on the way too; InvalidInput for what is no text. */
  read(method: 'GET' | 'HEAD', url: string, signal: AbortSignal): Promise<Page>;
}

const limits = { timeoutMs: 10_000, maxResponseBytes: 64 * 1024 };
const mostRedirects = 3;
const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const textTypes =
  /^(?:text\/[\w.+-]+|application\/(?:[\w.-]+\+)?(?:json|xml|yaml|x-yaml|openmetrics-text|javascript))$/;

/** Each address on the way is judged by the policy, a redirect's as well; nothing is sent but a name and what is accepted. */
export function guardPages(http: HttpClient, scope: Scope): PageReader {
  async function send(method: 'GET' | 'HEAD', url: string, signal: AbortSignal): Promise<HttpResponse> {
    const refusal = refusalOf({ of: 'http', url }, scope);
    if (refusal !== null) throw new AppError('Forbidden', refusal.message, { reason: refusal.reason });
    const headers = { accept: 'text/*, application/json, application/xml;q=0.5' };
    return http.send({ method, url, headers, ...limits, signal });
  }
  return {
    async read(method, url, signal) {
      let place = url;
      for (let hops = 0; hops <= mostRedirects; hops += 1) {
        const response = await send(method, place, signal);
        const { status, headers, body, truncated } = response;
        if (!redirects.has(status)) {
          const contentType = (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
          if (method === 'GET' && body !== '' && !textTypes.test(contentType))
            throw new AppError('InvalidInput', `the answer is ${contentType || 'of no known type'}, which is no text`);
          return { url: place, status, contentType, body, truncated };
        }
        place = nextOf(place, headers['location']);
      }
      throw new AppError('InvalidInput', `more than ${mostRedirects} redirects`);
    },
  };
}

function nextOf(from: string, location: string | undefined): string {
  const next = location === undefined ? null : URL.parse(location, from);
  if (next === null) throw new AppError('InvalidInput', 'the answer is a redirect to nowhere');
  if (from.startsWith('https:') && next.protocol !== 'https:')
    throw new AppError('Forbidden', 'the answer is a redirect from https to something else');
  return next.href;
}
