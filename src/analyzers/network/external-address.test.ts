import { expect, test } from 'vitest';
import { analyze } from '../../../test/support/analyze.ts';
import { eventObject } from '../../../test/support/memory-cluster.ts';
import { externalAddress } from './external-address.ts';

const web = (spec: object, status: object = {}) => ({
  metadata: { name: 'web', namespace: 'shop', creationTimestamp: '2026-01-01T09:00:00Z' },
  spec,
  status,
});
const balanced = { type: 'LoadBalancer' };
const about = { kind: 'Service', name: 'web' };

test('what the controller says last, unless it succeeded since', async () => {
  const message =
    'Error syncing load balancer: failed to ensure load balancer: QuotaExceeded: no more public addresses';
  const failing = eventObject(about, 'SyncLoadBalancerFailed', message);
  const [finding] = await analyze(externalAddress, 'service', web(balanced), { events: [failing] });
  expect(finding).toMatchObject({ category: 'address-failed', when: { from: '2026-01-01T11:30:00.000Z' } });
  expect(finding?.cause).toBe(`The controller of Service web fails (SyncLoadBalancerFailed, 3 times): ${message}.`);
  const done = eventObject(about, 'EnsuredLoadBalancer', 'Ensured load balancer', {
    type: 'Normal',
    lastTimestamp: '2026-01-01T11:59:30Z',
  });
  const status = { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } };
  expect(await analyze(externalAddress, 'service', web(balanced, status), { events: [failing, done] })).toEqual([]);
});

test('an ingress whose model cannot be built', async () => {
  const events = [eventObject({ kind: 'Ingress', name: 'web' }, 'FailedBuildModel', 'couldn’t auto-discover subnets')];
  expect(await analyze(externalAddress, 'ingress', web({}), { events })).toMatchObject([
    { category: 'address-failed', object: 'ingress/shop/web' },
  ]);
});

test('what somebody else writes about a service does not decide', async () => {
  const events = [eventObject(about, 'BudgetLow', 'the error budget of web is low')];
  expect(await analyze(externalAddress, 'service', web({}), { events })).toMatchObject([{ decisive: false }]);
  const known = [eventObject(about, 'AllocationFailed', 'no available IPs')];
  expect(await analyze(externalAddress, 'service', web({}), { events: known })).toMatchObject([{ decisive: true }]);
});

test('two writers that meet are no failure', async () => {
  const message = 'Error updating Endpoint Slices: Operation cannot be fulfilled: the object has been modified';
  const events = [eventObject(about, 'FailedToUpdateEndpointSlices', message)];
  expect(await analyze(externalAddress, 'service', web({}), { events })).toEqual([]);
});

test('no address and no word of anybody', async () => {
  expect(await analyze(externalAddress, 'service', web(balanced))).toMatchObject([
    { category: 'address-missing', severity: 'medium', decisive: false },
  ]);
  expect(await analyze(externalAddress, 'service', web(balanced), {}, { relation: 'holds' })).toEqual([]);
  expect(await analyze(externalAddress, 'service', web({ type: 'ClusterIP' }))).toEqual([]);
});
