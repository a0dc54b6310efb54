import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { AppError } from '../../core/errors.ts';
import { formatDuration } from '../../lib/duration.ts';
import { exhaustion } from '../../lib/exhaustion.ts';
import { retryAfterMs } from '../../lib/retry-after.ts';
import { credentialCache } from './credentials.ts';
import { kubeconfigAccess } from './kubeconfig.ts';
import type { KubeAccess } from './kubeconfig.ts';
import { createRefusals } from './refusals.ts';
import { readBounded, undeclaredFields } from './response.ts';
import { serviceAccountAccess } from './service-account.ts';

export interface KubeOptions {
  /** A kubeconfig file; absent: `KUBECONFIG`, `~/.kube/config`, then the pod's own account. */
  readonly kubeconfig?: string;
  /** A context of it; absent: the current one. */
  readonly context?: string;
  /** Of one request, from connect to the last byte; 15 s where absent. */
  readonly timeoutMs?: number;
}

/** What ends a request before it is answered. */
export interface RequestLimits {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** It gets a connection of its own where all others wait for answers: a server that hangs must not take a Lease from who holds it. */
  readonly isUrgent?: boolean;
}

export interface KubeRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Begins with a slash; names in it are validated by the caller. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: object;
  /** `application/json` where absent. */
  readonly contentType?: string;
  /** `application/json` where absent. */
  readonly accept?: string;
  /** The rest of the answer is not read. */
  readonly maxBytes: number;
  readonly limits?: Partial<RequestLimits> | undefined;
  /** 5xx is an answer too: it may come from something behind the server, like a kubelet that is away. */
  readonly proxied?: boolean;
  /** Answers of 2xx that say no, and that a server which has just begun may give wrongly. */
  readonly isRefusal?: (answer: KubeAnswer) => boolean;
}

export interface KubeAnswer {
  readonly status: number;
  readonly body: string;
  /** True where the body was longer than asked for and was cut. */
  readonly truncated: boolean;
  /** Headers `Retry-After` and `Date`, where it has them. */
  readonly retryAfter: string | undefined;
  readonly date: string | undefined;
}

/** An answer that is still coming. */
export interface OpenAnswer {
  readonly status: number;
  /** Header `Retry-After`. */
  readonly retryAfter: string | null;
  /** Throws ClusterUnavailable where it breaks off. To be read to the end, or `signal` to be aborted. */
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * Requests to one API server with one identity. Whoever holds it may do all that the identity may. A refusal is an answer of a server that
 * has read its roles: while it has not, it is ClusterUnavailable.
 */
export interface KubeTransport {
  /** For people, of {@link KubeAccess}. */
  readonly description: string;
  /** The start of a kubectl command that talks to the same server, `kubectl --context kind-dev`. */
  readonly kubectl: string;
  readonly server: string;
  /** One try: any status is an answer, 401 after the credentials were renewed. Throws ClusterUnavailable where nothing answers. */
  once(request: KubeRequest): Promise<KubeAnswer>;
  /**
   * For what may be sent twice: up to three times where the server is busy or broken (429, 5xx), or a connection breaks. Throws
   * ClusterUnavailable then, for 401, and where nothing answers.
   */
  ask(request: KubeRequest): Promise<KubeAnswer>;
  /**
   * One try of a GET whose answer is read as it comes: any status is an answer. `signal` ends it. Throws ClusterUnavailable where
   * nothing answers.
   */
  open(path: string, query: Readonly<Record<string, string>>, signal: AbortSignal): Promise<OpenAnswer>;
  unavailable(message: string, cause?: unknown): AppError;
  close(): Promise<void>;
}

const defaultTimeoutMs = 15_000;
/** Tries of one request, with a short wait between them, where the server is busy. */
const maxTries = 3;
/** Where the server asks for more. */
const mostWaitMs = 5000;
const maxRefusalBytes = 64 * 1024;

/** Connects to nothing yet: it reads the kubeconfig only. Throws ClusterUnavailable where that cannot be used. */
export async function connectTransport(options: KubeOptions): Promise<KubeTransport> {
  return transportOf(await accessOf(options), options.timeoutMs);
}

/** Which server, and who asks it. Throws ClusterUnavailable for a kubeconfig that cannot be used. */
export async function accessOf(options: KubeOptions): Promise<KubeAccess> {
  return (await kubeconfigAccess(options)) ?? serviceAccountAccess({ environment: process.env });
}

/** Requests with one identity. */
export function transportOf(access: KubeAccess, timeoutMs = defaultTimeoutMs): KubeTransport {
  const { description, server, kubectl } = access;
  const credentials = credentialCache(access.readIdentity, access.proxyUrl, () => refusals.connected());
  const unavailable = (message: string, cause?: unknown): AppError =>
    new AppError('ClusterUnavailable', message, {
      next: `${kubectl} get --raw /readyz`,
      ...(cause === undefined ? {} : { cause }),
    });

  const attempt = async (asked: KubeRequest): Promise<KubeAnswer> => {
    const { headers, dispatcher, streams } = await credentials.get();
    const url = new URL(`${server}${asked.path}`);
    for (const [name, value] of Object.entries(asked.query ?? {})) url.searchParams.set(name, value);
    const endings = [AbortSignal.timeout(asked.limits?.timeoutMs ?? timeoutMs), asked.limits?.signal];
    const response = await request(url, {
      method: asked.method,
      headers: {
        accept: asked.accept ?? 'application/json',
        'content-type': asked.contentType ?? 'application/json',
        'user-agent': 'fist',
        ...headers,
      },
      body: asked.body === undefined ? null : JSON.stringify(asked.body),
      dispatcher: asked.limits?.isUrgent === true ? streams() : dispatcher,
      signal: AbortSignal.any(endings.filter((ending) => ending !== undefined)),
    });
    const read = await readBounded(response.body, asked.maxBytes);
    const header = (name: string): string | undefined => [response.headers[name]].flat()[0];
    return { status: response.statusCode, ...read, retryAfter: header('retry-after'), date: header('date') };
  };

  const tryOnce = (asked: KubeRequest): Promise<KubeAnswer> =>
    attempt(asked).catch((error: unknown) => {
      if (error instanceof AppError) throw error;
      const withinMs = asked.limits?.timeoutMs ?? timeoutMs;
      const failure = unavailable(`${server} did not answer: ${reasonOf(error, withinMs)}`, error);
      throw exhaustion(error, `${server} could not be asked`) ?? failure;
    });

  const withCredentials = async (asked: KubeRequest): Promise<KubeAnswer> => {
    const answer = await tryOnce(asked);
    if (answer.status !== 401) return answer;
    await credentials.renew();
    return tryOnce(asked);
  };
  const refusals = createRefusals(() =>
    unavailable(`${server} is not ready: it may have begun just now, and refuses what it has not read the roles for`),
  );
  const isReady = async (limits: KubeRequest['limits']): Promise<number> =>
    (await withCredentials({ method: 'GET', path: '/readyz', maxBytes: 1000, limits })).status;
  const once = (asked: KubeRequest): Promise<KubeAnswer> =>
    refusals.believed(
      () => withCredentials(asked),
      // Not what admission or a quota says.
      (answer) =>
        answer.status === 403
          ? answer.body.includes(' cannot ')
          : answer.status < 300 && asked.isRefusal?.(answer) === true,
      () => isReady(asked.limits),
    );

  const ask = async (asked: KubeRequest): Promise<KubeAnswer> => {
    for (let tries = 1; ; tries += 1) {
      const answer = await once(asked).catch((error: unknown) => {
        // A server that was started again, or something between, has closed what was kept open.
        if (tries < maxTries && isBrokenConnection(error)) return null;
        throw error;
      });
      if (answer?.status === 401) throw unavailable(`${server} does not accept these credentials (401)`);
      if (answer !== null) {
        const { status, body } = answer;
        if (status !== 429 && (status < 500 || asked.proxied === true)) return answer;
        // No matter of the moment, whatever the status says.
        if (undeclaredFields(body).length > 0) return answer;
        if (tries >= maxTries) throw unavailable(`${server} answered ${status} ${tries} times: ${body.slice(0, 200)}`);
      }
      const askedMs = retryAfterMs(answer?.retryAfter, answer?.date, Date.now()) ?? 100 * 2 ** tries;
      const waitMs = Math.min(askedMs, mostWaitMs);
      await sleep(waitMs, undefined, { signal: asked.limits?.signal }).catch((error: unknown) => {
        throw unavailable(`${server} was not asked again: ${reasonOf(error, timeoutMs)}`, error);
      });
    }
  };

  const open: KubeTransport['open'] = (path, query, signal) =>
    refusals.believed(
      () =>
        openAnswer(
          { credentials, server, timeoutMs, unavailable },
          `${server}${path}?${new URLSearchParams(query).toString()}`,
          signal,
        ),
      ({ status }) => status === 403,
      () => isReady({ signal }),
    );

  return { description, kubectl, server, once, ask, open, unavailable, close: () => credentials.close() };
}

interface Opening extends Pick<KubeTransport, 'server' | 'unavailable'> {
  readonly credentials: Pick<ReturnType<typeof credentialCache>, 'get' | 'renew'>;
  readonly timeoutMs: number;
}

async function openAnswer(opening: Opening, url: string, signal: AbortSignal, isAgain = false): Promise<OpenAnswer> {
  const { credentials, server, timeoutMs, unavailable } = opening;
  const { headers, streams } = await credentials.get();
  const response = await request(url, {
    headers: { accept: 'application/json', 'user-agent': 'fist', ...headers },
    dispatcher: streams(),
    headersTimeout: timeoutMs,
    // Who reads it knows how long it may be silent.
    bodyTimeout: 0,
    signal,
  }).catch((error: unknown) => {
    throw unavailable(`${server} did not answer: ${reasonOf(error, timeoutMs)}`, error);
  });
  if (response.statusCode === 401 && !isAgain) {
    await response.body.dump();
    await credentials.renew();
    return openAnswer(opening, url, signal, true);
  }
  const retryAfter = response.headers['retry-after'];
  const broke = (error: unknown): AppError => unavailable(`${server} broke off: ${reasonOf(error, timeoutMs)}`, error);
  return {
    status: response.statusCode,
    retryAfter: typeof retryAfter === 'string' ? retryAfter : null,
    // Nobody reads one that is not believed.
    body:
      response.statusCode === 403 ? await refusalOf(response.body, timeoutMs, broke) : brokenOff(response.body, broke),
  };
}

/** All of it, as far as it is of use: it is short, and not waited for longer than for any answer. */
async function refusalOf(
  body: Readable,
  timeoutMs: number,
  broke: (error: unknown) => AppError,
): Promise<AsyncIterable<Uint8Array>> {
  const late = setTimeout(() => body.destroy(new DOMException('too late', 'TimeoutError')), timeoutMs);
  try {
    return Readable.from([Buffer.from((await readBounded(body, maxRefusalBytes)).body)]);
  } catch (error) {
    throw broke(error);
  } finally {
    clearTimeout(late);
  }
}

async function* brokenOff(
  body: AsyncIterable<Uint8Array>,
  failed: (error: unknown) => AppError,
): AsyncIterable<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    throw failed(error);
  }
}

function isBrokenConnection(error: unknown): boolean {
  const { cause } = error as { readonly cause?: { readonly code?: unknown } };
  return ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'].includes(String(cause?.code));
}

function reasonOf(error: unknown, timeoutMs: number): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `no answer within ${formatDuration(timeoutMs)}`;
  const code = (error as { code?: unknown } | null)?.code;
  const message = error instanceof Error ? error.message : String(error);
  return typeof code === 'string' && !message.includes(code) ? `${code} ${message}` : message;
}
