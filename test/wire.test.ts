import { afterEach, describe, expect, test } from 'vitest';
import type { AlertRecord } from '../src/core/alert.ts';
import { systemClock } from '../src/lib/clock.ts';
import { alertFingerprint, alertmanagerFingerprint } from '../src/lib/hash.ts';
import { startTestApp } from './support/app.ts';
import type { TestApp } from './support/app.ts';
import { createCleanup } from './support/cleanup.ts';
import { rawConnection } from './support/sockets.ts';
import { readCapture, readRequest } from './support/wire.ts';
import type { WireRequest } from './support/wire.ts';

// What real programs wrote to a connection (test/fixtures, made by test/real/rulers.test.ts), sent again byte for byte to the whole
// program, at the time at which it came.

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const resources = (token: string): string => `
apiVersion: v1
kind: Secret
metadata: { name: ruler }
stringData: { token: ${token} }
---
apiVersion: punchingfist.io/v1alpha1
kind: Source
metadata: { name: ruler }
spec:
  type: webhook
  config: { path: ruler, authentication: { type: bearer, secretRef: ruler } }
  triggerWorkflow: look
---
apiVersion: punchingfist.io/v1alpha1
kind: Workflow
metadata: { name: look }
spec:
  steps: [{ name: first, type: conditional, condition: 'yes' }]
`;

interface Replay {
  readonly app: TestApp;
  /** The status and the body of the answer. */
  readonly send: (request: WireRequest) => Promise<readonly [number, unknown]>;
}

async function start(token = 'token-of-the-ruler'): Promise<Replay> {
  let nowMs = 0;
  const clock = { ...systemClock(), now: () => nowMs };
  const app = await startTestApp(cleanup, { files: { 'all.yaml': resources(token) }, clock });
  const port = Number(new URL(app.app.url).port);
  return {
    app,
    async send({ bytes, receivedAt }) {
      nowMs = Date.parse(receivedAt);
      const connection = rawConnection(port);
      connection.write(bytes);
      const answer = await connection.until(/^HTTP\/1\.1 \d+ [^]*\r\n\r\n\{.*\}$/);
      connection.socket.destroy();
      return [Number(answer.slice(9, 12)), JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))];
    },
  };
}

/** By pod. */
async function alertsOf(app: TestApp): Promise<Readonly<Record<string, AlertRecord | undefined>>> {
  const alerts = await app.list<AlertRecord>('/api/v1/alerts');
  return Object.fromEntries(alerts.map((alert) => [alert.labels['pod'] ?? '', alert]));
}

interface SentAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly generatorURL: string;
}

const sentIn = ({ body }: WireRequest) => JSON.parse(body) as readonly SentAlert[];
const toMilliseconds = (time: string): string => new Date(time).toISOString();

const counts = { received: 2, opened: 0, repeated: 0, resolved: 0, ignored: 0, runs: 0 };

/** Fingerprints that a real Alertmanager (0.25.0) computed of the same alerts, of web-0 and web-1. */
const fingerprints: Readonly<Record<string, readonly [string, string]>> = {
  prometheus: ['08b7571976479f9d', 'c8c9c6a99fd901e8'],
  vmalert: ['fb6d950016291bf6', 'c6408d06c7c72983'],
};

describe.each(['prometheus', 'vmalert'])('%s', (name) => {
  const { requests } = readCapture(`rulers/${name}`);
  const part = (wanted: string): WireRequest => {
    const request = requests.find((one) => one.name === wanted);
    if (request === undefined) throw new Error(`${name} has no ${wanted}`);
    return request;
  };
  const firing = part('firing');

  test('all fields of what fires', async () => {
    const { app, send } = await start();
    expect(await send(firing)).toEqual([200, { ...counts, opened: 2, runs: 2 }]);
    const alerts = await alertsOf(app);
    for (const sent of sentIn(firing)) {
      const alert = alerts[sent.labels['pod'] ?? ''];
      expect(alert).toMatchObject({
        name: 'PodDown',
        severity: 'critical',
        episode: 1,
        receiveCount: 1,
        labels: sent.labels,
        annotations: sent.annotations,
        summary: `Pod "${sent.labels['pod']}" is down`,
        description: `${sent.labels['pod']} <b>&</b> \\o/ 東京\n\tsecond line`,
        generatorUrl: sent.generatorURL,
        startsAt: toMilliseconds(sent.startsAt),
        endsAt: null,
        receivedAt: firing.receivedAt,
        fingerprint: alertFingerprint('PodDown', sent.labels),
        externalId: alertmanagerFingerprint(sent.labels),
      });
      expect(alert?.labels).toEqual(sent.labels);
    }
    expect(['web-0', 'web-1'].map((pod) => alerts[pod]?.externalId)).toEqual(fingerprints[name]);
  });

  test('repeats are counted, each end is one alert’s own, and starts nothing', async () => {
    const { app, send } = await start();
    await send(firing);
    expect(await send(part('repeat'))).toEqual([200, { ...counts, repeated: 2 }]);
    expect(await send(part('mixed'))).toEqual([200, { ...counts, repeated: 1, resolved: 1 }]);
    const ended = sentIn(part('mixed')).find(({ labels }) => labels['pod'] === 'web-0');
    const halfway = await alertsOf(app);
    expect(halfway['web-0']).toMatchObject({ status: 'resolved', endsAt: toMilliseconds(ended?.endsAt ?? '') });
    expect(halfway['web-1']).toMatchObject({ episode: 1, receiveCount: 3, endsAt: null });
    expect(halfway['web-1']?.status).not.toBe('resolved');

    const [status, answer] = await send(part('resolved'));
    expect([status, answer]).toEqual([200, { ...counts, resolved: 1, ignored: 1 }]);
    const over = await alertsOf(app);
    for (const pod of ['web-0', 'web-1']) expect(over[pod]).toMatchObject({ status: 'resolved', episode: 1 });
    expect(await app.list('/api/v1/runs')).toHaveLength(2);
    expect(await app.list('/api/v1/dead-letters')).toEqual([]);
  });

  test('the same bytes are refused where the token is another one', async () => {
    const { app, send } = await start('another-token');
    expect(await send(firing)).toMatchObject([401, { code: 'Unauthenticated' }]);
    expect(await app.list('/api/v1/alerts')).toEqual([]);
  });
});

test('a request is read when it has come whole', () => {
  const [first] = readCapture('rulers/prometheus').requests;
  if (first === undefined) throw new Error('no request');
  const { bytes } = first;
  for (const length of [0, 10, bytes.indexOf('\r\n\r\n') + 4, bytes.length - 1])
    expect(readRequest(bytes.subarray(0, length), '')).toBeNull();
  expect(readRequest(Buffer.concat([bytes, bytes]), '')?.bytes).toEqual(bytes);
  expect(() => readRequest(Buffer.from('GET / HTTP/1.1\r\n\r\n'), '')).toThrow('without Content-Length');
});
