import type { FastifyRequest } from 'fastify';
import { AppError, toAppError } from '../core/errors.ts';
import { rightText } from '../core/identity.ts';
import type { Identities, IdentityVerdict, Right, ShownToken } from '../core/identity.ts';
import type { IdKind } from '../core/lists.ts';
import { idOf, namespaceOfRow } from './api/references.ts';
import type { RawRequest, Route, RouteRight } from './define-route.ts';
import type { ServerReader } from './options.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Whom the cluster knows by the token of this request; null = it has the API's own token, or none is wanted. */
    apiCaller: ApiIdentity | null;
    /** The only namespace that it may hear of; null = all. */
    apiWithin: string | null;
  }
}

/** Somebody who calls with a token of the cluster. */
export interface ApiIdentity {
  /** `system:serviceaccount:shop:web`, `ada`. */
  readonly user: string;
  readonly shown: ShownToken;
}

/** What a caller was granted. */
export interface Granted {
  /** With the whole id of the row that was judged: what `@latest` and the like name may be another one a moment later. */
  readonly params: unknown;
  /** The only namespace that it is about; null = all. */
  readonly within: string | null;
}

/** What a request asks for, as far as rights are about it. */
export type AskedOf = Pick<Route, 'path' | 'needs'>;

export interface RightsWorld {
  readonly identities: Identities;
  readonly reader: ServerReader;
}

/** Whose token it is. Throws Unauthenticated for one that is nobody's, and what {@link Identities} throws. */
export async function identify(
  { identities }: Pick<RightsWorld, 'identities'>,
  shown: ShownToken,
): Promise<ApiIdentity> {
  const verdict = await ask(identities, shown, null);
  if (verdict.kind !== 'unknown') return { user: verdict.user, shown };
  throw new AppError('Unauthenticated', 'neither this server nor its cluster knows the bearer token', {
    next: 'kubectl create token NAME --audience punching-fist, or the token of the server',
  });
}

/**
 * What the caller may ask for. Throws Forbidden where the caller may not do it. Who may in all namespaces may; else it is asked for the namespace of what the request
 * names: a row, an object, or a filter.
 */
export async function authorize(
  { identities, reader }: RightsWorld,
  { shown, user }: ApiIdentity,
  route: AskedOf,
  raw: Pick<RawRequest, 'params' | 'query'>,
): Promise<Granted> {
  const all: Granted = { params: raw.params, within: null };
  if (route.needs === 'identity') return all;
  const everywhere = rightOf(route.needs, null);
  if ((await ask(identities, shown, everywhere)).kind === 'allowed') return all;
  const { within: namespace, params } = 'path' in everywhere ? all : await meantBy(reader, route.path, raw);
  const right = rightOf(route.needs, namespace);
  if (namespace !== null && (await ask(identities, shown, right)).kind === 'allowed')
    return { params, within: namespace };
  throw new AppError('Forbidden', `${user} may not ${rightText(right)}`, {
    next:
      namespace === null && !('path' in right)
        ? 'name a namespace that you may look at, or have the role bound for all of them'
        : 'bind a role to it that may, fist-viewer or fist-operator',
  });
}

/** What keeps us from asking is told to whoever runs this, and is no refusal of who calls. Throws ClusterUnavailable and RateLimited. */
async function ask(identities: Identities, shown: ShownToken, right: Right | null): Promise<IdentityVerdict> {
  try {
    return await identities.check(shown, right);
  } catch (cause) {
    const error = toAppError(cause);
    if (error.code === 'RateLimited') throw error;
    throw new AppError('ClusterUnavailable', 'the cluster could not be asked who calls', { cause, retryable: true });
  }
}

function rightOf(needs: RouteRight, namespace: string | null): Right {
  if (needs === 'metrics') return { verb: 'get', path: '/metrics' };
  return { verb: needs === 'read' ? 'get' : 'update', resource: 'runs', namespace };
}

/** What stands in paths before an id. */
const rows: Readonly<Record<string, IdKind>> = {
  alerts: 'alert',
  runs: 'run',
  deliveries: 'delivery',
  events: 'event',
  'dead-letters': 'dead letter',
};

/** The namespace of the Source, the Workflow or the Sink; null = the request is about all, or about nothing that there is. */
async function meantBy(
  reader: ServerReader,
  path: string,
  { params, query }: Pick<RawRequest, 'params' | 'query'>,
): Promise<Granted> {
  const { namespace, id: reference } = params as { readonly namespace?: string; readonly id?: string };
  if (namespace !== undefined) return { params, within: namespace };
  const [, collection = ''] = /^\/api\/v1\/([^/]+)/.exec(path) ?? [];
  if (reference !== undefined) {
    const kind = rows[collection];
    const id = kind === undefined ? null : await idOf(reader, kind, reference).catch(() => null);
    if (kind === undefined || id === null) return { params, within: null };
    return { params: { ...(params as object), id }, within: await namespaceOfRow(reader, kind, id) };
  }
  // Alerts have two: what they are about is no wall.
  const filter = query[collection === 'alerts' ? 'fistNamespace' : 'namespace'];
  return { params, within: typeof filter === 'string' ? filter : null };
}

/** Who asks, for what is kept of it; null = nobody knows. Who is known by a token is not asked for a name. */
export function callerName({ apiCaller }: Pick<FastifyRequest, 'apiCaller'>, given: string | null): string | null {
  return apiCaller?.user ?? given;
}
