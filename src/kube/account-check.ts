import type { AccountPlace, AccountVerdict } from '../core/account.ts';
import type { KubeClient } from './client.ts';
import { KubeFailure } from './failure.ts';
import { readPermissions } from './permissions.ts';
import type { Permission } from './permissions.ts';

/** Without these an investigation would say nothing. */
const least = ['pods', 'events'] as const;
/** Kinds that are told by name. */
const mostNamed = 5;

const no = (reason: string, message: string): AccountVerdict => ({ status: 'False', reason, message });

/** The user that a ServiceAccount is. */
export function accountUser({ namespace, name }: AccountPlace): string {
  return `system:serviceaccount:${namespace}:${name}`;
}

/** Of an account that nobody but the installation can allow. */
export function notAllowed({ namespace, name }: AccountPlace): AccountVerdict {
  const message = `the installation does not let Workflows of namespace ${namespace} look with ServiceAccount ${name}; list it in read.accounts of the chart (--allow-account ${namespace}/${name} of the operator)`;
  return no('AccountNotAllowed', message);
}

/**
 * Asks the API server as a ServiceAccount what it may read: of its own namespace where it is `walled`, else of all. Reads nothing.
 * Throws ClusterUnavailable where that cannot be told now.
 */
export async function checkAccount(
  client: Pick<KubeClient, 'review'>,
  place: AccountPlace,
  isWalled: boolean,
): Promise<AccountVerdict> {
  const { namespace, name } = place;
  const account = `ServiceAccount ${namespace}/${name}`;
  const where = isWalled ? namespace : null;
  try {
    const { permissions } = isWalled ? await readPermissions(client, where, least) : { permissions: [] };
    const lacking = missingOf(permissions);
    if (lacking.length > 0) return no('PermissionMissing', `${account} may not ${textOf(lacking)}; ${grant(place)}`);
    const unread = missingOf((await readPermissions(client, where)).permissions);
    return {
      status: 'True',
      reason: 'AccountReads',
      message: `investigations look as ${account}${allBut(unread, where)}`,
    };
  } catch (thrown) {
    if (!(thrown instanceof KubeFailure)) throw thrown;
    if (thrown.reason === 'NotFound')
      return no('AccountNotFound', `there is no ${account}; kubectl create serviceaccount ${name} -n ${namespace}`);
    if (thrown.retryable) throw thrown;
    return no('TokenRefused', `the operator gets no token of ${account}: ${thrown.message}; ${thrown.next ?? ''}`);
  }
}

function missingOf(permissions: readonly Permission[]): readonly Permission[] {
  return permissions.filter(({ missing }) => missing.length > 0);
}

function textOf(lacking: readonly Permission[]): string {
  return lacking.map(({ resource, missing }) => `${missing.join(' and ')} ${resource}`).join(', ');
}

/** `view` is in every cluster, and has no Secrets. */
function grant({ namespace, name }: AccountPlace): string {
  return `kubectl create rolebinding ${name}-view -n ${namespace} --clusterrole=view --serviceaccount=${namespace}:${name}`;
}

function allBut(unread: readonly Permission[], namespace: string | null): string {
  if (unread.length === 0) return '';
  const where = namespace === null ? 'everywhere' : `in namespace ${namespace}`;
  const named = unread.slice(0, mostNamed).map(({ resource }) => resource);
  const more = unread.length > mostNamed ? ` and ${unread.length - mostNamed} more kinds` : '';
  return `, which may not read ${named.join(', ')}${more} ${where}: what of them matters is a gap of a report`;
}
