import { expect, test } from 'vitest';
import { memoryCluster, podObject } from '../../../test/support/memory-cluster.ts';
import type { Objects } from '../../../test/support/memory-cluster.ts';
import type { KubernetesObject } from '../../core/cluster.ts';
import { openReads } from '../../investigation/reads.ts';
import type { FindingDraft } from '../define.ts';
import { dns } from './dns.ts';

async function analyze(pod: object, objects: Objects = {}): Promise<readonly FindingDraft[]> {
  const now = () => '2026-01-01T12:00:00.000Z';
  const reads = await openReads(memoryCluster(objects), now, new AbortController().signal);
  return dns.run(reads, {
    kind: 'pod',
    namespace: 'shop',
    name: 'web-1',
    object: pod as KubernetesObject,
    relation: 'alert',
    via: null,
  });
}

const pod = (nameservers: readonly string[], dnsPolicy = 'None', unwell = true): object =>
  podObject('web-1', { spec: { dnsPolicy, dnsConfig: { nameservers } }, ...(unwell ? { state: {} } : {}) });
const kubeDns = {
  services: [
    { kind: 'Service', metadata: { name: 'kube-dns', namespace: 'kube-system' }, spec: { clusterIP: '10.96.0.10' } },
  ],
};

test('servers of its own that are not those of the cluster', async () => {
  const [finding] = await analyze(pod(['10.255.2.254']), kubeDns);
  expect(finding).toMatchObject({ category: 'dns-config', decisive: false });
  expect(finding?.cause).toContain(
    'only with 10.255.2.254 (dnsPolicy None) and not with the DNS of the cluster (10.96.0.10)',
  );
});

test('the DNS of a cluster by its label, and not what only has it in its name', async () => {
  const services = [
    {
      metadata: { name: 'rke2-core', namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' } },
      spec: { clusterIP: '10.43.0.10', ports: [{ port: 53 }] },
    },
    {
      metadata: { name: 'external-dns', namespace: 'kube-system' },
      spec: { clusterIP: '10.43.7.7', ports: [{ port: 7979 }] },
    },
  ];
  expect(await analyze(pod(['10.43.0.10']), { services })).toEqual([]);
  expect(await analyze(pod(['10.43.7.7']), { services })).toHaveLength(1);
});

test.each([
  ['the DNS of the cluster is among them', pod(['1.1.1.1', '10.96.0.10'])],
  ['the node-local cache', pod(['169.254.20.10'])],
  ['more servers beside those of the cluster', pod(['1.1.1.1'], 'ClusterFirst')],
  ['a pod that is well', pod(['10.255.2.254'], 'None', false)],
])('%s: nothing', async (_, object) => {
  expect(await analyze(object, kubeDns)).toEqual([]);
});
