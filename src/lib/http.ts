import type { Agent, Dispatcher } from 'undici';
import { AppError } from '../core/errors.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { HttpClient, HttpRequest, HttpResponse, SocketClient } from '../core/ports.ts';
import { hostOf } from './address-policy.ts';
import type { DestinationPolicy } from './address-policy.ts';
import { checkAddress, checkedLookup, defaultPolicy, systemAddresses } from './checked-lookup.ts';
import type { DestinationOptions } from './checked-lookup.ts';
import { exhaustion } from './exhaustion.ts';

/** A request that got no answer, so another try may. `requestSent` says whether the peer may have seen this one. */
export class HttpError extends AppError {
  override readonly name = 'HttpError';
  readonly requestSent: boolean;

  constructor(code: ErrorCode, message: string, requestSent: boolean, cause: unknown) {
    super(code, message, { cause, retryable: true });
    this.requestSent = requestSent;
  }
}

/** A request whose answer goes on until somebody ends it. */
export interface StreamRequest extends Pick<HttpRequest, 'url' | 'headers'> {
  /** Until the headers have come. */
  readonly timeoutMs: number;
  /** From one piece to the next. */
  readonly idleMs: number;
  readonly signal: AbortSignal;
}

export interface StreamResponse {
  readonly status: number;
  /** Text as it comes. Throws what `send` throws. */
  readonly pieces: AsyncIterable<string>;
}

/** As `globalThis.fetch`; rejects with what `send` throws, and so does reading the body. */
export type StandardFetch = (url: string | URL, init?: RequestInit) => Promise<Response>;

export interface OwnedHttpClient extends HttpClient, SocketClient {
  /** GET of an answer without an end. */
  stream(request: StreamRequest): Promise<StreamResponse>;
  /** For libraries that bring their own client: the standard form, with the same rules. It waits as long as the signal lets it. */
  readonly fetch: StandardFetch;
  /** Loads the library, which takes some 60 ms of the thread; else the first request does. */
  load(): Promise<void>;
  /** Closes idle connections and lets running requests end. */
  close(): Promise<void>;
}

const userAgent = 'punching-fist';

/**
 * The one outbound client. Every address of the destination is checked before a connection is made, and the connection
 * goes to a checked address. Redirects are answers, never followed. Throws HttpError `Unreachable` or `Timeout`; `ResourcesExhausted` where this process can open no socket;
 * `Cancelled` where the caller's signal aborted; `Forbidden` for a destination that the policy refuses; `InvalidInput`
 * for a URL that is not plain http(s).
 */
export function createHttpClient({
  policy = defaultPolicy,
  lookup = systemAddresses,
}: DestinationOptions = {}): OwnedHttpClient {
  let agent: Promise<Agent> | undefined;

  async function openAgent(): Promise<Agent> {
    const { Agent } = await import('undici');
    return new Agent({ connect: { lookup: checkedLookup(lookup, policy) }, connections: 16, pipelining: 1 });
  }

  return {
    async load() {
      await (agent ??= openAgent());
    },
    async send(request) {
      const url = destination(request.url, policy);
      agent ??= openAgent();
      return sendOnce(await agent, url, request);
    },
    async stream(request) {
      const url = destination(request.url, policy);
      agent ??= openAgent();
      return openStream(await agent, url, request);
    },
    async fetch(address, init) {
      const url = destination(String(address), policy);
      agent ??= openAgent();
      return fetchOnce(await agent, url, init ?? {});
    },
    async open(request) {
      const url = destination(request.url.replace(/^ws(?=s?:)/i, 'http'), policy);
      agent ??= openAgent();
      const { openSocket } = await import('./web-socket.ts');
      return openSocket(await agent, url, request);
    },
    async close() {
      if (agent !== undefined) await (await agent).close();
    },
  };
}

/** Whether a failed request may have reached its peer. */
export function requestWasSent(error: unknown): boolean {
  return error instanceof HttpError && error.requestSent;
}

function destination(text: string, policy: DestinationPolicy): URL {
  const url = URL.parse(text);
  if (url === null) throw new AppError('InvalidInput', 'the address of the request is not a URL');
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new AppError('InvalidInput', `${url.protocol} is not supported; use http: or https:`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new AppError('InvalidInput', `the URL of ${url.host} holds credentials; put them into a Secret`);
  }
  checkAddress(hostOf(url), policy, url.host);
  return url;
}

async function sendOnce(agent: Agent, url: URL, request: HttpRequest): Promise<HttpResponse> {
  const timeout = AbortSignal.timeout(request.timeoutMs);
  const signal = request.signal === undefined ? timeout : AbortSignal.any([timeout, request.signal]);
  const progress = { sent: false };
  try {
    const { request: send } = await import('undici');
    const response = await send(url, {
      dispatcher: watchStart(agent, progress),
      method: request.method,
      headers: { 'user-agent': userAgent, ...request.headers },
      body: request.body ?? null,
      signal,
    });
    const { statusCode: status } = response;
    const headers = flatten(response.headers);
    if (request.maxResponseBytes === 0) {
      discard(response.body);
      return { status, headers, body: '', truncated: true };
    }
    const { body, truncated } = await readBody(response.body, request.maxResponseBytes);
    return { status, headers, body, truncated };
  } catch (thrown) {
    throw translate(thrown, url, request, { sent: progress.sent, timedOut: timeout.aborted });
  }
}

async function openStream(agent: Agent, url: URL, request: StreamRequest): Promise<StreamResponse> {
  const { headers, timeoutMs, idleMs, signal } = request;
  const failed = (thrown: unknown) =>
    translate(thrown, url, { timeoutMs, signal }, { sent: true, timedOut: isTimeout(thrown) });
  try {
    const { request: send } = await import('undici');
    const limits = { headersTimeout: timeoutMs, bodyTimeout: idleMs, signal };
    const { statusCode: status, body } = await send(url, {
      dispatcher: agent,
      headers: { 'user-agent': userAgent, ...headers },
      ...limits,
    });
    return { status, pieces: piecesOf(body, failed) };
  } catch (thrown) {
    throw failed(thrown);
  }
}

async function fetchOnce(agent: Agent, url: URL, init: RequestInit): Promise<Response> {
  const progress = { sent: false };
  const { fetch: send } = await import('undici');
  const { signal } = init;
  const headers = new Headers(init.headers);
  if (!headers.has('user-agent')) headers.set('user-agent', userAgent);
  const failed = (thrown: unknown): AppError => {
    // It says `fetch failed` and no more.
    const cause: unknown = thrown instanceof TypeError && thrown.cause !== undefined ? thrown.cause : thrown;
    return translate(cause, url, { timeoutMs: 0, ...(signal ? { signal } : {}) }, { ...progress, timedOut: false });
  };
  try {
    const options = { ...init, headers, redirect: 'manual', dispatcher: watchStart(agent, progress) };
    const answer = await send(url, options as Parameters<typeof send>[1]);
    if (answer.body === null) return answer;
    return new Response(withErrors(answer.body, failed), { status: answer.status, headers: [...answer.headers] });
  } catch (thrown) {
    throw failed(thrown);
  }
}

/** The same bytes; what breaks them off is told by `failed`. */
function withErrors(
  body: AsyncIterable<Uint8Array>,
  failed: (thrown: unknown) => AppError,
): ReadableStream<Uint8Array> {
  const chunks = body[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await chunks.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      } catch (thrown) {
        controller.error(failed(thrown));
      }
    },
    cancel: async (reason) => void (await chunks.return?.(reason)),
  });
}

async function* piecesOf(body: AsyncIterable<Buffer>, failed: (thrown: unknown) => AppError): AsyncIterable<string> {
  const decoder = new TextDecoder();
  try {
    for await (const chunk of body) yield decoder.decode(chunk, { stream: true });
  } catch (thrown) {
    throw failed(thrown);
  }
}

function isTimeout(thrown: unknown): boolean {
  return (
    thrown instanceof Error && /^UND_ERR_(HEADERS|BODY|CONNECT)_TIMEOUT$/.test(String(Reflect.get(thrown, 'code')))
  );
}

/** Notes the moment when a request is handed to a connection: from then on the peer may have seen it. */
function watchStart(agent: Agent, progress: { sent: boolean }): Dispatcher {
  return agent.compose((dispatch) => (dispatchOptions, handler) => {
    const original = handler.onRequestStart?.bind(handler);
    handler.onRequestStart = (controller, context) => {
      progress.sent = true;
      original?.(controller, context);
    };
    return dispatch(dispatchOptions, handler);
  });
}

/** Reads on a little, so that the connection can be used again; closes it where there is more, or where it takes long. */
function discard(body: Dispatcher.ResponseData['body']): void {
  body.dump({ limit: 65_536, signal: AbortSignal.timeout(1000) }).catch(() => undefined);
}

async function readBody(
  stream: AsyncIterable<Buffer> & { destroy(): unknown },
  maxBytes: number,
): Promise<{ body: string; truncated: boolean }> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    chunks.push(chunk.subarray(0, maxBytes - size));
    size += chunk.length;
    if (size > maxBytes) break;
  }
  return { body: Buffer.concat(chunks).toString('utf8'), truncated: size > maxBytes };
}

function flatten(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value;
  }
  return flat;
}

function translate(
  thrown: unknown,
  url: URL,
  request: Pick<HttpRequest, 'signal' | 'timeoutMs'>,
  state: { readonly sent: boolean; readonly timedOut: boolean },
): AppError {
  const cause = thrown instanceof Error && thrown.cause instanceof AppError ? thrown.cause : thrown;
  if (cause instanceof AppError && cause.code === 'Forbidden') return cause;
  if (request.signal?.aborted === true) {
    return new HttpError('Cancelled', `the request to ${url.host} was aborted`, state.sent, thrown);
  }
  if (state.timedOut) {
    return new HttpError('Timeout', `${url.host} did not answer within ${request.timeoutMs} ms`, state.sent, thrown);
  }
  const exhausted = state.sent ? null : exhaustion(thrown, `${url.host} could not be reached`);
  if (exhausted !== null) return exhausted;
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  return new HttpError('Unreachable', `${url.host} could not be reached: ${reason}`, state.sent, thrown);
}
