import { afterEach, describe, expect, test } from 'vitest';
import type { AlertRecord } from '../../src/core/alert.ts';
import type { IntakeAnswer } from '../../src/core/event.ts';
import { isFinal } from '../../src/core/run.ts';
import type { RunRecord } from '../../src/core/run.ts';
import { chaosDatabases } from '../chaos/database.ts';
import { startTestApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { createCleanup } from '../support/cleanup.ts';
import { createRandom } from '../support/random.ts';
import { waitFor } from '../support/wait.ts';

// Ten thousand notifications of one alert, and one notification of ten thousand alerts: everything is counted, once.

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const resources = `
apiVersion: punchingfist.io/v1alpha1
kind: Source
metadata: { name: many }
spec:
  type: webhook
  config: { path: many }
  triggerWorkflow: look
  stormCapPerMinute: 60
---
apiVersion: punchingfist.io/v1alpha1
kind: Workflow
metadata: { name: look }
spec:
  runtime: { image: busybox }
  steps: [{ name: first, type: cli, command: 'sleep 1' }]
`;

const hourAgoMs = Date.now() - 60 * 60_000;
/** A moment of an hour ago: no start may lie ahead. */
const at = (second: number): string => new Date(hourAgoMs + second * 1000).toISOString();

async function post(app: TestApp, alerts: readonly object[]): Promise<IntakeAnswer> {
  const response = await fetch(`${app.app.url}/webhook/many`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ version: '4', receiver: 'fist', groupKey: '{}:{}', status: 'firing', alerts }),
  });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${response.status} ${text}`);
  return JSON.parse(text) as IntakeAnswer;
}

function added(answers: readonly IntakeAnswer[]): IntakeAnswer {
  const sum = { received: 0, opened: 0, repeated: 0, resolved: 0, ignored: 0, runs: 0 };
  for (const answer of answers)
    for (const name of Object.keys(sum) as (keyof IntakeAnswer)[]) sum[name] += answer[name];
  return sum;
}

/** Samples of a metric by their labels, those of value 0 left out. */
async function metric(app: TestApp, name: string): Promise<Readonly<Record<string, number>>> {
  const lines = (await app.get<string>('/metrics')).split('\n').filter((line) => line.startsWith(`${name}{`));
  const samples = lines.map((line) => [line.slice(name.length, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]);
  return Object.fromEntries(samples.filter(([, value]) => value !== 0)) as Record<string, number>;
}

describe.each(chaosDatabases)('on $name', (databases) => {
  async function start() {
    const database = await databases.create(cleanup, cleanup.temporaryFolder('one-alert'));
    const app = await startTestApp(cleanup, {
      files: { 'all.yaml': resources },
      database: database.url,
      allowExec: true,
      token: 'token-of-this-test',
    });
    const one = async (sql: string) => Object.values((await database.query(sql))[0] ?? {}).map(Number);
    return { app, one };
  }

  const episodes = 5;
  const senders = 8;
  const perEpisode = 2000;
  const labels = { alertname: 'Hot', pod: 'web-0', severity: 'critical' };

  /** Sizes of bodies that make `total` alerts together: most have one, some are large. */
  function sizes(seed: number, total: number): readonly number[] {
    const random = createRandom(seed);
    const all: number[] = [];
    for (let left = total; left > 0; left -= all.at(-1) ?? 0)
      all.push(Math.min(left, random.pick([1, 1, 1, 1, 2, 3, 10, 40, 250])));
    return all;
  }

  test('ten thousand notices of one alert by eight senders: one open alert, one run at a time, all of them counted', async () => {
    const { app, one } = await start();
    const answers: IntakeAnswer[] = [];
    let posts = 0;
    const send = async (alerts: readonly object[]) => {
      posts += 1;
      answers.push(await post(app, alerts));
    };
    for (let episode = 0; episode < episodes; episode += 1) {
      const firing = { status: 'firing', labels, startsAt: at(episode * 10), endsAt: '0001-01-01T00:00:00Z' };
      const queue = [...sizes(episode, perEpisode)];
      await Promise.all(
        Array.from({ length: senders }, async (_, sender) => {
          for (let size = queue.pop(); size !== undefined; size = queue.pop())
            await send(
              Array.from({ length: size }, (__, n) => ({ ...firing, annotations: { value: `${sender}/${n % 3}` } })),
            );
        }),
      );
      const open = await app.list<AlertRecord>('/api/v1/alerts?status=open');
      expect(open.map((alert) => alert.episode)).toEqual([episode + 1]);
      // The run of the episode before works on for a while: this one's waits for it.
      await waitFor('the run to begin', async () => {
        const runs = await app.list<RunRecord>('/api/v1/runs');
        expect(
          runs.filter(({ startedAt, completedAt }) => startedAt !== null && completedAt === null).length,
        ).toBeLessThan(2);
        return runs.some((run) => run.episode === episode + 1 && run.startedAt !== null);
      });
      // Both of a pair say so.
      const over = [{ ...firing, status: 'resolved', annotations: {}, endsAt: at(episode * 10 + 5) }];
      await Promise.all([send(over), send(over)]);
    }
    const total = episodes * perEpisode;
    expect(added(answers)).toEqual({
      received: total + 2 * episodes,
      opened: episodes,
      repeated: total - episodes,
      resolved: episodes,
      ignored: episodes,
      runs: episodes,
    });
    const alert = await app.alertNamed('Hot');
    expect(alert).toMatchObject({ status: 'resolved', episode: episodes, receiveCount: total + 2 * episodes });
    expect(await one('SELECT count(*) FROM alerts')).toEqual([1]);
    const turns = "SELECT count(*) FROM alert_transitions WHERE reason IN ('Opened', 'Reopened', 'Resolved')";
    expect(await one(turns)).toEqual([2 * episodes]);
    expect(await one('SELECT sum(receive_count) FROM source_events')).toEqual([posts]);
    expect(await app.get('/api/v1/sources/many')).toMatchObject({ status: { eventsProcessed: posts } });
    expect(await metric(app, 'fist_alerts_received_total')).toEqual({
      '{source="many",result="Opened"}': 1,
      '{source="many",result="Reopened"}': episodes - 1,
      '{source="many",result="Repeated"}': total - episodes,
      '{source="many",result="Resolved"}': episodes,
      '{source="many",result="ResolvedAgain"}': episodes,
    });
    expect(await metric(app, 'fist_alerts_deduplicated_total')).toEqual({ '{source="many"}': total - episodes });

    const runs = await waitFor('the runs to end', async () => {
      const all = await app.list<RunRecord>('/api/v1/runs');
      return all.every(({ status }) => isFinal(status)) && all;
    });
    expect(runs).toHaveLength(episodes);
    const worked = runs
      .flatMap(({ startedAt, completedAt }) => (startedAt === null ? [] : [[startedAt, completedAt ?? ''] as const]))
      .toSorted(([first], [second]) => (first < second ? -1 : 1));
    expect(worked).toHaveLength(episodes);
    for (const [place, [startedAt]] of worked.entries())
      if (place > 0) expect([startedAt, startedAt >= (worked[place - 1]?.[1] ?? '')]).toEqual([startedAt, true]);
    const { pending } = Object.groupBy(Object.entries(await metric(app, 'fist_runs_total')), ([name]) =>
      name.includes('phase="pending"') ? 'pending' : 'ended',
    );
    expect(pending?.map(([, value]) => value)).toEqual([episodes]);
    expect(await app.list('/api/v1/dead-letters')).toEqual([]);
  });

  test('a group of ten thousand alerts gets in whole, is repeated and ends; the storm guard lets so many run', async () => {
    const { app, one } = await start();
    const many = 10_000;
    const alerts = Array.from({ length: many }, (_, n) => ({
      status: 'firing',
      labels: {
        alertname: 'KubePodCrashLooping',
        container: 'checkout',
        endpoint: 'http',
        instance: '10.244.1.14:8080',
        job: 'kube-state-metrics',
        namespace: 'shop',
        pod: `checkout-5577bf7884-${n}`,
        prometheus: 'monitoring/kube-prometheus-stack-prometheus',
        service: 'kube-prometheus-stack-kube-state-metrics',
        severity: 'warning',
        uid: `7d5fae36-b14c-44b7-bc13-${String(n).padStart(12, '0')}`,
      },
      annotations: {
        description: `Pod shop/checkout-5577bf7884-${n} (checkout) is in waiting state (reason: "CrashLoopBackOff").`,
        runbook_url: 'https://runbooks.prometheus-operator.dev/runbooks/kubernetes/kubepodcrashlooping',
        summary: 'Pod is crash looping.',
      },
      startsAt: at(0),
      endsAt: '0001-01-01T00:00:00Z',
      generatorURL: `http://prometheus.example.com/graph?g0.expr=${'max_over_time%28kube_pod%29'.repeat(8)}&g0.tab=1`,
      fingerprint: n.toString(16).padStart(16, '0'),
    }));
    const answer = await post(app, alerts);
    expect(answer).toEqual({ received: many, opened: many, repeated: 0, resolved: 0, ignored: 0, runs: answer.runs });
    expect(answer.runs).toBeGreaterThanOrEqual(60);
    const muted = await metric(app, 'fist_runs_muted_total');
    expect(muted).toEqual({ '{source="many",reason="StormGuard"}': many - answer.runs });
    expect(await one("SELECT count(*), sum(receive_count) FROM alerts WHERE status <> 'resolved'")).toEqual([
      many,
      many,
    ]);
    expect(await one('SELECT count(*) FROM source_events')).toEqual([1]);

    expect(await post(app, alerts)).toMatchObject({ received: many, repeated: many, runs: 0 });
    expect(await one('SELECT min(receive_count), max(receive_count) FROM alerts')).toEqual([2, 2]);
    expect(await one('SELECT count(*), sum(receive_count) FROM source_events')).toEqual([1, 2]);

    const over = alerts.map((alert) => ({ ...alert, status: 'resolved', endsAt: at(60) }));
    expect(await post(app, over)).toMatchObject({ received: many, resolved: many, runs: 0 });
    expect(await one("SELECT count(*) FROM alerts WHERE status = 'resolved'")).toEqual([many]);
    expect(await app.list('/api/v1/dead-letters')).toEqual([]);
  });
});
