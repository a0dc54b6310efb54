import { z } from 'zod';
import type { AccountVerdicts } from '../core/account.ts';
import type { Condition } from '../core/catalog.ts';
import type { Plan } from '../core/plan.ts';
import { rule } from '../lib/rule.ts';
import { objectName } from '../lib/schema.ts';

interface Access {
  readonly level: string;
  readonly serviceAccount?: string | undefined;
}

/** How investigations of a Workflow look at the cluster. */
export const clusterAccess = z
  .strictObject({
    level: z.enum(['none', 'read', 'custom']).meta({
      description:
        'none: not at all, only at metrics, logs and addresses. read: as the operator does for all Workflows. custom: with the rights of serviceAccount.',
    }),
    serviceAccount: objectName.optional().meta({
      description:
        "ServiceAccount in the Workflow's namespace. The installation has to list it (--allow-account of the operator).",
    }),
  })
  .check(
    rule<Access>(
      "self.level != 'custom' || has(self.serviceAccount)",
      'is required: with whose rights level custom looks',
      ({ level, serviceAccount }) => level !== 'custom' || serviceAccount !== undefined,
      ['serviceAccount'],
    ),
    rule<Access>(
      "self.level == 'custom' || !has(self.serviceAccount)",
      'belongs to level custom',
      ({ level, serviceAccount }) => level === 'custom' || serviceAccount === undefined,
      ['serviceAccount'],
    ),
  )
  .meta({ description: 'How investigations look at the cluster. Absent: level read.' });

/** As a plan has it: nothing for level read. */
export function compileClusterAccess(given: z.output<typeof clusterAccess> | undefined): Pick<Plan, 'clusterAccess'> {
  if (given?.level === 'none') return { clusterAccess: { level: 'none' } };
  const { serviceAccount } = given ?? {};
  return serviceAccount === undefined ? {} : { clusterAccess: { level: 'custom', serviceAccount } };
}

/** The account that the spec of a Workflow names, whatever else is wrong with it; null = none. `spec` as it came. */
export function accountNamed(spec: unknown): string | null {
  const { clusterAccess: given } = (spec ?? {}) as { readonly clusterAccess?: unknown };
  if (given === undefined) return null;
  return clusterAccess.safeParse(given).data?.serviceAccount ?? null;
}

/**
 * Whether the ServiceAccount of a Workflow can be used. Where it cannot, nothing is looked at, so the Workflow is not ready. Where nobody
 * knows yet its runs begin: they would fail for good for an API server that was away for a moment, and who looks finds out.
 */
export function accessConditions(
  { namespace, clusterAccess }: Plan,
  accounts: AccountVerdicts | undefined,
): readonly Condition[] {
  if (accounts === undefined || clusterAccess?.level !== 'custom') return [];
  const verdict = accounts.verdict({ namespace, name: clusterAccess.serviceAccount });
  const access: Condition = { type: 'ClusterAccess', ...verdict };
  return verdict.status === 'False' ? [access, { type: 'Ready', ...verdict }] : [access];
}
