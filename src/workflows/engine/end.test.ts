import { describe, expect, test } from 'vitest';
import { contractStores } from '../../../test/contract/stores.ts';
import { engineOn, failure, longDeed, never, threeSteps } from '../../../test/support/engine-tests.ts';
import { planOf, runRecord, step } from '../../../test/support/engine.ts';
import type { Store } from '../../core/store.ts';
import { addMs } from '../../core/time.ts';
import { succeeded } from '../steps/define.ts';

describe.each(contractStores)('the end of a run on $name', (database) => {
  const on = engineOn(database);

  test('3.1.15 a cancel that comes as a run ends without an attempt in work is too late', async () => {
    const late: Store = {
      ...on.store,
      async transaction(name, work) {
        if (name === 'run-end')
          await on.store.transaction('cancel', (tx) => tx.runs.requestCancel(id, on.now(), 'late'));
        return on.store.transaction(name, work);
      },
    };
    const it = on.world({}, { store: late });
    const id = await it.addRun(threeSteps, { planHash: null });
    await it.engine.advance(id, never);
    expect(await it.run(id)).toMatchObject({ status: 'failed', errorCode: 'WorkflowNotReady', cancelReason: 'late' });
  });

  test('3.1.14 an output that cannot be evaluated fails a run that else succeeded; the first one is named', async () => {
    const it = on.world();
    const outputs = [
      { name: 'first', value: 'broken' },
      { name: 'second', value: '{{ .steps.one.result.done }}' },
      { name: 'third', value: 'broken' },
    ];
    const id = await it.addRun(planOf([step('one')], { outputs }));
    await it.runAll();
    expect(await it.run(id)).toMatchObject({
      status: 'failed',
      errorCode: 'TemplateInvalid',
      error: 'output "first": the template is broken',
      outputs: { first: '', second: 'one', third: '' },
    });
  });

  test('3.1.14 a failure skips the rest, and outputs and deliveries are still written', async () => {
    const it = on.world({ two: () => failure() });
    const outputs = [
      { name: 'first', value: '{{ .steps.one.result.done }}' },
      { name: 'last', value: '{{ .steps.three.result.done }}' },
      { name: 'status', value: '{{ .workflow.status }}' },
    ];
    const id = await it.addRun({ ...threeSteps, outputs });
    await it.runAll();
    expect(await it.journal(id)).toEqual(['1#1 succeeded', '2#1 failed CommandFailed', '3#1 skipped']);
    expect(await it.run(id)).toMatchObject({
      status: 'failed',
      stepsCompleted: 1,
      error: 'step "two" (2) failed: exit code 1',
      outputs: { first: 'one', last: '', status: 'failed' },
    });
    const { items } = await on.store.read.lists.deliveries({ limit: 10, runId: id });
    expect(items.map(({ event, sinkName, status }) => `${event} ${sinkName} ${status}`).sort()).toEqual([
      'run-finished chat pending',
      'run-finished out pending',
    ]);
  });

  test('3.1.14 with continueOnError the run goes on and succeeds', async () => {
    const it = on.world({ one: () => failure() });
    const id = await it.addRun(planOf([step('one', { continueOnError: true }), step('two')]));
    await it.runAll();
    expect(await it.run(id)).toMatchObject({ status: 'succeeded', stepsCompleted: 2, error: null });
  });

  test('3.1.15 the holder sees a cancel within 1 s and aborts', async () => {
    const long = longDeed();
    const it = on.world({ one: long.deed });
    const id = await it.addRun(threeSteps);
    const advancing = it.engine.advance(id, never);
    await on.clock.advance(2_300);
    await on.control().cancel(id, 'by a person');
    await on.clock.advance(1_000);
    await advancing;
    expect(await it.journal(id)).toEqual(['1#1 cancelled Cancelled', '2#1 skipped', '3#1 skipped']);
    expect(await it.run(id)).toMatchObject({ status: 'cancelled', error: 'by a person', errorCode: 'Cancelled' });
  });

  test('3.1.15 a result that came first is kept, then cancelled', async () => {
    const it = on.world({
      one: async (io) => {
        await on.control().cancel(io.runId, 'enough');
        return succeeded({ kept: true });
      },
    });
    const id = await it.addRun(threeSteps);
    await it.runAll();
    expect(await it.journal(id)).toEqual(['1#1 succeeded', '2#1 skipped', '3#1 skipped']);
    expect((await on.store.read.runs.steps(id))[0]?.result).toEqual({ kept: true });
    expect(await it.run(id)).toMatchObject({ status: 'cancelled', stepsCompleted: 1 });
  });

  test('3.1.15 a run without a lease is woken by its cancel; one that never began ends without a word', async () => {
    const it = on.world();
    const id = await it.addRun(threeSteps, { wakeAt: null });
    await on.control().cancel(id, 'not needed');
    expect((await it.run(id)).wakeAt).toBe(on.now());
    await it.runAll();
    expect(await it.run(id)).toMatchObject({ status: 'cancelled', startedAt: null });
    expect((await on.store.read.lists.deliveries({ limit: 10, runId: id })).items).toEqual([]);
  });

  test('the report of an attempt that failed is the analysis of its alert', async () => {
    const report = { summary: 's', report: '# Investigation Summary', findings: [], confidence: 0 };
    const it = on.world({ one: () => failure({ result: report }) });
    const alert = await it.addAlert();
    const id = await it.addRun(planOf([step('one')]), {}, alert);
    await it.runAll();
    expect(await it.run(id)).toMatchObject({ status: 'failed' });
    expect(await on.store.read.lists.alert(alert.id)).toMatchObject({ aiAnalysis: report, aiConfidence: 0 });
  });

  test('a report with a cause waits a moment where another run has not ended; one without, and the last one, do not', async () => {
    const cause = { sentence: 's', category: 'oom-killed', object: 'pod/shop/web-1' };
    const found = { summary: 's', report: '# Investigation Summary', findings: [], confidence: 0.8, cause };
    const deeds = { found: () => succeeded(found), nothing: () => succeeded({ ...found, cause: null }) };
    const it = on.world(deeds);
    const plan = (name: string) => planOf([step(name)], { sinks: ['out'] });
    const ids = [await it.addRun(plan('nothing')), await it.addRun(plan('found')), await it.addRun(plan('found'))];
    for (const id of ids) await it.engine.advance(id, never);
    const { items } = await on.store.read.lists.deliveries({ limit: 10 });
    const told = ids.map((run) => items.find(({ runId }) => runId === run));
    expect(told.map((delivery) => delivery?.incident)).toEqual([
      null,
      'oom-killed pod/shop/web-1',
      'oom-killed pod/shop/web-1',
    ]);
    expect(told.map((delivery) => delivery?.wakeAt)).toEqual([on.now(), addMs(on.now(), 2000), on.now()]);
  });

  test('the alert is triaging at the start and escalated at the end while it still fires', async () => {
    const long = longDeed();
    const it = on.world({ one: long.deed });
    const alert = await it.addAlert();
    const id = await it.addRun(planOf([step('one')]), {}, alert);
    const working = it.engine.advance(id, never);
    await on.clock.advance(1000);
    expect(await on.store.read.lists.alert(alert.id)).toMatchObject({
      status: 'triaging',
      workflowId: id,
      triageStartedAt: '2026-01-01T00:00:00.000Z',
      triageCompletedAt: null,
    });
    const result = { summary: 's', report: '# Investigation Summary', findings: [], confidence: 0.8 };
    long.finish(succeeded(result));
    await working;
    expect(await on.store.read.lists.alert(alert.id)).toMatchObject({
      status: 'escalated',
      triageCompletedAt: on.now(),
      aiAnalysis: result,
      aiConfidence: 0.8,
    });
    const transitions = await on.store.read.lists.transitions(alert.id);
    expect(transitions.map(({ fromStatus, toStatus, reason }) => [fromStatus, toStatus, reason])).toEqual([
      ['received', 'triaging', 'RunStarted'],
      ['triaging', 'escalated', 'RunEnded'],
    ]);
  });

  test('a run that a Sink led to in another namespace reads the alert, and changes nothing of it; one in its own does', async () => {
    const report = (cause: string) => ({ summary: cause, report: '# x', findings: [], confidence: 0.8 });
    const it = on.world({ own: () => succeeded(report('own')), other: () => succeeded(report('other')) });
    const alert = await it.addAlert();
    const lineTo = async (name: string, namespace: string, workflows: readonly string[]) => {
      const plan = planOf([step(name)], { namespace });
      const { input } = runRecord(plan, on.now(), {}, alert);
      const parent = { runId: 'parent', workflows };
      return it.addRun(plan, { requestedBy: `${namespace} ${workflows.join()}`, input: { ...input, parent } }, alert);
    };
    const before = await on.store.read.lists.alert(alert.id);
    const others = [
      await lineTo('other', 'oncall', ['default/triage']),
      // Led to by the one before, of the same namespace as it.
      await lineTo('other', 'oncall', ['default/triage', 'oncall/look']),
    ];
    await it.runAll();
    for (const id of others) expect(await it.run(id)).toMatchObject({ status: 'succeeded', alertId: alert.id });
    expect(await on.store.read.lists.alert(alert.id)).toEqual(before);
    expect(await on.store.read.lists.transitions(alert.id)).toEqual([]);
    const own = await lineTo('own', 'default', ['default/triage', 'oncall/look']);
    await it.runAll();
    expect(await on.store.read.lists.alert(alert.id)).toMatchObject({
      status: 'escalated',
      workflowId: own,
      aiAnalysis: report('own'),
    });
  });

  test('an alert that was resolved meanwhile stays resolved; one in a later episode is left alone', async () => {
    const it = on.world();
    const resolved = await it.addAlert({ status: 'resolved', resolvedAt: on.now() });
    await it.addRun(threeSteps, {}, resolved);
    const later = await it.addAlert({ episode: 2 });
    await it.addRun(threeSteps, { episode: 1 }, later);
    await it.runAll();
    expect(await on.store.read.lists.alert(resolved.id)).toMatchObject({
      status: 'resolved',
      triageCompletedAt: on.now(),
    });
    expect(await on.store.read.lists.alert(later.id)).toMatchObject({
      status: 'received',
      triageCompletedAt: null,
      workflowId: null,
    });
  });
});
