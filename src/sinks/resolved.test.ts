import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { contractStores } from '../../test/contract/stores.ts';
import type { ContractStore } from '../../test/contract/stores.ts';
import { createFakeClock } from '../../test/support/clock.ts';
import type { FakeClock } from '../../test/support/clock.ts';
import { createEngineWorld, planOf, step } from '../../test/support/engine.ts';
import type { EngineWorld } from '../../test/support/engine.ts';
import type { AlertRecord } from '../core/alert.ts';
import { deliveriesOf } from '../core/announce.ts';
import { defaultRetryForMs, defaultSinkLimits } from '../core/catalog.ts';
import { noRuns } from '../../test/support/outbox.ts';
import { noConnection } from '../../test/support/sink-world.ts';
import type { Catalog, CatalogSink } from '../core/catalog.ts';
import type { JsonObject } from '../core/json.ts';
import type { DeliveryRecord } from '../core/delivery.ts';
import type { Store } from '../core/store.ts';
import { addMs, toTimestamp } from '../core/time.ts';
import { newId, newIdAt } from '../lib/id.ts';
import type { PumpOptions } from '../lib/pump.ts';
import { silentLog } from '../lib/silent-log.ts';
import { succeeded } from '../workflows/steps/define.ts';
import { createOutbox } from './outbox.ts';

// What a Sink hears when an alert is resolved while its run is at work, and in which order.

const began = '2026-03-01T10:00:00.000Z';
const never = new AbortController().signal;
const report = { summary: 'OOM', root_cause: 'memory limit', confidence: 0.9, findings: [], report: '# Report' };
const plan = planOf([step('look')], { sinks: ['out'] });

function sinkNamed(name: string, changes: Partial<CatalogSink> = {}): CatalogSink {
  const config = { endpoint: `https://${name}.example/x` };
  const rules = {
    condition: null,
    limits: defaultSinkLimits,
    retryForMs: defaultRetryForMs,
    sameCauseForMs: 0,
    accessFrom: [],
  };
  const own = { namespace: 'default', name, type: 'webhook', ready: true, conditions: [], origin: '' } as const;
  return { ...own, ...rules, config, sendResolved: true, sendStarted: false, ...changes };
}

describe.each(contractStores)('the end of an alert on $name', (database) => {
  let opened: ContractStore;
  let clock: FakeClock;
  let world: EngineWorld;
  let outbox: PumpOptions;
  let sinks: CatalogSink[];
  /** `host event` of each request, in order. */
  let heard: string[];
  let bodies: JsonObject[];
  let status: number;
  /** What happens between the look at a delivery and its claim. */
  let beforeClaim: () => Promise<void>;

  beforeEach(async () => {
    clock = createFakeClock(began);
    opened = await database.open({ clock });
    const { store } = opened;
    sinks = [sinkNamed('out')];
    heard = [];
    bodies = [];
    status = 200;
    world = createEngineWorld({ store, clock, deeds: { look: () => succeeded(report) } });
    beforeClaim = async () => undefined;
    const watched: Store = {
      ...store,
      async transaction(name, work) {
        if (name === 'delivery-claim') await beforeClaim();
        return store.transaction(name, work);
      },
    };
    outbox = createOutbox({
      store: watched,
      catalog: {
        current: () => ({ sink: (_: string, name: string) => sinks.find((sink) => sink.name === name) }) as Catalog,
      },
      connect: noConnection,
      http: {
        async send({ url, body }) {
          const payload = JSON.parse(body ?? '') as JsonObject & { event: string };
          heard.push(`${new URL(url).hostname.split('.')[0]} ${payload.event}`);
          bodies.push(payload);
          return { status, headers: {}, body: '', truncated: false };
        },
      },
      secrets: { get: () => null },
      childRuns: noRuns,
      clock,
      log: silentLog,
      metrics: { increment: () => undefined, observe: () => undefined, set: () => undefined },
      owner: 'one',
      random: () => 1,
      publicUrl: 'https://fist.example',
      dataFolder: '/nowhere',
      eventsOf: () => null,
      writeStdout: async () => undefined,
      stepsView: (_, steps) => ({ attempts: steps.length }),
    });
  });
  afterEach(() => opened.close());

  const now = () => toTimestamp(clock.now());

  async function deliverAll(): Promise<void> {
    for (let ids = await outbox.due(50, 50); ids.length > 0; ids = await outbox.due(50, 50)) {
      for (const id of ids) await outbox.handle(id, never, never);
    }
  }

  async function firing(changes: Partial<AlertRecord> = {}): Promise<AlertRecord> {
    return world.addAlert({ name: 'Crash', startsAt: began, annotations: { long: 'text' }, ...changes });
  }

  /** As intake does it. Answers the delivery to the first of `told`. */
  async function resolve({ id, episode }: AlertRecord, runId: string | null, told = ['out']): Promise<string> {
    const row = { status: 'resolved', ends_at: now(), resolved_at: now() };
    await opened.query.updateTable('alerts').set(row).where('id', '=', id).execute();
    const announcement = { event: 'alert-resolved', namespace: 'default', runId, alertId: id, episode } as const;
    const data = { workflow: 'triage', startsAt: began, endsAt: now() };
    const key = `${id}/${episode}/alert-resolved`;
    const sinks = told.map((name) => ({ namespace: 'default', name }));
    const deliveries = deliveriesOf({ ...announcement, key, data, now: now() }, sinks, newIdAt);
    const transition = { id: newId(), alertId: id, episode, at: now(), reason: 'Resolved', sourceEventId: null };
    await opened.store.transaction('intake', async (tx) => {
      await tx.deliveries.insert(deliveries);
      await tx.alerts.addTransitions([{ ...transition, fromStatus: 'triaging', toStatus: 'resolved' }]);
    });
    return deliveries[0]?.id ?? '';
  }

  async function delivery(id: string): Promise<DeliveryRecord | undefined> {
    return opened.store.read.deliveries.find(id);
  }

  test('it waits for the run, comes after its report, and is short; the report says that it is resolved', async () => {
    const alert = await firing();
    const runId = await world.addRun(plan, {}, alert);
    await clock.advance(60_000);
    const end = await resolve(alert, runId);
    await deliverAll();
    expect(heard).toEqual([]);
    expect(await delivery(end)).toMatchObject({ waitingFor: 'run', attempts: 0, fence: 0 });
    await clock.advance(30_000);
    await world.runAll();
    await deliverAll();
    expect(heard).toEqual(['out run-finished', 'out alert-resolved']);
    const [finished, resolved] = bodies;
    const resolvedAt = addMs(began, 60_000);
    const ended = { alertname: 'Crash', status: 'resolved', startsAt: began, endsAt: resolvedAt, resolvedAt };
    expect(finished).toMatchObject({
      alert: { ...ended, durationSeconds: 60, annotations: { long: 'text' } },
      report: {
        summary: 'OOM',
        report: `> The alert was resolved at ${resolvedAt}, before this report was sent.\n\n# Report`,
      },
      workflow: { status: 'succeeded' },
    });
    expect(resolved).toMatchObject({
      alert: { ...ended, durationSeconds: 60, annotations: {} },
      report: { summary: 'OOM', root_cause: 'memory limit', confidence: 0.9 },
      run: { id: runId, url: `https://fist.example/api/v1/runs/${runId}` },
      workflow: { outputs: {} },
    });
    expect(Object.keys((resolved?.['report'] ?? {}) as object)).toEqual(['summary', 'root_cause', 'confidence']);
  });

  describe('of a run that answers for a group', () => {
    /** A run that has ended, with its alert and another one. */
    async function group(isTold = true) {
      const alert = await firing();
      const other = await firing({ name: 'Other' });
      const known = { alert: { ...alert, status: 'firing' as const }, group: { labels: {}, alerts: 1, others: [] } };
      const input = { source: { name: 'am', namespace: 'default', type: 'webhook' }, context: {}, depth: 0, ...known };
      const runId = await world.addRun(plan, { input }, alert);
      await opened.store.transaction('intake', (tx) => tx.groups.join([{ runId, alertId: other.id, episode: 1 }]));
      await world.runAll();
      if (isTold) await deliverAll();
      return { alert, other, runId };
    }
    const end = ({ id }: AlertRecord) =>
      opened.query.updateTable('alerts').set({ status: 'resolved' }).where('id', '=', id).execute();

    test('it is told when the last of them has ended, and says so', async () => {
      const { alert, other, runId } = await group();
      const id = await resolve(alert, runId);
      await deliverAll();
      expect(heard).toEqual(['out run-finished']);
      expect(await delivery(id)).toMatchObject({ status: 'pending', waitingFor: 'group', attempts: 0 });
      const oldest = await opened.store.read.lists.oldestDeliveries();
      expect([...oldest]).toEqual([]);
      await end(other);
      await clock.advance(10_000);
      await deliverAll();
      expect(heard).toEqual(['out run-finished', 'out alert-resolved']);
      expect(bodies[1]?.['text']).toContain('and 1 other alert of its group');
    });

    test('while others fire, the report is about what fires, though its own alert has ended', async () => {
      const { alert, runId } = await group(false);
      await resolve(alert, runId);
      await deliverAll();
      expect(heard).toEqual(['out run-finished']);
      expect(bodies[0]).toMatchObject({
        alert: { alertname: 'Crash', status: 'firing', resolvedAt: null },
        text: expect.stringContaining('\nothers of its group fire still.') as string,
        report: { report: expect.stringContaining('; others of its group fire still.') as string },
      });
      expect(bodies[0]?.['text']).toEqual(expect.stringMatching(/^FIRING/));
    });

    test('an alert that fires in a later episode keeps nobody waiting', async () => {
      const { alert, other, runId } = await group();
      await opened.query.updateTable('alerts').set({ episode: 2 }).where('id', '=', other.id).execute();
      await resolve(alert, runId);
      await deliverAll();
      expect(heard).toEqual(['out run-finished', 'out alert-resolved']);
    });

    test('what comes after it does not wait for it, and then its end is told no more', async () => {
      const { alert, other, runId } = await group();
      const id = await resolve(alert, runId);
      await deliverAll();
      const again = { status: 'received', episode: 2, resolved_at: null };
      await opened.query.updateTable('alerts').set(again).where('id', '=', alert.id).execute();
      await world.addRun(plan, {}, { ...alert, episode: 2 });
      await world.runAll();
      await deliverAll();
      expect(heard).toEqual(['out run-finished', 'out run-finished']);
      await end(other);
      await clock.advance(60_000);
      await deliverAll();
      expect(heard).toHaveLength(2);
      expect(await delivery(id)).toMatchObject({
        status: 'skipped',
        error: 'the alert fires again, and this Sink hears of that',
      });
    });
  });

  test('where the run ended before, it is told at once; a report that was late says since when it fires again', async () => {
    const alert = await firing();
    const runId = await world.addRun(plan, {}, alert);
    await world.runAll();
    await clock.advance(1000);
    const end = await resolve(alert, runId);
    const again = { status: 'received', episode: 2, starts_at: addMs(began, 5000), resolved_at: null };
    await opened.query.updateTable('alerts').set(again).execute();
    await deliverAll();
    expect(heard).toEqual(['out run-finished', 'out alert-resolved']);
    expect(bodies[0]).toMatchObject({
      alert: { status: 'resolved', resolvedAt: addMs(began, 1000), endsAt: addMs(began, 1000) },
      report: {
        report: expect.stringContaining(`it fires again since ${addMs(began, 5000)} (episode 2).`) as string,
      },
    });
    expect(bodies[1]).toMatchObject({ alert: { status: 'resolved', startsAt: began } });
    expect((await delivery(end))?.status).toBe('sent');
  });

  test('a report of an alert that fires says nothing of an end', async () => {
    const runId = await world.addRun(plan, {}, await firing());
    await world.runAll();
    await deliverAll();
    expect(bodies[0]).toMatchObject({ alert: { status: 'firing', resolvedAt: null }, report: { report: '# Report' } });
    expect(bodies[0]?.['alert']).not.toHaveProperty('durationSeconds');
    expect((await world.run(runId)).status).toBe('succeeded');
  });

  test('a later episode waits until the end of the earlier one was told', async () => {
    const alert = await firing();
    const runId = await world.addRun(plan, {}, alert);
    await world.runAll();
    await resolve(alert, runId);
    await opened.query.updateTable('alerts').set({ status: 'received', episode: 2 }).execute();
    const second = await world.addRun(plan, { episode: 2 }, { ...alert, episode: 2 });
    await world.runAll();
    await resolve({ ...alert, episode: 2 }, second);
    await deliverAll();
    expect(heard).toEqual(['out run-finished', 'out alert-resolved', 'out run-finished', 'out alert-resolved']);
    expect(bodies.map(({ run }) => (run as JsonObject)['id'])).toEqual([runId, runId, second, second]);
  });

  test('a run of a later episode does not keep back the end of an earlier one', async () => {
    const alert = await firing();
    const runId = await world.addRun(plan, {}, alert);
    await world.runAll();
    await opened.query.updateTable('alerts').set({ status: 'received', episode: 2 }).execute();
    const end = await resolve(alert, runId);
    await world.addRun(plan, { episode: 2 }, { ...alert, episode: 2 });
    await deliverAll();
    expect(heard).toEqual(['out run-finished', 'out alert-resolved']);
    expect((await delivery(end))?.status).toBe('sent');
  });

  test('who was told of the episode before, and of its end, is not told of the end of the next', async () => {
    const alert = await firing();
    const runId = await world.addRun(plan, {}, alert);
    await world.runAll();
    await resolve(alert, runId);
    await deliverAll();
    expect(heard).toEqual(['out run-finished', 'out alert-resolved']);
    await opened.query.updateTable('alerts').set({ status: 'received', episode: 2 }).execute();
    const end = await resolve({ ...alert, episode: 2 }, null);
    await deliverAll();
    expect((await delivery(end))?.status).toBe('skipped');
  });

  test.each(['SeverityRaised', 'ResolveMissed', 'Expired'])(
    'an episode that began with %s, and told nothing, does not keep the end from who heard of the one before',
    async (reason) => {
      const alert = await firing();
      const runId = await world.addRun(plan, {}, alert);
      await world.runAll();
      await deliverAll();
      expect(heard).toEqual(['out run-finished']);
      // Intake announces no end of the first one: the alert goes on firing, and its next run is muted.
      await opened.query.updateTable('alerts').set({ status: 'received', episode: 2 }).execute();
      const isMissed = reason !== 'SeverityRaised';
      const transition = { id: newId(), alertId: alert.id, fromStatus: 'escalated', reason, at: now() } as const;
      const toStatus = isMissed ? 'resolved' : 'received';
      await opened.store.transaction('intake', (tx) =>
        tx.alerts.addTransitions([{ ...transition, toStatus, episode: isMissed ? 1 : 2, sourceEventId: null }]),
      );
      const end = await resolve({ ...alert, episode: 2 }, runId);
      await deliverAll();
      expect(heard).toEqual(['out run-finished', 'out alert-resolved']);
      expect((await delivery(end))?.status).toBe('sent');
    },
  );

  test('templates see the steps of the run, by its plan', async () => {
    sinks = [
      sinkNamed('out', { config: { endpoint: 'https://out.example/x', template: '{{ .steps.attempts }} step' } }),
    ];
    await world.addRun(plan, {}, await firing());
    await world.runAll();
    await deliverAll();
    expect(bodies[0]).toMatchObject({ text: '1 step' });
  });

  test('a run that is called off before it begins lets it go', async () => {
    const alert = await firing();
    const runId = await world.addRun(plan, {}, alert);
    const end = await resolve(alert, runId);
    await deliverAll();
    await opened.store.transaction('cancel', (tx) => tx.runs.requestCancel(runId, now(), 'Resolved'));
    await world.runAll();
    await clock.advance(10_000);
    await deliverAll();
    expect(heard).toEqual([]);
    expect(await delivery(end)).toMatchObject({
      status: 'skipped',
      error: 'this Sink was not told that the alert fires',
      errorCode: null,
    });
  });

  test('a Sink that another worker tells of the alert between the look and the claim hears of the end', async () => {
    const alert = await firing();
    const end = await resolve(alert, await world.addRun(plan, {}, alert));
    beforeClaim = async () => {
      beforeClaim = async () => undefined;
      await world.runAll();
      const told = { status: 'sent', wake_at: null } as const;
      await opened.query.updateTable('sink_outputs').set(told).where('event', '=', 'run-finished').execute();
    };
    await deliverAll();
    expect(heard).toEqual(['out alert-resolved']);
    expect((await delivery(end))?.status).toBe('sent');
  });

  test('only Sinks that were told of the alert hear of its end', async () => {
    sinks = [
      sinkNamed('out'),
      sinkNamed('choosy', { condition: '{{ eq .alert.status "resolved" }}' }),
      sinkNamed('new'),
    ];
    const alert = await firing();
    const both = planOf([step('look')], { sinks: ['out', 'choosy'] });
    const runId = await world.addRun(both, {}, alert);
    await world.runAll();
    await deliverAll();
    expect(heard).toEqual(['out run-finished']);
    await resolve(alert, runId, ['out', 'choosy', 'new']);
    await deliverAll();
    expect(heard).toEqual(['out run-finished', 'out alert-resolved']);
  });

  test('nor does a Sink that refused to hear of it, unless it may have heard', async () => {
    const ends: string[] = [];
    for (const refusal of [410, 500]) {
      status = refusal;
      const alert = await firing();
      const runId = await world.addRun(plan, {}, alert);
      await world.runAll();
      await deliverAll();
      for (let attempts = 1; attempts < 5; attempts += 1) {
        await clock.advance(defaultRetryForMs);
        await deliverAll();
      }
      status = 200;
      ends.push(await resolve(alert, runId));
      await deliverAll();
    }
    expect(await Promise.all(ends.map(async (id) => (await delivery(id))?.status))).toEqual(['skipped', 'sent']);
  });
});
