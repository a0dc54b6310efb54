import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AgentStore } from '../../src/core/agent-store.ts';
import type { RunRecord } from '../../src/core/run.ts';
import { addMs } from '../../src/core/time.ts';
import { createFakeClock } from '../support/clock.ts';
import { alertRecord, planOf, runRecord, step } from '../support/engine.ts';
import { agentEventFixture } from '../support/rows.ts';
import { contractStores } from './stores.ts';
import type { ContractStore } from './stores.ts';

const now = '2026-01-01T00:00:00.000Z';
const plan = planOf([step('one')]);

describe.each(contractStores)('agent events on $name', ({ open }) => {
  let opened: ContractStore;
  beforeEach(async () => {
    opened = await open({ clock: createFakeClock(now) });
  });
  afterEach(() => opened.close());

  const within = <T>(work: (agent: AgentStore) => Promise<T>) =>
    opened.store.transaction('agent-events', (tx) => work(tx.agent));
  const reader = () => opened.store.read.agent;

  async function add(changes: Partial<RunRecord> = {}): Promise<RunRecord> {
    const run = runRecord(plan, now, { planHash: 'h', ...changes });
    await opened.store.transaction('intake', (tx) => tx.runs.insert({ run, plan }));
    return run;
  }

  async function claimed(): Promise<RunRecord> {
    const { id } = await add();
    const run = await opened.store.transaction('claim', (tx) => tx.runs.claim(id, 'a', now, addMs(now, 30_000)));
    if (run === undefined) throw new Error('it was not claimed');
    return run;
  }

  test('come back as they went in, in their order, page by page', async () => {
    const { id } = await add();
    const content = { z: 'NUL \0 and ü', a: [1, null, { text: '\u2028' }] };
    const events = [1, 2, 3].map((sequence) =>
      agentEventFixture({
        runId: id,
        sequence,
        path: sequence === 2 ? '2.then' : '1',
        tokens: 7,
        costMicros: 9,
        content,
      }),
    );
    await within((agent) => agent.insert(events.toReversed()));
    await within((agent) => agent.insert([agentEventFixture({ runId: 'other' })]));
    const read = await reader().events(id, { after: 0, limit: 10 });
    // PostgreSQL has no text with NUL, so neither has.
    const stored = { ...content, z: content.z.replace('\0', '\uFFFD') };
    expect(read).toEqual(events.map((event) => ({ ...event, content: stored })));
    expect(Object.keys(read[0]?.content ?? {})).toEqual(['z', 'a']);
    expect(await reader().events(id, { after: 0, limit: 2 })).toEqual(read.slice(0, 2));
    expect(await reader().events(id, { after: 2, limit: 2 })).toEqual(read.slice(2));
    expect(await reader().events(id, { after: 3, limit: 2 })).toEqual([]);
    expect(await reader().eventsOfStep(id, '1')).toEqual([read[0], read[2]]);
    expect(await reader().eventsOfStep(id, '3')).toEqual([]);
  });

  test('a page of large ones ends early, and all of them are read for a step', async () => {
    const { id } = await add();
    const content = { text: 'x'.repeat(100_000) };
    const events = Array.from({ length: 60 }, (_, index) =>
      agentEventFixture({ runId: id, sequence: index + 1, content }),
    );
    await within((agent) => agent.insert(events));
    const page = await reader().events(id, { after: 0, limit: 60 });
    expect(page.length).toBeGreaterThan(20);
    expect(page.length).toBeLessThan(60);
    expect(await reader().eventsOfStep(id, '1')).toHaveLength(60);
  });

  test('the lock numbers them, adds to what the run used, and keeps out who lost the run', async () => {
    const { id, fence } = await claimed();
    const growth = { events: 2, tokens: 100, costMicros: 3_000_000_000 };
    expect(await within((agent) => agent.lock(id, fence, growth))).toEqual({
      cancelRequestedAt: null,
      cancelReason: null,
      lastSequence: 2,
    });
    expect(await within((agent) => agent.lock(id, fence, { events: 1, tokens: -40, costMicros: -5 }))).toMatchObject({
      lastSequence: 3,
    });
    expect(await within((agent) => agent.lock(id, fence + 1, growth))).toBeUndefined();
    expect(await opened.store.read.runs.find(id)).toMatchObject({
      agentEvents: 3,
      modelTokens: 60,
      modelCostMicros: 2_999_999_995,
    });
  });

  test('what was spent on a day is known of a Workflow and of all', async () => {
    const triage = { namespace: 'default', name: 'triage' };
    await within((agent) => agent.charge('2026-01-01', triage, { tokens: 10, costMicros: 3_000_000_000 }));
    await within((agent) => agent.charge('2026-01-01', triage, { tokens: -4, costMicros: 1 }));
    await within((agent) => agent.charge('2026-01-01', { ...triage, namespace: 'shop' }, { tokens: 1, costMicros: 1 }));
    await within((agent) => agent.charge('2026-01-02', triage, { tokens: 100, costMicros: 100 }));
    expect(await reader().spentOn('2026-01-01', triage)).toEqual({ tokens: 6, costMicros: 3_000_000_001 });
    expect(await reader().spentOn('2026-01-01')).toEqual({ tokens: 7, costMicros: 3_000_000_002 });
    expect(await reader().spentOn('2026-01-03', triage)).toEqual({ tokens: 0, costMicros: 0 });
    expect(await reader().spentOn('2026-01-03')).toEqual({ tokens: 0, costMicros: 0 });
  });

  test('the newest result from the same evidence is that of an earlier run of the Workflow for the alert', async () => {
    const alert = alertRecord(now);
    const runs: RunRecord[] = [];
    for (const episode of [1, 2, 3, 4]) runs.push(await add({ alertId: alert.id, episode }));
    const [first, second, third, last] = runs as [RunRecord, RunRecord, RunRecord, RunRecord];
    const others = [
      await add({ alertId: alertRecord(now).id, episode: 1 }),
      await add({ alertId: alert.id, episode: 1, name: 'other' }),
      await add({ alertId: null }),
    ];
    const closed = (runId: string, changes: object = {}) =>
      agentEventFixture({ runId, sequence: 9, kind: 'closed', evidenceHash: 'h1', ...changes });
    const events = [
      closed(first.id),
      closed(second.id, { sequence: 8 }),
      closed(second.id, { path: '2', content: { result: 'the newest' } }),
      closed(third.id, { evidenceHash: 'h2' }),
      closed(third.id, { sequence: 8, evidenceHash: null }),
      closed(last.id),
      ...others.map(({ id }) => closed(id)),
    ];
    await within((agent) => agent.insert(events));
    expect(await reader().closedWith('h1', last)).toEqual(events[2]);
    expect(await reader().closedWith('h1', second)).toEqual(events[0]);
    expect(await reader().closedWith('h2', third)).toBeUndefined();
    expect(await reader().closedWith('h2', last)).toEqual(events[3]);
    expect(await reader().closedWith('h1', { ...last, alertId: null })).toBeUndefined();
  });
});
