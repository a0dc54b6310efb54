import { describe, expect, test } from 'vitest';
import { AppError } from '../core/errors.ts';
import type { Notification } from '../core/event.ts';
import { contractStores } from '../../test/contract/stores.ts';
import type { ContractDatabase } from '../../test/contract/stores.ts';
import { at, createWorld, firing, resolved } from '../../test/support/intake.ts';
import type { World } from '../../test/support/intake.ts';
import { partsOf } from './parts.ts';

function alerts(count: number) {
  return Array.from({ length: count }, (_, index) => firing({ fingerprint: `f${String(index).padStart(5, '0')}` }));
}

describe('parts', () => {
  test('a small notification is one, as it came', () => {
    const items = alerts(250).toReversed();
    expect(partsOf({ items, body: '' })).toEqual([items]);
    expect(partsOf({ items: [], body: 'x'.repeat(2_000_000) })).toEqual([[]]);
  });

  test('a large one is cut in the order of the identities, within one in the order of the notification', () => {
    const items = alerts(550).flatMap((item) => [item, { ...item, summary: 'later' }]);
    const parts = partsOf({ items: items.toReversed(), body: '' });
    expect(parts.map(({ length }) => length)).toEqual([250, 250, 250, 250, 100]);
    expect(parts.flat().map(({ fingerprint }) => fingerprint)).toEqual(items.map(({ fingerprint }) => fingerprint));
    expect(parts.flat().map(({ summary }) => summary === 'later')).toEqual(items.map((_, index) => index % 2 === 0));
  });

  test('a part has little text', () => {
    const items = alerts(40).map((item) => ({ ...item, annotations: { long: 'x'.repeat(60_000) } }));
    expect(partsOf({ items, body: 'x'.repeat(2_400_000) }).map(({ length }) => length)).toEqual(
      Array.from({ length: 10 }, () => 4),
    );
  });
});

/** What is stored, without ids; receive counts, and what the event says became of it, apart. */
async function stored(world: World) {
  const { lists } = world.store.read;
  const all = { limit: 500 };
  const pages = { alerts: [] as object[], runs: [] as object[] };
  for (let cursor: string | undefined; ;) {
    const { items, nextCursor } = await lists.alerts({ ...all, ...(cursor === undefined ? {} : { cursor }) });
    pages.alerts.push(
      ...items.map(({ fingerprint, status, episode, startsAt, receiveCount, sourceId, workflowId }) => ({
        fingerprint,
        status,
        episode,
        startsAt,
        receiveCount,
        hasRun: workflowId !== null,
        sourceId,
      })),
    );
    if (nextCursor === null) break;
    cursor = nextCursor;
  }
  for (let cursor: string | undefined; ;) {
    const { items, nextCursor } = await lists.runs({ ...all, ...(cursor === undefined ? {} : { cursor }) });
    pages.runs.push(...items.map(({ name, episode, status }) => ({ name, episode, status })));
    if (nextCursor === null) break;
    cursor = nextCursor;
  }
  const events = (await lists.events(all)).items;
  return { ...pages, events, letters: (await lists.deadLetters(all)).items };
}

async function withWorld<T>(
  database: ContractDatabase,
  work: (world: World, fail: (commit: number | null) => void) => Promise<T>,
): Promise<T> {
  let left: number | null = null;
  const beforeCommit = (names: readonly string[]) => {
    if (left === null || !names.includes('intake')) return;
    left -= 1;
    if (left < 0) throw new AppError('StoreUnavailable', 'of the test');
  };
  const opened = await database.open({ hooks: { beforeCommit } });
  try {
    return await work(createWorld(opened.store), (commit) => (left = commit));
  } finally {
    await opened.close();
  }
}

const bad = [{ index: 0, field: 'alerts[0]', message: 'must be an object', body: '0' }];

test('bad items that are only counted keep nobody out', async () => {
  const [database] = contractStores;
  if (database === undefined) throw new Error('a database');
  await withWorld(database, async (world) => {
    const taken = [
      world.take(1, [], { bad, moreBad: 19_999 }),
      world.take(1, [firing()]),
      world.take(1, [firing()], { deliveryKey: 'other' }),
    ];
    expect((await Promise.all(taken)).map(({ received }) => received)).toEqual([20_000, 1, 1]);
  });
});

describe.each(contractStores)('a large notification on $name', (database) => {
  test('is one event with one outcome, and others have their turns meanwhile', async () => {
    await withWorld(database, async (world) => {
      const order: string[] = [];
      const changes = { bad, moreBad: 7, deliveryKey: 'k' };
      const large = world.take(1, alerts(650), changes).then((answer) => {
        order.push('large');
        return answer;
      });
      const small = world.take(1, [firing({ fingerprint: 'small' })]).then(() => order.push('small'));
      const counts = { received: 658, opened: 650, repeated: 0, resolved: 0, ignored: 8, runs: 650 };
      expect(await large).toEqual(counts);
      await small;
      expect(order).toEqual(['small', 'large']);
      const { events, alerts: rows, letters } = await stored(world);
      const outcome = { Opened: 650, RunCreated: 650, BadItem: 8 };
      // Its event was begun first.
      expect(events.map((event) => event.outcome)).toEqual([{ Opened: 1, RunCreated: 1 }, outcome]);
      expect(rows.filter((row) => (row as { sourceId: string }).sourceId === events[1]?.id)).toHaveLength(650);
      expect(letters).toHaveLength(1);
      expect(world.counted.get('fist_alerts_received_total am Opened')).toBe(651);
      expect(world.counted.get('fist_dead_letters_total am BadItem')).toBe(1);
      // The same delivery again.
      expect(await world.take(2, alerts(650), changes)).toEqual(counts);
      // The same body without a delivery id is the same event, come again.
      const again = alerts(650).map((item) => ({ ...item, fingerprint: `n${item.fingerprint}` }));
      await world.take(3, again);
      expect(await world.take(4, again)).toMatchObject({ received: 650, repeated: 650 });
      const [last] = (await stored(world)).events;
      expect(last).toMatchObject({ receiveCount: 2, outcome: { Opened: 650, RunCreated: 650 } });
    });
  });

  const kinds: [string, Partial<Notification>][] = [
    ['without a delivery id', { bad }],
    ['with one', { bad, deliveryKey: 'k' }],
  ];
  test.each(kinds)('that ends between two parts is right when it comes again, %s', async (_name, changes) => {
    const sent = [...alerts(650), resolved({ fingerprint: 'f00001', endsAt: at(1) })];
    const told = ({ receiveCount: _times, sourceId: _event, ...row }: Record<string, unknown>) => row;
    const whole = await withWorld(database, async (world) => {
      await world.take(1, sent, changes);
      return stored(world);
    });
    for (const commit of database.name === 'SQLite' ? [1, 2] : [2]) {
      await withWorld(database, async (world, fail) => {
        fail(commit);
        await expect(world.take(1, sent, changes)).rejects.toMatchObject({ code: 'StoreUnavailable' });
        fail(null);
        const before = await stored(world);
        expect([before.alerts.length, before.events.length, before.letters.length]).toEqual([commit * 250 - 1, 0, 0]);
        const { received, repeated, ignored } = await world.take(1.1, sent, changes);
        // The resolve of the first part is known already, and its firing a late copy.
        expect({ received, repeated, ignored }).toEqual({ received: 652, repeated: commit * 250 - 2, ignored: 3 });
        const after = await stored(world);
        expect(after.alerts.map((row) => told(row as Record<string, unknown>))).toEqual(
          whole.alerts.map((row) => told(row as Record<string, unknown>)),
        );
        expect(after.runs).toEqual(whole.runs);
        expect(after.letters).toHaveLength(1);
        expect(after.events.map(({ deliveryKey, receiveCount }) => [deliveryKey, receiveCount])).toEqual([
          [changes.deliveryKey ?? null, 1],
        ]);
        // A delivery id is answered as it was; without one all is a repeat.
        const opened = changes.deliveryKey === undefined ? 0 : 650 - (commit * 250 - 1);
        expect(await world.take(1.2, sent, changes)).toMatchObject({ received: 652, opened });
      });
    }
  });
});
