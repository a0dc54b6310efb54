import { createHmac, randomBytes } from 'node:crypto';
import type { KubernetesObject } from '../../core/cluster.ts';
import type { Clock } from '../../core/ports.ts';
import { canonicalJson } from '../../lib/hash.ts';
import { explainFailure } from '../connection/failure.ts';
import { kindPath } from '../kinds/kinds.ts';
import type { ObjectKind } from '../kinds/kinds.ts';
import { apiVersionOf } from '../kinds/resources.ts';
import { createReviewQueue } from './review-queue.ts';
import type { KubeTransport } from '../connection/transport.ts';

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
   * system:auth-delegator), and so does `access` of subjectaccessreviews. `from` is the address of who shows it. Throws RateLimited
   * where too many are asked about whom nobody knows; who was known lately goes before them.
   */
  token(token: string, audiences: readonly string[], from: string): Promise<TokenVerdict>;
  /** Whether somebody may do it. Throws RateLimited as `token` does. */
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

/** How long a yes is taken for true. */
const acceptedMs = 60_000;
const maxReviewBytes = 1024 * 1024;
const longestToken = 16 * 1024;

/** Asks with the rights of `transport`; what is asked about others waits its turn, and its answers are kept for a while. */
export function createReviews(transport: KubeTransport, clock: Pick<Clock, 'now' | 'monotonic'>): KubeReviews {
  // Tokens are kept nowhere, and what is kept is of no use to who reads this memory's copy.
  const secret = randomBytes(32);
  const keyOf = (parts: object): string => createHmac('sha256', secret).update(canonicalJson(parts)).digest('base64');
  const answer = createReviewQueue(clock);

  async function ask(kind: ObjectKind, spec: object): Promise<Readonly<Record<string, unknown>>> {
    const answer = await transport.ask({
      method: 'POST',
      path: kindPath(kind, null),
      body: { apiVersion: apiVersionOf(kind), kind: kind.kind, spec },
      maxBytes: maxReviewBytes,
      isRefusal: ({ body }) => !/"(?:allowed|authenticated)":true/.test(body),
    });
    if (answer.status !== 201 && answer.status !== 200)
      throw explainFailure(transport, { verb: 'create', kind, namespace: null, name: '' }, answer);
    return statusOf(transport, kind, answer.body);
  }

  return {
    async token(token, audiences, from) {
      if (token === '' || token.length > longestToken || !/^[\x21-\x7e]+$/.test(token))
        return { kind: 'refused', reason: 'this cannot be a token' };
      const key = keyOf(['token', audiences, token]);
      return answer({
        key,
        who: keyOf(['token', token]),
        from,
        isAuthenticated: false,
        ask: async () => readTokenVerdict(await ask(reviewKinds.token, { token, audiences }), audiences),
        acceptedFor: ({ kind }) => (kind === 'known' ? lifeOf(token, clock.now()) : null),
      });
    },
    async access(user, wanted) {
      const spec = {
        user: user.name,
        uid: user.uid,
        groups: user.groups,
        extra: user.extra,
        ...attributesOf(wanted),
      };
      const key = keyOf(['access', spec]);
      return answer({
        key,
        who: key,
        from: `user ${user.name}`,
        isAuthenticated: true,
        ask: async () => readAccessVerdict(await ask(reviewKinds.access, spec)),
        acceptedFor: ({ allowed }) => (allowed ? acceptedMs : null),
      });
    },
    selfAccess: async (wanted) => readAccessVerdict(await ask(reviewKinds.selfAccess, attributesOf(wanted))),
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
