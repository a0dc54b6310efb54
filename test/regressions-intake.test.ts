import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AlertRecord } from '../src/core/alert.ts';
import type { RunRecord } from '../src/core/run.ts';
import { firing, resolved, resourceFixture, startTestApp } from './support/app.ts';
import type { RunDetail, TestApp } from './support/app.ts';
import { createCleanup } from './support/cleanup.ts';
import { oomExample, oomPod, oomStart } from './support/incidents.ts';
import { once } from './support/once.ts';
import { waitFor } from './support/wait.ts';

// The rest of regressions.test.ts: how alerts are taken in, kept, routed and shown.

const cleanup = createCleanup();
let world: TestApp;
let out: string;

beforeAll(async () => {
  out = cleanup.temporaryFolder('out');
  world = await startTestApp(cleanup, {
    files: {
      // Its webhook sinks answer nothing here; the tests of this file do not need them.
      'main.yaml': resourceFixture('regressions/main.yaml', { OUT: out, RECEIVER: 'http://127.0.0.1:1' }),
      'routing.yaml': resourceFixture('regressions/routing.yaml'),
      'queue.yaml': resourceFixture('regressions/queue.yaml', { OUT: out }),
    },
    dump: `${oomExample}/dump`,
    allowExec: true,
    concurrency: 3,
  });
});
afterAll(() => cleanup.run());

const runsOf = (alertname: string) =>
  world.alertNamed(alertname).then(({ id }) => world.list<RunRecord>(`/api/v1/runs?alert=${id}`));

async function ended(target: TestApp, id: string | null): Promise<RunDetail> {
  return waitFor(`run ${id}`, async () => {
    const run = await target.get<RunDetail>(`/api/v1/runs/${id}`);
    return run.completedAt !== null && run;
  });
}

/** An alert whose run has found a cause; its id and that of the run. */
const analysed = once(async () => {
  await world.notify('cause', [firing({ ...oomPod, alertname: 'Analysed' }, 0, oomStart)]);
  const { id, workflowId } = await world.alertNamed('Analysed');
  await ended(world, workflowId);
  return { id, workflowId };
});

const minute = 60_000;

// One life, told in order.
describe('12: one alert is one row, and one run for each time that it fires', { shuffle: false }, () => {
  const labels = { alertname: 'Dedup', number: '1' };

  test('5.9.12 repeats are counted and start nothing', async () => {
    expect(await world.notify('quick', [firing(labels, 10 * minute)])).toMatchObject({ opened: 1, runs: 1 });
    for (let repeat = 0; repeat < 3; repeat += 1)
      expect(await world.notify('quick', [firing(labels, 10 * minute)])).toMatchObject({ repeated: 1, runs: 0 });
    expect(await world.alertNamed('Dedup')).toMatchObject({ receiveCount: 4, episode: 1 });
    await ended(world, (await world.alertNamed('Dedup')).workflowId);
    expect(await world.alertNamed('Dedup')).toMatchObject({ status: 'escalated' });
  });

  test('5.9.12 a resolved notification starts nothing, known or not', async () => {
    expect(await world.notify('quick', [resolved(labels, 10 * minute, 5 * minute)])).toMatchObject({
      resolved: 1,
      runs: 0,
    });
    expect(await world.alertNamed('Dedup')).toMatchObject({ status: 'resolved' });
    expect(await world.notify('quick', [resolved({ alertname: 'NeverSeen' })])).toMatchObject({ opened: 0, runs: 0 });
    expect(await world.alertNamed('NeverSeen')).toMatchObject({ status: 'resolved', workflowId: null });
    expect(await runsOf('Dedup')).toHaveLength(1);
  });

  test('5.9.12 it fires again: answered 200, the same row, reopened, with a run of its own', async () => {
    const before = await world.alertNamed('Dedup');
    expect(await world.notify('quick', [firing(labels, minute)])).toMatchObject({ opened: 1, runs: 1 });
    const after = await world.alertNamed('Dedup');
    expect(after).toMatchObject({ id: before.id, episode: 2, resolvedAt: null });
    expect(['received', 'triaging', 'escalated']).toContain(after.status);
    expect(await runsOf('Dedup')).toHaveLength(2);
    const { transitions } = await world.get<{ transitions: readonly { reason: string }[] }>(
      `/api/v1/alerts/${after.id}`,
    );
    expect(transitions.map(({ reason }) => reason)).toEqual(expect.arrayContaining(['Opened', 'Resolved', 'Reopened']));
  });

  test('5.9.12 a bad alert in a payload takes nothing from the others', async () => {
    const good = (alertname: string) => firing({ alertname, number: '1' });
    const answer = await world.notify('quick', [
      good('BeforeBad'),
      { status: 'firing', labels: 'none' },
      good('AfterBad'),
    ]);
    expect(answer).toMatchObject({ received: 3, opened: 2, ignored: 1, runs: 2 });
    for (const name of ['BeforeBad', 'AfterBad'])
      expect(await ended(world, (await world.alertNamed(name)).workflowId)).toMatchObject({ status: 'succeeded' });
    const letters = await world.list<{ message: string; reason: string }>('/api/v1/dead-letters');
    expect(letters).toMatchObject([
      { reason: 'BadItem', message: expect.stringContaining('alerts[1].labels') as string },
    ]);
  });

  test('5.9.12 ai_analysis, ai_confidence, workflow_id and source_id are written, and the status moves', async () => {
    const { id, workflowId } = await analysed();
    const row = await world.get<Readonly<Record<string, unknown>>>(`/alerts/${id}`);
    expect(row).toMatchObject({
      status: 'escalated',
      workflow_id: workflowId,
      ai_analysis: { root_cause: expect.stringContaining('OOMKilled') as string },
      triage_started_at: expect.any(String) as string,
      triage_completed_at: expect.any(String) as string,
    });
    expect(row['ai_confidence']).toBeGreaterThan(0.8);
    expect(await world.get(`/api/v1/events/${String(row['source_id'])}`)).toMatchObject({
      sourceName: 'cause',
      workflowTriggered: 'find-cause',
    });
    const { transitions } = await world.get<{ transitions: readonly { toStatus: string }[] }>(`/api/v1/alerts/${id}`);
    expect(transitions.map(({ toStatus }) => toStatus)).toEqual(['received', 'triaging', 'escalated']);
  });
});

describe('13, 14: what happens can be seen', () => {
  test('5.9.13 the database makes itself, and steps, deliveries and resources are rows of the API', async () => {
    expect(existsSync(world.database)).toBe(true);
    const { workflowId } = await analysed();
    expect(await world.get(`/workflows/${workflowId}/steps`)).toMatchObject([
      { workflow_id: workflowId, name: 'investigate-alert', step_type: 'agent', status: 'succeeded' },
    ]);
    const deliveries = await world.list<{ sinkName: string }>(`/api/v1/deliveries?run=${workflowId}`);
    expect(deliveries.map(({ sinkName }) => sinkName).sort()).toEqual(['printed', 'receiver']);
    for (const kind of ['sources', 'workflows', 'sinks']) {
      const items = await world.list<{ status: { conditions: readonly { type: string }[] } }>(`/api/v1/${kind}`);
      expect(items.length).toBeGreaterThan(5);
      for (const item of items) {
        expect(item).toMatchObject({ metadata: { name: expect.any(String) as string }, spec: {} });
        expect(item.status.conditions[0]).toMatchObject({
          type: 'Ready',
          lastTransitionTime: expect.any(String) as string,
        });
      }
    }
  });

  test('5.9.14 /metrics is not empty, and moves', async () => {
    const value = async (sample: string) => {
      const text = await world.get<string>('/metrics');
      const line = text.split('\n').find((candidate) => candidate.startsWith(`${sample} `));
      return Number(line?.split(' ')[1] ?? 0);
    };
    const samples = [
      'fist_alerts_deduplicated_total{source="quick"}',
      'fist_runs_total{workflow="quick",phase="succeeded"}',
    ];
    const [repeats = 0, runs = 0] = await Promise.all(samples.map(value));
    for (const [more, alertname] of [
      [1, 'Counted'],
      [2, 'CountedToo'],
    ] as const) {
      const alert = firing({ alertname, number: '1' });
      await world.notify('quick', [alert]);
      await world.notify('quick', [alert]);
      await ended(world, (await world.alertNamed(alertname)).workflowId);
      expect(await Promise.all(samples.map(value))).toEqual([repeats + more, runs + more]);
    }
    expect(await value('fist_resources{kind="Workflow",ready="true"}')).toBeGreaterThan(5);
  });
});

describe('15: Sources', () => {
  interface SourceView {
    readonly metadata: { readonly namespace: string; readonly name: string };
    readonly status: {
      readonly ready: boolean;
      readonly eventsProcessed: number;
      readonly lastEventTime: string | null;
      readonly conditions: readonly { readonly type: string; readonly reason: string; readonly message: string }[];
    };
  }
  const source = (name: string, from = world) => from.get<SourceView>(`/api/v1/sources/${name}`);

  test('5.9.15 of two Sources with one path the same one always has it, and the other says so', async () => {
    expect((await source('blue/taken')).status).toMatchObject({ ready: true });
    const { status } = await source('green/late');
    // It takes what comes to the path of its namespace, which nobody else can have.
    expect(status.ready).toBe(true);
    const conflict = status.conditions.find(({ type }) => type === 'PathConflict');
    expect(conflict?.message).toContain('belongs to Source blue/taken');
    await world.notify('@green/shared', [firing({ alertname: 'Own' })]);
    expect(await world.alertNamed('Own')).toMatchObject({ namespace: 'green', source: 'late' });
    await world.notify('@blue/shared', [firing({ alertname: 'OwnToo' })]);
    expect(await world.alertNamed('OwnToo')).toMatchObject({ namespace: 'blue', source: 'taken' });
    await world.notify('shared', [firing({ alertname: 'Shared' })]);
    expect(await world.alertNamed('Shared')).toMatchObject({ namespace: 'blue', source: 'taken' });
    await world.endedRun('Shared');
    // The other order of files and documents makes no difference.
    const documents = resourceFixture('regressions/routing.yaml').split('---\n').toReversed();
    const files = Object.fromEntries(documents.map((text, place) => [`${place}.yaml`, text]));
    const turned = await startTestApp(cleanup, { files });
    expect((await source('blue/taken', turned)).status.ready).toBe(true);
    await turned.notify('shared', [firing({ alertname: 'Turned' })]);
    expect(await turned.alertNamed('Turned')).toMatchObject({ namespace: 'blue', source: 'taken' });
    await turned.stop();
  });

  test('5.9.15 the same names in two namespaces stay apart', async () => {
    for (const namespace of ['blue', 'green']) {
      const printed = () => world.stdout().split(`[same] ${namespace} sink\n`).length;
      const before = { printed: printed(), events: (await source(`${namespace}/own`)).status.eventsProcessed };
      await world.notify(namespace, [firing({ alertname: `In ${namespace}` })]);
      const run = await world.endedRun(`In ${namespace}`);
      expect(run).toMatchObject({ namespace, name: 'here', status: 'succeeded', triggerSource: `${namespace}/own` });
      expect(run.steps).toMatchObject([{ result: { stdout: `${namespace}\n` } }]);
      expect(run.deliveries).toMatchObject([{ namespace, sinkName: 'same', status: 'sent' }]);
      expect(printed()).toBe(before.printed + 1);
      expect((await source(`${namespace}/own`)).status.eventsProcessed).toBe(before.events + 1);
    }
  });

  test('5.9.15 eventsProcessed and lastEventTime move', async () => {
    await world.notify('green', [firing({ alertname: 'MovedIt' })]);
    const before = (await source('green/own')).status;
    await world.notify('green', [firing({ alertname: 'MovesIt' })]);
    const { status } = await source('green/own');
    expect(status.eventsProcessed).toBe(before.eventsProcessed + 1);
    expect(Date.parse(status.lastEventTime ?? '')).toBeGreaterThan(Date.parse(before.lastEventTime ?? ''));
  });

  test('5.9.15 an old path is gone and a new one is there; a Source that was taken away takes nothing', async () => {
    const one = resourceFixture('regressions/minutes.yaml');
    const changing = await startTestApp(cleanup, { files: { 'one.yaml': one } });
    const status = (path: string) =>
      changing.call('POST', `/webhook/${path}`, { version: '4', alerts: [] }).then((answer) => answer.status);
    expect(await status('minutes')).toBe(200);
    changing.writeResources('one.yaml', one.replace('path: minutes', 'path: moved'));
    await waitFor('the reload', async () => (await status('minutes')) === 404);
    expect(await status('moved')).toBe(200);
    changing.writeResources('one.yaml', one.slice(one.indexOf('---') + 4));
    // For a minute, then it is gone too (src/resources/folder.test.ts).
    await waitFor('the second reload', async () => (await status('moved')) === 503);
    const sources = () => changing.list<{ status: { conditions: { type: string }[] } }>('/api/v1/sources');
    await waitFor('its condition', async () =>
      (await sources())[0]?.status.conditions.some(({ type }) => type === 'Vanished'),
    );
    await changing.stop();
  });
});

describe('18: nothing is lost, and not everything runs at once', () => {
  test('5.9.18 more alerts than the old queue held are all taken and all run', async () => {
    const alerts = Array.from({ length: 150 }, (_, number) => firing({ alertname: 'Flood', number: String(number) }));
    expect(await world.notify('quick', alerts)).toMatchObject({ received: 150, opened: 150, runs: 150 });
    await waitFor('all runs', async () => {
      const open = await world.list<AlertRecord>('/api/v1/alerts?name=Flood&limit=500');
      return open.length === 150 && open.every(({ status }) => status === 'escalated');
    });
  });

  test('5.9.18 only so many runs execute at the same time as --concurrency says', async () => {
    const alerts = Array.from({ length: 10 }, (_, number) => firing({ alertname: `Many${number}` }));
    await world.notify('many', alerts);
    for (const number of alerts.keys())
      expect(await world.endedRun(`Many${number}`)).toMatchObject({ status: 'succeeded' });
    const lines = readFileSync(join(out, 'times'), 'utf8').trimEnd().split('\n');
    expect(lines).toHaveLength(20);
    let running = 0;
    const highest = Math.max(...lines.map((line) => (running += line === 'begin' ? 1 : -1)));
    expect(running).toBe(0);
    expect(highest).toBeGreaterThan(1);
    expect(highest).toBeLessThanOrEqual(3);
  });

  test('5.9.18 a run goes on after a restart, and what was done is not done again', async () => {
    const files = { 'queue.yaml': resourceFixture('regressions/queue.yaml', { OUT: out }) };
    const first = await startTestApp(cleanup, { files, allowExec: true });
    await first.notify('retried', [firing({ alertname: 'Retried' })]);
    const { id, workflowId } = await first.alertNamed('Retried');
    const detail = (from: TestApp) => from.get<RunDetail>(`/api/v1/runs/${workflowId}`);
    await waitFor('a second attempt', async () => (await detail(first)).steps.length >= 3);
    await first.stop();
    writeFileSync(join(out, 'go'), '');
    const second = await startTestApp(cleanup, { files, allowExec: true, folder: first.folder });
    const run = await ended(second, workflowId);
    expect(run).toMatchObject({ status: 'succeeded', alertId: id });
    expect(run.steps.at(-1)).toMatchObject({ name: 'later', status: 'succeeded' });
    expect(readFileSync(join(out, 'once'), 'utf8')).toBe('once\n');
    expect(await second.notify('retried', [firing({ alertname: 'Retried' })])).toMatchObject({ repeated: 1, runs: 0 });
    expect(second.app.token).toBe(first.app.token);
    await second.stop();
  });
});

describe('20: the API of the first version', () => {
  test('5.9.20 POST /alerts triggers the Workflow of the Source that accepts it, and says which', async () => {
    const alert = { alert_name: 'ByHand', severity: 'critical', labels: { number: '7' }, source: 'default/quick' };
    const { status, body } = await world.call('POST', '/alerts', alert);
    expect({ status, body }).toMatchObject({
      status: 201,
      body: { message: 'Alert created under Source default/quick; Workflow quick was triggered' },
    });
    expect(await world.endedRun('ByHand')).toMatchObject({
      status: 'succeeded',
      alertId: (body as { id: string }).id,
      triggerSource: 'default/quick',
    });
  });

  test('5.9.20 where no Source accepts it, the alert is kept and the answer says that nothing was triggered', async () => {
    const text = resourceFixture('contract/triage.yaml');
    const strict = await startTestApp(cleanup, { files: { 'triage.yaml': text } });
    const { status, body } = await strict.call('POST', '/alerts', { alert_name: 'Nobody', severity: 'info' });
    expect({ status, body }).toMatchObject({
      status: 201,
      body: { message: expect.stringMatching(/nothing was triggered/) as string },
    });
    expect(await strict.alertNamed('Nobody')).toMatchObject({ source: 'api', workflowId: null });
    expect(await strict.list('/api/v1/runs')).toEqual([]);
    await strict.stop();
  });

  test('5.9.20 GET /workflows shows runs, /api/v1/workflows the declared ones; both in their own shape', async () => {
    await analysed();
    for (const alertname of ['Shape1', 'Shape2', 'Shape3', 'Shape4']) {
      await world.notify('quick', [firing({ alertname, number: '1' })]);
      await world.endedRun(alertname);
    }
    const [alert] = await world.get<readonly Readonly<Record<string, unknown>>[]>('/alerts?limit=1');
    expect(Object.keys(alert ?? {}).sort()).toEqual(
      [
        'id',
        'external_id',
        'fingerprint',
        'status',
        'severity',
        'alert_name',
        'name',
        'summary',
        'description',
        'labels',
        'annotations',
        'source_id',
        'workflow_id',
        'ai_analysis',
        'ai_confidence',
        'auto_resolved',
        'starts_at',
        'ends_at',
        'received_at',
        'triage_started_at',
        'triage_completed_at',
        'resolved_at',
        'created_at',
        'updated_at',
      ].sort(),
    );
    const [run] = await world.get<readonly Readonly<Record<string, unknown>>[]>('/workflows?limit=1&offset=3');
    expect(Object.keys(run ?? {}).sort()).toEqual(
      [
        'id',
        'name',
        'namespace',
        'trigger_source',
        'status',
        'steps_completed',
        'total_steps',
        'current_step',
        'input_context',
        'outputs',
        'error',
        'started_at',
        'completed_at',
        'created_at',
      ].sort(),
    );
    expect(await world.get('/api/v1/workflows/quick')).toMatchObject({
      kind: 'Workflow',
      metadata: { namespace: 'default', name: 'quick' },
      spec: { steps: [{ name: 'decide' }] },
      status: { ready: true, lastRun: { status: 'succeeded' } },
    });
    const [event] = await world.get<readonly object[]>('/source-events?source_name=cause');
    expect(event).toMatchObject({ source_name: 'cause', source_type: 'webhook', event_data: { version: '4' } });
  });

  test('5.9.20 the group key is kept with each alert of the group', async () => {
    const body = {
      version: '4',
      groupKey: '{}:{alertname="Grouped"}',
      alerts: ['1', '2'].map((number) => firing({ alertname: 'Grouped', number })),
    };
    const { status } = await world.call('POST', '/webhook/quick', body);
    expect(status).toBe(200);
    const grouped = await world.list<AlertRecord>('/api/v1/alerts?name=Grouped');
    expect(grouped.map(({ groupKey }) => groupKey)).toEqual([body.groupKey, body.groupKey]);
    expect(new Set(grouped.map(({ fingerprint }) => fingerprint)).size).toBe(2);
  });
});
