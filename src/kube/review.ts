import { createHmac, randomBytes } from 'node:crypto';
import type { KubernetesObject } from '../core/cluster.ts';
import { AppError } from '../core/errors.ts';
import type { Clock } from '../core/ports.ts';
import { canonicalJson } from '../lib/hash.ts';
import { limiter } from '../lib/limiter.ts';
import { explainFailure } from './failure.ts';
import { kindPath } from './kinds.ts';
import type { ObjectKind } from './kinds.ts';
import { apiVersionOf } from './resources.ts';
import { createTimedCache } from './timed-cache.ts';
import type { KubeTransport } from './transport.ts';

/** Somebody whom an API server knows. */
export interface KubeUser {
  /** `system:serviceaccount:shop:web`. */
  readonly name: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

export type TokenVerdict =
  | { readonly kind: 'known'; readonly user: KubeUser }
  /** `reason` is of the API server and for the log, not for who sent the token. */
  | { readonly kind: 'refused'; readonly reason: string };

/** What somebody wants to do: to objects, or to a path of the API server. */
export type WantedAccess =
  | {
      readonly verb: string;
      readonly group: string;
      /** Plural. */
      readonly resource: string;
      readonly subresource?: string;
      /** null = in all, or of what is in none. */
      readonly namespace: string | null;
      readonly name?: string;
    }
  | { readonly verb: string; readonly path: string };

export interface AccessVerdict {
  readonly allowed: boolean;
  /** Of the API server; may be empty. */
  readonly reason: string;
}

/** What an API server is asked about people, programs and itself. All throw KubeFailure, and ClusterUnavailable where nothing answers. */
export interface KubeReviews {
  /**
   * Whose token it is, where it is for one of these audiences. Needs the right to create tokenreviews (ClusterRole
   * system:auth-delegator), and so does `access` of subjectaccessreviews. Throws RateLimited where too many unknown ones wait.
   */
  token(token: string, audiences: readonly string[]): Promise<TokenVerdict>;
  /** Whether somebody may do it. */
  access(user: KubeUser, wanted: WantedAccess): Promise<AccessVerdict>;
  /** Whether this identity may do it. */
  selfAccess(wanted: WantedAccess): Promise<AccessVerdict>;
}

const review = (group: string, kind: string): ObjectKind => ({
  group,
  version: 'v1',
  kind,
  plural: `${kind.toLowerCase()}s`,
  namespaced: false,
});
const reviewKinds = {
  token: review('authentication.k8s.io', 'TokenReview'),
  access: review('authorization.k8s.io', 'SubjectAccessReview'),
  selfAccess: review('authorization.k8s.io', 'SelfSubjectAccessReview'),
};

/** How long an answer is taken for true, and how many are kept. What is refused may be granted at any time, and is guessed at. */
const acceptedMs = 60_000;
const refusedMs = 10_000;
const mostVerdicts = 1000;
const maxReviewBytes = 1024 * 1024;
const longestToken = 16 * 1024;
/** Questions on their way, and those that wait for them. */
const mostAtOnce = 8;
const mostWaiting = 100;

export function createReviews(transport: KubeTransport, clock: Pick<Clock, 'now' | 'monotonic'>): KubeReviews {
  // Tokens are kept nowhere, and what is kept is of no use to who reads this memory's copy.
  const secret = randomBytes(32);
  const keyOf = (parts: object): string => createHmac('sha256', secret).update(canonicalJson(parts)).digest('base64');
  const remember = createMemory(clock);

  async function ask(kind: ObjectKind, spec: object): Promise<Readonly<Record<string, unknown>>> {
    const answer = await transport.ask({
      method: 'POST',
      path: kindPath(kind, null),
      body: { apiVersion: apiVersionOf(kind), kind: kind.kind, spec },
      maxBytes: maxReviewBytes,
    });
    if (answer.status !== 201 && answer.status !== 200)
      throw explainFailure(transport, { verb: 'create', kind, namespace: null, name: '' }, answer);
    return statusOf(transport, kind, answer.body);
  }

  return {
    async token(token, audiences) {
      if (token === '' || token.length > longestToken || !/^[\x21-\x7e]+$/.test(token))
        return { kind: 'refused', reason: 'this cannot be a token' };
      const key = keyOf(['token', audiences, token]);
      return remember(
        key,
        async () => readTokenVerdict(await ask(reviewKinds.token, { token, audiences }), audiences),
        ({ kind }) => (kind === 'known' ? lifeOf(token, clock.now()) : null),
      );
    },
    async access(user, wanted) {
      const spec = {
        user: user.name,
        uid: user.uid,
        groups: user.groups,
        extra: user.extra,
        ...attributesOf(wanted),
      };
      return remember(
        keyOf(['access', spec]),
        async () => readAccessVerdict(await ask(reviewKinds.access, spec)),
        ({ allowed }) => (allowed ? acceptedMs : null),
      );
    },
    selfAccess: async (wanted) => readAccessVerdict(await ask(reviewKinds.selfAccess, attributesOf(wanted))),
  };
}

/**
 * Answers what was asked before, for as long as `acceptedFor` says (null = it was refused), and asks once for all that ask at the
 * same time. What is accepted and what is refused do not push each other out: anybody may send what is refused.
 */
function createMemory(clock: Pick<Clock, 'monotonic'>) {
  const accepted = createTimedCache<object>(mostVerdicts);
  const refused = createTimedCache<object>(mostVerdicts);
  const asking = new Map<string, Promise<object>>();
  const limited = limiter(mostAtOnce);
  return async <T extends object>(
    key: string,
    ask: () => Promise<T>,
    acceptedFor: (verdict: T) => number | null,
  ): Promise<T> => {
    const known = accepted.get(key, clock.monotonic()) ?? refused.get(key, clock.monotonic());
    if (known !== undefined) return known as T;
    const asked = asking.get(key);
    if (asked !== undefined) return asked as Promise<T>;
    if (asking.size >= mostAtOnce + mostWaiting)
      throw new AppError('RateLimited', 'the API server is asked about too many tokens just now');
    const answer = limited(ask)
      .then((verdict) => {
        const forMs = acceptedFor(verdict);
        const cache = forMs === null ? refused : accepted;
        cache.set(key, verdict, clock.monotonic() + (forMs ?? refusedMs));
        return verdict;
      })
      .finally(() => asking.delete(key));
    asking.set(key, answer);
    return answer;
  };
}

function statusOf(transport: KubeTransport, kind: ObjectKind, body: string): Readonly<Record<string, unknown>> {
  try {
    return (JSON.parse(body) as KubernetesObject).status ?? {};
  } catch (cause) {
    throw transport.unavailable(`${transport.server} answered to a ${kind.kind} with what is not JSON`, cause);
  }
}

function attributesOf(wanted: WantedAccess): object {
  if ('path' in wanted) return { nonResourceAttributes: wanted };
  const { verb, group, resource, subresource, namespace, name } = wanted;
  return {
    resourceAttributes: {
      verb,
      group,
      resource,
      ...(subresource === undefined ? {} : { subresource }),
      ...(namespace === null ? {} : { namespace }),
      ...(name === undefined ? {} : { name }),
    },
  };
}

/** A server that says nothing of audiences has not looked at them: then the token is for the server itself, and not for us. */
function readTokenVerdict(status: Readonly<Record<string, unknown>>, audiences: readonly string[]): TokenVerdict {
  const { authenticated, error, user } = status;
  if (authenticated !== true)
    return { kind: 'refused', reason: typeof error === 'string' && error !== '' ? error : 'the token is not known' };
  const known = textsIn(status['audiences']);
  if (audiences.length > 0 && !audiences.some((audience) => known.includes(audience)))
    return { kind: 'refused', reason: `the token is not for ${audiences.join(' or ')}` };
  const { username, uid, groups, extra } = (user ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof username !== 'string' || username === '') return { kind: 'refused', reason: 'the token is of nobody' };
  return {
    kind: 'known',
    user: {
      name: username,
      uid: typeof uid === 'string' ? uid : '',
      groups: textsIn(groups),
      extra: Object.fromEntries(Object.entries(extra ?? {}).map(([name, values]) => [name, textsIn(values)])),
    },
  };
}

/** Until a JSON Web Token says that it ends (RFC 7519, `exp`), at most {@link acceptedMs}. Its signature was checked by the server. */
function lifeOf(token: string, nowMs: number): number {
  try {
    const { exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as {
      readonly exp?: unknown;
    };
    return typeof exp === 'number' ? Math.max(0, Math.min(acceptedMs, exp * 1000 - nowMs)) : acceptedMs;
  } catch {
    return acceptedMs;
  }
}

function readAccessVerdict({
  allowed,
  denied,
  reason,
  evaluationError,
}: Readonly<Record<string, unknown>>): AccessVerdict {
  const said = [reason, evaluationError].filter((text) => typeof text === 'string' && text !== '').join('; ');
  return { allowed: allowed === true && denied !== true, reason: said };
}

function textsIn(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
}
