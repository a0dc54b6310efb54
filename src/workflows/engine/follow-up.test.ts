import { describe, expect, test } from 'vitest';
import { contractStores } from '../../../test/contract/stores.ts';
import { engineOn } from '../../../test/support/engine-tests.ts';
import { planOf, step } from '../../../test/support/engine.ts';
import type { Deed } from '../../../test/support/engine.ts';
import type { FollowUp, NewAgentEvent } from '../../core/agent-event.ts';
import { succeeded } from '../steps/define.ts';

const event = (kind: NewAgentEvent['kind'], content: NewAgentEvent['content'], tokens = 0): NewAgentEvent => ({
  kind,
  content,
  tokens,
  costMicros: tokens * 10,
  evidenceHash: null,
});
const answered = { model: 'fake/small', usage: null };

const plan = planOf([step('look'), step('think', { when: '{{ .steps.look.result.done }}', continueOnError: true })], {
  sinks: ['chat'],
  outputs: [{ name: 'out', value: 'x' }],
  budget: { run: { tokens: 250, costMicros: null }, day: null },
});

describe.each(contractStores)('a question about a run on $name', (database) => {
  const on = engineOn(database);

  /** Uses 100 tokens, and keeps what it goes on from and what the budget says. */
  function thinking() {
    const seen: (FollowUp | null)[] = [];
    const refusals: (string | null)[] = [];
    const think: Deed = async (io) => {
      seen.push(io.followUp);
      refusals.push(await io.budgetRefusal({ tokens: 100, costMicros: 0 }));
      const first =
        io.followUp === null ? event('opened', { n: 0 }) : event('message', { question: io.followUp.question });
      await io.journal.append([first, event('asked', {}, 120), event('answered', answered, 100)]);
      return succeeded({ alert: io.alert?.name ?? null });
    };
    return { seen, refusals, deeds: { think } };
  }
  const question = (runId: string, text = 'why?') => ({ runId, text, by: 'ann' });
  const kinds = (followUp: FollowUp | null | undefined) => followUp?.events.map(({ path, kind }) => `${path} ${kind}`);

  test('is a run of the one agent step that goes on with the conversation, and the run itself stays as it is', async () => {
    const { seen, deeds } = thinking();
    const it = on.world(deeds);
    const alert = await it.addAlert();
    const old = await it.addRun(plan, {}, alert);
    await it.runAll();
    const before = [await it.run(old), await on.store.read.lists.alert(alert.id)];
    const id = await on.control().ask(question(old, 'why is it password=hunter2secret'));
    await it.runAll();
    expect([await it.run(old), await on.store.read.lists.alert(alert.id)]).toEqual(before);
    expect(await it.run(id)).toMatchObject({
      status: 'succeeded',
      name: 'triage',
      alertId: null,
      totalSteps: 1,
      stepsCompleted: 1,
      retryOf: null,
      outputs: {},
      agentEvents: 3,
      modelTokens: 100,
      input: { alert: null, asked: { name: alert.name }, followUp: { runId: old, path: '2', by: 'ann' } },
    });
    expect(await it.journal(id)).toEqual(['1#1 succeeded']);
    const [asked] = await on.store.read.runs.steps(id);
    expect(asked).toMatchObject({ name: 'think', result: { alert: alert.name } });
    expect((await on.store.read.lists.deliveries({ limit: 9, runId: id })).items).toEqual([]);
    expect(seen[0]).toBeNull();
    expect(kinds(seen[1])).toEqual(['2 opened', '2 asked', '2 answered']);
    // What looks like a secret is not kept.
    expect(seen[1]?.question).toMatch(/^why is it password=\S+$/);
    expect(JSON.stringify([seen[1], (await it.run(id)).input])).not.toContain('hunter2secret');
  });

  test('about a question goes on with all of it, and one about the first run with that alone', async () => {
    const { seen, deeds } = thinking();
    const it = on.world(deeds);
    const old = await it.addRun(planOf(plan.steps));
    await it.runAll();
    const second = await on.control().ask(question(old));
    await it.runAll();
    for (const about of [second, old]) {
      await on.control().ask(question(about));
      await it.runAll();
    }
    const [first, more] = [
      ['2 opened', '2 asked', '2 answered'],
      ['1 message', '1 asked', '1 answered'],
    ];
    expect(seen.slice(1).map(kinds)).toEqual([first, [...(first ?? []), ...(more ?? [])], first]);
  });

  test('has what the budget of one run has left', async () => {
    const { refusals, deeds } = thinking();
    const it = on.world(deeds);
    const old = await it.addRun(plan);
    await it.runAll();
    const second = await on.control().ask(question(old));
    await it.runAll();
    await on.control().ask(question(second));
    await it.runAll();
    expect(refusals).toEqual([null, null, '250 tokens of one run, of which 200 are used']);
  });

  test('of a run that works, that asked no model, or that there is not, is refused with what to do', async () => {
    const it = on.world();
    const pending = await it.addRun(plan, { wakeAt: null });
    await expect(on.control().ask(question(pending))).rejects.toMatchObject({
      code: 'Conflict',
      message: expect.stringMatching(/^run\/\S+ has not ended: pending$/) as string,
      next: expect.stringMatching(/^fist watch run\//) as string,
    });
    const old = await it.addRun(plan);
    await it.runAll();
    await expect(on.control().ask(question(old))).rejects.toMatchObject({
      code: 'Conflict',
      message: expect.stringContaining('asked no model') as string,
    });
    await expect(on.control().ask(question('absent'))).rejects.toMatchObject({ code: 'NotFound' });
  });

  test('fails with that where the conversation was deleted meanwhile', async () => {
    const { deeds } = thinking();
    const it = on.world(deeds);
    const old = await it.addRun(planOf(plan.steps));
    await it.runAll();
    const id = await on.control().ask(question(old));
    await on.clock.advance(2 * 60 * 60_000);
    const page = { after: '', before: id, endedBefore: on.now(), limit: 10 };
    const { deleted } = await on.store.transaction('retention', (tx) => tx.retention.deletePage('runs', page));
    expect(deleted).toMatchObject({ workflows: 1, agent_events: 3 });
    await it.runAll();
    expect(await it.run(id)).toMatchObject({ status: 'failed', errorCode: 'NotFound' });
  });
});
