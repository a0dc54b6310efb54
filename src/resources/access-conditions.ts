import type { AccountVerdicts } from '../core/account.ts';
import type { Condition } from '../core/catalog.ts';
import type { Plan } from '../core/plan.ts';

/** Whether the ServiceAccount of a Workflow can be used. Without it nothing is looked at, so the Workflow is not ready. */
export function accessConditions(
  { namespace, clusterAccess }: Plan,
  accounts: AccountVerdicts | undefined,
): readonly Condition[] {
  if (accounts === undefined || clusterAccess?.level !== 'custom') return [];
  const verdict = accounts.verdict({ namespace, name: clusterAccess.serviceAccount });
  const access: Condition = { type: 'ClusterAccess', ...verdict };
  return verdict.status === 'True' ? [access] : [access, { type: 'Ready', ...verdict }];
}
