import { describe, expect, test } from 'vitest';
import { contractStores } from '../../test/contract/stores.ts';
import { createPause } from '../../test/support/races.ts';
import { alertSnapshot, runFixture, sinkFixture, stepFixture } from '../../test/support/deliveries.ts';
import { alertFixture } from '../../test/support/rows.ts';
import { startGithub } from '../../test/support/vendors/github.ts';
import { never, outboxOn, webhookSink } from '../../test/support/outbox.ts';
import type { OutboxBench } from '../../test/support/outbox.ts';
import type { DeliveryRecord } from '../core/delivery.ts';
import { sortKeyOf } from '../core/delivery.ts';
import { incidentOf } from '../core/stored-report.ts';
import type { JsonObject } from '../core/json.ts';
import type { AlertRecord, Severity } from '../core/alert.ts';
import type { RunRecord, StepRecord } from '../core/run.ts';
import type { Store } from '../core/store.ts';
import { createHttpClient } from '../lib/http.ts';
import { github } from './github.ts';

// Alerts of one incident: one report, and a line for each of the others, to each Sink.

const object = 'pod/shop/web-1';
const report: JsonObject = {
  schema_version: 1,
  object,
  root_cause: 'Container web was OOMKilled.',
  cause: {
    sentence: 'Container web was OOMKilled.',
    category: 'oom-killed',
    object,
    certainty: 'is',
    since: null,
    change: null,
  },
  confidence: 0.95,
  summary: 'Container web was OOMKilled.',
  happened: 'Container web was killed.',
  findings: [],
  report: '# Investigation Summary',
};
const incident = incidentOf(report);

interface Changes {
  readonly severity?: Severity;
  readonly result?: StepRecord['result'];
}

/** Another alert that fires, `a2` and so on, its run and its delivery, with the same cause. */
async function addAlert(
  on: OutboxBench,
  number: number,
  changes: Partial<DeliveryRecord> = {},
  run: Partial<RunRecord> = {},
  { severity = 'critical', result = report }: Changes = {},
): Promise<void> {
  const [id, alertId] = [`r${number}`, run.alertId ?? `a${number}`];
  const own = { id: alertId, name: `Alert${number}`, severity, labels: { namespace: 'shop', pod: 'web-1' } };
  const input = { ...runFixture().input, alert: { ...alertSnapshot, ...own } };
  const isThere = (await on.store.read.lists.alert(alertId)) !== undefined;
  await on.store.transaction('intake', async (tx) => {
    const alert = alertFixture({ ...own, namespace: 'shop', fingerprint: alertId, startsAt: alertSnapshot.startsAt });
    if (!isThere) await tx.alerts.insertAll([alert]);
    await tx.runs.insert({ run: runFixture({ id, alertId, input, ...run }), plan: null });
    await tx.runs.writeSteps([stepFixture({ id: `s${number}`, runId: id, result })]);
  });
  await on.insert({ id: `d${number}`, runId: id, alertId, incident, ...changes });
}

/** An alert goes on. */
async function change(on: OutboxBench, alertId: string, changes: Partial<AlertRecord>): Promise<void> {
  const alert = await on.store.read.lists.alert(alertId);
  if (alert === undefined) throw new Error('the alert is gone');
  await on.store.transaction('intake', (tx) => tx.alerts.saveStates([{ ...alert, ...changes }]));
}

async function resolve(on: OutboxBench, alertId: string): Promise<void> {
  const resolvedAt = new Date(on.clock.now()).toISOString();
  await change(on, alertId, { status: 'resolved', endsAt: resolvedAt, resolvedAt });
}

/** Of a request. */
interface Body {
  readonly alert: { readonly alertname: string };
  readonly report: { readonly findings?: unknown };
  readonly sameAs: object | null;
  readonly text: string;
}

interface Told {
  readonly full: readonly string[];
  readonly points: readonly string[];
}

/** Which alerts were told in full, and which by a line that points at a report. */
function told(on: OutboxBench): Told {
  const bodies = on.requests.map(({ body }) => JSON.parse(String(body)) as Body);
  const name = ({ alert }: Body): string => alert.alertname;
  const isFull = ({ sameAs, text }: Body): boolean => sameAs === null && !text.includes('Same cause as');
  // A program that reads the JSON has all of it.
  expect(bodies.every(({ report: { findings } }) => Array.isArray(findings))).toBe(true);
  return { full: bodies.filter(isFull).map(name), points: bodies.filter((body) => !isFull(body)).map(name) };
}

function text(on: OutboxBench, request: number): string {
  const body = JSON.parse(String(on.requests[request]?.body)) as { text: string };
  return body.text.replace(/\s+/g, ' ');
}

/** Handles what is due, and what is due a second later, until nothing is. */
async function handleAll(on: OutboxBench): Promise<void> {
  for (let look = 0; look < 5; look += 1) {
    await on.handle().catch(() => undefined);
    await on.clock.advance(1000);
  }
}

describe.each(contractStores)('one incident, told by the outbox on $name', (database) => {
  const on = outboxOn(database);

  test('the first has the report, which names the others that wait; they point at it', async () => {
    await addAlert(on, 2);
    await addAlert(on, 3);
    await on.outbox.handle('d2', never, never);
    expect(text(on, 0)).toContain(
      'The cause is (95%): Container web was OOMKilled. It also explains Alert3 shop/web-1.',
    );
    expect(await on.row('d2')).toMatchObject({ status: 'sent', incident });
    await on.outbox.handle('d3', never, never);
    expect(told(on)).toEqual({ full: ['Alert2'], points: ['Alert3'] });
    expect(text(on, 1)).toBe(
      'FIRING critical Alert3 pod/shop/web-1 for 1m42s Same cause as Alert2 shop/web-1, reported at 2026-03-01 10:00:42 UTC. ' +
        'The cause is (95%): Container web was OOMKilled. Report: fist describe run/r2 Run: fist describe run/r3 ',
    );
    expect(JSON.parse(String(on.requests[1]?.body))).toMatchObject({
      sameAs: { alert: 'Alert2 shop/web-1', reportedAt: '2026-03-01T10:00:42.000Z', run: { id: 'r2', url: null } },
      report: {
        root_cause: 'Container web was OOMKilled.',
        report: expect.stringContaining('Same cause as Alert2') as string,
      },
    });
    // It told the incident to nobody.
    expect(await on.row('d3')).toMatchObject({ status: 'sent', incident: null });
  });

  test('what was rendered whole before its process died tells the incident, whatever was told meanwhile', async () => {
    await addAlert(on, 2);
    await addAlert(on, 3, { rendered: { payload: { whole: true }, report: null }, attempts: 1 });
    await on.outbox.handle('d2', never, never);
    await on.outbox.handle('d3', never, never);
    expect(await on.row('d3')).toMatchObject({ status: 'sent', incident });
  });

  test.each([
    ['another cause', { incident: 'crash-loop pod/shop/web-1' }, {}],
    ['another Sink', { sinkName: 'other' }, {}],
    ['no cause', { incident: null }, {}],
    ['a run that a person asked for', {}, { retryOf: 'r2' }],
    ['the same alert again', { alertId: 'a2' }, { alertId: 'a2', episode: 2 }],
  ] as const)('%s: a report of its own', async (_name, changes, run) => {
    on.sinks = [webhookSink, { ...webhookSink, name: 'other' }];
    await addAlert(on, 2);
    await on.outbox.handle('d2', never, never);
    await addAlert(on, 3, changes, run);
    await on.outbox.handle('d3', never, never);
    expect(told(on)).toEqual({ full: ['Alert2', 'Alert3'], points: [] });
  });

  test('only for as long as the Sink says', async () => {
    await addAlert(on, 2);
    await on.outbox.handle('d2', never, never);
    await on.clock.advance(3_600_001);
    await addAlert(on, 3);
    await on.outbox.handle('d3', never, never);
    on.sinks = [sinkFixture({ ...webhookSink, sameCauseForMs: 0 })];
    await addAlert(on, 4);
    await on.outbox.handle('d4', never, never);
    expect(told(on)).toEqual({ full: ['Alert2', 'Alert3', 'Alert4'], points: [] });
  });

  test('a condition sees the whole report: who wants it is told by a line too', async () => {
    on.sinks = [{ ...webhookSink, condition: '{{ .report.report }} == "# Investigation Summary"' }];
    await addAlert(on, 2);
    await addAlert(on, 3);
    await on.outbox.handle('d2', never, never);
    await on.outbox.handle('d3', never, never);
    expect(told(on)).toEqual({ full: ['Alert2'], points: ['Alert3'] });
    expect(await on.row('d3')).toMatchObject({ status: 'sent', error: null });
  });

  test('the line says what became of its own alert and run', async () => {
    await addAlert(on, 2);
    const result = { ...report, notice: 'Logs could not be read.' };
    await addAlert(on, 3, {}, {}, { result });
    await addAlert(on, 4, {}, { status: 'failed', error: 'step two: exit code 1' });
    await on.outbox.handle('d2', never, never);
    await resolve(on, 'a3');
    await on.outbox.handle('d3', never, never);
    await change(on, 'a4', { episode: 2, startsAt: '2026-03-01T10:00:30.000Z' });
    await on.outbox.handle('d4', never, never);
    expect(told(on)).toEqual({ full: ['Alert2'], points: ['Alert3', 'Alert4'] });
    expect(text(on, 1)).toContain(
      'The alert was resolved at 2026-03-01 10:00:42 UTC, before this report was sent. Logs could not be read. Same cause as Alert2',
    );
    expect(text(on, 2)).toMatch(
      /fires again since 2026-03-01 10:00:30 UTC\. Workflow triage failed: step two: exit code 1 Same cause as Alert2.* Run: fist describe run\/r4 $/,
    );
  });

  test.each([
    ['fires still', 0, null, { full: ['Alert2'], points: ['Alert3'] }],
    ['ended five minutes ago', 35, 5, { full: ['Alert2'], points: ['Alert3'] }],
    ['ended longer ago', 34, 6, { full: ['Alert2', 'Alert3'], points: [] }],
  ] as const)('a report whose alert %s', async (_name, beforeMinutes, afterMinutes, expected) => {
    await addAlert(on, 2);
    await on.outbox.handle('d2', never, never);
    await on.clock.advance(beforeMinutes * 60_000);
    if (afterMinutes !== null) await resolve(on, 'a2');
    await on.clock.advance((afterMinutes ?? 40) * 60_000);
    await addAlert(on, 3);
    await on.outbox.handle('d3', never, never);
    expect(told(on)).toEqual(expected);
  });

  test('a report of an episode before this one does not count', async () => {
    await addAlert(on, 2);
    await on.outbox.handle('d2', never, never);
    await change(on, 'a2', { episode: 2 });
    await addAlert(on, 3);
    await on.outbox.handle('d3', never, never);
    expect(told(on)).toEqual({ full: ['Alert2', 'Alert3'], points: [] });
  });

  test.each([
    ['warning', 'critical', { full: ['Alert2', 'Alert3'], points: [] }],
    ['info', 'warning', { full: ['Alert2', 'Alert3'], points: [] }],
    ['warning', 'warning', { full: ['Alert2'], points: ['Alert3'] }],
    ['critical', 'info', { full: ['Alert2'], points: ['Alert3'] }],
  ] as const)('after a report of a %s alert, one that is %s', async (first, second, expected) => {
    await addAlert(on, 2, {}, {}, { severity: first });
    await on.outbox.handle('d2', never, never);
    await addAlert(on, 3, {}, {}, { severity: second });
    await on.outbox.handle('d3', never, never);
    expect(told(on)).toEqual(expected);
  });

  test('a report that did not arrive, or was not wanted, told nobody', async () => {
    on.answers = [400];
    await addAlert(on, 2);
    await on.outbox.handle('d2', never, never);
    expect(await on.row('d2')).toMatchObject({ status: 'failed' });
    on.sinks = [{ ...webhookSink, condition: '{{ .alert.alertname }} != Alert3' }];
    await addAlert(on, 3);
    await on.outbox.handle('d3', never, never);
    expect(await on.row('d3')).toMatchObject({ status: 'skipped' });
    await addAlert(on, 4);
    await on.outbox.handle('d4', never, never);
    expect(told(on)).toEqual({ full: ['Alert2', 'Alert4'], points: [] });
  });

  test.each([
    [200, { full: ['Alert2'], points: ['Alert3'] }],
    [503, { full: ['Alert2', 'Alert3'], points: [] }],
  ] as const)('one that comes while the report is sent waits for the answer, %d', async (answer, expected) => {
    await addAlert(on, 2);
    const pause = createPause();
    const sending = on
      .outboxOf('two', async (request) => {
        on.requests.push(request);
        await pause.hold();
        return { status: answer, headers: {}, body: '', truncated: false };
      })
      .handle('d2', never, never);
    await pause.reached;
    await addAlert(on, 3);
    await on.outbox.handle('d3', never, never);
    expect(await on.row('d3')).toMatchObject({ status: 'pending', waitingFor: 'incident', attempts: 0 });
    pause.end();
    await sending;
    await on.clock.advance(1000);
    await on.outbox.handle('d3', never, never);
    expect(told(on)).toEqual(expected);
  });

  test.each([
    ['d2', 'd3'],
    ['d3', 'd2'],
  ] as const)('two replicas that both made a report: %s is told first, %s points at it', async (first, second) => {
    await addAlert(on, 2);
    await addAlert(on, 3);
    const { store: whole } = on;
    const pause = createPause();
    on.store = {
      ...whole,
      transaction: async (name, work) => {
        if (name === 'delivery-claim') await pause.hold();
        return whole.transaction(name, work);
      },
    } satisfies Store;
    const late = on.outboxOf('two').handle(second, never, never);
    await pause.reached;
    on.store = whole;
    await on.outboxOf('three').handle(first, never, never);
    pause.end();
    await late;
    // Its report was made before the other one was sent: it is not used.
    expect(on.requests).toHaveLength(1);
    expect(await on.row(second)).toMatchObject({ status: 'pending', payload: null, attempts: 0 });
    await handleAll(on);
    expect(told(on)).toEqual({ full: [`Alert${first.slice(1)}`], points: [`Alert${second.slice(1)}`] });
  });

  test('many at once, on two replicas: each is told, one of them in full', async () => {
    for (const number of [2, 3, 4, 5, 6]) await addAlert(on, number);
    const replicas = [on.outbox, on.outboxOf('two')];
    for (let look = 0; look < 6; look += 1) {
      const now = on.clock.now();
      await Promise.all(
        replicas.map(async (outbox) => {
          for (const id of await outbox.due(now, 10)) await outbox.handle(id, never, never);
        }),
      );
      await on.clock.advance(1000);
    }
    const { full, points } = told(on);
    expect(full).toHaveLength(1);
    expect([...full, ...points].sort()).toEqual([2, 3, 4, 5, 6].map((number) => `Alert${number}`));
  });

  test.each([
    ['2', '3'],
    ['3', '2'],
  ])('an issue that two alerts share is closed with the last of them: %s, then %s', async (first, last) => {
    const vendor = await startGithub('word', () => on.clock.now());
    const http = createHttpClient();
    const sink = { type: 'github', config: github.config.parse({ ...github.example, endpoint: vendor.vendor.url }) };
    on.sinks = [sinkFixture({ ...sink, config: sink.config as JsonObject })];
    const outbox = on.outboxOf('one', (request) => http.send(request), { secrets: { get: () => 'word' } });
    const end = async (number: string): Promise<void> => {
      await resolve(on, `a${number}`);
      const [id, ofAlert] = [`e${number}`, { runId: `r${number}`, alertId: `a${number}`, data: { episode: 1 } }];
      await on.insert({ id, ...ofAlert, event: 'alert-resolved', sortKey: sortKeyOf(1, 'alert-resolved', id) });
      await outbox.handle(id, never, never);
      expect(await on.row(id)).toMatchObject({ status: 'sent', reference: '#1' });
    };
    for (const number of [2, 3]) {
      await addAlert(on, number, { sortKey: sortKeyOf(1, 'run-finished', `d${number}`) });
      await outbox.handle(`d${number}`, never, never);
    }
    await end(first);
    expect(vendor.issues).toMatchObject([{ state: 'open' }]);
    await end(last);
    expect(vendor.issues).toMatchObject([{ state: 'closed', comments: { length: 3 } }]);
    await http.close();
    await vendor.vendor.stop();
  });

  test('a process that dies while it sends the report leaves it to the next alert', async () => {
    await addAlert(on, 2);
    const { store: whole } = on;
    const dead = new Error('the process died');
    on.store = {
      ...whole,
      transaction: (name, work) => (name === 'delivery-end' ? Promise.reject(dead) : whole.transaction(name, work)),
    };
    await on
      .outboxOf('dying')
      .handle('d2', never, never)
      .catch(() => undefined);
    on.store = whole;
    await addAlert(on, 3);
    await on.outbox.handle('d3', never, never);
    expect(on.requests).toHaveLength(1);
    for (let look = 0; look < 25; look += 1) {
      await on.clock.advance(1000);
      await on.outbox.handle('d3', never, never);
    }
    expect(await on.row('d3')).toMatchObject({ status: 'sent' });
    expect(told(on).full).toContain('Alert3');
  });
});
