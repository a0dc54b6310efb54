import { setTimeout as sleep } from 'node:timers/promises';
import type { Transport } from '@modelcontextprotocol/client';
import type { StandardFetch } from '../../lib/http.ts';
import type { Traffic } from './traffic.ts';

/** Of an answer that is none: of its text little is told. */
const refusalBytes = 16 * 1024;

/** How long the end of a session is waited for. */
const goodbyeMs = 2000;

/**
 * The library's transport over the one outbound client. Each answer is bounded while it comes; no stream is opened that has no
 * question, and none again that broke.
 */
export async function urlTransport(
  fetch: StandardFetch,
  { url, headers }: { readonly url: string; readonly headers: Readonly<Record<string, string>> },
  traffic: Traffic,
): Promise<Transport> {
  const { StreamableHTTPClientTransport } = await import('@modelcontextprotocol/client');
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    fetch: (address, init) => bounded(fetch, address, init ?? {}, traffic),
    requestInit: { headers, redirect: 'manual' },
    reconnectionOptions: {
      maxRetries: 0,
      initialReconnectionDelay: 0,
      maxReconnectionDelay: 0,
      reconnectionDelayGrowFactor: 1,
    },
  });
  const close = transport.close.bind(transport);
  transport.close = async () => {
    // Gives the session back, where there is one.
    await Promise.race([transport.terminateSession().catch(() => undefined), sleep(goodbyeMs, null, { ref: false })]);
    await close();
  };
  return transport;
}

async function bounded(
  fetch: StandardFetch,
  address: string | URL,
  init: RequestInit,
  traffic: Traffic,
): Promise<Response> {
  // What a server says by itself is not listened to.
  if (init.method === 'GET') return new Response(null, { status: 405 });
  const question = traffic.asked();
  const answer = await fetch(address, init);
  const { status, body, ok } = answer;
  const headers = new Headers(answer.headers);
  const stream = headers.get('content-type')?.startsWith('text/event-stream') === true ? question : null;
  const read = body && (ok ? boundAnswer(body, traffic, stream) : cutAfter(body, refusalBytes, () => undefined));
  // They are those of the answer as it came.
  for (const name of ['content-length', 'content-encoding']) headers.delete(name);
  return new Response(read, { status, headers });
}

/** `question`: of an answer that is a stream of messages. */
function boundAnswer(
  body: ReadableStream<Uint8Array>,
  traffic: Traffic,
  question: number | null,
): ReadableStream<Uint8Array> {
  return cutAfter(body, traffic.limits.messageBytes, (how, detail) => {
    if (how === 'cut') traffic.tooLarge();
    else if (how === 'broken') traffic.ended(detail);
    else if (question !== null) void afterMessages().then(() => traffic.exhausted(question));
  });
}

/** The library waits for an answer that did not come before the end for as long as it may. What came is with it by then. */
async function afterMessages(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** The same bytes, up to so many, and how it ended. */
function cutAfter(
  body: ReadableStream<Uint8Array>,
  mostBytes: number,
  onEnd: (how: 'whole' | 'cut' | 'broken', detail: string) => void,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let size = 0;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        size += value?.length ?? 0;
        if (!done && size <= mostBytes) return controller.enqueue(value);
        onEnd(done ? 'whole' : 'cut', '');
        controller.close();
        if (!done) await reader.cancel();
      } catch (thrown) {
        onEnd('broken', thrown instanceof Error ? thrown.message : String(thrown));
        controller.error(thrown);
      }
    },
    cancel: (reason) => reader.cancel(reason),
  });
}
