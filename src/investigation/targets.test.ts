import { expect, test } from 'vitest';
import { alertOf } from '../../test/support/alert-snapshot.ts';
import { memoryCluster, podObject } from '../../test/support/memory-cluster.ts';
import { ended, looping } from '../../test/support/ended-container.ts';
import { oomShop, podAlert, runIn, shop, shopLogs } from '../../test/support/shop.ts';

test('an alert without any object is inconclusive; so is one about something well', async () => {
  const nothing = await runIn(oomShop(), { alert: alertOf({ team: 'a' }) });
  expect(nothing.result).toMatchObject({ root_cause: null, findings: [] });
  expect(nothing.result.open_questions.join()).toContain('Which object is the alert about?');
  const well = await runIn(memoryCluster({ pods: [podObject('web-h2-abcde')] }));
  expect(well.result).toMatchObject({
    root_cause: null,
    confidence: 0.1,
    confidence_reasons: ['10%: inconclusive, no finding explains the alert'],
  });
  expect(well.result.recommendations[0]).toMatchObject({ requires_approval: false });
});

test('a pod that is gone: its former owner is looked at', async () => {
  const { result } = await runIn(oomShop(), { alert: alertOf({ namespace: 'shop', pod: 'web-6f7d8c9b55-zzzzz' }) });
  expect(result.open_questions.join()).toContain('by its name it belonged to deployment/shop/web');
  expect(result.findings[0]).toMatchObject({ category: 'oom-killed', object: 'pod/shop/web-h2-abcde' });
});

test('a deployment, a namespace, a node and nothing at all lead to the pod as well', async () => {
  const objects = {
    ...shop(looping(ended('OOMKilled', 137))),
    nodes: [
      {
        kind: 'Node',
        metadata: { name: 'n1' },
        status: {
          conditions: [{ type: 'Ready', status: 'True' }],
          addresses: [{ type: 'InternalIP', address: '10.0.0.5' }],
        },
      },
    ],
  };
  const labels: readonly Record<string, string>[] = [
    { namespace: 'shop', deployment: 'web' },
    { namespace: 'shop' },
    { node: 'n1' },
    { job: 'node-exporter', instance: '10.0.0.5:9100' },
  ];
  for (const one of labels) {
    const { result } = await runIn(memoryCluster(objects, { logs: shopLogs }), { alert: alertOf(one) });
    expect(result.findings[0]).toMatchObject({ category: 'oom-killed', object: 'pod/shop/web-h2-abcde' });
  }
  const { result } = await runIn(memoryCluster(objects, { logs: shopLogs }), { alert: null });
  expect(result.findings[0]).toMatchObject({ category: 'oom-killed' });
});

test('the end of another container of the pod is no answer to an alert about one container', async () => {
  const pod = podObject('web-h2-abcde', {
    spec: { containers: [{ name: 'app' }, { name: 'proxy', resources: { limits: { memory: '64Mi' } } }] },
    status: {
      containerStatuses: [
        { name: 'app', ...looping({ reason: 'Error', exitCode: 1, finishedAt: '2026-01-01T11:58:00Z' }) },
        { name: 'proxy', ...looping(ended('OOMKilled', 137)) },
      ],
    },
    state: {},
  });
  const about = (container: string) =>
    runIn(memoryCluster({ pods: [pod] }), { alert: alertOf({ ...podAlert.labels, container }) });
  expect((await about('app')).result.root_cause).toBeNull();
  expect((await about('proxy')).result.root_cause).toContain('64Mi');
});

test('an alert of another cluster is not investigated in this one', async () => {
  const labels = { ...podAlert.labels, cluster: 'prod-eu' };
  const at = (name: string) => runIn({ ...oomShop(), name }, { alert: alertOf(labels) });
  const other = (await at('prod-us')).result;
  expect(other).toMatchObject({ root_cause: null, confidence: 0.1 });
  expect(other.summary).toContain('The alert is about cluster prod-eu; what was read is cluster prod-us.');
  expect((await at('prod-eu')).result.root_cause).toContain('OOMKilled');
  expect((await runIn(oomShop(), { alert: alertOf(labels) })).result.root_cause).toContain('OOMKilled');
});

test('a pod of the same name with another uid is another pod', async () => {
  const of = (uid: string) => runIn(oomShop(), { alert: alertOf({ ...podAlert.labels, uid }) });
  expect((await of('uid-of-an-earlier-one')).result).toMatchObject({ root_cause: null });
  expect((await of('uid-web-h2-abcde')).result.root_cause).toContain('OOMKilled');
});
