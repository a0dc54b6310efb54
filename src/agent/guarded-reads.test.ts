import { expect, it } from 'vitest';
import { memoryCluster, podObject } from '../../test/support/memory-cluster.ts';
import { openReads } from '../investigation/reads.ts';
import { guardReads } from './guarded-reads.ts';

const objects = {
  pods: [podObject('web-1'), podObject('dns-1', { meta: { namespace: 'kube-system' } })],
  nodes: [{ kind: 'Node', metadata: { name: 'n1' } }],
  events: [
    {
      metadata: { name: 'e', namespace: 'kube-system' },
      involvedObject: { kind: 'Pod', name: 'dns-1' },
      reason: 'Killing',
    },
  ],
};

async function guarded(isClusterWide = false) {
  const usage = {
    pods: [{ metadata: { name: 'dns-1', namespace: 'kube-system' } }],
    nodes: [{ metadata: { name: 'n1' } }],
  };
  const cluster = memoryCluster(objects, { usage, logs: { 'kube-system/dns-1/app': 'canary' } });
  const reads = await openReads(cluster, () => '2026-01-01T12:00:00.000Z', new AbortController().signal);
  const scope = { namespaces: new Set(['shop']), isClusterWide, hosts: [], mcpTools: new Set<string>() };
  return { cluster, reads, guard: guardReads(reads, scope) };
}

it('reads nothing outside of its namespaces, whatever asks, and the cluster is not asked for it', async () => {
  const { guard, reads, cluster } = await guarded();
  const other = { kind: 'pod', namespace: 'kube-system', name: 'dns-1' } as const;
  const log = { namespace: 'kube-system', pod: 'dns-1', container: 'app', previous: false, tailLines: 10 };
  expect(await guard.get('pod', 'kube-system', 'dns-1')).toMatchObject({ kind: 'forbidden' });
  expect(await guard.list('pods', 'kube-system')).toMatchObject({ kind: 'forbidden' });
  expect(await guard.logs(log)).toMatchObject({ kind: 'forbidden' });
  expect(await guard.events(other)).toEqual([]);
  expect(await guard.usage?.({ of: 'pods', namespace: 'kube-system' })).toMatchObject({ kind: 'forbidden' });
  expect(await guard.usage?.({ of: 'pods', namespace: null })).toMatchObject({ kind: 'forbidden' });
  expect(cluster.asked).toEqual([]);
  await reads.list('pods', 'kube-system');
  expect(reads.listed('pod', 'kube-system', 'dns-1')).not.toBeNull();
  expect(guard.listed('pod', 'kube-system', 'dns-1')).toBeNull();
});

it('lets what is in its namespaces or in none through, and of a list of all what it may see', async () => {
  const { guard } = await guarded();
  expect(await guard.get('pod', 'shop', 'web-1')).toMatchObject({ kind: 'ok', value: { metadata: { name: 'web-1' } } });
  expect(await guard.get('node', null, 'n1')).toMatchObject({ kind: 'ok' });
  expect(await guard.list('nodes', null)).toMatchObject({ kind: 'ok', value: [{}] });
  expect(await guard.usage?.({ of: 'nodes', namespace: null })).toMatchObject({ kind: 'ok', value: [{}] });
  const all = await guard.list('pods', null);
  expect(all).toMatchObject({ kind: 'ok', isPartial: true, value: [{ metadata: { name: 'web-1' } }] });
});

it('lets everything through where the step allows the cluster', async () => {
  const { guard } = await guarded(true);
  expect(await guard.list('pods', null)).toMatchObject({ kind: 'ok', value: [{}, {}] });
  expect(await guard.usage?.({ of: 'pods', namespace: null })).toMatchObject({ kind: 'ok', value: [{}] });
  expect(
    await guard.logs({ namespace: 'kube-system', pod: 'dns-1', container: 'app', previous: false, tailLines: 10 }),
  ).toMatchObject({ kind: 'ok', value: 'canary' });
});
