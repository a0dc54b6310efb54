import { apiGroup, tokenAudience } from '../../core/identity.ts';
import type { Identities, Right, ShownToken } from '../../core/identity.ts';
import type { KubeReviews, TokenVerdict, WantedAccess } from './review.ts';

/** Callers as an API server knows them: TokenReview, then SubjectAccessReview. */
export function clusterIdentities(reviews: Pick<KubeReviews, 'token' | 'access'>): Identities {
  async function userOf({ token, from }: ShownToken, audience: string | null): Promise<TokenVerdict> {
    const own = await reviews.token(token, [audience ?? tokenAudience], from);
    // What a pod has without being asked is for the API server.
    return own.kind === 'known' || audience !== null ? own : reviews.token(token, [], from);
  }
  return {
    async check(shown, right, audience = null) {
      const verdict = await userOf(shown, audience);
      if (verdict.kind === 'refused') return { kind: 'unknown' };
      const { user } = verdict;
      const isAllowed = right === null || (await reviews.access(user, wantedOf(right))).allowed;
      return { kind: isAllowed ? 'allowed' : 'forbidden', user: user.name };
    },
  };
}

function wantedOf(right: Right): WantedAccess {
  if ('path' in right) return right;
  const { verb, namespace } = right;
  if (right.resource !== 'sources/webhook') return { verb, group: apiGroup, resource: right.resource, namespace };
  return { verb, group: apiGroup, resource: 'sources', subresource: 'webhook', namespace, name: right.name };
}
