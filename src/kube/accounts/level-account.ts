import type { ObjectPlace } from '../../core/place.ts';
import type { AccountTokens } from './account-tokens.ts';
import type { KubeAccess } from '../connection/kubeconfig.ts';

/**
 * The same server as `own`, asked as another ServiceAccount with tokens of ten minutes at most: nothing of `own` but the authority of the
 * server is sent.
 */
export function levelAccess(own: KubeAccess, tokens: AccountTokens, { namespace, name }: ObjectPlace): KubeAccess {
  return {
    ...own,
    description: `ServiceAccount ${namespace}/${name} at ${own.server}`,
    kubectl: `${own.kubectl} --as system:serviceaccount:${namespace}:${name}`,
    async readIdentity(refused) {
      if (refused) tokens.forget(namespace, name);
      const { tls } = await own.readIdentity(false);
      const { ca, rejectUnauthorized, servername } = tls;
      const { token } = await tokens.get(namespace, name);
      const known = Object.entries({ ca, rejectUnauthorized, servername }).filter(([, value]) => value !== undefined);
      return { headers: { authorization: `Bearer ${token}` }, tls: Object.fromEntries(known) };
    },
  };
}
