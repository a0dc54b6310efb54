import { expect, test } from 'vitest';
import { lowestIdAt, newIdAt } from '../lib/id.ts';
import { runDeliveries } from './announce.ts';
import { tellingNamespace } from './delivery.ts';

const run = { id: 'r1', namespace: 'shop', alertId: 'a1', episode: 1 };

/** Ids of the deliveries of a transition at that time. */
function idsAt(epochMs: number, sinks = ['out']): readonly string[] {
  const places = sinks.map((name) => ({ namespace: run.namespace, name }));
  return runDeliveries(run, 'run-finished', places, new Date(epochMs).toISOString(), {}, newIdAt).map(({ id }) => id);
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

test('a delivery to a Sink of another namespace says whose run it tells of, and shares no incident with those of others', () => {
  const places = [
    { namespace: 'shop', name: 'out' },
    { namespace: 'oncall', name: 'out' },
  ];
  const told = runDeliveries(run, 'run-finished', [...places, ...places], '2026-03-01T10:00:00.000Z', {}, newIdAt, {
    incident: 'oom pod/shop/web-1',
  });
  expect(
    told.map(({ namespace, data, incident, idempotencyKey }) => [namespace, data, incident, idempotencyKey]),
  ).toEqual([
    ['shop', { episode: 1 }, 'oom pod/shop/web-1', 'r1/run-finished/out'],
    ['oncall', { episode: 1, workflowNamespace: 'shop' }, 'shop oom pod/shop/web-1', 'r1/run-finished/oncall/out'],
  ]);
  expect(told.map(tellingNamespace)).toEqual(['shop', 'shop']);
});

test('ids of one process sort in the order in which they were made, also where the time was taken before', () => {
  const startMs = latestMs();
  const ids = [...idsAt(startMs + 1000, ['one', 'two']), ...idsAt(startMs + 500), ...idsAt(startMs + 1001)];
  expect(ids.toSorted()).toEqual(ids);
  expect(new Set(ids).size).toBe(4);
});
