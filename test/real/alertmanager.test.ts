import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { createCleanup } from '../support/cleanup.ts';
import { findProgram, startMonitoring } from '../support/monitoring.ts';
import { freePort, repositoryRoot } from '../support/processes.ts';
import { startReceiver } from '../support/receiver.ts';
import { startServer } from '../support/server.ts';
import type { TestServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';

const missing = (['Alertmanager', 'Prometheus'] as const).find((name) => findProgram(name) === null);
if (missing !== undefined) console.warn(`skipped: ${missing} not found`);

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const token = 'real-alertmanager';
const example = `${repositoryRoot}examples/oom-crash-loop`;

interface Alert {
  readonly id: string;
  readonly status: string;
  readonly receiveCount: number;
  readonly episode: number;
  readonly name: string;
}

/** The labels of the example's alert, so that its dump has something to say about it. */
function exampleAlert(): { alertname: string; labels: Record<string, string> } {
  const { alerts } = JSON.parse(readFileSync(`${example}/alert.json`, 'utf8')) as {
    alerts: { labels: Record<string, string> }[];
  };
  const { alertname = '', ...labels } = alerts[0]?.labels ?? {};
  return { alertname, labels };
}

async function prepare() {
  const folder = cleanup.temporaryFolder('real');
  const receiver = await startReceiver();
  cleanup.defer(() => receiver.stop());
  mkdirSync(join(folder, 'resources'));
  writeFileSync(join(folder, 'resources', 'all.yaml'), resourcesYaml(receiver.url));
  const database = join(folder, 'fist.db');
  const listen = `127.0.0.1:${await freePort()}`;
  return {
    receiver,
    webhookUrl: `http://${listen}/webhook/alertmanager`,
    start: async (): Promise<TestServer> => {
      const server = await startServer({
        resources: join(folder, 'resources'),
        database,
        listen,
        flags: ['--dump', `${example}/dump`],
      });
      cleanup.defer(() => server.process.stop());
      return server;
    },
  };
}

function resourcesYaml(receiverUrl: string): string {
  return `
apiVersion: v1
kind: Secret
metadata: { name: alertmanager-token }
stringData: { token: ${token} }
---
apiVersion: punchingfist.io/v1alpha1
kind: Source
metadata: { name: alertmanager }
spec:
  type: webhook
  config:
    path: /webhook/alertmanager
    authentication: { type: bearer, secretRef: alertmanager-token }
  triggerWorkflow: explain
---
apiVersion: punchingfist.io/v1alpha1
kind: Workflow
metadata: { name: explain }
spec:
  steps:
    - { name: investigate, type: agent, goal: 'Find out why {{ .alert.alertname }} fires.' }
  outputs:
    - { name: root_cause, value: '{{ .steps.investigate.result.root_cause }}' }
  sinks: [printed, posted]
---
apiVersion: punchingfist.io/v1alpha1
kind: Sink
metadata: { name: printed }
spec: { type: stdout, config: { format: json } }
---
apiVersion: punchingfist.io/v1alpha1
kind: Sink
metadata: { name: posted }
spec:
  type: webhook
  config: { endpoint: '${receiverUrl}/report' }
  sendResolved: true
`;
}

function theAlert(server: TestServer, what: string, wanted: (alert: Alert) => boolean): Promise<Alert> {
  let last: readonly Alert[] = [];
  return waitFor(
    `the alert to be ${what}`,
    async () => {
      last = await server.list<Alert>('/api/v1/alerts');
      return last.length === 1 && last[0] !== undefined && wanted(last[0]) ? last[0] : null;
    },
    { timeoutMs: 45_000, everyMs: 200, explain: () => JSON.stringify(last) },
  );
}

describe.skipIf(missing !== undefined)(
  missing === undefined ? 'a real Alertmanager' : `skipped: ${missing} not found`,
  () => {
    it('makes one alert and one run, whose report arrives; repeats are counted; the end is noticed', async () => {
      const { receiver, webhookUrl, start } = await prepare();
      const server = await start();
      const monitoring = await startMonitoring(cleanup, { webhookUrl, token, ...exampleAlert() });
      monitoring.setFiring(true);

      const report = await receiver.waitForRequest(
        'the report',
        ({ json }) => json['run'] !== undefined && json['report'] !== null,
        45_000,
      );
      expect(report.headers['idempotency-key']).toMatch(/\S{8,}/);
      expect(JSON.stringify(report.json['report'])).toContain('OOMKilled');
      await waitFor('the report on stdout', () => server.process.stdout().includes('OOMKilled'), { timeoutMs: 5000 });

      const repeated = await theAlert(server, 'repeated', (alert) => alert.receiveCount >= 3);
      expect(repeated).toMatchObject({ name: exampleAlert().alertname, episode: 1, status: 'escalated' });
      expect(await server.list('/api/v1/runs')).toHaveLength(1);

      monitoring.setFiring(false);
      await theAlert(server, 'resolved', (alert) => alert.status === 'resolved' && alert.episode === 1);
      const end = await receiver.waitForRequest(
        'the end of the alert',
        ({ body }) => body.includes('alert-resolved'),
        20_000,
      );
      expect(end.headers['idempotency-key']).not.toBe(report.headers['idempotency-key']);
      expect(await server.list('/api/v1/runs')).toMatchObject([{ status: 'succeeded' }]);
      expect(receiver.requests).toHaveLength(2);
      expect(await monitoring.counter('alertmanager_notifications_failed_total')).toBe(0);
      expect(await server.process.stop()).toEqual({ code: 0, signal: null });
    });

    it('with a wrong token is refused, says so itself, and leaves no row', async () => {
      const { webhookUrl, start } = await prepare();
      const server = await start();
      const monitoring = await startMonitoring(cleanup, { webhookUrl, token: 'wrong', ...exampleAlert() });
      monitoring.setFiring(true);
      await monitoring.waitForCounter('alertmanager_notifications_failed_total', 2);
      for (const list of ['alerts', 'runs', 'events', 'dead-letters'])
        expect(await server.list(`/api/v1/${list}`)).toEqual([]);
    });

    it('delivers by its own retry what fired while the server was down', async () => {
      const { webhookUrl, start } = await prepare();
      const first = await start();
      const monitoring = await startMonitoring(cleanup, { webhookUrl, token, ...exampleAlert() });
      expect(await first.process.stop()).toEqual({ code: 0, signal: null });
      monitoring.setFiring(true);
      await monitoring.waitForCounter('alertmanager_notification_requests_failed_total', 2);
      await sleep(2000);

      const second = await start();
      await theAlert(second, 'there', (alert) => alert.episode === 1 && alert.status === 'escalated');
      expect(await second.list('/api/v1/runs')).toMatchObject([{ status: 'succeeded' }]);
    });
  },
);
