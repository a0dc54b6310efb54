import { expect, test } from 'vitest';
import { catalogOptions } from '../../test/support/resources.ts';
import type { AccountVerdicts } from '../core/account.ts';
import { buildCatalog } from './catalog.ts';
import { compileWorkflow } from './compile.ts';

const steps = [{ name: 'look', type: 'agent', goal: 'x' }];
const planned = (clusterAccess?: object) =>
  compileWorkflow('shop', 'triage', { steps, ...(clusterAccess === undefined ? {} : { clusterAccess }) });

test.each([
  [undefined, undefined],
  [{ level: 'read' }, undefined],
  [{ level: 'none' }, { level: 'none' }],
  [
    { level: 'custom', serviceAccount: 'investigator' },
    { level: 'custom', serviceAccount: 'investigator' },
  ],
])('%j', (given, expected) => {
  const { accepted, issues } = planned(given);
  expect(issues).toEqual([]);
  expect(accepted?.clusterAccess).toEqual(expected);
});

test.each([
  [{}, 'spec.clusterAccess.level is required'],
  [{ level: 'act' }, 'spec.clusterAccess.level must be one of none, read, custom'],
  [{ level: 'custom' }, 'spec.clusterAccess.serviceAccount is required: with whose rights level custom looks'],
  [{ level: 'none', serviceAccount: 'a' }, 'spec.clusterAccess.serviceAccount belongs to level custom'],
  [{ level: 'custom', serviceAccount: 'bank/a' }, 'must be a DNS name'],
  [{ level: 'custom', serviceAccount: 'a', namespace: 'bank' }, 'unknown field spec.clusterAccess.namespace'],
])('%j is refused', (given, message) => {
  expect(
    planned(given)
      .issues.map((issue) => issue.message)
      .join(),
  ).toContain(message);
});

function conditionsWith(accounts: AccountVerdicts | undefined) {
  const clusterAccess = { level: 'custom', serviceAccount: 'investigator' };
  const [workflow] = buildCatalog(
    [
      {
        kind: 'Workflow',
        namespace: 'shop',
        name: 'triage',
        origin: '',
        createdAt: null,
        spec: { steps, clusterAccess },
      },
    ],
    catalogOptions({ accounts }),
  ).workflows;
  return { ready: workflow?.ready, told: workflow?.conditions.map(({ type, reason }) => `${type} ${reason}`) };
}

test('a Workflow whose account cannot be used is not ready; lint, which asks nobody, takes it', () => {
  expect(conditionsWith(undefined)).toEqual({ ready: true, told: ['Ready Accepted'] });
  const verdict = (status: 'True' | 'False' | 'Unknown', reason: string): AccountVerdicts => ({
    verdict: ({ namespace, name }) => ({ status, reason, message: `${namespace}/${name}` }),
  });
  expect(conditionsWith(verdict('True', 'AccountReads'))).toEqual({
    ready: true,
    told: ['Ready Accepted', 'ClusterAccess AccountReads'],
  });
  expect(conditionsWith(verdict('False', 'PermissionMissing'))).toEqual({
    ready: false,
    told: ['Ready PermissionMissing', 'ClusterAccess PermissionMissing'],
  });
  // A run that is made meanwhile must not fail for what nobody knows: it looks, and finds out.
  expect(conditionsWith(verdict('Unknown', 'AccountNotAsked'))).toEqual({
    ready: true,
    told: ['Ready Accepted', 'ClusterAccess AccountNotAsked'],
  });
});
