import { describe, expect, test } from 'vitest';
import { analyze } from '../../../test/support/analyze.ts';
import { podObject } from '../../../test/support/memory-cluster.ts';
import { autoscaler } from './autoscaler.ts';
import { disruptionBudget } from './disruption-budget.ts';
import { ingress } from '../network/ingress.ts';

const named = (name: string, spec: object, status?: object, meta: object = {}) => ({
  metadata: { name, namespace: 'shop', ...meta },
  spec,
  ...(status === undefined ? {} : { status }),
});
const condition = (type: string, status: string, reason: string, message: string) => ({
  type,
  status,
  reason,
  message,
  lastTransitionTime: '2026-01-01T11:00:00Z',
});

describe('autoscaler', () => {
  const spec = {
    scaleTargetRef: { kind: 'Deployment', name: 'web' },
    minReplicas: 2,
    maxReplicas: 10,
    metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { averageUtilization: 70 } } }],
  };
  const find = (conditions: readonly object[], status: object = {}) =>
    analyze(
      autoscaler,
      'horizontalpodautoscaler',
      named('web', spec, { conditions, currentReplicas: 3, desiredReplicas: 3, ...status }),
    );

  test('one that works has no findings', async () => {
    expect(await find([condition('ScalingActive', 'True', 'ValidMetricFound', '')])).toEqual([]);
    const few = condition(
      'ScalingLimited',
      'True',
      'TooFewReplicas',
      'the desired replica count is less than the minimum',
    );
    expect(await find([few])).toEqual([]);
  });

  test.each([
    ['failed to get cpu utilization: missing request for cpu in container app of Pod web-1', 'request', 'web'],
    [
      'unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)',
      'resource metrics',
      'metrics-server',
    ],
    [
      'unable to get metrics for resource cpu: no metrics returned from resource metrics API',
      'resource metrics',
      'web',
    ],
  ])('without metrics: %s', async (message, missing, behind) => {
    const [finding] = await find([condition('ScalingActive', 'False', 'FailedGetResourceMetric', message)]);
    expect(finding).toMatchObject({
      category: 'hpa-metrics',
      decisive: true,
      facts: { missing },
      when: { from: '2026-01-01T11:00:00.000Z' },
      pointers: [{ name: behind }],
    });
    expect(finding?.cause).toContain(message);
  });

  test('without a target, and with one that is scaled to zero', async () => {
    const gone = condition('AbleToScale', 'False', 'FailedGetScale', 'deployments.apps "web" not found');
    expect(await find([gone])).toMatchObject([
      {
        category: 'hpa-target',
        cause: expect.stringContaining(
          'cannot scale Deployment web (FailedGetScale): deployments.apps "web" not found',
        ),
      },
    ]);
    const zero = condition(
      'ScalingActive',
      'False',
      'ScalingDisabled',
      'scaling is disabled since the replica count of the target is zero',
    );
    expect(await find([zero])).toMatchObject([
      { category: 'hpa-target', pointers: [{ kind: 'deployment', namespace: 'shop', name: 'web' }] },
    ]);
  });

  test('at its limit, with the load that brings it there', async () => {
    const status = {
      currentReplicas: 10,
      desiredReplicas: 10,
      currentMetrics: [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 95 } } }],
    };
    const limit = condition(
      'ScalingLimited',
      'True',
      'TooManyReplicas',
      'the desired replica count is more than the maximum',
    );
    const [finding] = await find([limit], status);
    expect(finding?.cause).toBe(
      'Autoscaler web of Deployment web is at its maxReplicas of 10 since 2026-01-01 11:00:00 UTC and wants more: cpu 95 % of what is requested, target 70 %.',
    );
    expect(await find([], status)).toMatchObject([{ category: 'hpa-limited' }]);
  });

  test('a target that does not get its replicas is behind it; conditions of autoscaling/v1', async () => {
    expect(await find([], { desiredReplicas: 6 })).toMatchObject([
      { category: 'hpa-behind', cause: null, pointers: [{ kind: 'deployment', name: 'web' }] },
    ]);
    const noted = JSON.stringify([
      condition('ScalingActive', 'False', 'FailedGetResourceMetric', 'missing request for cpu'),
    ]);
    const old = named('web', spec, {}, { annotations: { 'autoscaling.alpha.kubernetes.io/conditions': noted } });
    expect(await analyze(autoscaler, 'horizontalpodautoscaler', old)).toMatchObject([{ category: 'hpa-metrics' }]);
  });
});

describe('disruption-budget', () => {
  const budget = (spec: object, status: object) =>
    named('web', { selector: { matchLabels: { app: 'web' } }, ...spec }, { disruptionsAllowed: 0, ...status });
  const find = (object: object, pods: readonly object[] = []) =>
    analyze(disruptionBudget, 'poddisruptionbudget', object, { pods });

  test('one that asks for every pod can never allow a disruption', async () => {
    const [finding] = await find(
      budget({ minAvailable: 2 }, { expectedPods: 2, currentHealthy: 2, desiredHealthy: 2 }),
    );
    expect(finding).toMatchObject({ category: 'pdb-blocks', decisive: true });
    expect(finding?.cause).toContain('it asks for 2 of 2 pods to be healthy (minAvailable: 2)');
  });

  test('pods that are not healthy are behind it', async () => {
    const pods = [
      podObject('web-1', { meta: { labels: { app: 'web' } } }),
      podObject('web-2', { meta: { labels: { app: 'web' } }, state: { ready: false } }),
      podObject('other', { state: { ready: false } }),
    ];
    const status = { expectedPods: 2, currentHealthy: 1, desiredHealthy: 1 };
    const [finding] = await find(budget({ maxUnavailable: 1 }, status), pods);
    expect(finding).toMatchObject({
      category: 'pdb-unhealthy',
      cause: null,
      pointers: [{ kind: 'pod', name: 'web-2' }],
    });
  });

  test('one that cannot be computed, one that selects nothing, and one that allows', async () => {
    const conditions = [condition('DisruptionAllowed', 'False', 'SyncFailed', 'found no controllers for pod "web-1"')];
    expect(await find(budget({}, { conditions, expectedPods: 1 }))).toMatchObject([
      { category: 'pdb-broken', cause: expect.stringContaining('found no controllers for pod') },
    ]);
    expect(await find(budget({}, { expectedPods: 0 }))).toMatchObject([{ category: 'pdb-broken' }]);
    expect(await find(budget({}, { disruptionsAllowed: 1, expectedPods: 2 }))).toEqual([]);
  });

  test('numbers of earlier rules, and those that are missing, say nothing', async () => {
    const spec = { selector: { matchLabels: { app: 'web' } } };
    expect(await find(named('web', spec, {}))).toEqual([]);
    expect(await find(named('web', spec, { disruptionsAllowed: 0 }))).toEqual([]);
    const zeros = { disruptionsAllowed: 0, expectedPods: 0, currentHealthy: 0, desiredHealthy: 0 };
    expect(await find(named('web', spec, zeros, { generation: 1 }))).toEqual([]);
    expect(await find(named('web', spec, { ...zeros, observedGeneration: 1 }, { generation: 2 }))).toEqual([]);
    expect(await find(named('web', spec, { ...zeros, observedGeneration: 2 }, { generation: 2 }))).toHaveLength(1);
    // What cannot be computed is never observed.
    const conditions = [condition('DisruptionAllowed', 'False', 'SyncFailed', 'found no controllers for pod "web-1"')];
    expect(await find(named('web', spec, { ...zeros, conditions }, { generation: 1 }))).toHaveLength(1);
  });
});

describe('ingress', () => {
  const services = [named('web', { ports: [{ name: 'http', port: 80 }] })];
  const route = (service: object) =>
    named('shop', { rules: [{ host: 'shop.example.com', http: { paths: [{ path: '/api', backend: { service } }] } }] });
  const find = (object: object) => analyze(ingress, 'ingress', object, { services });

  test('a service, a port and a name that do not exist', async () => {
    expect(await find(route({ name: 'web', port: { number: 80 } }))).toEqual([]);
    expect(await find(route({ name: 'web', port: { name: 'http' } }))).toEqual([]);
    expect(await find(route({ name: 'api', port: { number: 80 } }))).toMatchObject([
      {
        category: 'ingress-backend',
        cause: 'Ingress shop sends shop.example.com/api to service api, which does not exist in its namespace.',
      },
    ]);
    expect(await find(route({ name: 'web', port: { number: 8080 } }))).toMatchObject([
      {
        cause:
          'Ingress shop sends shop.example.com/api to port 8080 of service web, which has no such port: it has http 80.',
      },
    ]);
  });

  test('an action that the AWS controller reads from an annotation names no service', async () => {
    expect(await find(route({ name: 'ssl-redirect', port: { name: 'use-annotation' } }))).toEqual([]);
    const old = named('shop', { backend: { serviceName: 'ssl-redirect', servicePort: 'use-annotation' } });
    expect(await find(old)).toEqual([]);
  });

  test('the form of earlier versions, and the default', async () => {
    const old = named('shop', { backend: { serviceName: 'gone', servicePort: 80 } });
    expect(await find(old)).toMatchObject([
      { cause: 'Ingress shop sends everything else to service gone, which does not exist in its namespace.' },
    ]);
  });
});
