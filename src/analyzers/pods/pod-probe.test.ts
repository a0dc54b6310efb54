import { describe, expect, test } from 'vitest';
import { analyze } from '../../../test/support/analyze.ts';
import { ended, looping } from '../../../test/support/ended-container.ts';
import { eventObject, podObject } from '../../../test/support/memory-cluster.ts';
import { podProbe } from './pod-probe.ts';

const about = { kind: 'Pod', name: 'web-1', fieldPath: 'spec.containers{app}' };
const unhealthy = (kind: string, output: string, extra: object = {}) =>
  eventObject(about, 'Unhealthy', `${kind} probe failed: ${output}`, { count: 12, ...extra });
const killing = (text = 'Container app failed liveness probe, will be restarted', extra: object = {}) =>
  eventObject(about, 'Killing', text, { type: 'Normal', count: 4, ...extra });
const withProbe = (probes: object, more: object = {}) => ({
  containers: [{ name: 'app', image: 'app:1', ports: [{ containerPort: 8080, name: 'http' }], ...probes, ...more }],
});
const http = (port: number | string, extra: object = {}) => ({
  httpGet: { path: '/healthz', port },
  timeoutSeconds: 1,
  periodSeconds: 10,
  failureThreshold: 3,
  initialDelaySeconds: 5,
  ...extra,
});

describe('probes for which the kubelet kills', () => {
  test.each([137, 143, 0, 2])(
    'exit code %i of a container that was killed: the probe, with its numbers',
    async (code) => {
      const pod = podObject('web-1', {
        spec: withProbe({ livenessProbe: http(8080) }),
        state: looping(ended('Error', code)),
      });
      const output =
        'Get "http://10.1.2.3:8080/healthz": context deadline exceeded (Client.Timeout exceeded while awaiting headers)';
      const [finding] = await analyze(podProbe, 'pod', pod, { events: [unhealthy('Liveness', output), killing()] });
      expect(finding).toMatchObject({
        category: 'probe-kill',
        severity: 'critical',
        decisive: true,
        facts: { container: 'app', probe: 'liveness', kills: '4' },
        when: { from: '2026-01-01T11:30:00.000Z', until: null, source: 'event Killing' },
      });
      expect(finding?.cause).toContain(
        'The kubelet kills container app of pod web-1 because its liveness probe fails (4 times, last at 2026-01-01 11:59:00 UTC): the probe (GET /healthz on port 8080) gets no answer within 1s',
      );
      expect(finding?.cause).toContain(
        'timeout 1s, every 10s, 3 failures in a row are enough, first 5s after the start; there is no startup probe.',
      );
    },
  );

  test.each([
    ['Container app failed startup probe, will be restarted', 'startup'],
    [
      'Killing container with id docker://app:Container failed liveness probe.. Container will be killed and recreated.',
      'liveness',
    ],
  ])('%s', async (message, probe) => {
    const pod = podObject('web-1', { state: looping(ended('Error', 137)) });
    const [finding] = await analyze(podProbe, 'pod', pod, { events: [killing(message)] });
    expect(finding).toMatchObject({ category: 'probe-kill', facts: { probe } });
  });

  test('a startup probe gives a time to start, which is told', async () => {
    const probe = { startupProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 5, failureThreshold: 6 } };
    const pod = podObject('web-1', { spec: withProbe(probe), state: looping(ended('Error', 143)) });
    const events = [killing('Container app failed startup probe, will be restarted')];
    const [finding] = await analyze(podProbe, 'pod', pod, { events });
    expect(finding?.cause).toContain('It gives the program 30s to start.');
  });

  test.each([
    [
      'Get "http://10.1.2.3:8080/": net/http: HTTP/1.x transport connection broken: malformed HTTP response "\\x00\\x00\\x06\\x04"',
      { livenessProbe: http(8080) },
      'speaks another protocol (HTTP/2, as gRPC does)',
    ],
    [
      'Get "https://10.1.2.3:8080/": http: server gave HTTP response to HTTPS client',
      { livenessProbe: { httpGet: { path: '/', port: 8080, scheme: 'HTTPS' } } },
      'asks with HTTPS, and what answers speaks plain HTTP',
    ],
    [
      'HTTP probe failed with statuscode: 404',
      { livenessProbe: http(8080) },
      'is answered with 404: there is no such path',
    ],
    ['HTTP probe failed with statuscode: 401', { livenessProbe: http(8080) }, 'the path asks for a login'],
    [
      'error: health rpc failed: rpc error: code = Unimplemented desc = unknown service grpc.health.v1.Health',
      { livenessProbe: { grpc: { port: 8080 } } },
      'which the program does not offer',
    ],
  ])('a probe whose own settings are wrong: %s', async (output, probes, says) => {
    const pod = podObject('web-1', { spec: withProbe(probes), state: looping(ended('Error', 137)) });
    const logs = { 'shop/web-1/app previous': 'ERROR cache:6379: connection refused\n' };
    const services = [{ metadata: { name: 'cache', namespace: 'shop' }, spec: {} }];
    const events = [unhealthy('Liveness', output), killing()];
    const [finding] = await analyze(podProbe, 'pod', pod, { events, services }, { logs });
    expect(finding?.cause).toContain(says);
    // What the log says of something else is beside the point.
    expect(finding?.pointers).toEqual([]);
  });

  test.each([
    ['dial tcp 10.1.2.3:9090: connect: connection refused', { livenessProbe: http(9090) }, 9090],
    [
      'timeout: failed to connect service "10.1.2.3:9090" within 1s: context deadline exceeded',
      { livenessProbe: { grpc: { port: 9090 } } },
      9090,
    ],
  ])(
    'a port that is not declared proves nothing, unless the program says where it listens: %s',
    async (output, probes, port) => {
      const pod = podObject('web-1', { spec: withProbe(probes), state: looping(ended('Error', 137)) });
      const events = [unhealthy('Liveness', output), killing()];
      const causeWith = async (log: string) => {
        const logs = { 'shop/web-1/app previous': log };
        return (await analyze(podProbe, 'pod', pod, { events }, { logs }))[0]?.cause;
      };
      const hint = `; the container does not declare port ${port}, it declares 8080 (http)`;
      expect(await causeWith('INFO starting\n')).toContain(hint);
      expect(await causeWith(`INFO listening on :8080\nINFO metrics listening on :${port}\n`)).toContain(hint);
      expect(await causeWith('INFO listening on :8080\nERROR cache:6379: connection refused\n')).toMatch(
        /no port of the container is 9090, it has 8080 \(http\), and says "INFO listening on :8080"; timeout 1s[^"]*$/,
      );
    },
  );

  test('killed before it was up', async () => {
    const probe = { livenessProbe: http(8080, { initialDelaySeconds: 1, failureThreshold: 1 }) };
    const pod = podObject('web-1', {
      spec: withProbe(probe),
      state: looping(ended('Error', 143, { startedAt: '2026-01-01T11:58:30Z' })),
    });
    const events = [unhealthy('Liveness', 'dial tcp 10.1.2.3:8080: connect: connection refused'), killing()];
    const [finding] = await analyze(podProbe, 'pod', pod, { events });
    expect(finding?.cause).toContain('one failure is enough, first 1s after the start');
    expect(finding?.cause).toContain(
      'The last run was killed 4s after its start: a program that needs longer to start never does.',
    );
  });

  test('a kill long before the last end did not end it', async () => {
    const early = { firstTimestamp: '2026-01-01T11:20:00Z', lastTimestamp: '2026-01-01T11:30:00Z' };
    const pod = podObject('web-1', { state: looping(ended('Error', 1)) });
    expect(await analyze(podProbe, 'pod', pod, { events: [killing(undefined, early)] })).toEqual([]);
  });

  test('after an end for memory the memory comes first', async () => {
    const pod = podObject('web-1', { state: looping(ended('Error', 137, { reason: 'OOMKilled' })) });
    expect((await analyze(podProbe, 'pod', pod, { events: [killing()] }))[0]?.severity).toBe('medium');
  });

  test('what its log says of a dependency is told and pointed at', async () => {
    const pod = podObject('web-1', {
      spec: withProbe({ livenessProbe: http(8080) }),
      state: looping(ended('Error', 137)),
    });
    const logs = { 'shop/web-1/app previous': 'ERROR cannot reach orders-db:5432: connection refused\n' };
    const services = [{ metadata: { name: 'orders-db', namespace: 'shop' }, spec: { clusterIP: '10.96.0.7' } }];
    const events = [unhealthy('Liveness', 'HTTP probe failed with statuscode: 500'), killing()];
    const [finding] = await analyze(podProbe, 'pod', pod, { events, services }, { logs });
    expect(finding?.cause).toContain('Its log says: "cannot reach orders-db:5432: connection refused".');
    expect(finding?.pointers).toEqual([{ kind: 'service', namespace: 'shop', name: 'orders-db' }]);
  });

  test('the kill of a sibling, and one before the container ran well for long, is none of its own', async () => {
    for (const name of ['proxy', 'app-sidecar', 'my-app']) {
      const sibling = eventObject(
        { kind: 'Pod', name: 'web-1' },
        'Killing',
        `Container ${name} failed liveness probe, will be restarted`,
        { type: 'Normal' },
      );
      expect(
        await analyze(podProbe, 'pod', podObject('web-1', { state: looping(ended('Error', 1)) }), {
          events: [sibling],
        }),
      ).toEqual([]);
    }
    const well = podObject('web-1', {
      state: {
        ready: true,
        restartCount: 1,
        state: { running: { startedAt: '2026-01-01T11:05:00Z' } },
        lastState: { terminated: ended('Error', 137, { finishedAt: '2026-01-01T11:04:58Z' }) },
      },
    });
    const old = [killing(undefined, { firstTimestamp: '2026-01-01T11:04:30Z', lastTimestamp: '2026-01-01T11:04:30Z' })];
    expect(await analyze(podProbe, 'pod', well, { events: old })).toEqual([]);
  });
});

describe('probes that keep a pod from its traffic', () => {
  const conditions = [{ type: 'ContainersReady', status: 'False', lastTransitionTime: '2026-01-01T11:20:00Z' }];
  const unready = (probes: object) =>
    podObject('web-1', {
      spec: withProbe(probes),
      status: { conditions },
      state: { ready: false, state: { running: { startedAt: '2026-01-01T10:00:00Z' } } },
    });

  test('readiness of a running pod: since when, what it answers, and why by its log', async () => {
    const logs = { 'shop/web-1/app': 'INFO listening\nERROR database orders-db:5432 is unavailable\n' };
    const services = [{ metadata: { name: 'orders-db', namespace: 'shop' }, spec: {} }];
    const events = [unhealthy('Readiness', 'HTTP probe failed with statuscode: 503')];
    const [finding] = await analyze(
      podProbe,
      'pod',
      unready({ readinessProbe: http(8080) }),
      { events, services },
      { logs },
    );
    expect(finding).toMatchObject({
      category: 'probe-failure',
      severity: 'high',
      decisive: false,
      facts: { probe: 'readiness', count: '12', output: 'HTTP probe failed with statuscode: 503' },
      when: { from: '2026-01-01T11:20:00.000Z', source: 'condition ContainersReady' },
      pointers: [{ kind: 'service', namespace: 'shop', name: 'orders-db' }],
    });
    expect(finding?.cause).toContain(
      'Container app of pod web-1 is not ready since 2026-01-01 11:20:00 UTC: its readiness probe (GET /healthz on port 8080) is answered with 503. Its log says: "database orders-db:5432 is unavailable".',
    );
  });

  test.each([
    ['well before it became unready', '2026-01-01T10:40:00Z ERROR imports: no space left on device\n', false],
    [
      'and was overcome',
      '2026-01-01T11:21:00Z ERROR imports: connection refused\n2026-01-01T11:22:00Z INFO imports: connected\n',
      false,
    ],
    ['when it became unready', '2026-01-01T11:19:00Z ERROR imports: no space left on device\n', true],
  ])('what its log said %s', async (_, log, isTold) => {
    const events = [unhealthy('Readiness', 'HTTP probe failed with statuscode: 503')];
    const pod = unready({ readinessProbe: http(8080) });
    const [finding] = await analyze(podProbe, 'pod', pod, { events }, { logs: { 'shop/web-1/app': log } });
    expect(finding?.cause?.includes('Its log says')).toBe(isTold);
  });

  test.each([
    [
      'Readiness probe errored and resulted in unknown state: rpc error: code = Unknown desc = failed to exec in container: failed to start exec "90a2": OCI runtime exec failed: exec failed: unable to start container process: exec: "/usr/bin/check": stat /usr/bin/check: no such file or directory: unknown',
      'cannot run: /usr/bin/check is not in the image',
    ],
    [
      'Readiness probe errored: rpc error: code = Unknown desc = command error: executable file `curl` not found in $PATH: No such file or directory, stdout: , stderr: , exit code -1',
      'cannot run: curl is not in the image',
    ],
    [
      'Readiness probe failed: OCI runtime exec failed: exec failed: container_linux.go:380: starting container process caused: exec: "wget": executable file not found in $PATH: unknown',
      'cannot run: wget is not in the image',
    ],
    [
      'Readiness probe errored: rpc error: code = Unknown desc = failed to exec in container: failed to start exec "1f": OCI runtime exec failed: exec failed: unable to start container process: exec: "/check.sh": permission denied: unknown',
      'cannot run: /check.sh may not be executed',
    ],
    ['Readiness probe failed: sh: 1: curl: not found', 'cannot run: curl is not in the image'],
    ['Readiness probe failed: /bin/sh: redis-cli: not found', 'cannot run: redis-cli is not in the image'],
  ])('%s: a command that cannot run', async (message, text) => {
    const events = [eventObject(about, 'Unhealthy', message, { count: 12 })];
    const pod = unready({ readinessProbe: { exec: { command: ['sh', '-c', 'x'] } } });
    const [finding] = await analyze(podProbe, 'pod', pod, { events });
    expect(finding?.cause).toContain(text);
    expect(finding?.decisive).toBe(true);
  });

  test('a file that the command of a probe misses is no command that is missing', async () => {
    const events = [unhealthy('Readiness', 'cat: /tmp/ready: No such file or directory')];
    const pod = unready({ readinessProbe: { exec: { command: ['cat', '/tmp/ready'] } } });
    const [finding] = await analyze(podProbe, 'pod', pod, { events });
    expect(finding?.cause).not.toContain('cannot run');
    expect(finding?.decisive).toBe(false);
  });

  test.each([
    ['by its name', { containerPort: 8080, name: 'https-web' }, 'HTTP probe failed with statuscode: 400', '', true],
    ['by its number', { containerPort: 9443 }, 'HTTP probe failed with statuscode: 400', '', true],
    [
      'by its log',
      { containerPort: 8080 },
      'HTTP probe failed with statuscode: 400',
      '[error] The plain HTTP request was sent to HTTPS port\n',
      true,
    ],
    [
      'by its log, without an answer',
      { containerPort: 8080 },
      'Get "http://10.1.2.3:8080/healthz": EOF',
      'javax.net.ssl.SSLException: Unrecognized SSL message, plaintext connection?\n',
      true,
    ],
    ['not by a 400 alone', { containerPort: 8080, name: 'http' }, 'HTTP probe failed with statuscode: 400', '', false],
    ['not by a 503', { containerPort: 8443, name: 'https' }, 'HTTP probe failed with statuscode: 503', '', false],
  ])('plain HTTP to a port of HTTPS, %s', async (_, port, output, log, isWrong) => {
    const probe = { readinessProbe: http(port.containerPort) };
    const pod = podObject('web-1', {
      spec: withProbe(probe, { ports: [port] }),
      status: { conditions },
      state: { ready: false, state: { running: { startedAt: '2026-01-01T10:00:00Z' } } },
    });
    const events = [unhealthy('Readiness', output)];
    const [finding] = await analyze(podProbe, 'pod', pod, { events }, { logs: { 'shop/web-1/app': log } });
    expect(finding?.cause?.includes('asks with plain HTTP')).toBe(isWrong);
    expect(finding?.decisive).toBe(isWrong);
  });

  test('the line of the access log with the answer of the probe tells why', async () => {
    const logs = { 'shop/web-1/app': 'GET /cart 200 3ms\nGET /healthz 503 database unavailable\n' };
    const events = [unhealthy('Readiness', 'HTTP probe failed with statuscode: 503')];
    const [finding] = await analyze(podProbe, 'pod', unready({ readinessProbe: http(8080) }), { events }, { logs });
    expect(finding?.cause).toContain('Its log says: "GET /healthz 503 database unavailable".');
  });

  test('a port that the container does not declare is told, a name that it does not have decides', async () => {
    const events = [unhealthy('Readiness', 'dial tcp 10.1.2.3:8081: connect: connection refused')];
    const [finding] = await analyze(podProbe, 'pod', unready({ readinessProbe: http(8081) }), { events });
    expect(finding).toMatchObject({ decisive: false });
    expect(finding?.cause).toContain(
      'finds nothing that listens (connection refused); the container does not declare port 8081, it declares 8080',
    );
    const [named] = await analyze(podProbe, 'pod', unready({ readinessProbe: http('web') }), { events });
    expect(named).toMatchObject({ decisive: true, cause: expect.stringContaining('no port of the container is web') });
  });

  test('the failures of port 80 are not those of port 8080', async () => {
    const spec = {
      containers: [
        { name: 'app', readinessProbe: http(80) },
        { name: 'side', readinessProbe: http(8080) },
      ],
    };
    const pod = podObject('web-1', { spec, status: { conditions }, state: { ready: false, state: { running: {} } } });
    const message = 'Readiness probe failed: dial tcp 10.1.2.3:8080: connect: connection refused';
    const events = [eventObject({ kind: 'Pod', name: 'web-1' }, 'Unhealthy', message)];
    const [finding] = await analyze(podProbe, 'pod', pod, { events });
    expect(finding?.cause).toContain('no event of the last hour says why');
  });

  test("the port of a service mesh is another container's", async () => {
    const probe = { httpGet: { path: '/app-health/app/readyz', port: 15020 } };
    const events = [
      unhealthy(
        'Readiness',
        'Get "http://10.1.2.3:15020/app-health/app/readyz": dial tcp 10.1.2.3:15020: connect: connection refused',
      ),
    ];
    const [finding] = await analyze(podProbe, 'pod', unready({ readinessProbe: probe }), { events });
    expect(finding?.decisive).toBe(false);
  });

  test('no event of the last hour: the probe has not passed, and nothing says why', async () => {
    const [finding] = await analyze(podProbe, 'pod', unready({ readinessProbe: http(8080) }));
    expect(finding).toMatchObject({ decisive: false, facts: { probe: 'readiness' } });
    expect(finding?.cause).toContain('has not passed; no event of the last hour says why');
  });

  test('a ready pod, and one whose crash explains it', async () => {
    const events = [unhealthy('Readiness', 'x')];
    expect(await analyze(podProbe, 'pod', podObject('web-1'), { events })).toEqual([]);
    const crashed = podObject('web-1', { state: looping(ended('Error', 1)) });
    expect((await analyze(podProbe, 'pod', crashed, { events }))[0]).toMatchObject({ severity: 'low', cause: null });
  });

  test("failures of two hours ago are over; those of a sibling are the sibling's", async () => {
    const old = unhealthy('Readiness', 'x', { lastTimestamp: '2026-01-01T09:00:00Z' });
    const pod = podObject('web-1', { state: { ready: false } });
    expect(await analyze(podProbe, 'pod', pod, { events: [old] })).toEqual([]);
    const sibling = eventObject(
      { ...about, fieldPath: 'spec.containers{proxy}' } as never,
      'Unhealthy',
      'Readiness probe failed: x',
    );
    expect(await analyze(podProbe, 'pod', pod, { events: [sibling] })).toEqual([]);
  });

  test('a sidecar among the init containers is asked as others are', async () => {
    const pod = podObject('web-1', {
      spec: { initContainers: [{ name: 'mesh', restartPolicy: 'Always', startupProbe: http(15021) }] },
      status: {
        phase: 'Pending',
        conditions,
        initContainerStatuses: [
          {
            name: 'mesh',
            ready: false,
            started: false,
            restartCount: 0,
            state: { running: { startedAt: '2026-01-01T11:10:00Z' } },
          },
        ],
      },
    });
    const of = { ...about, fieldPath: 'spec.initContainers{mesh}' };
    const events = [eventObject(of, 'Unhealthy', 'Startup probe failed: HTTP probe failed with statuscode: 503')];
    const [finding] = await analyze(podProbe, 'pod', pod, { events });
    expect(finding).toMatchObject({ category: 'probe-failure', facts: { container: 'mesh', probe: 'startup' } });
  });

  test('a pod that is being deleted has no probe that fails', async () => {
    const pod = podObject('web-1', { meta: { deletionTimestamp: '2026-01-01T12:00:10Z' }, state: { ready: false } });
    expect(await analyze(podProbe, 'pod', pod, { events: [unhealthy('Readiness', 'x')] })).toEqual([]);
  });
});
