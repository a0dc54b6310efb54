import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { checkCluster } from '../../src/app/preflight.ts';
import type { DeliveryRecord } from '../../src/core/delivery.ts';
import { connectKube } from '../../src/kube/connection/client.ts';
import { clusterEvents } from '../../src/kube/events/events.ts';
import { kubernetesEvent } from '../../src/sinks/kubernetes-event.ts';
import { firing, resolved, startTestApp } from '../support/app.ts';
import { findApiServer, startApiServer } from '../support/api-server.ts';
import type { ApiServer } from '../support/api-server.ts';
import { createCleanup } from '../support/cleanup.ts';
import { accountWithEverywhere, listOf, namespaceObject } from '../support/rights.ts';
import type { Rules } from '../support/rights.ts';
import { attemptOf, payload, sinkDelivery, sinkWorld } from '../support/sink-world.ts';
import { waitFor } from '../support/wait.ts';

const assets = findApiServer();
if (assets === null) console.warn('skipped: API server not found (KUBEBUILDER_ASSETS)');

const lasting = createCleanup();
const cleanup = createCleanup();
afterEach(() => cleanup.run());
afterAll(() => lasting.run());

/** An account with these rules in all namespaces. */
const withRules = (name: string, rules: Rules) => accountWithEverywhere({ namespace: 'shop', name }, rules);
const creates = { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create'] };
const reads = {
  apiGroups: [''],
  resources: ['events', 'pods', 'namespaces', 'nodes'],
  verbs: ['get', 'list', 'watch'],
};

const objects = listOf(
  namespaceObject('shop'),
  ...withRules('writer', [creates, reads]),
  ...withRules('blind', [creates]),
  ...withRules('reader', [reads]),
  {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web-1', namespace: 'shop' },
    spec: { containers: [{ name: 'web', image: 'web:1' }] },
  },
  { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } },
);

const resources = `
apiVersion: punchingfist.io/v1alpha1
kind: Source
metadata: { name: alerts }
spec: { type: webhook, config: { path: alerts }, triggerWorkflow: triage }
---
apiVersion: punchingfist.io/v1alpha1
kind: Source
metadata: { name: warnings }
spec: { type: kubernetes, config: { resource: events, event: Warning, namespace: shop }, triggerWorkflow: triage }
---
apiVersion: punchingfist.io/v1alpha1
kind: Workflow
metadata: { name: triage }
spec: { steps: [{ name: investigate, type: agent, goal: x }], sinks: [events] }
---
apiVersion: punchingfist.io/v1alpha1
kind: Sink
metadata: { name: events }
spec: { type: kubernetes-event, sendResolved: true, config: {} }
`;

interface CoreEvent {
  readonly metadata: { readonly namespace: string };
  readonly involvedObject: { readonly kind: string; readonly name: string; readonly uid?: string };
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly reportingComponent: string;
}

describe.skipIf(assets === null)('Events on a real API server', () => {
  let server: ApiServer;
  beforeAll(async () => {
    server = await startApiServer(lasting, assets ?? '');
    server.kubectl(['apply', '-f', '-'], JSON.stringify(objects));
  });

  const as = (name: string): string => server.kubeconfig(name, { token: server.token('shop', name) });
  const ours = (namespace: string): readonly CoreEvent[] => {
    const { items } = JSON.parse(server.kubectl(['get', 'events', '-n', namespace, '-o', 'json'])) as {
      readonly items: readonly CoreEvent[];
    };
    return items.filter(({ reportingComponent }) => reportingComponent === 'punching-fist');
  };

  async function deliverAs(name: string) {
    const client = await connectKube({ kubeconfig: as(name) });
    cleanup.defer(() => client.close());
    const world = sinkWorld({ events: clusterEvents(client, null), timeoutMs: 10_000 });
    cleanup.defer(() => world.close());
    let count = 0;
    return (labels: object, subjectKey = `${name}-${(count += 1)}`) =>
      attemptOf(
        kubernetesEvent,
        world.io,
        {},
        sinkDelivery({ subjectKey, payload: { ...payload, alert: { ...payload.alert, labels: { ...labels } } } }),
      );
  }

  test('on a pod, a node, a namespace; what is sent again is there once', async () => {
    const deliver = await deliverAs('writer');
    const before = ours('shop').length;
    for (let time = 0; time < 3; time += 1)
      expect(await deliver({ namespace: 'shop', pod: 'web-1' }, 'same')).toMatchObject({ ok: true });
    expect(await deliver({ namespace: 'shop', pod: 'gone' })).toMatchObject({ ok: true });
    expect(await deliver({ node: 'n1' })).toMatchObject({ ok: true });
    expect(await deliver({})).toMatchObject({ ok: true });
    const about = (namespace: string) =>
      ours(namespace)
        .map(({ involvedObject: { kind, name } }) => `${kind} ${name}`)
        .sort();
    expect(ours('shop')).toHaveLength(before + 2);
    expect(about('shop')).toEqual(['Namespace shop', 'Pod web-1']);
    expect(about('default')).toEqual(['Namespace default', 'Node n1']);
    expect(server.kubectl(['describe', 'pod', 'web-1', '-n', 'shop'])).toContain('Container web was OOMKilled.');
    const late = { namespace: 'absent', pod: 'web-1' };
    expect(await deliver(late)).toEqual({ ok: false, retry: false, reason: 'there is no namespace absent' });
  });

  test('with the right to create alone it is made too, once; without it the rule is named, and check says so before', async () => {
    const blind = await deliverAs('blind');
    const before = ours('shop').length;
    const labels = { namespace: 'shop', pod: 'web-1' };
    for (const subject of ['blind', 'blind']) expect(await blind(labels, subject)).toMatchObject({ ok: true });
    expect(ours('shop')).toHaveLength(before + 1);
    expect(await blind({ namespace: 'absent', pod: 'web-1' })).toMatchObject({ ok: false, retry: false });
    const reader = await deliverAs('reader');
    const rule =
      'allow it: a Role in namespace shop with the rule {apiGroups: ["events.k8s.io"], resources: ["events"], verbs: ["create"]}';
    const reason = `may not create Events in namespace shop; ${rule}, bound to system:serviceaccount:shop:reader`;
    expect(await reader(labels)).toEqual({ ok: false, retry: false, reason });
    const find = async (name: string) => {
      const cluster = { dump: null, context: null, clusterName: null, kubeconfig: as(name) };
      const findings = await checkCluster(cluster, 'shop', Date.now, [], ['Sink default/events']);
      return findings.find(({ text }) => text.includes('Sink default/events'));
    };
    expect(await find('reader')).toMatchObject({
      result: 'failed',
      text: 'events: may not create; Sink default/events makes them',
      next: rule,
    });
    expect(await find('blind')).toMatchObject({ result: 'ok', text: 'events: made by Sink default/events' });
  });

  test('a server tells an incident from its report to its end, and does not hear itself', async () => {
    const app = await startTestApp(cleanup, { files: { 'all.yaml': resources }, kubeconfig: as('writer') });
    const labels = { alertname: 'Broken', namespace: 'shop', pod: 'web-1' };
    await app.notify('alerts', [firing(labels)]);
    const { id } = await app.endedRun('Broken');
    await app.notify('alerts', [resolved(labels)]);
    await waitFor('the end to be told', async () => {
      const all = await app.list<DeliveryRecord>('/api/v1/deliveries');
      return all.some(({ event, status }) => event === 'alert-resolved' && status === 'sent');
    });
    const told = ours('shop').filter(({ message }) => message.includes(id));
    expect(told.map(({ type, reason }) => `${type} ${reason}`).sort()).toEqual([
      'Normal IncidentResolved',
      'Warning IncidentInvestigated',
    ]);
    // A Warning of somebody else comes after ours: once it is an alert, ours would be one.
    server.kubectl(
      ['create', '-f', '-'],
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name: 'web-1.later', namespace: 'shop' },
        involvedObject: { kind: 'Pod', namespace: 'shop', name: 'web-1' },
        type: 'Warning',
        reason: 'Unhealthy',
        message: 'probe failed',
        lastTimestamp: new Date().toISOString().replace(/\.\d+/, ''),
      }),
    );
    const names = async () => (await app.list<{ readonly name: string }>('/api/v1/alerts')).map(({ name }) => name);
    await waitFor('the Warning', async () => (await names()).includes('Unhealthy'));
    expect((await names()).sort()).toEqual(['Broken', 'Unhealthy']);
  });
});
