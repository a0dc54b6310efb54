import { describe, expect, test } from 'vitest';
import { analyze } from '../../../test/support/analyze.ts';
import { podObject } from '../../../test/support/memory-cluster.ts';
import { service } from './service.ts';

const backend = (selector: object, spec: object = {}) => ({
  kind: 'Service',
  metadata: { name: 'web', namespace: 'shop' },
  spec: { selector, ...spec },
});
const pod = (name: string, labels: object, extra: object = {}) => podObject(name, { meta: { labels }, ...extra });
const deployment = (name: string, labels: object, replicas: number) => ({
  kind: 'Deployment',
  metadata: { name, namespace: 'shop', uid: name },
  spec: { replicas, template: { metadata: { labels } } },
});

describe('service', () => {
  test('a ready pod of its labels is enough; without a selector, and as an alias, it is no fault', async () => {
    const pods = [
      pod('web-1', { app: 'web', tier: 'front' }),
      pod('web-2', { app: 'web' }, { state: { ready: false } }),
    ];
    expect(await analyze(service, 'service', backend({ app: 'web' }), { pods })).toEqual([]);
    expect(await analyze(service, 'service', backend({}), { pods: [] })).toEqual([]);
    expect(await analyze(service, 'service', backend({ app: 'x' }, { type: 'ExternalName' }), { pods })).toEqual([]);
  });

  test.each([
    [{ app: 'web_service' }, { app: 'web' }, 'has app=web.'],
    [{ application: 'web' }, { app: 'web' }, 'has app=web and no label application.'],
    [{ app: 'web', env: 'production' }, { app: 'web' }, 'has no label env.'],
    [{ app: 'wbe' }, { app: 'web' }, 'has app=web.'],
    [{ app: 'frontend' }, { app: 'nginx' }, 'has app=nginx.'],
  ])('a selector %j that fits no pod is shown with the nearest one', async (selector, labels, ending) => {
    const pods = [pod('other-1', { app: 'cache', team: 'b' }), pod('web-7f-1', labels)];
    const [finding] = await analyze(service, 'service', backend(selector), { pods }, { relation: 'holds' });
    expect(finding).toMatchObject({ category: 'service-selector', severity: 'high', decisive: true });
    expect(finding?.cause).toMatch(/^Service web selects .*: pod web-7f-1, which looks meant, /);
    expect(finding?.cause?.endsWith(ending)).toBe(true);
  });

  test('a service for a variant of a workload that another one serves is a cause only where it is asked for', async () => {
    const canary = { ...backend({ app: 'web', track: 'canary' }), metadata: { name: 'web-canary', namespace: 'shop' } };
    const objects = { pods: [pod('web-7f-1', { app: 'web' })], services: [canary, backend({ app: 'web' })] };
    const found = (relation: 'holds' | 'alert') => analyze(service, 'service', canary, objects, { relation });
    expect(await found('holds')).toMatchObject([{ severity: 'low', decisive: false }]);
    expect(await found('alert')).toMatchObject([{ severity: 'high', decisive: true }]);
  });

  test('a leftover service, near to nothing, is a cause only where it is asked for', async () => {
    const pods = [pod('cache-1', { app: 'cache' })];
    const leftover = backend({ app: 'billing' });
    const [beside] = await analyze(service, 'service', leftover, { pods }, { relation: 'holds' });
    expect(beside).toMatchObject({ severity: 'low', decisive: false });
    const [asked] = await analyze(service, 'service', leftover, { pods });
    expect(asked).toMatchObject({
      severity: 'high',
      cause: 'Service web selects app=billing, and no pod in its namespace has these labels.',
    });
  });

  test('an alias of a Service that does not exist, and aliases that may be right', async () => {
    const alias = (externalName: string) =>
      analyze(service, 'service', backend({}, { type: 'ExternalName', externalName }), {
        services: [{ metadata: { name: 'db', namespace: 'data' } }],
      });
    expect(await alias('pg.data.svc.cluster.local')).toMatchObject([
      {
        category: 'service-alias',
        cause:
          'Service web is an alias (ExternalName) of pg.data.svc.cluster.local, and there is no service pg in namespace data.',
      },
    ]);
    expect(await alias('db.data.svc.cluster.local.')).toEqual([]);
    expect(await alias('db.example.com')).toEqual([]);
  });

  test('a pod that is being deleted takes no traffic any more', async () => {
    const ending = podObject('web-1', {
      meta: { labels: { app: 'web' }, deletionTimestamp: '2026-01-01T11:59:00Z' },
    });
    expect(await analyze(service, 'service', backend({ app: 'web' }), { pods: [ending] })).toMatchObject([
      { category: 'no-endpoints' },
    ]);
  });

  test('a workload without pods is behind it, never the labels', async () => {
    const objects = { pods: [], deployments: [deployment('web', { app: 'web' }, 0)] };
    expect(await analyze(service, 'service', backend({ app: 'web' }), objects)).toMatchObject([
      { category: 'no-endpoints', cause: null, pointers: [{ kind: 'deployment', namespace: 'shop', name: 'web' }] },
    ]);
    const sets = { pods: [], statefulsets: [{ ...deployment('db', { app: 'web' }, 0), kind: 'StatefulSet' }] };
    expect(await analyze(service, 'service', backend({ app: 'web' }), sets)).toMatchObject([
      { category: 'no-endpoints', pointers: [{ kind: 'statefulset', name: 'db' }] },
    ]);
    const agents = { pods: [], daemonsets: [deployment('agent', { app: 'web' }, 0)] };
    expect(await analyze(service, 'service', backend({ app: 'web' }), agents)).toMatchObject([
      { category: 'no-endpoints', pointers: [{ kind: 'daemonset', name: 'agent' }] },
    ]);
  });

  test('pods of which none is ready are behind it, since the last one was', async () => {
    const unready = (name: string, since: string) =>
      pod(
        name,
        { app: 'web' },
        {
          state: { ready: false },
          status: { conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: since }] },
        },
      );
    const pods = [unready('web-1', '2026-01-01T11:10:00Z'), unready('web-2', '2026-01-01T11:30:00Z')];
    expect(await analyze(service, 'service', backend({ app: 'web' }), { pods })).toMatchObject([
      {
        category: 'no-endpoints',
        cause: null,
        when: { from: '2026-01-01T11:30:00.000Z', until: null },
        pointers: [{ name: 'web-1' }, { name: 'web-2' }],
      },
    ]);
    const published = backend({ app: 'web' }, { publishNotReadyAddresses: true });
    expect(await analyze(service, 'service', published, { pods })).toEqual([]);
  });
});
