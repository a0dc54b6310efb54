import { describe, expect, test } from 'vitest';
import { analyze } from '../../test/support/analyze.ts';
import { podObject } from '../../test/support/memory-cluster.ts';
import { envAddress } from './env-address.ts';

const services = [
  { metadata: { name: 'catalog', namespace: 'shop' }, spec: { clusterIP: '10.0.0.1', ports: [{ port: 3550 }] } },
  { metadata: { name: 'redis-cart', namespace: 'shop' }, spec: { clusterIP: '10.0.0.2', ports: [{ port: 6379 }] } },
  { metadata: { name: 'db', namespace: 'shop' }, spec: { clusterIP: 'None', ports: [{ port: 5432 }] } },
];
const web = (variables: Readonly<Record<string, string>>, spec: object = {}) => ({
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'shop' },
  spec: {
    template: {
      spec: {
        containers: [{ name: 'app', env: Object.entries(variables).map(([name, value]) => ({ name, value })) }],
        ...spec,
      },
    },
  },
});
const find = (variables: Readonly<Record<string, string>>, spec: object = {}) =>
  analyze(envAddress, 'deployment', web(variables, spec), { services });

describe('env-address', () => {
  test.each([
    [
      'REDIS_ADDR',
      'redis-cart-invalid:6379',
      'there is no service redis-cart-invalid in its namespace: redis-cart is near to it.',
    ],
    ['CATALOG', 'catalo:3550', 'there is no service catalo in its namespace: catalog is near to it.'],
    ['CATALOG_HOST', 'catalog2', 'there is no service catalog2'],
    ['CATALOG', 'catalog:3551', 'but service catalog has no port 3551: it has 3550.'],
    [
      'CACHE',
      'redis://user:canary@redis-cart.shop.svc.cluster.local:6380/0',
      'but service redis-cart has no port 6380',
    ],
  ])('%s=%s', async (variable, value, words) => {
    const [finding] = await find({ [variable]: value });
    expect(finding).toMatchObject({ category: 'env-address', decisive: true, object: 'deployment/shop/web' });
    expect(finding?.cause).toContain(words);
    expect(JSON.stringify(finding)).not.toContain('canary');
  });

  test('addresses that are right, of elsewhere, or of something that may not be needed', async () => {
    expect(
      await find({
        A: 'catalog:3550',
        B: 'http://catalog.shop:3550/x',
        C: 'db:6000',
        D: 'assistant:80',
        E: 'redis-cart.other.svc:6380',
        F: 'https://catalog.example.com',
        G: 'localhost:8080',
        H: '10.0.0.1:3551',
        NAME: 'catalog2',
      }),
    ).toEqual([]);
    const aliases = { hostAliases: [{ ip: '10.1.1.1', hostnames: ['catalog2'] }] };
    expect(await find({ CATALOG_HOST: 'catalog2' }, aliases)).toEqual([]);
  });

  test('a pod of its own; of others the template says it', async () => {
    const spec = { containers: [{ name: 'app', env: [{ name: 'A', value: 'catalog:1234' }] }] };
    const ofJob = { ownerReferences: [{ kind: 'Job', name: 'load', uid: 'j', controller: true }] };
    const ofSet = { ownerReferences: [{ kind: 'ReplicaSet', name: 'web', uid: 'r', controller: true }] };
    expect(await analyze(envAddress, 'pod', podObject('load-1', { spec, meta: ofJob }), { services })).toHaveLength(1);
    expect(await analyze(envAddress, 'pod', podObject('web-1', { spec, meta: ofSet }), { services })).toEqual([]);
  });
});
