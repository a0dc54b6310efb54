import { request } from 'undici';
import type { KubeConfig } from '@kubernetes/client-node';
import { AppError } from '../core/errors.ts';
import { formatDuration } from '../lib/duration.ts';
import { exhaustion } from '../lib/exhaustion.ts';
import { credentialCache } from './credentials.ts';
import { delayMs, readBounded } from './response.ts';

export interface KubeOptions {
  /** A kubeconfig file; absent: `KUBECONFIG`, `~/.kube/config`, then the pod's own account. */
  readonly kubeconfig?: string;
  /** A context of it; absent: the current one. */
  readonly context?: string;
  /** The pod's own ServiceAccount, whatever else is there. */
  readonly inCluster?: boolean;
  /** Of one request, from connect to the last byte; 15 s where absent. */
  readonly timeoutMs?: number;
}

export interface KubeResponse {
  readonly status: number;
  readonly body: string;
  /** True where the body was longer than asked for and was cut. */
  readonly truncated: boolean;
}

/** The answer to what was to be made. */
export interface CreateResponse extends KubeResponse {
  /** Headers `Retry-After` and `Date`, where it has them. */
  readonly retryAfter: string | undefined;
  readonly date: string | undefined;
}

/** One API server with one identity. It can only GET, ask the server about itself, and make Events. */
export interface KubeClient {
  /** For people: `context kind-dev`, `in-cluster account`. */
  readonly description: string;
  /** The start of a kubectl command that talks to the same server, `kubectl --context kind-dev`. */
  readonly kubectl: string;
  readonly server: string;
  /**
   * Any status below 500 but 401 and 429 is an answer. Throws ClusterUnavailable for those, and where nothing answers.
   * With `proxied`, 5xx is an answer too: it may come from something behind the server, like a kubelet that is away.
   */
  get(
    path: string,
    query: Readonly<Record<string, string>>,
    maxBytes: number,
    proxied?: boolean,
  ): Promise<KubeResponse>;
  /**
   * One try of a GET whose answer is read as it comes: any status is an answer. `signal` ends it. Throws ClusterUnavailable where
   * nothing answers.
   */
  open(path: string, query: Readonly<Record<string, string>>, signal: AbortSignal): Promise<OpenAnswer>;
  /**
   * Sends a review, which is an object that the server answers at once and never stores. Returns it with its status, and the time by the
   * server's clock (null where it does not say). Throws ClusterUnavailable where it is refused or nothing answers.
   */
  review(kind: ReviewKind, spec: object): Promise<Review>;
  /**
   * Makes an Event (events.k8s.io/v1). One try: any status is an answer, 401 after the credentials were renewed. Throws
   * ClusterUnavailable where nothing answers.
   */
  createEvent(namespace: string, event: object, limits: RequestLimits): Promise<CreateResponse>;
  close(): Promise<void>;
}

/** An answer that is still coming. */
export interface OpenAnswer {
  readonly status: number;
  /** Header `Retry-After`. */
  readonly retryAfter: string | null;
  /** Throws ClusterUnavailable where it breaks off. To be read to the end, or `signal` to be aborted. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** What may be asked: what this identity may do, and who it is. */
export type ReviewKind = 'SelfSubjectAccessReview' | 'SelfSubjectReview';

export interface Review {
  readonly status: Readonly<Record<string, unknown>>;
  readonly serverMs: number | null;
}

const reviewGroups: Readonly<Record<ReviewKind, string>> = {
  SelfSubjectAccessReview: 'authorization.k8s.io/v1',
  SelfSubjectReview: 'authentication.k8s.io/v1',
};

const defaultTimeoutMs = 15_000;
/** Tries of one request, with a short wait between them, where the server is busy. */
const maxTries = 3;
const maxReviewBytes = 1024 * 1024;

/** Connects to nothing yet: it reads the kubeconfig only. Throws ClusterUnavailable where that cannot be used. */
export async function connectKube(options: KubeOptions): Promise<KubeClient> {
  const config = await loadConfig(options);
  const cluster = config.getCurrentCluster();
  if (cluster === null)
    throw configError(`the kubeconfig has no cluster for context ${JSON.stringify(config.getCurrentContext())}`);
  const server = cluster.server.replace(/\/+$/, '');
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  const credentials = credentialCache(config, cluster.proxyUrl);
  const inCluster = config.getCurrentContext() === 'inClusterContext';
  const kubectl = inCluster ? 'kubectl' : `kubectl --context ${config.getCurrentContext()}`;
  const fail = (message: string, cause?: unknown): AppError =>
    new AppError('ClusterUnavailable', message, {
      next: `${kubectl} get --raw /readyz`,
      ...(cause === undefined ? {} : { cause }),
    });

  const attempt = async (
    path: string,
    query: Readonly<Record<string, string>>,
    maxBytes: number,
    question?: object,
    limits: Partial<RequestLimits> = {},
  ) => {
    const { headers, dispatcher } = await credentials.get();
    const url = new URL(`${server}${path}`);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const endings = [AbortSignal.timeout(limits.timeoutMs ?? timeoutMs), limits.signal];
    const signal = AbortSignal.any(endings.filter((ending) => ending !== undefined));
    const response = await request(url, {
      method: question === undefined ? 'GET' : 'POST',
      headers: { accept: 'application/json', 'content-type': 'application/json', 'user-agent': 'fist', ...headers },
      body: question === undefined ? null : JSON.stringify(question),
      dispatcher,
      signal,
    });
    const body = await readBounded(response.body, maxBytes);
    return { status: response.statusCode, headers: response.headers, ...body };
  };

  const unanswered = (error: unknown, withinMs = timeoutMs): never => {
    const failure = fail(`${server} did not answer: ${reasonOf(error, withinMs)}`, error);
    throw exhaustion(error, `${server} could not be asked`) ?? failure;
  };

  const ask = async (path: string, query: Readonly<Record<string, string>>, maxBytes: number, more: AskOptions) => {
    for (let tries = 1; ; tries += 1) {
      const response = await attempt(path, query, maxBytes, more.question).catch((error: unknown) => unanswered(error));
      const { status, headers, body } = response;
      if (status === 401 && tries === 1) await credentials.renew();
      else if (status === 401) throw fail(`${server} does not accept these credentials (401)`);
      else if (status !== 429 && (status < 500 || more.proxied === true)) return response;
      else if (tries >= maxTries) throw fail(`${server} answered ${status} ${tries} times: ${body.slice(0, 200)}`);
      else await new Promise((resolve) => setTimeout(resolve, delayMs(headers['retry-after'], tries)));
    }
  };

  const get: KubeClient['get'] = async (path, query, maxBytes, proxied = false) => {
    const { status, body, truncated } = await ask(path, query, maxBytes, { proxied });
    return { status, body, truncated };
  };

  const open: KubeClient['open'] = (path, query, signal) =>
    openAnswer(
      { credentials, server, timeoutMs, fail },
      `${server}${path}?${new URLSearchParams(query).toString()}`,
      signal,
    );

  function reviewIn(body: string, kind: ReviewKind): { readonly status?: Review['status'] } {
    try {
      return JSON.parse(body) as { readonly status?: Review['status'] };
    } catch (cause) {
      throw fail(`${server} answered to a ${kind} with what is not JSON: ${body.slice(0, 200)}`, cause);
    }
  }

  const review: KubeClient['review'] = async (kind, spec) => {
    const apiVersion = reviewGroups[kind];
    const path = `/apis/${apiVersion}/${kind.toLowerCase()}s`;
    const answer = await ask(path, {}, maxReviewBytes, { question: { apiVersion, kind, spec } });
    if (answer.status !== 201 && answer.status !== 200)
      throw fail(`${server} answered ${answer.status} to a ${kind}: ${answer.body.slice(0, 200)}`);
    const { status = {} } = reviewIn(answer.body, kind);
    const serverMs = Date.parse(String(answer.headers['date']));
    return { status, serverMs: Number.isNaN(serverMs) ? null : serverMs };
  };

  const createEvent: KubeClient['createEvent'] = async (namespace, event, limits) => {
    const path = `/apis/events.k8s.io/v1/namespaces/${namespace}/events`;
    const post = () =>
      attempt(path, {}, maxReviewBytes, event, limits).catch((error: unknown) => unanswered(error, limits.timeoutMs));
    let response = await post();
    if (response.status === 401) {
      await credentials.renew();
      response = await post();
    }
    const { status, body, truncated, headers } = response;
    const header = (name: string): string | undefined => [headers[name]].flat()[0];
    return { status, body, truncated, retryAfter: header('retry-after'), date: header('date') };
  };

  const description = inCluster ? `in-cluster account at ${server}` : `context ${config.getCurrentContext()}`;
  return { description, kubectl, server, get, open, review, createEvent, close: () => credentials.close() };
}

interface Opening {
  readonly credentials: Pick<ReturnType<typeof credentialCache>, 'get' | 'renew'>;
  readonly server: string;
  readonly timeoutMs: number;
  readonly fail: (message: string, cause?: unknown) => AppError;
}

async function openAnswer(opening: Opening, url: string, signal: AbortSignal, isAgain = false): Promise<OpenAnswer> {
  const { credentials, server, timeoutMs, fail } = opening;
  const { headers, streams } = await credentials.get();
  const response = await request(url, {
    headers: { accept: 'application/json', 'user-agent': 'fist', ...headers },
    dispatcher: streams(),
    headersTimeout: timeoutMs,
    // Who reads it knows how long it may be silent.
    bodyTimeout: 0,
    signal,
  }).catch((error: unknown) => {
    throw fail(`${server} did not answer: ${reasonOf(error, timeoutMs)}`, error);
  });
  if (response.statusCode === 401 && !isAgain) {
    await response.body.dump();
    await credentials.renew();
    return openAnswer(opening, url, signal, true);
  }
  const retryAfter = response.headers['retry-after'];
  return {
    status: response.statusCode,
    retryAfter: typeof retryAfter === 'string' ? retryAfter : null,
    body: brokenOff(response.body, (error) => fail(`${server} broke off: ${reasonOf(error, timeoutMs)}`, error)),
  };
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

/** What ends a request. */
export interface RequestLimits {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

interface AskOptions {
  readonly proxied?: boolean;
  /** Sent as JSON; absent: a GET. */
  readonly question?: object;
}

async function loadConfig(options: KubeOptions): Promise<KubeConfig> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  try {
    if (options.inCluster === true) config.loadFromCluster();
    else if (options.kubeconfig !== undefined) config.loadFromFile(options.kubeconfig);
    else config.loadFromDefault();
  } catch (error) {
    throw configError(
      `the kubeconfig ${options.kubeconfig ?? ''} cannot be read (${error instanceof Error ? error.message : String(error)})`,
      error,
    );
  }
  if (options.context === undefined) return config;
  if (config.getContextObject(options.context) === null) {
    const known = config.getContexts().map((context) => context.name);
    throw configError(
      `the kubeconfig has no context ${JSON.stringify(options.context)} (it has: ${known.join(', ') || 'none'})`,
    );
  }
  config.setCurrentContext(options.context);
  return config;
}

function configError(message: string, cause?: unknown): AppError {
  return new AppError('ClusterUnavailable', message, {
    retryable: false,
    next: 'kubectl config get-contexts',
    ...(cause === undefined ? {} : { cause }),
  });
}

function reasonOf(error: unknown, timeoutMs: number): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `no answer within ${formatDuration(timeoutMs)}`;
  const code = (error as { code?: unknown } | null)?.code;
  const message = error instanceof Error ? error.message : String(error);
  return typeof code === 'string' && !message.includes(code) ? `${code} ${message}` : message;
}
