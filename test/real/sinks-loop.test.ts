import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createCleanup } from '../support/cleanup.ts';
import { findProgram, startAlertmanager, startPushgateway } from '../support/monitoring.ts';
import { freePort, repositoryRoot } from '../support/processes.ts';
import { startServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';

const missing = (['Alertmanager', 'Pushgateway'] as const).find((name) => findProgram(name) === null);
const cleanup = createCleanup();
afterEach(() => cleanup.run());

const example = `${repositoryRoot}examples/oom-crash-loop`;

interface Listed {
  readonly annotations: Readonly<Record<string, string>>;
}

function resourcesYaml(alertmanager: string, pushgateway: string): string {
  const sink = (name: string, spec: string) => `
---
apiVersion: punchingfist.io/v1alpha1
kind: Sink
metadata: { name: ${name} }
spec: ${spec}`;
  return `
apiVersion: punchingfist.io/v1alpha1
kind: Source
metadata: { name: in }
spec: { type: webhook, config: { path: in }, triggerWorkflow: explain }
---
apiVersion: punchingfist.io/v1alpha1
kind: Workflow
metadata: { name: explain }
spec:
  steps: [{ name: investigate, type: agent, goal: 'Find out why it fires.' }]
  sinks: [annotated, pushed, kept]
${sink('annotated', `{ type: alertmanager, config: { endpoint: 'http://${alertmanager}' } }`)}
${sink('pushed', `{ type: prometheus, sendResolved: true, config: { pushgateway: 'http://${pushgateway}' } }`)}
${sink('kept', '{ type: file, sendResolved: true, config: { file: reports.jsonl } }')}
`;
}

describe.skipIf(missing !== undefined)(
  missing === undefined ? 'from Alertmanager and back' : `skipped: ${missing} not found`,
  () => {
    it('an alert has its cause where it came from, metrics while it fires, and lines in a file', async () => {
      const folder = cleanup.temporaryFolder('loop');
      const listen = `127.0.0.1:${await freePort()}`;
      const alertmanager = await startAlertmanager(
        cleanup,
        folder,
        `
route: { receiver: fist, group_wait: 0s, group_interval: 1s, repeat_interval: 1h }
receivers:
  - name: fist
    webhook_configs: [{ url: 'http://${listen}/webhook/in', send_resolved: true }]
`,
      );
      const pushgateway = await startPushgateway(cleanup);
      mkdirSync(join(folder, 'resources'));
      writeFileSync(join(folder, 'resources', 'all.yaml'), resourcesYaml(alertmanager, pushgateway));
      const database = join(folder, 'fist.db');
      const flags = ['--dump', `${example}/dump`];
      const server = await startServer({ resources: join(folder, 'resources'), database, listen, flags });
      cleanup.defer(() => server.process.stop());

      const { alerts } = JSON.parse(readFileSync(`${example}/alert.json`, 'utf8')) as {
        readonly alerts: readonly [
          { readonly labels: object; readonly annotations: object; readonly startsAt: string },
        ];
      };
      const [{ labels, annotations, startsAt }] = alerts;
      const post = (endsAt: number) =>
        fetch(`http://${alertmanager}/api/v2/alerts`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify([{ labels, annotations, startsAt, endsAt: new Date(endsAt).toISOString() }]),
        });
      await post(Date.now() + 300_000);
      const annotated = await waitFor(
        'the cause in Alertmanager',
        async () => {
          const list = (await (await fetch(`http://${alertmanager}/api/v2/alerts`)).json()) as readonly Listed[];
          expect(list.length).toBeLessThanOrEqual(1);
          return list[0]?.annotations['fist_cause'] === undefined ? null : list[0].annotations;
        },
        { timeoutMs: 45_000 },
      );
      expect(annotated['fist_cause']).toContain('OOMKilled');
      expect(annotated).toMatchObject(annotations);
      const metrics = async () => (await fetch(`http://${pushgateway}/metrics`)).text();
      const pushed = /fist_cause_confidence\{alertname="KubePodCrashLooping",.*\} 0\.9/;
      await waitFor('the metrics', async () => pushed.test(await metrics()), { timeoutMs: 20_000 });

      await post(Date.now());
      await waitFor('the metrics to go', async () => !pushed.test(await metrics()), { timeoutMs: 20_000 });
      const reports = join(folder, 'sinks', 'default', 'reports.jsonl');
      const lines = await waitFor('both lines', () => {
        const text = existsSync(reports) ? readFileSync(reports, 'utf8').trim().split('\n') : [];
        return text.length === 2 ? text : null;
      });
      expect(lines.map((line) => (JSON.parse(line) as { event: string }).event)).toEqual([
        'run-finished',
        'alert-resolved',
      ]);
      expect(await server.list('/api/v1/deliveries?status=failed')).toEqual([]);
    });
  },
);
