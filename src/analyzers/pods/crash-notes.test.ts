import { describe, expect, test } from 'vitest';
import { analyze } from '../../../test/support/analyze.ts';
import { crashed, previous } from '../../../test/support/ended-container.ts';
import { podCrash } from './pod-crash.ts';

const serviceNamed = (name: string, clusterIP = '10.96.0.9') => ({
  metadata: { name, namespace: 'shop' },
  spec: { clusterIP, ports: [{ port: 5432 }] },
});

describe('what the spec says about a log line', () => {
  const withSpec = async (line: string, container: object, spec: object = {}) => {
    const pod = crashed(1, {
      spec: {
        containers: [
          { name: 'app', ...container },
          { name: 'proxy', ports: [{ containerPort: 8080 }] },
        ],
        ...spec,
      },
    });
    return (await analyze(podCrash, 'pod', pod, {}, previous(`${line}\n`)))[0]?.cause ?? '';
  };

  test.each([
    [
      'listen tcp :8080: bind: address already in use',
      {},
      {},
      'Container proxy of the same pod declares port 8080 too.',
    ],
    [
      'listen tcp 0.0.0.0:9100: bind: address already in use',
      {},
      { hostNetwork: true },
      'port 9100 may be taken there',
    ],
    [
      'java.lang.OutOfMemoryError: Java heap space',
      { env: [{ name: 'JAVA_OPTS', value: '-server -Xmx256m' }], resources: { limits: { memory: '1Gi' } } },
      {},
      'It is started with -Xmx256m (variable JAVA_OPTS). The memory limit of the container is 1Gi.',
    ],
    [
      'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory',
      { args: ['--max-old-space-size=300', 'app.js'] },
      {},
      'It is started with --max-old-space-size=300 (its command).',
    ],
    ['FATAL DATABASE_URL is not set', {}, {}, 'The spec of the container sets no variable DATABASE_URL.'],
    ['FATAL DATABASE_URL is not set', { envFrom: [{ secretRef: { name: 'web' } }] }, {}, 'by name; secret web may.'],
    [
      'FATAL DATABASE_URL is not set',
      { env: [{ name: 'DATABASE_URL', value: '' }] },
      {},
      'sets variable DATABASE_URL to nothing',
    ],
    [
      'FATAL DATABASE_URL is not set',
      { env: [{ name: 'DATABASE_URL', valueFrom: { secretKeyRef: { name: 'web', key: 'url', optional: true } } }] },
      {},
      'comes from the optional key url of web',
    ],
    [
      'open /data/x: read-only file system',
      { volumeMounts: [{ name: 'data', mountPath: '/data', readOnly: true }] },
      {},
      'Volume data is mounted at /data with readOnly.',
    ],
    [
      'open /tmp/x: read-only file system',
      { securityContext: { readOnlyRootFilesystem: true } },
      {},
      'readOnlyRootFilesystem',
    ],
    [
      'open /data/x: permission denied',
      {},
      { securityContext: { runAsUser: 1000 } },
      'It runs as user 1000, and no fsGroup is set for its volumes.',
    ],
  ])('%s', async (line, container, spec, note) => {
    expect(await withSpec(line, container, spec)).toContain(note);
  });
});

describe('who else mounts the data that is locked', () => {
  const claim = (name: string) => ({ volumes: [{ name: 'data', persistentVolumeClaim: { claimName: name } }] });
  const other = (name: string, claimName: string, status: object = { phase: 'Running' }) => ({
    metadata: { name, namespace: 'shop' },
    spec: claim(claimName),
    status,
  });

  test.each([
    ['another pod of the same claim', [other('web-0', 'data')], ' Pod web-0 (Running) mounts the same claim data.'],
    ['a pod of another claim', [other('web-0', 'else')], null],
    ['a pod that is over', [other('web-0', 'data', { phase: 'Failed' })], null],
  ])('%s', async (_, pods, note) => {
    const pod = crashed(1, { spec: { containers: [{ name: 'app' }], ...claim('data') } });
    const log = previous('FATAL could not acquire lock /data/LOCK: resource temporarily unavailable\n');
    const cause = (await analyze(podCrash, 'pod', pod, { pods }, log))[0]?.cause ?? '';
    if (note === null) expect(cause).not.toContain('mounts the same claim');
    else expect(cause).toContain(note);
  });
});

describe('what a log line points at', () => {
  test.each([
    'Failed to connect to orders-db:6432: Connection refused',
    'dial tcp 10.96.0.9:6432: connect: connection refused',
  ])('%s: a port that the Service does not have is told, and nothing behind it is at fault', async (line) => {
    const services = [serviceNamed('orders-db')];
    const [finding] = await analyze(podCrash, 'pod', crashed(), { services }, previous(`ERROR ${line}\n`));
    expect(finding?.cause).toContain('Service orders-db has no port 6432, it has 5432.');
    expect(finding?.pointers).toEqual([]);
  });

  test('a headless Service may be called on any port', async () => {
    const services = [serviceNamed('orders-db', 'None')];
    const line = 'ERROR Failed to connect to orders-db:6432: Connection refused\n';
    const [finding] = await analyze(podCrash, 'pod', crashed(), { services }, previous(line));
    expect(finding?.pointers?.[0]).toEqual({ kind: 'service', namespace: 'shop', name: 'orders-db' });
  });

  test.each([
    'getaddrinfo for order-db failed: Name or service not known',
    "nc: bad address 'order-db'",
    'order-db could not be resolved (3: Host not found)',
    'wget: unable to resolve host address ‘order-db’',
    "** server can't find order-db: NXDOMAIN",
  ])('%s: a name that no Service has is told', async (line) => {
    const services = [serviceNamed('orders-db')];
    const [finding] = await analyze(podCrash, 'pod', crashed(), { services }, previous(`ERROR ${line}\n`));
    expect(finding?.cause).toContain('There is no Service order-db in namespace shop. The nearest name is orders-db.');
  });

  test.each([
    ['dial tcp: lookup orders-db on 10.96.0.10:53: no such host', 'orders-db'],
    ['dial tcp 10.96.0.9:5432: connect: connection refused', 'orders-db'],
    ['could not connect to postgres://app@orders-db.shop.svc:5432/app: timeout expired', 'orders-db'],
    ['java.net.UnknownHostException: orders-db: Name or service not known', 'orders-db'],
  ])('%s: the Service', async (line, name) => {
    const services = [serviceNamed('other', '10.96.0.8'), serviceNamed(name)];
    const [finding] = await analyze(podCrash, 'pod', crashed(), { services }, previous(`ERROR ${line}\n`));
    expect(finding?.pointers?.[0]).toEqual({ kind: 'service', namespace: 'shop', name });
  });

  test('without a host in it, the Services of the variables', async () => {
    const spec = { containers: [{ name: 'app', env: [{ name: 'DB', value: 'jdbc:mysql://orders-db:3306/x' }] }] };
    const services = [serviceNamed('other', '10.96.0.8'), serviceNamed('orders-db')];
    const log = previous('Caused by: java.net.ConnectException: Connection refused (Connection refused)\n');
    const [finding] = await analyze(podCrash, 'pod', crashed(1, { spec }), { services }, log);
    expect(finding?.pointers).toEqual([{ kind: 'service', namespace: 'shop', name: 'orders-db' }]);
  });

  test('a name that no Service has is told, with the nearest one and the variable', async () => {
    const spec = { containers: [{ name: 'app', env: [{ name: 'DB_HOST', value: 'order-db' }] }] };
    const services = [serviceNamed('orders-db')];
    const log = previous('ERROR getaddrinfo ENOTFOUND order-db\n');
    const [finding] = await analyze(podCrash, 'pod', crashed(1, { spec }), { services }, log);
    expect(finding?.cause).toContain(
      'There is no Service order-db in namespace shop (it stands in variable DB_HOST). The nearest name is orders-db.',
    );
    expect(finding?.pointers).toEqual([]);
  });

  test.each(['orders.db.svc.cluster.local', 'orders.db'])('a Service of another namespace: %s', async (host) => {
    const other = { metadata: { name: 'orders', namespace: 'db' }, spec: { clusterIP: '10.96.7.7' } };
    const services = [serviceNamed('orders'), other];
    const log = previous(`ERROR dial tcp: ${host}:5432: connection refused\n`);
    const [finding] = await analyze(podCrash, 'pod', crashed(), { services }, log);
    expect(finding?.pointers).toEqual([{ kind: 'service', namespace: 'db', name: 'orders' }]);
  });

  test('a host outside the cluster is no Service', async () => {
    const log = previous('ERROR Get "https://idp.example.com/keys": dial tcp: lookup idp.example.com: i/o timeout\n');
    const [finding] = await analyze(podCrash, 'pod', crashed(), { services: [serviceNamed('idp')] }, log);
    expect(finding?.cause).not.toContain('no Service');
  });
});
