/** The group of the objects, and of what rights on runs are named by. */
export const apiGroup = 'punchingfist.io';

/** For whom a token may be made; one that is made for somebody else's ears is not taken (RFC 7519, `aud`). */
export const tokenAudience = 'punching-fist';

/** What somebody wants to do here, in the words of a cluster's roles. `namespace` null = in all. */
export type Right =
  | {
      readonly verb: 'get' | 'update';
      /** Rows of the store: no API server has such objects, and roles may name them all the same. */
      readonly resource: 'runs' | 'approvals';
      readonly namespace: string | null;
    }
  | {
      readonly verb: 'create';
      readonly resource: 'sources/webhook';
      readonly namespace: string;
      /** Of the Source. */
      readonly name: string;
    }
  /** Of this server, as `nonResourceURLs` of a role. */
  | { readonly verb: 'get'; readonly path: '/metrics' };

export type IdentityVerdict =
  | { readonly kind: 'allowed'; readonly user: string }
  | { readonly kind: 'forbidden'; readonly user: string }
  /** The token is nobody's, or not for us. */
  | { readonly kind: 'unknown' };

/** A token, and the address from which somebody shows it: unknown ones of one address have a bounded share. */
export interface ShownToken {
  readonly token: string;
  readonly from: string;
}

/** Who callers are and what they may, as a cluster says. */
export interface Identities {
  /**
   * Whose token it is, and whether they may do it; null = whatever they may. `audience` null = {@link tokenAudience}, or that of the
   * cluster itself. Throws RateLimited where too many unknown tokens are shown, and AppError where nobody can tell now.
   */
  check(shown: ShownToken, right: Right | null, audience?: string | null): Promise<IdentityVerdict>;
}

/** As roles name it: `update on runs.punchingfist.io in namespace shop`. */
export function rightText(right: Right): string {
  if ('path' in right) return `${right.verb} on ${right.path}`;
  const what = right.resource === 'sources/webhook' ? `sources.${apiGroup}/webhook` : `${right.resource}.${apiGroup}`;
  const where = right.namespace === null ? 'in all namespaces' : `in namespace ${right.namespace}`;
  return `${right.verb} on ${what}${'name' in right ? ` ${right.name}` : ''} ${where}`;
}
