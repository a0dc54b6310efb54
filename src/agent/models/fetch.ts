import type { StandardFetch } from '../../lib/http.ts';
import { statusOfError } from './error-body.ts';

/** More of an answer is not read. */
const maxAnswerBytes = 8 * 1024 * 1024;

/** Headers that belong to the connection, or say how a body was packed, which it no longer is. */
const ownHeaders = ['content-length', 'content-encoding', 'transfer-encoding', 'connection', 'keep-alive'];

/**
 * The one outbound client's `fetch`, as SDKs of providers need it: whole answers, up to a bound, and an error that came as a good answer
 * is none. Rejects with what the client throws, and where an answer is too long.
 */
export function modelFetch(fetch: StandardFetch): typeof globalThis.fetch {
  return async (input, init) => {
    const headers = new Headers(init?.headers);
    // Ours says who asks; theirs also says with which versions of what.
    headers.delete('user-agent');
    const answer = await fetch(input instanceof Request ? input.url : input, { ...init, headers });
    const { status } = answer;
    const body = await textOf(answer);
    const given = new Headers(answer.headers);
    for (const name of ownHeaders) given.delete(name);
    const told = status < 300 ? (statusOfError(body) ?? status) : status;
    return new Response(hasBody(status) ? body : null, { status: told, headers: given });
  };
}

async function textOf({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size > maxAnswerBytes) throw new RangeError(`the answer is longer than ${maxAnswerBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function hasBody(status: number): boolean {
  return status >= 200 && status !== 204 && status !== 205 && status !== 304;
}
