import { kindPath, kinds } from '../kinds/kinds.ts';
import { connectTransport } from './transport.ts';
import type { KubeAnswer, KubeOptions, KubeTransport, RequestLimits } from './transport.ts';

/** The answer to what was to be read. */
export type KubeResponse = Pick<KubeAnswer, 'status' | 'body' | 'truncated'>;

/** One API server with one identity. It can only GET, ask the server about itself, and make Events. */
export interface KubeClient extends Pick<KubeTransport, 'description' | 'kubectl' | 'server' | 'open' | 'close'> {
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
   * Sends a review, which is an object that the server answers at once and never stores. Returns it with its status, and the time by the
   * server's clock (null where it does not say). Throws ClusterUnavailable where it is refused or nothing answers.
   */
  review(kind: ReviewKind, spec: object): Promise<Review>;
  /**
   * Makes an Event (events.k8s.io/v1). One try: any status is an answer, 401 after the credentials were renewed. Throws
   * ClusterUnavailable where nothing answers.
   */
  createEvent(namespace: string, event: object, limits: RequestLimits): Promise<KubeAnswer>;
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

const maxReviewBytes = 1024 * 1024;

/** Connects to nothing yet: it reads the kubeconfig only. Throws ClusterUnavailable where that cannot be used. */
export async function connectKube(options: KubeOptions): Promise<KubeClient> {
  return kubeClient(await connectTransport(options));
}

/** What may be done by those who only read. */
export function kubeClient(transport: KubeTransport): KubeClient {
  const { description, kubectl, server } = transport;

  const get: KubeClient['get'] = async (path, query, maxBytes, proxied = false) => {
    const { status, body, truncated } = await transport.ask({ method: 'GET', path, query, maxBytes, proxied });
    return { status, body, truncated };
  };

  function reviewIn(body: string, kind: ReviewKind): { readonly status?: Review['status'] } {
    try {
      return JSON.parse(body) as { readonly status?: Review['status'] };
    } catch (cause) {
      throw transport.unavailable(
        `${server} answered to a ${kind} with what is not JSON: ${body.slice(0, 200)}`,
        cause,
      );
    }
  }

  const review: KubeClient['review'] = async (kind, spec) => {
    const apiVersion = reviewGroups[kind];
    const path = `/apis/${apiVersion}/${kind.toLowerCase()}s`;
    const body = { apiVersion, kind, spec };
    const answer = await transport.ask({ method: 'POST', path, body, maxBytes: maxReviewBytes });
    if (answer.status !== 201 && answer.status !== 200)
      throw transport.unavailable(`${server} answered ${answer.status} to a ${kind}: ${answer.body.slice(0, 200)}`);
    const { status = {} } = reviewIn(answer.body, kind);
    const serverMs = Date.parse(String(answer.date));
    return { status, serverMs: Number.isNaN(serverMs) ? null : serverMs };
  };

  const createEvent: KubeClient['createEvent'] = async (namespace, event, limits) =>
    transport.once({
      method: 'POST',
      path: kindPath(kinds.event, namespace),
      body: event,
      maxBytes: maxReviewBytes,
      limits,
    });

  return {
    description,
    kubectl,
    server,
    get,
    open: (path, query, signal) => transport.open(path, query, signal),
    review,
    createEvent,
    close: () => transport.close(),
  };
}
