import { expect, test } from 'vitest';
import { analyze } from '../../../test/support/analyze.ts';
import { podObject } from '../../../test/support/memory-cluster.ts';
import { podInit } from './pod-init.ts';

const waiting = (startedAt: string, container: object = {}) =>
  podObject('web-1', {
    spec: { initContainers: [{ name: 'wait', ...container }] },
    status: {
      phase: 'Pending',
      initContainerStatuses: [{ name: 'wait', ready: false, restartCount: 0, state: { running: { startedAt } } }],
    },
    state: { ready: false, state: { waiting: { reason: 'PodInitializing' } } },
  });
const services = [{ metadata: { name: 'postgres', namespace: 'shop' }, spec: { clusterIP: '10.96.0.5' } }];

test.each([
  [
    'its log names what it waits for',
    {},
    { 'shop/web-1/wait': 'waiting for postgres:5432...\nwaiting for postgres:5432...\n' },
  ],
  ['its command names it', { command: ['sh', '-c', 'until nc -z postgres 5432; do sleep 1; done'] }, {}],
])('an init container that does not end: %s', async (_, container, logs) => {
  const [finding] = await analyze(podInit, 'pod', waiting('2026-01-01T11:10:00Z', container), { services }, { logs });
  expect(finding).toMatchObject({
    category: 'init-waits',
    decisive: false,
    when: { from: '2026-01-01T11:10:00.000Z' },
    pointers: [{ kind: 'service', namespace: 'shop', name: 'postgres' }],
  });
  expect(finding?.cause).toContain('Init container wait of pod web-1 has been running for 50m');
});

test('a name that no Service has is told with the nearest one', async () => {
  const logs = { 'shop/web-1/wait': "nc: bad address 'postgre'\n" };
  const [finding] = await analyze(podInit, 'pod', waiting('2026-01-01T11:10:00Z'), { services }, { logs });
  expect(finding?.cause).toContain('There is no Service postgre in namespace shop. The nearest name is postgres.');
});

test('a short run, a sidecar, and a pod that has started are ordinary', async () => {
  expect(await analyze(podInit, 'pod', waiting('2026-01-01T11:58:00Z'))).toEqual([]);
  expect(await analyze(podInit, 'pod', waiting('2026-01-01T11:10:00Z', { restartPolicy: 'Always' }))).toEqual([]);
  expect(await analyze(podInit, 'pod', podObject('web-1'))).toEqual([]);
});
