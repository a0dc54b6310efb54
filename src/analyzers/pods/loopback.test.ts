import { describe, expect, test } from 'vitest';
import { analyze } from '../../../test/support/analyze.ts';
import { podObject } from '../../../test/support/memory-cluster.ts';
import { loopbackOf } from './loopback.ts';
import { podCrash } from './pod-crash.ts';

const last = {
  reason: 'Error',
  exitCode: 1,
  startedAt: '2026-01-01T11:57:00Z',
  finishedAt: '2026-01-01T11:58:34Z',
};
const looping = (name: string) => ({
  name,
  restartCount: 7,
  ready: false,
  state: { waiting: { reason: 'CrashLoopBackOff' } },
  lastState: { terminated: last },
});
const running = (name: string) => ({ name, ready: true, restartCount: 0, state: { running: {} } });
const pod = (container: object, status: object) =>
  podObject('web-1', {
    spec: { containers: [{ name: 'app' }, container] },
    status: { containerStatuses: [looping('app'), status] },
  });
const refused = 'ERROR dial tcp 127.0.0.1:6432: connect: connection refused\n';
const logs = (pooler: string) => ({
  logs: { 'shop/web-1/app previous': refused, 'shop/web-1/pooler previous': pooler },
});

test.each([
  ['connect ECONNREFUSED ::1:6379', '::1:6379'],
  ['dial tcp [::1]:6379: connect: connection refused', '[::1]:6379'],
  ['Connection to localhost:5432 refused', 'localhost:5432'],
  ['redis://127.0.0.1:6379/0: Connection refused', '127.0.0.1:6379'],
  ['dial tcp 127.0.0.1:6379: refused (Pool.java:595)', '127.0.0.1:6379'],
  ['dial tcp 10.96.0.9:6379: connect: connection refused', null],
  ['read tcp 127.0.0.1:50112->10.96.0.9:6379: refused', null],
  ['lookup orders: no such host', null],
])('%s: the address of the pod itself', (text, address) => {
  expect(loopbackOf(text)?.address ?? null).toBe(address);
});

describe('nothing at the address of the pod itself', () => {
  test.each([
    ['its port', { name: 'pooler', ports: [{ containerPort: 6432 }] }, 'FATAL no such user: app\n'],
    ['its arguments', { name: 'pooler', args: ['--listen=127.0.0.1:6432'] }, 'FATAL no such user: app\n'],
    ['what it says', { name: 'pooler' }, 'LOG listening on 127.0.0.1:6432\nFATAL no such user: app\n'],
  ])('the container of the pod that serves there, by %s, is why', async (_, container, log) => {
    const [client, server] = await analyze(podCrash, 'pod', pod(container, looping('pooler')), {}, logs(log));
    expect(client?.cause).toMatch(
      /^Container pooler of pod web-1 ends with .*no such user: app.* Container app finds nothing at 127\.0\.0\.1:6432 for it and ends too\.$/,
    );
    expect(client?.facts['server']).toBe('pooler');
    expect(server?.cause).toContain('no such user');
  });

  test('a container that ended and has nothing to do with the port is only named', async () => {
    const other = pod({ name: 'pooler', ports: [{ containerPort: 9100 }] }, looping('pooler'));
    const [client] = await analyze(podCrash, 'pod', other, {}, logs('FATAL no such user: app\n'));
    expect(client?.cause).toContain('127.0.0.1:6432 is the pod itself: container pooler of the pod is not running.');
    expect(client?.cause).not.toContain('no such user');
  });

  test.each([
    ['a port beside the one in question', { name: 'pooler', ports: [{ containerPort: 64320 }] }, ''],
    ['a number of its memory', { name: 'pooler', resources: { limits: { memory: '6432' } } }, ''],
    ['a variable that is no port', { name: 'pooler', env: [{ name: 'BUILD', value: '6432' }] }, ''],
    ['a number of its log', { name: 'pooler' }, 'INFO read 6432 rows\n'],
  ])('%s is not the port', async (_, container, log) => {
    const failed = `${log}FATAL no such user: app\n`;
    const [client] = await analyze(podCrash, 'pod', pod(container, looping('pooler')), {}, logs(failed));
    expect(client?.cause).not.toContain('no such user');
  });

  test.each([
    ['a probe', { name: 'pooler', readinessProbe: { tcpSocket: { port: 6432 } } }],
    ['a variable', { name: 'pooler', env: [{ name: 'LISTEN_PORT', value: '6432' }] }],
  ])('%s names the port', async (_, container) => {
    const [client] = await analyze(podCrash, 'pod', pod(container, looping('pooler')), {}, logs('FATAL no user\n'));
    expect(client?.facts['server']).toBe('pooler');
  });

  test('where all others run, it is the pod itself', async () => {
    const [client] = await analyze(podCrash, 'pod', pod({ name: 'pooler' }, running('pooler')), {}, logs(''));
    expect(client?.cause).toContain('127.0.0.1:6432 is the pod itself.');
  });
});
