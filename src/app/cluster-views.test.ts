import { expect, test } from 'vitest';
import { planOf } from '../../test/support/engine.ts';
import { memoryCluster } from '../../test/support/memory-cluster.ts';
import type { ClusterAccess } from '../core/plan.ts';
import { servedAccounts, servedViews, viewOf } from './cluster-views.ts';
import type { ClusterViews } from './cluster-views.ts';

const pod = (namespace: string) => ({ kind: 'Pod', metadata: { namespace, name: 'web-1' } });
const all = { ...memoryCluster({ pods: [pod('shop'), pod('bank')] }), description: 'all' };
const asked: string[] = [];
const operator: ClusterViews = {
  isWalled: (namespace) => namespace !== 'fist',
  asAccount({ namespace, name }) {
    asked.push(`${namespace}/${name}`);
    return namespace === 'shop' && name === 'investigator' ? { ...all, description: 'as the account' } : null;
  },
};
const view = (namespace: string, clusterAccess: ClusterAccess | null, views = operator) =>
  viewOf(planOf([], { namespace, ...(clusterAccess === null ? {} : { clusterAccess }) }), all, views);
const custom = (serviceAccount: string): ClusterAccess => ({ level: 'custom', serviceAccount });

test('level read: the one account, behind the wall of the namespace', async () => {
  const { cluster, closed, onlyNamespace } = view('shop', null);
  expect({ closed, onlyNamespace, description: cluster?.description }).toEqual({
    closed: null,
    onlyNamespace: 'shop',
    description: 'all',
  });
  expect(await cluster?.get('pods', 'shop', 'web-1')).toMatchObject({ kind: 'ok' });
  expect(await cluster?.get('pods', 'bank', 'web-1')).toMatchObject({ kind: 'forbidden' });
  expect(view('fist', null)).toMatchObject({ onlyNamespace: null });
});

test('level none: no cluster, and metrics and logs stay those of the namespace', () => {
  expect(view('shop', { level: 'none' })).toMatchObject({
    cluster: null,
    closed: { reason: 'clusterAccess.level of the Workflow is none' },
    onlyNamespace: 'shop',
  });
});

test('level custom: an account of the own namespace that is listed, and the wall beside its rights', async () => {
  const { cluster, onlyNamespace } = view('shop', custom('investigator'));
  expect(cluster?.description).toBe('as the account');
  expect(onlyNamespace).toBe('shop');
  // Whoever owns it may have bound the account; who raises alerts must not choose it.
  expect(await cluster?.get('pods', 'bank', 'web-1')).toMatchObject({ kind: 'forbidden' });
  asked.length = 0;
  for (const [namespace, name] of [
    ['shop', 'other'],
    ['bank', 'investigator'],
    ['bank', 'shop/investigator'],
  ] as const)
    expect(view(namespace, custom(name))).toMatchObject({
      cluster: null,
      closed: { reason: `ServiceAccount ${namespace}/${name} may not be used here` },
    });
  expect(asked).toEqual(['shop/other', 'bank/investigator', 'bank/shop/investigator']);
});

test('a server of a folder looks at all, at none, and never as an account', () => {
  expect(view('shop', null, servedViews)).toMatchObject({ closed: null, onlyNamespace: null });
  expect(view('shop', { level: 'none' }, servedViews).cluster).toBeNull();
  expect(view('shop', custom('investigator'), servedViews).cluster).toBeNull();
  expect(servedAccounts.verdict({ namespace: 'shop', name: 'investigator' })).toMatchObject({ status: 'False' });
});
