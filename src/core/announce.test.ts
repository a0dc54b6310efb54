import { expect, test } from 'vitest';
import { lowestIdAt, newIdAt } from '../lib/id.ts';
import { runDeliveries } from './announce.ts';

const run = { id: 'r1', namespace: 'shop', alertId: 'a1', episode: 1 };

/** Ids of the deliveries of a transition at that time. */
function idsAt(epochMs: number, sinks = ['out']): readonly string[] {
  return runDeliveries(run, 'run-finished', sinks, new Date(epochMs).toISOString(), {}, newIdAt).map(({ id }) => id);
}

/** RFC 9562: the first 48 bits of a UUID v7 are milliseconds since the epoch. */
const timeOf = (id: string) => Number.parseInt(id.replace('-', '').slice(0, 12), 16);
/** The last moment that this process made such an id for, whichever tests ran before. */
const latestMs = () => timeOf(idsAt(0)[0] ?? '');

test("ids have the store's time and not that of the machine, so that replicas agree on the order", () => {
  const nowMs = latestMs() + 1;
  const [id = ''] = idsAt(nowMs);
  expect(id >= lowestIdAt(nowMs)).toBe(true);
  expect(id < lowestIdAt(nowMs + 1)).toBe(true);
});

test('ids of one process sort in the order in which they were made, also where the time was taken before', () => {
  const startMs = latestMs();
  const ids = [...idsAt(startMs + 1000, ['one', 'two']), ...idsAt(startMs + 500), ...idsAt(startMs + 1001)];
  expect(ids.toSorted()).toEqual(ids);
  expect(new Set(ids).size).toBe(4);
});
