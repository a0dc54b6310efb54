import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runFixture, stepFixture } from '../../../test/support/deliveries.ts';
import { createWorld } from '../../../test/server/world.ts';
import type { World } from '../../../test/server/world.ts';
import type { Gap } from '../../core/finding.ts';
import { mostGapRuns } from '../../core/gaps.ts';
import { lowestIdAt, newId } from '../../lib/id.ts';

const idAt = (hour: number) => lowestIdAt(Date.parse('2025-12-31T00:00:00Z') + hour * 3_600_000);
const timeAt = (hour: number) => new Date(Date.parse('2025-12-31T00:00:00Z') + hour * 3_600_000).toISOString();

const events: Gap = {
  what: 'the events of namespace shop',
  kind: 'forbidden',
  reason: 'events is forbidden',
  remedy: 'allow it: a Role',
  resource: 'events',
  namespace: 'shop',
};
const log = (pod: string): Gap => ({
  what: `the log of container app of pod/shop/${pod}`,
  kind: 'not_captured',
  reason: `${pod} is gone`,
  remedy: 'ship it',
  resource: 'pods/log',
  namespace: 'shop',
});

/** Runs of these hours, each with what its report lacked; null: a report that was made before there were gaps. */
const seeds: readonly (readonly [hour: number, gaps: unknown, namespace?: string])[] = [
  [1, [events], 'bank'],
  [2, [events, log('old')]],
  [3, [log('web-1'), log('web-2')]],
  [4, []],
  [5, null],
  [6, [{ ...events, kind: 'odd' }, 'text', null]],
  [7, [events]],
];

async function createSeeded(more = 0): Promise<World> {
  const world = await createWorld();
  const all = [...seeds, ...Array.from({ length: more }, (_, at) => [8 + at / 60, [log('later')]] as const)];
  await world.store.transaction('intake', async (tx) => {
    for (const [hour, gaps, namespace = 'shop'] of all) {
      const id = idAt(hour);
      const result = { findings: [], report: 'x', ...(gaps === null ? {} : { gaps }) };
      await tx.runs.insertAll([
        { run: runFixture({ id, alertId: id, namespace, createdAt: timeAt(hour) }), plan: null },
      ]);
      await tx.runs.writeSteps([stepFixture({ id: newId(), runId: id, result: result as never })]);
    }
  });
  return world;
}

let world: World;
beforeAll(async () => {
  world = await createSeeded();
});
afterAll(() => world.close());

const read = async (query = '', of = world) => (await of.get(`/api/v1/gaps${query}`)).json();

describe('GET /api/v1/gaps', () => {
  it('adds up what runs lacked, the most frequent first, with the newest example', async () => {
    expect(await read()).toEqual({
      items: [
        { ...events, runs: 3, of: 6, lastRun: idAt(7), lastSeen: timeAt(7) },
        { ...log('web-1'), runs: 2, of: 6, lastRun: idAt(3), lastSeen: timeAt(3) },
      ],
      nextCursor: null,
    });
  });

  it.each([
    ['?namespace=bank', [[1, 1]]],
    ['?workflow=other', []],
    ['?limit=1', [[3, 6]]],
    [
      `?since=${timeAt(3)}`,
      [
        [1, 4],
        [1, 4],
      ],
    ],
    [`?until=${timeAt(2)}`, [[1, 1]]],
  ])('%s', async (query, counts) => {
    const { items } = await read(query);
    expect(items.map(({ runs, of }: { runs: number; of: number }) => [runs, of])).toEqual(counts);
  });

  it('refuses what it does not know', async () => {
    for (const query of ['status=failed', 'cursor=x'])
      expect((await world.get(`/api/v1/gaps?${query}`)).statusCode).toBe(400);
  });

  it('looks at the newest runs only', async () => {
    const large = await createSeeded(mostGapRuns);
    const { items } = await read('', large);
    await large.close();
    expect(items).toMatchObject([{ resource: 'pods/log', runs: mostGapRuns, of: mostGapRuns }]);
  });
});
