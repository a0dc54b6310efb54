import type { AccountPlace } from '../core/account.ts';
import type { AccountTokens } from './account-tokens.ts';
import { kubeClient } from './client.ts';
import type { KubeClient } from './client.ts';
import type { KubeAccess } from './kubeconfig.ts';
import { levelAccess } from './level-account.ts';
import { transportOf } from './transport.ts';

/** The same API server, asked as ServiceAccounts that an installation lists. */
export interface AccountClients {
  /** null = it is not listed, whoever names it. */
  of(place: AccountPlace): KubeClient | null;
  close(): Promise<void>;
}

/** Asks nothing, and for no token, before a client is used. */
export function createAccountClients(
  own: KubeAccess,
  tokens: AccountTokens,
  allowed: readonly AccountPlace[],
): AccountClients {
  const opened = new Map<string, KubeClient>();
  return {
    of(place) {
      const listed = allowed.find(({ namespace, name }) => namespace === place.namespace && name === place.name);
      if (listed === undefined) return null;
      const key = `${listed.namespace}/${listed.name}`;
      const client = opened.get(key) ?? kubeClient(transportOf(levelAccess(own, tokens, listed)));
      opened.set(key, client);
      return client;
    },
    async close() {
      await Promise.all([...opened.values()].map((client) => client.close()));
    },
  };
}
