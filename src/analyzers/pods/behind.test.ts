import { expect, test } from 'vitest';
import { memoryCluster, podObject } from '../../../test/support/memory-cluster.ts';
import type { KubernetesObject } from '../../core/cluster.ts';
import { openReads } from '../../investigation/reads.ts';
import type { Target } from '../define.ts';
import { lastWords } from '../log/telling.ts';
import { readLog } from '../log/records.ts';
import { containersOf } from './pod-status.ts';
import { behind } from './behind.ts';

const service = (namespace: string, name: string, clusterIP: string, port: number) => ({
  kind: 'Service',
  metadata: { name, namespace },
  spec: { clusterIP, selector: { app: name }, ports: [{ port }] },
});

/** What a last line of a log points at, `namespace/name`. */
async function pointedAt(line: string, services: readonly object[]): Promise<readonly string[]> {
  const cluster = memoryCluster({ services });
  const reads = await openReads(cluster, () => '2026-01-01T12:00:00.000Z', new AbortController().signal);
  const object = podObject('web-1') as KubernetesObject;
  const target: Target = { kind: 'pod', namespace: 'shop', name: 'web-1', object, relation: 'alert', via: null };
  const [container] = containersOf(object);
  if (container === undefined) throw new Error('no container');
  const telling = lastWords(readLog(`${line}\n`), { exitCode: 1, finishedAt: null });
  return (await behind(reads, target, container, telling)).pointers.map(
    ({ namespace, name }) => `${namespace}/${name}`,
  );
}

test('an address of a Service in another namespace', async () => {
  const vault = [service('vault', 'vault', '10.43.204.196', 8200)];
  const line =
    'FATAL Put "http://10.43.204.196:8200/v1/auth": dial tcp 10.43.204.196:8200: connect: connection refused';
  expect(await pointedAt(line, vault)).toEqual(['vault/vault']);
});

test('a name server that does not answer is asked about, not the name that was looked up', async () => {
  const services = [service('kube-system', 'coredns', '10.96.0.10', 53), service('shop', 'outfits', '10.96.4.4', 80)];
  const lookup = (answer: string) =>
    `FATAL dial tcp: lookup outfits.shop.svc.cluster.local on 10.96.0.10:53: ${answer}`;
  expect(await pointedAt(lookup('read udp 10.1.1.1:4->10.96.0.10:53: read: connection refused'), services)).toEqual([
    'kube-system/coredns',
  ]);
  expect(await pointedAt(lookup('i/o timeout'), [])).toEqual(['kube-system/kube-dns']);
  // One that says that there is no such name has answered.
  expect(await pointedAt(lookup('no such host'), services)).toContain('shop/outfits');
});
