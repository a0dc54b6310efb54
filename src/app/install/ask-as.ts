import type { ObjectPlace } from '../../core/place.ts';
import { systemClock } from '../../lib/clock.ts';
import { accountUser } from '../../kube/accounts/account-check.ts';
import { createAccountTokens } from '../../kube/accounts/account-tokens.ts';
import { KubeFailure } from '../../kube/connection/failure.ts';
import type { KubeAccess } from '../../kube/connection/kubeconfig.ts';
import { levelAccess } from '../../kube/accounts/level-account.ts';
import { createReviews } from '../../kube/accounts/review.ts';
import type { AccessVerdict, WantedAccess } from '../../kube/accounts/review.ts';
import { transportOf } from '../../kube/connection/transport.ts';
import type { KubeTransport } from '../../kube/connection/transport.ts';

/** What an account may do, as the API server says. */
export interface Asker {
  readonly ask: (wanted: WantedAccess) => Promise<AccessVerdict>;
  /** Requests as the account; null = whoever checks gets no token of it. */
  readonly transport: KubeTransport | null;
}

/** Asks an API server as several ServiceAccounts, one after the other. */
export interface Askers {
  /** null = there is no such account. Throws KubeFailure, and ClusterUnavailable. */
  as(place: ObjectPlace): Promise<Asker | null>;
  close(): Promise<void>;
}

/** Makes tokens of ten minutes with the rights of `access`; where it may not, it asks about an account with these. */
export function createAskers(access: KubeAccess, own: KubeTransport): Askers {
  const clock = systemClock();
  const tokens = createAccountTokens(own, clock);
  const about = createReviews(own, clock);
  const known = new Map<string, Promise<Asker | null>>();
  const opened: KubeTransport[] = [];

  async function open(place: ObjectPlace): Promise<Asker | null> {
    const { namespace, name } = place;
    try {
      await tokens.get(namespace, name);
    } catch (thrown) {
      if (!(thrown instanceof KubeFailure) || thrown.retryable) throw thrown;
      if (thrown.reason === 'NotFound') return null;
      const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'];
      const user = { name: accountUser(place), uid: '', groups, extra: {} };
      return { ask: (wanted) => about.access(user, wanted), transport: null };
    }
    const transport = transportOf(levelAccess(access, tokens, place));
    opened.push(transport);
    const reviews = createReviews(transport, clock);
    return { ask: (wanted) => reviews.selfAccess(wanted), transport };
  }
  return {
    as(place) {
      const key = `${place.namespace}/${place.name}`;
      const asker = known.get(key) ?? open(place);
      known.set(key, asker);
      return asker;
    },
    async close() {
      await Promise.all(opened.map((transport) => transport.close()));
    },
  };
}
