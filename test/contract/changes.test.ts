import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Change, ChangeReader } from '../../src/core/changes.ts';
import { lowestIdAt } from '../../src/lib/id.ts';
import { runFixture } from '../support/deliveries.ts';
import { alertFixture } from '../support/rows.ts';
import { contractStores } from './stores.ts';
import type { ContractStore } from './stores.ts';

const second = (n: number) => new Date(Date.parse('2026-03-01T12:00:00Z') + n * 1000).toISOString();
const idAt = (n: number) => lowestIdAt(Date.parse(second(n)));
const shown = (changes: readonly Change[] | null) => changes?.map(({ kind, id, status, at }) => [kind, id, status, at]);

describe.each(contractStores)('what has changed on $name', ({ open }) => {
  let connection: ContractStore;
  let changes: ChangeReader;
  beforeEach(async () => {
    connection = await open();
    changes = connection.store.read.lists;
  });
  afterEach(() => connection.close());

  it('are alerts by their last change, and not those that were repeated', async () => {
    const alerts = [
      alertFixture({ id: idAt(1), fingerprint: 'f1', receivedAt: second(1), lastReceivedAt: second(900) }),
      alertFixture({
        id: idAt(2),
        fingerprint: 'f2',
        receivedAt: second(20),
        status: 'triaging',
        triageStartedAt: second(30),
      }),
      alertFixture({ id: idAt(3), fingerprint: 'f3', receivedAt: second(25), severity: 'critical' }),
      alertFixture({
        id: idAt(4),
        fingerprint: 'f4',
        receivedAt: second(2),
        status: 'resolved',
        resolvedAt: second(10),
      }),
    ];
    await connection.store.transaction('intake', (tx) => tx.alerts.insertAll(alerts));
    expect(shown(await changes.changesSince(second(10), 100))).toEqual([
      ['alert', idAt(4), 'resolved', second(10)],
      ['alert', idAt(3), 'received', second(25)],
      ['alert', idAt(2), 'triaging', second(30)],
    ]);
    expect((await changes.changesSince(second(30), 100))?.[0]).toEqual({
      kind: 'alert',
      id: idAt(2),
      name: 'TestAlert',
      namespace: 'default',
      source: 'am',
      status: 'triaging',
      severity: 'warning',
      episode: 1,
      mutedReason: null,
      runId: null,
      at: second(30),
    });
  });

  it('are runs that were made or ended, and those that run', async () => {
    const run = (n: number, more: Parameters<typeof runFixture>[0]) =>
      runFixture({ id: idAt(n), alertId: `a${n}`, createdAt: second(n), startedAt: null, completedAt: null, ...more });
    const runs = [
      run(1, { status: 'succeeded', startedAt: second(2), completedAt: second(5) }),
      run(2, { status: 'failed', startedAt: second(3), completedAt: second(40), errorCode: 'Timeout' }),
      run(3, { status: 'running', startedAt: second(4), currentStep: 'look', stepsCompleted: 1, totalSteps: 2 }),
      run(4, { status: 'pending' }),
      run(50, { status: 'pending' }),
    ];
    await connection.store.transaction('intake', (tx) => tx.runs.insertAll(runs.map((run) => ({ run, plan: null }))));
    const found = await changes.changesSince(second(10), 100);
    expect(shown(found)).toEqual([
      ['run', idAt(3), 'running', second(4)],
      ['run', idAt(2), 'failed', second(40)],
      ['run', idAt(50), 'pending', second(50)],
    ]);
    expect(found?.[0]).toEqual({
      kind: 'run',
      id: idAt(3),
      name: 'triage',
      namespace: 'shop',
      alertId: 'a3',
      status: 'running',
      stepsCompleted: 1,
      totalSteps: 2,
      currentStep: 'look',
      waitingFor: null,
      errorCode: null,
      cancelRequestedAt: null,
      agentEvents: 0,
      modelTokens: 0,
      modelCostMicros: 0,
      at: second(4),
    });
  });

  it('are runs alone, and those that ended one page after the other', async () => {
    const ends = [5, 7, 7, 7, 9];
    const runs = ends.map((end, index) =>
      runFixture({ id: idAt(index + 1), alertId: `a${index}`, status: 'succeeded', completedAt: second(end) }),
    );
    await connection.store.transaction('intake', async (tx) => {
      await tx.alerts.insertAll([alertFixture({ id: idAt(8), fingerprint: 'f', receivedAt: second(8) })]);
      await tx.runs.insertAll(runs.map((run) => ({ run, plan: null })));
    });
    expect(await changes.changesSince(second(6), 4)).toBeNull();
    const expected = [2, 3, 4, 5].map((n) => ['run', idAt(n), 'succeeded', second(ends[n - 1] ?? 0)]);
    expect(shown(await changes.runsChangedSince(second(6), 4))).toEqual(expected);
    expect(await changes.runsChangedSince(second(6), 3)).toBeNull();
    const first = await changes.runsEndedAfter({ at: second(6), id: '' }, 2);
    expect(shown(first)).toEqual(expected.slice(0, 2));
    expect(shown(await changes.runsEndedAfter(first.at(-1) ?? { at: '', id: '' }, 3))).toEqual(expected.slice(2));
  });

  it('is null where it is too much', async () => {
    const alerts = [1, 2, 3].map((n) => alertFixture({ id: idAt(n), fingerprint: `f${n}`, receivedAt: second(n) }));
    await connection.store.transaction('intake', (tx) => tx.alerts.insertAll(alerts));
    expect(await changes.changesSince(second(0), 3)).toHaveLength(3);
    expect(await changes.changesSince(second(0), 2)).toBeNull();
    expect(await changes.changesSince(second(4), 2)).toEqual([]);
  });
});
