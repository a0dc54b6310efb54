import type { KubernetesObject } from '../../core/cluster.ts';
import type { Clock } from '../../core/ports.ts';
import { explainFailure } from '../connection/failure.ts';
import { kinds, objectPath } from '../kinds/kinds.ts';
import { createTimedCache } from './timed-cache.ts';
import type { KubeTransport } from '../connection/transport.ts';

/** A token of a ServiceAccount that ends soon. */
export interface AccountToken {
  readonly token: string;
  /** As the API server says it, RFC 3339. */
  readonly expiresAt: string;
}

/** Short tokens of ServiceAccounts, made by the API server. */
export interface AccountTokens {
  /**
   * One that has at least a fifth of its life left: for 10 minutes, the shortest that there is. Empty audiences: for the API server.
   * Needs the right to create serviceaccounts/token of this account. Throws KubeFailure, and ClusterUnavailable.
   */
  get(namespace: string, account: string, audiences?: readonly string[]): Promise<AccountToken>;
  /** After it was refused: the next one is a new one. */
  forget(namespace: string, account: string, audiences?: readonly string[]): void;
}

const lifeSeconds = 600;
/** The share of its life in which a token is given out. */
const usedShare = 0.8;
const mostAccounts = 200;
const maxTokenBytes = 64 * 1024;

export function createAccountTokens(transport: KubeTransport, clock: Pick<Clock, 'monotonic'>): AccountTokens {
  const tokens = createTimedCache<AccountToken>(mostAccounts);
  const asking = new Map<string, Promise<AccountToken>>();
  const keyOf = (namespace: string, account: string, audiences: readonly string[]): string =>
    JSON.stringify([namespace, account, audiences]);

  async function make(namespace: string, account: string, audiences: readonly string[], key: string) {
    const askedMs = clock.monotonic();
    const answer = await transport.once({
      method: 'POST',
      path: `${objectPath(kinds.serviceAccount, namespace, account)}/token`,
      body: {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { expirationSeconds: lifeSeconds, ...(audiences.length === 0 ? {} : { audiences }) },
      },
      maxBytes: maxTokenBytes,
    });
    const tried = { verb: 'create', kind: kinds.serviceAccount, namespace, name: account, subresource: 'token' };
    if (answer.status !== 201) throw explainFailure(transport, tried, answer);
    const { spec, status } = JSON.parse(answer.body) as KubernetesObject;
    const { token: value, expirationTimestamp } = status ?? {};
    if (typeof value !== 'string' || typeof expirationTimestamp !== 'string')
      throw transport.unavailable(`${transport.server} answered to a TokenRequest without a token`);
    const token = { token: value, expiresAt: expirationTimestamp };
    // A server may be set to give longer ones; none is used for longer.
    const granted = spec?.['expirationSeconds'];
    const lifeMs = Math.min(lifeSeconds, typeof granted === 'number' ? granted : lifeSeconds) * 1000;
    tokens.set(key, token, askedMs + lifeMs * usedShare);
    return token;
  }

  return {
    async get(namespace, account, audiences = []) {
      const key = keyOf(namespace, account, audiences);
      const known = tokens.get(key, clock.monotonic()) ?? asking.get(key);
      if (known !== undefined) return known;
      const made = make(namespace, account, audiences, key).finally(() => asking.delete(key));
      asking.set(key, made);
      return made;
    },
    forget: (namespace, account, audiences = []) => tokens.delete(keyOf(namespace, account, audiences)),
  };
}
