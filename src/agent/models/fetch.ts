import type { HttpClient } from '../../core/ports.ts';
import { statusOfError } from './error-body.ts';

/** More of an answer is not read. */
const maxAnswerBytes = 8 * 1024 * 1024;
/** In any case; the signal of a request ends it long before. */
const longestMs = 3_600_000;

/** Headers that belong to the connection, or say how a body was packed, which it no longer is. */
const ownHeaders = new Set(['content-length', 'content-encoding', 'transfer-encoding', 'connection', 'keep-alive']);

/**
 * The one outbound client as the function that SDKs take for `fetch`. Only what they use: a text as body, headers, a signal. An error
 * that came as a good answer is none. Rejects with what the client throws, and where an answer is too long.
 */
export function fetchOver(http: HttpClient): typeof globalThis.fetch {
  return async (input, init) => {
    const headers = Object.fromEntries(new Headers(init?.headers));
    // Ours says who asks; theirs also says with which versions of what.
    delete headers['user-agent'];
    const {
      status,
      headers: given,
      body,
      truncated,
    } = await http.send({
      method: init?.method ?? 'GET',
      url: input instanceof Request ? input.url : String(input),
      headers,
      ...(typeof init?.body === 'string' ? { body: init.body } : {}),
      timeoutMs: longestMs,
      maxResponseBytes: maxAnswerBytes,
      ...(init?.signal == null ? {} : { signal: init.signal }),
    });
    if (truncated) throw new RangeError(`the answer is longer than ${maxAnswerBytes} bytes`);
    const kept = Object.entries(given).filter(([name]) => !ownHeaders.has(name));
    const told = status < 300 ? (statusOfError(body) ?? status) : status;
    return new Response(hasBody(status) ? body : null, { status: told, headers: kept });
  };
}

function hasBody(status: number): boolean {
  return status >= 200 && status !== 204 && status !== 205 && status !== 304;
}
