import { describe, expect, test } from 'vitest';
import { analyze } from '../../../test/support/analyze.ts';
import { eventObject, podObject } from '../../../test/support/memory-cluster.ts';
import { podProbe } from './pod-probe.ts';

interface Row {
  readonly of: string;
  readonly log?: string;
  readonly args?: readonly string[];
  readonly env?: readonly object[];
  readonly host?: string;
  readonly refusedAt?: string;
  readonly readySince?: string;
}

async function causeOf({ log = '', args = [], env = [], host, refusedAt = '10.1.2.3', readySince }: Row) {
  const readinessProbe = { httpGet: { path: '/healthz', port: 'web', ...(host === undefined ? {} : { host }) } };
  const ports = [{ containerPort: 8080, name: 'web' }];
  const pod = podObject('web-1', {
    spec: { containers: [{ name: 'app', args, env, ports, readinessProbe }] },
    state: { ready: false, restartCount: 0, state: { running: { startedAt: '2026-01-01T11:00:00Z' } } },
    status: {
      conditions: [
        { type: 'ContainersReady', status: 'False', lastTransitionTime: readySince ?? '2026-01-01T11:00:00Z' },
      ],
    },
  });
  const about = { kind: 'Pod', name: 'web-1', fieldPath: 'spec.containers{app}' };
  const message = `Readiness probe failed: Get "http://${refusedAt}:8080/healthz": dial tcp ${refusedAt}:8080: connect: connection refused`;
  const cluster = { events: [eventObject(about, 'Unhealthy', message)] };
  const [finding] = await analyze(podProbe, 'pod', pod, cluster, { logs: { 'shop/web-1/app': log } });
  return finding;
}

describe('a program that listens for its own pod only', () => {
  test.each<Row>([
    { of: 'Uvicorn', log: 'INFO:     Uvicorn running on http://127.0.0.1:8080 (Press CTRL+C to quit)\n' },
    { of: 'Kestrel', log: 'info: Microsoft.Hosting.Lifetime[14]\n      Now listening on: http://localhost:8080\n' },
    { of: 'Gunicorn', log: '[2026-01-01 11:00:01 +0000] [1] [INFO] Listening at: http://127.0.0.1:8080 (1)\n' },
    { of: 'Puma', log: '* Listening on http://[::1]:8080\n' },
    { of: 'a field beside the message', log: 'level=info msg="HTTP server listening" addr=127.0.0.1:8080\n' },
    { of: 'an address and a port in words', log: 'LOG:  listening on IPv4 address "127.0.0.1", port 8080\n' },
    { of: 'another port for all', log: 'metrics listening on 0.0.0.0:9090\napi listening on 127.0.0.1:8080\n' },
  ])('its log says so: $of', async (row) => {
    const finding = await causeOf(row);
    expect(finding?.cause).toMatch(
      /finds nothing that listens \(connection refused\): the program listens at \S+:8080 only, which nothing outside the pod reaches; its log says: ".{10,}"/,
    );
    expect(finding).toMatchObject({ decisive: true, facts: { listens: 'loopback' } });
  });

  test.each<Row & { readonly setting: string }>([
    { of: 'a flag', args: ['--bind-address=127.0.0.1'], setting: '--bind-address=127.0.0.1' },
    { of: 'two words', args: ['serve', '--host', 'localhost', '--port', '8080'], setting: '--host localhost' },
    { of: 'a line for a shell', args: ['exec uvicorn a:b --host 127.0.0.1'], setting: '--host 127.0.0.1' },
    {
      of: 'with its port',
      args: ['--web.listen-address=127.0.0.1:8080'],
      setting: '--web.listen-address=127.0.0.1:8080',
    },
    { of: 'a variable', env: [{ name: 'HOST', value: '127.0.0.1' }], setting: 'HOST=127.0.0.1' },
    {
      of: 'a list of URLs',
      env: [{ name: 'ASPNETCORE_URLS', value: 'http://localhost:8080' }],
      setting: 'ASPNETCORE_URLS=http://localhost:8080',
    },
  ])('it is told so: $of', async ({ setting, ...row }) => {
    expect((await causeOf(row))?.cause).toContain(
      `the program is told to listen at the address of its own pod alone (${setting})`,
    );
  });

  test.each<Row>([
    { of: 'it says so of another port', log: 'debug server listening on 127.0.0.1:6060\n' },
    { of: 'it listens there for all too', log: 'listening on 127.0.0.1:8080\nlistening on 10.1.2.3:8080\n' },
    {
      of: 'it says that it listens at all addresses',
      log: ' * Running on all addresses (0.0.0.0)\n * Running on http://127.0.0.1:8080\n',
    },
    {
      of: 'it has the port open for all by its own words',
      log: 'listening on [::]:8080\n',
      args: ['--host=localhost'],
    },
    { of: 'it calls that address itself', log: 'waiting for 127.0.0.1:8080 to be ready\n' },
    { of: 'another flag opens the port', args: ['--host=localhost', '--listen-address=0.0.0.0:8080'] },
    { of: 'the flag is of a database', args: ['--db-host=127.0.0.1'] },
    { of: 'the variable is of a database', env: [{ name: 'DB_HOST', value: '127.0.0.1' }] },
    { of: 'the flag is of another port', args: ['--listen=127.0.0.1:9090'] },
    { of: 'the probe asks there', host: '127.0.0.1', refusedAt: '127.0.0.1', args: ['--bind-address=127.0.0.1'] },
    { of: 'it was ready before', readySince: '2026-01-01T11:40:00Z', log: 'listening on 127.0.0.1:8080\n' },
  ])('not where $of', async (row) => {
    const finding = await causeOf(row);
    expect(finding?.cause).toContain('finds nothing that listens (connection refused)');
    expect(finding?.facts['listens']).toBeUndefined();
    expect(finding?.decisive).toBe(false);
  });
});
