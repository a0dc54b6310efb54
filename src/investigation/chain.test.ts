import { expect, test } from 'vitest';
import { alertOf } from '../../test/support/alert-snapshot.ts';
import { eventObject, memoryCluster, podObject } from '../../test/support/memory-cluster.ts';
import type { Objects } from '../../test/support/memory-cluster.ts';
import type { AgentResult } from '../core/finding.ts';
import { investigate } from './investigate.ts';

async function ask(
  objects: Objects,
  labels: Readonly<Record<string, string>>,
  name = 'KubeContainerWaiting',
  log = '',
) {
  const alert = alertOf(labels, { name });
  const { result } = await investigate({
    cluster: memoryCluster(objects, { logs: { 'shop/shop-h1-aaaaa/app': log } }),
    alert,
    asked: '',
    firstEvidenceNumber: 1,
    refusal: null,
    now: () => '2026-01-01T12:00:30.000Z',
    signal: new AbortController().signal,
  });
  return result;
}

const steps = ({ causal_chain: chain }: AgentResult) => chain.map(({ relation, object }) => `${relation} ${object}`);

const waiting = { waiting: { reason: 'CreateContainerConfigError', message: 'secret "stripe-key" not found' } };
const needsSecret = podObject('pay-1', { status: { phase: 'Pending' }, state: { ready: false, state: waiting } });

test('a custom resource is on the way under its own kind, with what its controller says', async () => {
  const events = [eventObject({ kind: 'ExternalSecret', name: 'stripe-key' }, 'UpdateFailed', 'AccessDeniedException')];
  const result = await ask({ pods: [needsSecret], events }, { namespace: 'shop', pod: 'pay-1' });
  expect(steps(result)).toEqual(['alert pod/shop/pay-1', 'points at externalsecret/shop/stripe-key']);
  expect(result.causal_chain[1]?.finding).toContain('its controller says UpdateFailed');
  // What its event says is told once, and not as another object's.
  expect(JSON.stringify(result)).not.toContain('customresource');
  expect(result.findings.filter(({ object }) => object.includes('stripe-key'))).toHaveLength(1);
});

test('a cause that was come to by another way stands behind what points at it, from where the ways part', async () => {
  const owned = (name: string, kind: string) => ({
    ownerReferences: [{ apiVersion: 'apps/v1', kind, name, uid: `uid-${name}`, controller: true }],
  });
  const env = [{ name: 'STOCK', value: 'http://stock:80' }];
  const deployment = {
    kind: 'Deployment',
    metadata: { name: 'shop', namespace: 'shop', uid: 'uid-shop' },
    spec: { replicas: 1, template: { spec: { containers: [{ name: 'app', env }] } } },
    status: { replicas: 1, updatedReplicas: 1 },
  };
  const set = {
    kind: 'ReplicaSet',
    metadata: { name: 'shop-h1', namespace: 'shop', uid: 'uid-shop-h1', ...owned('shop', 'Deployment') },
  };
  const ended = { terminated: { reason: 'Error', exitCode: 1, finishedAt: '2026-01-01T11:58:00Z' } };
  const crashing = podObject('shop-h1-aaaaa', {
    meta: owned('shop-h1', 'ReplicaSet'),
    state: { restartCount: 7, ready: false, state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: ended },
  });
  const stock = {
    kind: 'Service',
    metadata: { name: 'stock', namespace: 'shop' },
    spec: { selector: { app: 'stock' }, ports: [{ port: 80 }] },
  };
  const behind = podObject('stock-1', {
    meta: { labels: { app: 'stock' } },
    status: { phase: 'Pending' },
    state: { ready: false, state: waiting },
  });
  const objects = { pods: [crashing, behind], replicasets: [set], deployments: [deployment], services: [stock] };
  const log = 'FATAL Get "http://stock:80/": dial tcp: connect: connection refused\n';
  const result = await ask(objects, { namespace: 'shop', deployment: 'shop' }, 'ServiceUnhealthy', log);
  expect(result.root_cause).toContain('stripe-key');
  expect(steps(result)).toEqual([
    'alert deployment/shop/shop',
    'owned pod/shop/shop-h1-aaaaa',
    'calls service/shop/stock',
    'selects pod/shop/stock-1',
  ]);
});

test('a volume is in no namespace, whatever namespace its exporter is in', async () => {
  const persistentvolumes = [
    {
      kind: 'PersistentVolume',
      metadata: { name: 'pv-1', creationTimestamp: '2026-01-01T11:00:00Z' },
      spec: { capacity: { storage: '1Gi' }, storageClassName: 'fast' },
      status: { phase: 'Failed', message: 'error deleting: volume is still attached' },
    },
  ];
  for (const labels of [{ persistentvolume: 'pv-1' }, { persistentvolume: 'pv-1', namespace: 'monitoring' }]) {
    const result = await ask({ persistentvolumes }, labels, 'KubePersistentVolumeErrors');
    expect(result.findings[0]?.object).toBe('persistentvolume/pv-1');
  }
});

test('an alert that names nothing says so', async () => {
  const result = await ask({}, { team: 'a' }, 'SomethingIsOdd');
  expect(result.summary).toBe('Inconclusive: its labels name no Kubernetes object.');
});
