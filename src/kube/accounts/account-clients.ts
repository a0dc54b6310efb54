import { AppError } from '../../core/errors.ts';
import type { ObjectPlace } from '../../core/place.ts';
import { accountUser, notAllowed } from './account-check.ts';
import type { AccountTokens } from './account-tokens.ts';
import { kubeClient } from '../connection/client.ts';
import type { KubeClient } from '../connection/client.ts';
import type { KubeAccess } from '../connection/kubeconfig.ts';
import { levelAccess } from './level-account.ts';
import { whoAmI } from './permissions.ts';
import { transportOf } from '../connection/transport.ts';

/** The same API server, asked as ServiceAccounts that an installation lists. */
export interface AccountClients {
  /** null = it is not listed, or is known to be the operator's own, whoever names it. */
  of(place: ObjectPlace): KubeClient | null;
  /** Whether it is the operator's own. Throws ClusterUnavailable where that cannot be told now. */
  isOwn(place: ObjectPlace): Promise<boolean>;
  close(): Promise<void>;
}

export interface AccountClientsOptions {
  /** Of the operator. */
  readonly access: KubeAccess;
  /** As the operator itself. */
  readonly client: Pick<KubeClient, 'review' | 'server'>;
  readonly tokens: AccountTokens;
  readonly allowed: readonly ObjectPlace[];
}

/**
 * Asks nothing, and for no token, before a client is used. Whoever put the operator's own account in the list must not have given away its
 * rights: no token is made before it is known who the operator is, and none of itself.
 */
export function createAccountClients({ access, client: own, tokens, allowed }: AccountClientsOptions): AccountClients {
  const opened = new Map<string, KubeClient>();
  /** It does not change; null = the API server has not said it. */
  let ownUser: string | null = null;
  let asking: Promise<string> | null = null;

  async function isOwn(place: ObjectPlace): Promise<boolean> {
    ownUser ??= await (asking ??= whoAmI(own).finally(() => (asking = null)));
    return ownUser === accountUser(place);
  }
  const guarded: AccountTokens = {
    ...tokens,
    async get(namespace, name, audiences) {
      const { message, next } = notAllowed({ namespace, name });
      if (await isOwn({ namespace, name })) throw new AppError('Forbidden', message, next === null ? {} : { next });
      return tokens.get(namespace, name, audiences);
    },
  };
  return {
    of(place) {
      const listed = allowed.find(({ namespace, name }) => namespace === place.namespace && name === place.name);
      if (listed === undefined || ownUser === accountUser(listed)) return null;
      const key = `${listed.namespace}/${listed.name}`;
      const client = opened.get(key) ?? kubeClient(transportOf(levelAccess(access, guarded, listed)));
      opened.set(key, client);
      return client;
    },
    isOwn,
    async close() {
      await Promise.all([...opened.values()].map((client) => client.close()));
    },
  };
}
