import { describe, expect, test } from 'vitest';
import { analyze } from '../../../test/support/analyze.ts';
import { podObject } from '../../../test/support/memory-cluster.ts';
import { addresses } from './addresses.ts';

const workload = (container: object, spec: object = {}) => ({
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'shop' },
  spec: {
    selector: { matchLabels: { app: 'web' } },
    template: { spec: { containers: [{ name: 'app', ...container }], ...spec } },
  },
});
const env = (name: string, value: string) => workload({ env: [{ name, value }] });
const serviceOf = (name: string, port: number, spec: object = {}) => ({
  metadata: { name, namespace: 'shop' },
  spec: { clusterIP: '10.96.0.9', ports: [{ port }], ...spec },
});
const services = [
  serviceOf('redis-cart', 6379),
  serviceOf('productcatalog', 3550),
  serviceOf('pg', 5432, { clusterIP: 'None' }),
];
const pods = [podObject('web-1', { meta: { labels: { app: 'web' } } })];
const find = (object: object, log?: string) =>
  analyze(
    addresses,
    'deployment',
    object,
    { services, pods },
    log === undefined ? {} : { logs: { 'shop/web-1/app': log } },
  );

describe('addresses', () => {
  test('no Service of the name, a near one, and the log that shows it in use', async () => {
    const log =
      'warn: cart store\nRedisConnectionException: UnableToConnect on redis-cart-old:6379/Interactive, origin: BeginConnectAsync\n';
    const [finding] = await find(env('REDIS_ADDR', 'redis-cart-old:6379'), log);
    expect(finding).toMatchObject({
      category: 'address-without-service',
      severity: 'high',
      decisive: true,
      object: 'deployment/shop/web',
      facts: { container: 'app', host: 'redis-cart-old', variable: 'REDIS_ADDR', nearest: 'redis-cart' },
    });
    expect(finding?.cause).toContain(
      'Container app of deployment web is given redis-cart-old:6379 (variable REDIS_ADDR), and there is no Service redis-cart-old in namespace shop; the nearest name is redis-cart: the address leads nowhere. Its log says: "RedisConnectionException: UnableToConnect on redis-cart-old:6379',
    );
    expect(finding?.evidence.map(({ read }) => read.kind)).toEqual(['object', 'logs']);
  });

  test('without a log it is likely where a near name exists, and no cause where none does', async () => {
    const [near] = await find(env('PRODUCT_CATALOG_SERVICE_ADDR', 'productcatalo:3550'));
    expect(near).toMatchObject({ severity: 'medium', decisive: false, facts: { nearest: 'productcatalog' } });
    expect(near?.cause).not.toBeNull();
    const [unused] = await find(env('ASSISTANT_ADDR', 'shoppingassistant:80'));
    expect(unused).toMatchObject({ severity: 'low', cause: null });
  });

  test('a port that the Service does not have', async () => {
    const [finding] = await find(env('REDIS_URL', 'redis://redis-cart:6380/0'));
    expect(finding).toMatchObject({ category: 'address-wrong-port', severity: 'medium' });
    expect(finding?.cause).toContain('Service redis-cart has no port 6380, it has 6379');
  });

  test('an argument', async () => {
    const [finding] = await find(workload({ args: ['--cache-addr=redis-crt:6379', '--verbose'] }));
    expect(finding?.cause).toContain('(argument --cache-addr)');
  });

  test.each([
    ['the Service itself', 'REDIS_ADDR', 'redis-cart:6379'],
    ['its full name', 'REDIS_ADDR', 'redis-cart.shop.svc.cluster.local:6379'],
    ['a pod of a headless Service, whatever the port', 'DB_HOST', 'pg-0.pg:6000'],
    ['a headless Service on another port', 'DB_HOST', 'pg:6000'],
    ['a host outside', 'API_URL', 'https://api.example.com/v1'],
    ['another namespace, which is not known here', 'API_URL', 'http://api.other.svc:80'],
    ['the own machine', 'AGENT_HOST', 'localhost:8126'],
    ['an address', 'DB_HOST', '10.0.0.7:5432'],
    ['a word that is no address', 'MODE', 'production'],
    ['a word in a variable that might be one', 'ENDPOINT', 'default'],
    ['an image', 'RUNNER_IMAGE', 'redis:7'],
    ['a reference to another variable', 'DB_HOST', '$(HOST):5432'],
    ['a file', 'CONFIG_URL', 'file:///etc/app.yaml'],
  ])('%s is no fault', async (_, name, value) => {
    expect(await find(env(name, value))).toEqual([]);
  });

  test('each container is believed by its own log', async () => {
    const bad = (name: string, host: string) => ({ name, env: [{ name: 'DB_HOST', value: `${host}:5432` }] });
    const two = workload({}, { containers: [bad('app', 'nope-one'), bad('side', 'nope-two')] });
    const logs = {
      'shop/web-1/app': 'INFO fine\n',
      'shop/web-1/side':
        'ERROR dial tcp: lookup nope-one: no such host\nERROR dial tcp: lookup nope-two: no such host\n',
    };
    const findings = await analyze(addresses, 'deployment', two, { services, pods }, { logs });
    expect(findings.map(({ facts, decisive }) => [facts['container'], decisive])).toEqual([
      ['app', false],
      ['side', true],
    ]);
  });

  test('a name of hostAliases is no fault, and without a list of Services nothing is said', async () => {
    const aliased = workload(
      { env: [{ name: 'DB_HOST', value: 'old-db' }] },
      { hostAliases: [{ ip: '10.0.0.1', hostnames: ['old-db'] }] },
    );
    expect(await find(aliased)).toEqual([]);
    expect(
      await analyze(
        addresses,
        'deployment',
        env('DB_HOST', 'db'),
        {},
        { instead: { 'list services': { kind: 'forbidden', reason: 'x' } } },
      ),
    ).toEqual([]);
  });
});
