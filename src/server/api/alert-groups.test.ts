import { afterAll, beforeAll, expect, it } from 'vitest';
import { runFixture, stepFixture } from '../../../test/support/deliveries.ts';
import { alertFixture } from '../../../test/support/rows.ts';
import { createWorld } from '../../../test/server/world.ts';
import type { World } from '../../../test/server/world.ts';
import { lowestIdAt } from '../../lib/id.ts';

const idAt = (minute: number) => lowestIdAt(Date.parse('2025-12-31T00:00:00Z') + minute * 60_000);
const report = { report: '# R', findings: [], root_cause: 'the disk is full', confidence: 0.9 };
const [ownRun, groupRun] = [idAt(10), idAt(20)];
const told = { triageStartedAt: '2026-03-01T12:00:00.000Z', triageCompletedAt: '2026-03-01T12:00:01.000Z' };
const alerts = [
  alertFixture({ id: idAt(1), fingerprint: 'f1', name: 'Own', status: 'escalated', workflowId: groupRun, ...told }),
  alertFixture({
    id: idAt(2),
    fingerprint: 'f2',
    name: 'Member',
    status: 'escalated',
    episode: 3,
    workflowId: groupRun,
    cause: 'the disk is full',
    aiAnalysis: { report: 'an older one' },
    ...told,
  }),
];
const [own, member] = alerts.map(({ id }) => id) as [string, string];

let world: World;
beforeAll(async () => {
  world = await createWorld();
  const ended = { status: 'succeeded', wakeAt: null } as const;
  const runs = [
    runFixture({ id: ownRun, alertId: member, episode: 2, name: 'before', ...ended }),
    runFixture({ id: groupRun, alertId: own, episode: 1, name: 'group', ...ended }),
  ];
  await world.store.transaction('intake', async (tx) => {
    await tx.alerts.insertAll(alerts);
    await tx.runs.insertAll(runs.map((run) => ({ run, plan: null })));
    await tx.groups.join([{ runId: groupRun, alertId: member, episode: 3 }]);
    await tx.runs.writeSteps([stepFixture({ id: 's1', runId: groupRun, result: report })]);
  });
});
afterAll(() => world.close());

it('an alert shows the run of its group among its own, in its own episode, with the report of that', async () => {
  const shown = (await world.get(`/api/v1/alerts/${member}`)).json();
  expect(shown).toMatchObject({
    workflowId: groupRun,
    causeState: 'known',
    cause: 'the disk is full',
    aiAnalysis: report,
    runs: [
      { id: groupRun, alertId: own, episode: 3 },
      { id: ownRun, alertId: member, episode: 2 },
    ],
  });
});

it('the alert that the run was made for shows its own report', async () => {
  expect((await world.get(`/api/v1/alerts/${own}`)).json()).toMatchObject({
    aiAnalysis: null,
    runs: [{ id: groupRun, episode: 1 }],
  });
});
