import { describe, expect, test } from 'vitest';
import { contractStores } from '../../../test/contract/stores.ts';
import { engineOn, failure, never } from '../../../test/support/engine-tests.ts';
import { planOf, step } from '../../../test/support/engine.ts';
import type { EngineWorld } from '../../../test/support/engine.ts';
import type { AlertRecord } from '../../core/alert.ts';
import type { RunGroup } from '../../core/run.ts';
import type { Store } from '../../core/store.ts';
import { succeeded } from '../steps/define.ts';

const report = { summary: 's', report: '# R', findings: [], confidence: 0.9, root_cause: 'the disk is full' };
const oneStep = planOf([step('look')]);

describe.each(contractStores)('the run of a group on $name', (database) => {
  const on = engineOn(database);

  const grouped = (it: EngineWorld, runId: string, changes: Partial<AlertRecord> = {}) =>
    it.addAlert({ mutedReason: 'Grouped', mutedUntil: on.now(), workflowId: runId, ...changes });

  /** A run of an alert, with others that joined it. */
  async function addGroup(it: EngineWorld, others: readonly Partial<AlertRecord>[], plan = oneStep) {
    const own = await it.addAlert({ name: 'Own' });
    const input = { source: { name: 'am', namespace: 'default', type: 'webhook' }, context: {}, depth: 0 };
    const group = { labels: { namespace: 'shop' } };
    const alert = { ...own, status: 'firing' as const };
    const id = await it.addRun(plan, { input: { ...input, alert, group } }, own);
    const joined: AlertRecord[] = [];
    for (const changes of others) joined.push(await grouped(it, id, changes));
    await join(id, joined);
    return { id, own, joined };
  }

  const join = (runId: string, alerts: readonly AlertRecord[]) =>
    on.store.transaction('intake', (tx) =>
      tx.groups.join(alerts.map(({ id: alertId, episode }) => ({ runId, alertId, episode }))),
    );
  const alertOf = async ({ id }: AlertRecord) => (await on.store.read.lists.alert(id)) as AlertRecord;

  test('knows its alerts when it begins: those that fire and the most severe first, at most 19 of them', async () => {
    let seen: RunGroup | null = null;
    const it = on.world({ look: ({ group }) => ((seen = group), succeeded(report)) });
    const { id, joined } = await addGroup(it, [
      { name: 'Info', severity: 'info' },
      { name: 'Over', severity: 'critical', status: 'resolved', mutedReason: null, mutedUntil: null },
      { name: 'Page', severity: 'critical' },
      ...Array.from({ length: 25 }, (_, n) => ({ name: `Warning${n}`, severity: 'warning' as const })),
    ]);
    await it.runAll();
    const { input } = await it.run(id);
    expect(seen).toEqual(input.group);
    expect(input.group).toMatchObject({ labels: { namespace: 'shop' }, alerts: 28 });
    const names = input.group?.others?.map(({ name }) => name) ?? [];
    expect(names).toEqual(['Page', ...Array.from({ length: 18 }, (_, n) => `Warning${n}`)]);
    expect(input.group?.others?.[0]).toMatchObject({ id: joined[2]?.id, status: 'firing', endsAt: null, episode: 1 });
  });

  test('keeps no more text of them than fits', async () => {
    const it = on.world();
    const { id } = await addGroup(it, [
      { annotations: { long: 'x'.repeat(100_000) } },
      { annotations: { long: 'x'.repeat(100_000) } },
      { annotations: {} },
    ]);
    await it.runAll();
    expect((await it.run(id)).input.group).toMatchObject({ alerts: 3, others: [{}] });
  });

  test('tells all of them what it found, whatever became of them; who fires anew is left alone', async () => {
    const it = on.world({ look: () => succeeded(report) });
    const { id, own, joined } = await addGroup(
      it,
      Array.from({ length: 250 }, () => ({})),
    );
    const [first, over, anew] = joined;
    await on.store.transaction('intake', (tx) =>
      tx.alerts.saveStates([
        { ...(over as AlertRecord), status: 'resolved', mutedReason: null, mutedUntil: null },
        { ...(anew as AlertRecord), episode: 2 },
      ]),
    );
    await it.runAll();
    const told = await Promise.all(joined.map(alertOf));
    expect(told.filter(({ cause }) => cause === 'the disk is full')).toHaveLength(249);
    expect(told[0]).toMatchObject({
      status: 'escalated',
      workflowId: id,
      aiConfidence: 0.9,
      aiAnalysis: null,
      triageStartedAt: on.now(),
      triageCompletedAt: on.now(),
      mutedReason: null,
      mutedUntil: null,
      announced: false,
    });
    expect(told[1]).toMatchObject({ status: 'resolved', cause: 'the disk is full', mutedReason: null });
    expect(told[2]).toMatchObject({ status: 'received', cause: null, mutedReason: 'Grouped', episode: 2 });
    expect(await alertOf(own)).toMatchObject({ status: 'escalated', cause: 'the disk is full', aiAnalysis: report });
    const history = await on.store.read.lists.transitions(first?.id ?? '');
    expect(history).toMatchObject([{ fromStatus: 'received', toStatus: 'escalated', reason: 'RunEnded' }]);
  });

  test('that failed with a report has told it; one without leaves its alerts to the next', async () => {
    const it = on.world({
      look: (io) => failure({ result: io.alert?.name === 'Own' ? report : {}, retryable: false }),
    });
    const { joined } = await addGroup(it, [{}]);
    await it.runAll();
    expect(await alertOf(joined[0] as AlertRecord)).toMatchObject({ status: 'escalated', cause: 'the disk is full' });
    const silent = on.world({ look: () => failure({ retryable: false }) });
    const { joined: waiting } = await addGroup(silent, [{}]);
    await silent.runAll();
    expect(await alertOf(waiting[0] as AlertRecord)).toMatchObject({ status: 'received', mutedReason: 'Grouped' });
  });

  test('that succeeds without a report, or without a step to do, has answered', async () => {
    const it = on.world();
    const { joined } = await addGroup(it, [{}]);
    const { id, joined: idle } = await addGroup(it, [{}], planOf([step('look', { when: 'no' })]));
    await it.runAll();
    expect(await it.run(id)).toMatchObject({ status: 'succeeded', startedAt: null });
    for (const alert of [...joined, ...idle])
      expect(await alertOf(alert)).toMatchObject({ status: 'escalated', cause: null, mutedReason: null });
  });

  test('is known to its templates: the others stand behind its own alert', async () => {
    const it = on.world();
    const outputs = [{ name: 'all', value: '{{ .source.data.alerts }}' }];
    const { id } = await addGroup(it, [{ name: 'Other' }], { ...oneStep, outputs });
    await it.runAll();
    const all = JSON.parse((await it.run(id)).outputs['all'] as string) as { alertname: string }[];
    expect(all.map(({ alertname }) => alertname)).toEqual(['Own', 'Other']);
  });

  test('that waits for a slot takes more alerts until it begins', async () => {
    const it = on.world();
    const plan = planOf([step('look')], { maxConcurrent: 1 });
    await on.store.transaction('claim', (tx) => tx.runs.takeSlot('workflow:default/triage', 1, 'other', on.now()));
    const { id } = await addGroup(it, [{ name: 'Early' }], plan);
    await it.engine.advance(id, never);
    expect(await it.run(id)).toMatchObject({ status: 'pending', waitingFor: 'slot', startedAt: null });
    await join(id, [await grouped(it, id, { name: 'Later' })]);
    await on.store.transaction('run-end', (tx) => tx.runs.freeAllSlots('other', ['workflow:default/triage'], on.now()));
    await it.runAll();
    const { input } = await it.run(id);
    expect(input.group?.others?.map(({ name }) => name)).toEqual(['Early', 'Later']);
  });

  test('that a person repeats answers for the same alerts', async () => {
    let works = false;
    const it = on.world({ look: () => (works ? succeeded(report) : failure({ retryable: false })) });
    const { id, joined } = await addGroup(it, [{ name: 'Other' }]);
    await it.runAll();
    works = true;
    const again = await on.control({ plan: oneStep, planHash: 'h' }).retry(id);
    await it.runAll();
    expect((await it.run(again)).input.group).toMatchObject({ alerts: 1, others: [{ name: 'Other' }] });
    expect(await alertOf(joined[0] as AlertRecord)).toMatchObject({ workflowId: again, cause: 'the disk is full' });
  });

  test('leaves to the sweep what it could not write after its end', async () => {
    let ends = 0;
    const failing: Store = {
      ...on.store,
      transaction(name, work) {
        if (name === 'run-end' && (ends += 1) > 1) return Promise.reject(new Error('the process died'));
        return on.store.transaction(name, work);
      },
    };
    const it = on.world({ look: () => succeeded(report) }, { store: failing });
    const { id, joined } = await addGroup(it, [{}]);
    await expect(it.engine.advance(id, never)).rejects.toThrow('the process died');
    expect(await it.run(id)).toMatchObject({ status: 'succeeded' });
    expect(await alertOf(joined[0] as AlertRecord)).toMatchObject({ mutedReason: 'Grouped', workflowId: id });
  });
});
