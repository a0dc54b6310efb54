import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RetentionCounts, RetentionRules } from '../../src/core/retention.ts';
import { addMs, dayOf, toTimestamp } from '../../src/core/time.ts';
import { lowestIdAt } from '../../src/lib/id.ts';
import { silentLog } from '../../src/lib/silent-log.ts';
import { createRetention } from '../../src/workflows/retention.ts';
import { createFakeClock } from '../support/clock.ts';
import { alertRecord, planOf, runRecord, step } from '../support/engine.ts';
import { agentEventFixture, eventFixture, letterFixture, looseDelivery, verdictFixture } from '../support/rows.ts';
import { equalities } from '../support/matchers.ts';
import { contractStores } from './stores.ts';
import type { ContractStore } from './stores.ts';

const hourMs = 60 * 60_000;
const dayMs = 24 * hourMs;
const now = '2026-03-01T12:00:00.000Z';
const nowMs = Date.parse(now);
const plan = planOf([step('one')]);
const forever = { ageMs: null, count: null };
const keepAll: RetentionRules = { runs: forever, events: forever, 'dead-letters': forever, alerts: forever };

const byText = (one: string | undefined, other: string | undefined) => (String(one) < String(other) ? -1 : 1);

describe.each(contractStores)('retention on $name', ({ open }) => {
  let opened: ContractStore;
  beforeEach(async () => {
    opened = await open({ clock: createFakeClock(now) });
  });
  afterEach(() => opened.close());

  let serial = 0;
  /** An id that was made so many days ago. */
  function idOf(daysAgo: number): string {
    serial += 1;
    return lowestIdAt(nowMs - daysAgo * dayMs).slice(0, -12) + serial.toString(16).padStart(12, '0');
  }

  function apply(rules: Partial<RetentionRules>, counted: string[] = []): Promise<RetentionCounts> {
    return createRetention({
      store: opened.store,
      clock: { ...opened.clock, now: () => nowMs, monotonic: () => performance.now(), sleep: async () => undefined },
      log: silentLog,
      metrics: {
        increment(name, labels: Readonly<Record<string, string>>, by) {
          counted.push(`${name} ${labels['table'] ?? ''} ${by ?? 1}`);
        },
        observe: () => undefined,
        set: () => undefined,
      },
      rules: { ...keepAll, ...rules },
    }).apply();
  }

  /** A run that was made and ended so many days ago, with a step, evidence and a sent delivery. */
  async function addRun(daysAgo: number, changes: Partial<ReturnType<typeof runRecord>> = {}): Promise<string> {
    const at = toTimestamp(nowMs - daysAgo * dayMs);
    const ended = { status: 'succeeded', wakeAt: null, completedAt: at } as const;
    const run = runRecord(plan, at, { id: idOf(daysAgo), planHash: 'h', ...ended, ...changes });
    await opened.store.transaction('intake', async (tx) => {
      await tx.runs.insert({ run, plan });
      await tx.runs.writeSteps([
        {
          id: idOf(daysAgo),
          runId: run.id,
          name: 'one',
          type: 'cli',
          path: '1',
          attempt: 1,
          status: 'succeeded',
          fence: 1,
          result: null,
          error: null,
          errorCode: null,
          retryable: false,
          process: null,
          startedAt: at,
          completedAt: at,
          createdAt: at,
        },
      ]);
      const evidence = { id: 'e1', kind: 'command', object: 'o', command: 'c', time: at, excerpt: 'x' };
      await tx.runs.addEvidence(run.id, '1', [evidence]);
      await tx.agent.insert([agentEventFixture({ runId: run.id, at })]);
      await tx.deliveries.insert([delivery(run.id, { id: idOf(daysAgo), status: 'sent', wakeAt: null })]);
    });
    return run.id;
  }

  function delivery(runId: string | null, changes: Partial<ReturnType<typeof looseDelivery>> = {}) {
    return { ...looseDelivery(`key-${serial}-${changes.id ?? ''}`), runId, ...changes };
  }

  async function ids(
    table: 'workflows' | 'source_events' | 'dead_letters' | 'alerts' | 'sink_outputs',
  ): Promise<string[]> {
    const rows = await opened.query.selectFrom(table).select('id').orderBy('id').execute();
    return rows.map(({ id }) => id);
  }

  test('takes finished runs by age, with all that is theirs, and counts it (R18)', async () => {
    await addRun(40);
    await addRun(31, { status: 'failed' });
    await addRun(31, { status: 'cancelled' });
    const kept = [await addRun(29), await addRun(0)];
    const counted: string[] = [];
    expect(await apply({ runs: { ageMs: 30 * dayMs, count: null } }, counted)).toEqual({
      workflows: 3,
      workflow_steps: 3,
      evidence: 3,
      agent_events: 3,
      sink_outputs: 3,
    });
    expect(await ids('workflows')).toEqual(kept);
    expect(counted).toContain('fist_retention_deleted_total workflows 3');
    expect(await apply({ runs: { ageMs: 30 * dayMs, count: null } })).toEqual({});
  });

  test('runs with many agent events go by a few in a transaction', async () => {
    const removed: (string | null)[] = [];
    const ids = [await addRun(40, { agentEvents: 400 }), await addRun(39, { agentEvents: 400 }), await addRun(38)];
    const page = { after: '', before: lowestIdAt(nowMs), endedBefore: now, limit: 100 };
    for (let after: string | null = ''; after !== null;) {
      const from: string = after;
      const step = await opened.store.transaction('retention', (tx) =>
        tx.retention.deletePage('runs', { ...page, after: from }),
      );
      after = step.next;
      removed.push(after);
      expect(step.deleted['workflows']).toBe(removed.length);
    }
    expect(removed).toEqual([ids[0], null]);
    expect(await opened.query.selectFrom('agent_events').select('sequence').execute()).toEqual([]);
  });

  test('what was spent is kept as long as runs, and two days at least', async () => {
    const spend = (daysAgo: number) =>
      opened.store.transaction('agent-events', (tx) =>
        tx.agent.charge(dayOf(toTimestamp(nowMs - daysAgo * dayMs)), plan, { tokens: 1, costMicros: 2 }),
      );
    const days = async () => {
      const rows = await opened.query.selectFrom('model_spending').select('day').orderBy('day').execute();
      return rows.map(({ day }) => day);
    };
    for (const daysAgo of [31, 30, 3, 2, 0]) await spend(daysAgo);
    expect(await apply({})).toEqual({});
    expect(await apply({ runs: { ageMs: 30 * dayMs, count: null } })).toEqual({ model_spending: 1 });
    expect(await apply({ runs: { ageMs: hourMs, count: null } })).toEqual({ model_spending: 2 });
    expect(await days()).toEqual(['2026-02-27', '2026-03-01']);
  });

  test('what people said is kept for 400 days, and as long as runs', async () => {
    const say = (daysAgo: number) =>
      opened.store.transaction('verdict', (tx) =>
        tx.learned.insertVerdict(verdictFixture({ runId: `r${daysAgo}`, at: toTimestamp(nowMs - daysAgo * dayMs) })),
      );
    for (const daysAgo of [501, 401, 399, 0]) await say(daysAgo);
    expect(await apply({})).toEqual({});
    expect(await apply({ runs: { ageMs: 500 * dayMs, count: null } })).toEqual({ run_verdicts: 1 });
    expect(await apply({ runs: { ageMs: hourMs, count: null } })).toEqual({ run_verdicts: 1 });
  });

  test('a run that was made long ago and ended a moment ago stays', async () => {
    const id = await addRun(40, { completedAt: toTimestamp(nowMs - dayMs) });
    expect(await apply({ runs: { ageMs: 30 * dayMs, count: null } })).toEqual({});
    expect(await ids('workflows')).toEqual([id]);
  });

  test('keeps the newest by count, and what is younger than an hour whatever the count', async () => {
    for (const daysAgo of [5, 4, 3, 2]) await addRun(daysAgo);
    const young = await addRun(0.01);
    const kept = [(await ids('workflows'))[3], young];
    expect(await apply({ runs: { ageMs: null, count: 2 } })).toMatchObject({ workflows: 3 });
    expect(await ids('workflows')).toEqual(kept);
    expect(await apply({ runs: { ageMs: null, count: 1 } })).toMatchObject({ workflows: 1 });
    const younger = await addRun(0.001);
    expect(await apply({ runs: { ageMs: null, count: 1 } })).toEqual({});
    expect(await ids('workflows')).toEqual([young, younger]);
  });

  test('never touches unfinished runs, nor what open alerts, pending deliveries and retries refer to', async () => {
    const at = toTimestamp(nowMs - 40 * dayMs);
    const open = alertRecord(at, { id: idOf(40), status: 'escalated' });
    const closed = alertRecord(at, { id: idOf(40), status: 'resolved' });
    await opened.store.transaction('intake', (tx) => tx.alerts.insertAll([open, closed]));
    const waiting = await addRun(40, { status: 'running', waitingFor: 'approval', completedAt: null, wakeAt: now });
    const pending = await addRun(40, { status: 'pending', completedAt: null, wakeAt: now });
    const shown = await addRun(40, { alertId: open.id, episode: 2 });
    const earlier = await addRun(40, { alertId: open.id, episode: 1 });
    const ofClosed = await addRun(40, { alertId: closed.id, episode: 1 });
    const announcing = await addRun(40);
    const retried = await addRun(40);
    const retrying = await addRun(1, { status: 'running', retryOf: retried, completedAt: null, wakeAt: now });
    await opened.store.transaction('intake', async (tx) => {
      await tx.alerts.saveStates([
        { ...open, workflowId: shown },
        { ...closed, workflowId: ofClosed },
      ]);
      await tx.deliveries.insert([delivery(announcing, { id: idOf(40), wakeAt: now })]);
    });
    expect(await apply({ runs: { ageMs: 30 * dayMs, count: 1 } })).toMatchObject({ workflows: 2 });
    const kept = [waiting, pending, shown, announcing, retried, retrying];
    expect(new Set(await ids('workflows'))).toEqual(new Set(kept));
    expect([earlier, ofClosed].filter((id) => kept.includes(id))).toEqual([]);
    const steps = await opened.query.selectFrom('workflow_steps').select('workflow_id').execute();
    expect(steps).toHaveLength(kept.length);
  });

  describe('the run by which a Sink knows of an alert', () => {
    const rules = { runs: { ageMs: 30 * dayMs, count: null } } as const;
    const at = toTimestamp(nowMs - 40 * dayMs);
    const word = { alertId: 'a', namespace: 'default', event: 'run-finished', wakeAt: null } as const;

    async function addAlert(status: 'escalated' | 'resolved', workflowId: string | null = null): Promise<string> {
      const alert = alertRecord(at, { id: idOf(40), status, workflowId });
      await opened.store.transaction('intake', (tx) => tx.alerts.insertAll([alert]));
      return alert.id;
    }
    /** A run that told these Sinks, with the status that each delivery has. */
    async function addTelling(
      alertId: string,
      episode: number,
      told: Record<string, string>,
      retryOf: string | null = null,
    ): Promise<string> {
      const runId = await addRun(40, { alertId, episode, retryOf });
      const deliveries = Object.entries(told).map(([sinkName, status]) => ({
        ...delivery(runId, { ...word, id: idOf(40), alertId, sinkName }),
        status: status === 'ambiguous' ? ('failed' as const) : (status as 'sent'),
        ambiguous: status === 'ambiguous',
      }));
      await opened.store.transaction('intake', (tx) => tx.deliveries.insert(deliveries));
      return runId;
    }

    test('stays while the alert is open: the newest one for each Sink, and no other', async () => {
      const alertId = await addAlert('escalated');
      const runs = [
        await addTelling(alertId, 1, { out: 'sent', old: 'sent', failed: 'failed' }),
        await addTelling(alertId, 2, { out: 'sent', unsure: 'ambiguous' }),
        await addTelling(alertId, 3, { failed: 'failed' }),
        await addTelling(alertId, 4, { out: 'sent' }),
      ];
      // Of an earlier episode, begun by a person: it says nothing of the last one.
      runs.push(await addTelling(alertId, 3, { out: 'sent' }, idOf(40)));
      await apply(rules);
      expect(await ids('workflows')).toEqual([runs[0], runs[1], runs[3], runs[4]]);
      await opened.query.updateTable('alerts').set({ status: 'resolved' }).execute();
      await apply(rules);
      expect(await ids('workflows')).toEqual([]);
    });

    test('stays while the end of the alert waits to be told to that Sink', async () => {
      const alertId = await addAlert('resolved');
      const toldOut = await addTelling(alertId, 1, { out: 'sent' });
      await addTelling(alertId, 1, { other: 'sent' }, toldOut);
      const end = delivery(null, { id: idOf(1), alertId, namespace: 'default', sinkName: 'out', wakeAt: now });
      await opened.store.transaction('intake', (tx) => tx.deliveries.insert([end]));
      await apply(rules);
      expect(await ids('workflows')).toEqual([toldOut]);
      expect(await opened.store.read.deliveries.wasTold(end, 1)).toBe(true);
      await opened.query.updateTable('sink_outputs').set({ status: 'sent' }).where('id', '=', end.id).execute();
      await apply(rules);
      expect(await ids('workflows')).toEqual([]);
    });
  });

  test('keeps the run of a group while an open alert of it shows the run, and its alerts as long as the run', async () => {
    const at = toTimestamp(nowMs - 40 * dayMs);
    const runId = await addRun(40);
    const old = { source: 'am', namespace: 'default', lastReceivedAt: at, updatedAt: at, workflowId: runId };
    const alerts = (['escalated', 'resolved'] as const).map((status) =>
      alertRecord(at, { ...old, id: idOf(40), status }),
    );
    await opened.store.transaction('intake', async (tx) => {
      await tx.alerts.insertAll(alerts);
      await tx.groups.join(alerts.map(({ id: alertId }) => ({ alertId, runId, episode: 1 })));
      await tx.groups.begin([{ id: 'g', namespace: 'default', runId, previousRunId: null }]);
    });
    const days = { ageMs: 30 * dayMs, count: null };
    expect(await apply({ runs: days, alerts: days })).toEqual({});
    await opened.query.updateTable('alerts').set({ status: 'resolved' }).execute();
    expect(await apply({ alerts: days })).toEqual({});
    expect(await apply({ runs: days })).toMatchObject({ workflows: 1, run_alerts: 2 });
    expect(await opened.query.selectFrom('alert_groups').selectAll().execute()).toEqual([]);
    expect(await apply({ alerts: days })).toMatchObject({ alerts: 2 });
  });

  test('keeps an old event that an open alert shows, and takes the others', async () => {
    const at = toTimestamp(nowMs - 10 * dayMs);
    const events = [10, 10, 10, 1].map((daysAgo) =>
      eventFixture({ id: idOf(daysAgo), receivedAt: at, lastReceivedAt: daysAgo === 1 ? now : at }),
    );
    const [used, ofResolved, unused, young] = events.map(({ id }) => id);
    const repeated = eventFixture({ id: idOf(10), receivedAt: at, lastReceivedAt: now });
    const alert = (sourceId: string | undefined, status: 'received' | 'resolved') =>
      alertRecord(at, { id: idOf(10), source: 'am', namespace: 'default', sourceId: sourceId ?? null, status });
    await opened.store.transaction('intake', async (tx) => {
      await tx.events.insertAll([...events, repeated]);
      await tx.alerts.insertAll([alert(used, 'received'), alert(ofResolved, 'resolved')]);
    });
    expect(await apply({ events: { ageMs: 7 * dayMs, count: null } })).toEqual({ source_events: 2 });
    expect(await ids('source_events')).toEqual([used, repeated.id, young].toSorted(byText));
    expect(await apply({ events: { ageMs: null, count: 1 } })).toEqual({});
    expect(unused).toBeDefined();
  });

  test('takes dead letters by age and count', async () => {
    const letters = [40, 3, 2, 1].map((daysAgo) => ({
      ...letterFixture('m'),
      id: idOf(daysAgo),
      receivedAt: toTimestamp(nowMs - daysAgo * dayMs),
    }));
    await opened.store.transaction('intake', (tx) => tx.events.addDeadLetters(letters));
    expect(await apply({ 'dead-letters': { ageMs: 30 * dayMs, count: 2 } })).toEqual({ dead_letters: 2 });
    expect(await ids('dead_letters')).toHaveLength(2);
  });

  test('takes resolved alerts without runs, with labels and history; of others only old history', async () => {
    const at = toTimestamp(nowMs - 100 * dayMs);
    const gone = alertRecord(at, { id: idOf(100), status: 'resolved', labels: { alertname: 'A', pod: 'p-1' } });
    const hasRun = alertRecord(at, { id: idOf(100), status: 'resolved', labels: { alertname: 'A', pod: 'p-2' } });
    const open = alertRecord(at, { id: idOf(100), labels: { alertname: 'A', pod: 'p-3' } });
    const recent = alertRecord(at, { id: idOf(100), status: 'resolved', lastReceivedAt: now, updatedAt: now });
    const alerts = [gone, hasRun, open, recent];
    const opening = {
      episode: 1,
      fromStatus: null,
      toStatus: 'received',
      reason: 'Opened',
      sourceEventId: null,
    } as const;
    const transitions = alerts.flatMap(({ id }) =>
      [at, addMs(now, -hourMs)].map((moment) => ({ ...opening, alertId: id, at: moment })),
    );
    await opened.store.transaction('intake', async (tx) => {
      await tx.alerts.insertAll(alerts);
      await tx.alerts.addTransitions(transitions);
    });
    // The index of labels is brought up to date by the first list that asks for it.
    expect(
      (await opened.store.read.lists.alerts({ limit: 10, matchers: equalities({ alertname: 'A' }) })).items,
    ).toHaveLength(3);
    await addRun(1, { alertId: hasRun.id, episode: 1 });
    expect(await apply({ alerts: { ageMs: 90 * dayMs, count: null } })).toEqual({
      alerts: 1,
      alert_labels: 2,
      alert_transitions: 4,
    });
    expect(await ids('alerts')).toEqual([hasRun.id, open.id, recent.id].toSorted(byText));
    const left = await opened.query.selectFrom('alert_transitions').select('alert_id').execute();
    expect(left.map((row) => row.alert_id).toSorted(byText)).toEqual(
      [hasRun.id, open.id, open.id, recent.id].toSorted(byText),
    );
  });

  test('takes words of alerts that are gone, once a day', async () => {
    const open = alertRecord(now, { id: idOf(100) });
    await opened.store.transaction('intake', (tx) => tx.alerts.insertAll([open]));
    const orphans = Array.from({ length: 1200 }, (_, n) => ({ word: `word${n}`, alert_id: idOf(100) }));
    const kept = ['aaa', 'word7', 'zzz'].map((word) => ({ word, alert_id: open.id }));
    await opened.query
      .insertInto('alert_words')
      .values([...orphans, ...kept])
      .execute();
    expect(await apply({ runs: { ageMs: dayMs, count: null } })).toEqual({});
    expect(await apply({ alerts: { ageMs: 90 * dayMs, count: null } })).toEqual({ alert_words: 1200 });
    const left = await opened.query.selectFrom('alert_words').select(['word', 'alert_id']).execute();
    expect(left).toEqual(expect.arrayContaining(kept));
    expect(left.filter((entry) => entry.alert_id !== open.id)).toEqual([]);
  });

  test('a plan goes when no run has it and a newer one took its place', async () => {
    const made = async (hash: string, daysAgo: number, name: string) => {
      const at = toTimestamp(nowMs - daysAgo * dayMs);
      const row = { hash, namespace: 'default', name, plan: JSON.stringify(plan), created_at: at };
      await opened.query.insertInto('plans').values(row).execute();
    };
    await opened.store.transaction('resources', (tx) =>
      tx.resources.replaceAll(
        ['triage', 'idle'].map((name) => ({
          apiVersion: 'v',
          kind: 'Workflow' as const,
          namespace: 'default',
          name,
          spec: '{}',
          status: '{}',
          updatedAt: now,
        })),
      ),
    );
    await made('replaced', 60, 'triage');
    await made('used', 50, 'triage');
    await made('newest', 40, 'triage');
    await made('of-idle', 60, 'idle');
    await made('of-gone', 60, 'gone');
    await addRun(1, { planHash: 'used' });
    expect(await apply({ runs: { ageMs: 30 * dayMs, count: null } })).toEqual({ plans: 2 });
    const left = await opened.query.selectFrom('plans').select('hash').orderBy('hash').execute();
    expect(left.map(({ hash }) => hash)).toEqual(['newest', 'of-idle', 'used']);
  });

  test('goes on with the next page where a page is all protected, and stops when it is told to', async () => {
    const at = toTimestamp(nowMs - 40 * dayMs);
    await opened.store.transaction('intake', async (tx) => {
      for (let count = 0; count < 250; count += 1) {
        const waits = { status: 'running', completedAt: null, waitingFor: 'approval', wakeAt: now } as const;
        await tx.runs.insert({ run: runRecord(plan, at, { id: idOf(40), planHash: 'h', ...waits }), plan });
      }
    });
    await addRun(39);
    expect(await apply({ runs: { ageMs: 30 * dayMs, count: null } })).toMatchObject({ workflows: 1 });
    const stopped = AbortSignal.abort();
    await addRun(39);
    const retention = createRetention({
      store: opened.store,
      clock: opened.clock,
      log: silentLog,
      metrics: { increment: () => undefined, observe: () => undefined, set: () => undefined },
      rules: { ...keepAll, runs: { ageMs: dayMs, count: null } },
    });
    expect(await retention.apply(stopped)).toEqual({});
  });
});
