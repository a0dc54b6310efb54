import type { ObjectPlace } from '../../core/place.ts';
import type { KubeClient } from '../connection/client.ts';
import { KubeFailure } from '../connection/failure.ts';
import { missingRights } from './permissions.ts';
import type { MissingRight } from './permissions.ts';

/** Without these an investigation would say nothing. */
const least = ['pods', 'events'] as const;
/** Kinds that are told by name. */
const mostNamed = 5;

/** Whether investigations can read with the rights of a ServiceAccount. */
export interface AccountCheck {
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
  /** What to do; null = nothing has to be done. */
  readonly next: string | null;
}

function no(reason: string, message: string, next: string): AccountCheck {
  return { status: 'False', reason, message, next };
}

/** The user that a ServiceAccount is. */
export function accountUser({ namespace, name }: ObjectPlace): string {
  return `system:serviceaccount:${namespace}:${name}`;
}

/** Of an account that nobody but the installation can allow. */
export function notAllowed({ namespace, name }: ObjectPlace): AccountCheck {
  const message = `the installation does not let Workflows of namespace ${namespace} look with ServiceAccount ${name}`;
  const next = `list it in read.accounts of the chart (--allow-account ${namespace}/${name} of the operator)`;
  return no('AccountNotAllowed', message, next);
}

/**
 * Asks the API server as a ServiceAccount what it may read: of the one namespace that is looked at with it, or (null) of all. Reads nothing.
 * Throws ClusterUnavailable where that cannot be told now.
 */
export async function checkAccount(
  client: Pick<KubeClient, 'review'>,
  place: ObjectPlace,
  where: string | null,
): Promise<AccountCheck> {
  const { namespace, name } = place;
  const account = `ServiceAccount ${namespace}/${name}`;
  try {
    const lacking = where === null ? [] : await missingRights(client, where, least);
    if (lacking.length > 0) return no('PermissionMissing', `${account} may not ${textOf(lacking)}`, grant(place));
    const unread = await missingRights(client, where);
    return {
      status: 'True',
      reason: 'AccountReads',
      message: `investigations look as ${account}${allBut(unread, where)}`,
      next: null,
    };
  } catch (thrown) {
    if (!(thrown instanceof KubeFailure)) throw thrown;
    if (thrown.reason === 'NotFound')
      return no('AccountNotFound', `there is no ${account}`, `kubectl create serviceaccount ${name} -n ${namespace}`);
    if (thrown.retryable) throw thrown;
    return no(
      'TokenRefused',
      `the operator gets no token of ${account}: ${thrown.message}`,
      thrown.next ?? `kubectl create token ${name} -n ${namespace}`,
    );
  }
}

function textOf(lacking: readonly MissingRight[]): string {
  return lacking.map(({ resource, missing }) => `${missing.join(' and ')} ${resource}`).join(', ');
}

/** `view` is in every cluster, and has no Secrets. */
function grant({ namespace, name }: ObjectPlace): string {
  return `kubectl create rolebinding ${name}-view -n ${namespace} --clusterrole=view --serviceaccount=${namespace}:${name}`;
}

function allBut(unread: readonly MissingRight[], namespace: string | null): string {
  if (unread.length === 0) return '';
  const where = namespace === null ? 'everywhere' : `in namespace ${namespace}`;
  const named = unread.slice(0, mostNamed).map(({ resource }) => resource);
  const more = unread.length > mostNamed ? ` and ${unread.length - mostNamed} more kinds` : '';
  return `, which may not read ${named.join(', ')}${more} ${where}: what of them matters is a gap of a report`;
}
