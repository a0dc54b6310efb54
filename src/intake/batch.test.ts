import { describe, expect, test } from 'vitest';
import { AppError } from '../core/errors.ts';
import type { AlertItem } from '../core/alert.ts';
import type { CatalogSource, CatalogWorkflow } from '../core/catalog.ts';
import type { IntakeAnswer, Notification } from '../core/event.ts';
import type { StoreTransaction } from '../core/store.ts';
import { openPostgresStore } from '../store/postgres/store.ts';
import { systemClock } from '../lib/clock.ts';
import { contractStores } from '../../test/contract/stores.ts';
import type { ContractDatabase, ContractOptions, ContractStore } from '../../test/contract/stores.ts';
import { at, createWorld, firing, plan, resolved, source, workflow } from '../../test/support/intake.ts';
import type { World } from '../../test/support/intake.ts';
import { createPause, endedOrWaiting } from '../../test/support/races.ts';
import { createRandom } from '../../test/support/random.ts';
import type { Random } from '../../test/support/random.ts';
import { rounds } from '../../test/support/rounds.ts';

interface Sent {
  readonly minutes: number;
  readonly items: readonly AlertItem[];
  readonly changes: Partial<Notification>;
}

/** Notifications about few alerts, so that most of a batch meet; time goes on by up to a minute from one to the next. */
function story(random: Random, length: number): readonly Sent[] {
  let minutes = 0;
  return Array.from({ length }, () => {
    minutes += random.next() < 0.5 ? random.next() : 0;
    const items = Array.from({ length: random.between(0, 3) }, () => item(random, minutes));
    const deliveryKey = random.next() < 0.2 ? `k${random.between(0, 3)}` : null;
    const bad = random.next() < 0.1 ? [{ index: 0, field: 'alerts[0]', message: 'must be an object', body: '1' }] : [];
    return { minutes, items, changes: { deliveryKey, bad, truncatedAlerts: random.next() < 0.1 ? 1 : 0 } };
  });
}

function item(random: Random, minutes: number): AlertItem {
  const changes: Partial<AlertItem> = {
    fingerprint: `f${random.between(0, 2)}`,
    severity: random.next() < 0.9 ? 'warning' : 'critical',
    labels: { severity: random.pick(['warning', 'critical']) },
    annotations: { value: String(random.between(0, 2)) },
    startsAt: random.next() < 0.2 ? null : at(Math.floor(minutes / 3) * 3),
  };
  return random.next() < 0.6 ? firing(changes) : resolved({ ...changes, endsAt: at(Math.floor(minutes)) });
}

async function withWorld<T>(
  database: ContractDatabase,
  work: (world: World, opened: ContractStore) => Promise<T>,
  options: ContractOptions = {},
): Promise<T> {
  const opened = await database.open(options);
  try {
    return await work(createWorld(opened.store), opened);
  } finally {
    await opened.close();
  }
}

/** Everything that a person or a program can see, without ids. */
async function seen(world: World, answers: readonly IntakeAnswer[]): Promise<unknown> {
  const { lists } = world.store.read;
  const page = { limit: 500 };
  const [alerts, runs] = [await world.alerts(), await world.runs()];
  const events = (await lists.events(page)).items;
  const names = new Map<string | null, string>([
    ...alerts.map(({ id, fingerprint }) => [id, fingerprint] as const),
    ...events.map(({ id }, place) => [id, `event ${place}`] as const),
    ...runs.map(({ id, episode }, place) => [id, `run ${place} of episode ${episode}`] as const),
  ]);
  const named = (text: string) => [...names].reduce((all, [id, name]) => all.replaceAll(id ?? ' ', name), text);
  const transitions = await Promise.all(alerts.map(({ id }) => lists.transitions(id)));
  const everything = {
    answers,
    counted: Object.fromEntries(world.counted),
    alerts,
    transitions,
    runs,
    events,
    deliveries: (await lists.deliveries(page)).items.map(({ id: _id, sortKey, ...delivery }) => [
      sortKey?.slice(0, 12),
      delivery,
    ]),
    letters: (await lists.deadLetters(page)).items.map(({ id: _id, ...letter }) => letter),
    activity: [...(await lists.activity()).sources],
  };
  return JSON.parse(named(JSON.stringify(everything)));
}

const sources: readonly [string, Partial<CatalogSource>, Partial<CatalogWorkflow> | null][] = [
  ['plain', {}, {}],
  ['caps', { flapCapPerHour: 2, stormCapPerMinute: 2, cooldownMs: 60_000 }, {}],
  ['runs end with their alert', {}, { plan: { ...plan, onResolve: 'cancel' } }],
  ['no Workflow', {}, null],
  ['a Workflow that is not ready', {}, { ready: false }],
  ['suspended', { suspend: true }, {}],
  [
    'a filter',
    { accepts: (labels) => (labels['severity'] === 'warning' ? null : { reason: 'FilterMismatch', message: '' }) },
    {},
  ],
];

describe.each(contractStores)('a batch on $name', (database) => {
  test.each(sources)('is as if each notification had come alone: %s', async (_name, sourceChanges, workflowChanges) => {
    for (let seed = 1; seed <= (database.name === 'SQLite' ? rounds(2, 5) : 1); seed += 1) {
      const sent = story(createRandom(seed), 60);
      const taken = (sizeOf: () => number) =>
        withWorld(database, async (world) => {
          world.source = source(sourceChanges);
          world.workflow = workflowChanges === null ? undefined : workflow(workflowChanges);
          const answers: IntakeAnswer[] = [];
          while (answers.length < sent.length) {
            const batch = sent.slice(answers.length, answers.length + sizeOf());
            const take = ({ minutes, items, changes }: Sent) => world.take(minutes, items, changes);
            answers.push(...(await Promise.all(batch.map(take))));
          }
          return seen(world, answers);
        });
      const sizes = createRandom(seed);
      expect(await taken(() => sizes.between(1, 20))).toEqual(await taken(() => 1));
    }
  });

  test("one caller's content undoes its own work only", async () => {
    await withWorld(database, async (world) => {
      const name = null as unknown as string;
      const items = [firing(), firing({ fingerprint: 'broken', name }), firing({ fingerprint: 'f2' }), firing()];
      const results = await Promise.allSettled(items.map((item) => world.take(1, [item])));
      expect(results).toMatchObject([
        { value: { opened: 1, runs: 1 } },
        { status: 'rejected', reason: { message: expect.stringMatching(/null/i) as string } },
        { value: { opened: 1, runs: 1 } },
        { value: { repeated: 1, runs: 0 } },
      ]);
      expect((await world.alerts()).map(({ fingerprint }) => fingerprint)).toEqual(['f2', 'f1']);
      expect(world.counted.get('fist_alerts_received_total am Opened')).toBe(2);
    });
  });

  test('a store that is away is told to all, and nothing is counted', async () => {
    let broken = false;
    const beforeCommit = () => {
      if (broken) throw new AppError('StoreUnavailable', 'disk full');
    };
    await withWorld(
      database,
      async (world) => {
        world.source = source({ stormCapPerMinute: 2 });
        const batch = () => ['f1', 'f2'].map((fingerprint) => world.take(1, [firing({ fingerprint })]));
        broken = true;
        expect(await Promise.allSettled(batch())).toMatchObject([
          { reason: { code: 'StoreUnavailable' } },
          { reason: { code: 'StoreUnavailable' } },
        ]);
        expect(world.counted.size).toBe(0);
        broken = false;
        expect(await Promise.all(batch())).toMatchObject([{ runs: 1 }, { runs: 1 }]);
      },
      { hooks: { beforeCommit } },
    );
  });

  const failing: [keyof StoreTransaction, string][] = [
    ['events', 'findKeyed'],
    ['events', 'contentHashes'],
    ['alerts', 'insertAll'],
    ['alerts', 'saveStates'],
    ['alerts', 'addTransitions'],
    ['events', 'insertAll'],
    ['events', 'bumpAll'],
    ['runs', 'insertAll'],
  ];
  test.each(failing)('no call outlives the work of a batch in which %s.%s fails', async (part, method) => {
    await withWorld(database, async (_world, { store: inner }) => {
      let calls = 0;
      let left: number | undefined;
      const slow = (tx: StoreTransaction, name: keyof StoreTransaction): unknown =>
        new Proxy(tx[name], {
          get: (_target, called) => async () => {
            if (left !== undefined) left += 1;
            if (name === part && called === method) throw new Error('of the test');
            calls += 1;
            await new Promise((resolve) => setImmediate(resolve));
            calls -= 1;
            return called === 'contentHashes' || called === 'runMinutes' ? new Map() : [];
          },
        });
      const world = createWorld({
        ...inner,
        transaction: (_name, work) =>
          inner.transaction('intake', (tx) => {
            const names = Object.keys(tx) as (keyof StoreTransaction)[];
            const parts = names.map((name) => [name, slow(tx, name)]);
            const ended = () => {
              left = calls;
            };
            const working = work(Object.fromEntries(parts) as StoreTransaction);
            working.then(ended, ended);
            return working;
          }),
      });
      await expect(world.take(1, [firing()])).rejects.toThrow('of the test');
      await new Promise((resolve) => setTimeout(resolve, 5));
      expect(left).toBe(0);
    });
  });

  test('work that is done again counts once: metrics and the storm cap', async () => {
    await withWorld(database, async (_world, { store: inner }) => {
      const again = new Error('done again');
      const world = createWorld({
        ...inner,
        async transaction(name, work) {
          const attempt = inner.transaction(name, async (tx) => {
            await work(tx);
            throw again;
          });
          await expect(attempt).rejects.toBe(again);
          return inner.transaction(name, work);
        },
      });
      world.source = source({ stormCapPerMinute: 3 });
      const taken = ['f1', 'f2', 'f3', 'f4'].map((fingerprint) => world.take(1, [firing({ fingerprint })]));
      expect((await Promise.all(taken)).map(({ runs }) => runs)).toEqual([1, 1, 1, 0]);
      expect(world.counted.get('fist_alerts_received_total am Opened')).toBe(4);
      expect(world.counted.get('fist_runs_muted_total am StormGuard')).toBe(1);
    });
  });
});

const postgres = contractStores.filter(({ name }) => name === 'PostgreSQL');

test.each(postgres)(
  'two replicas on one $name take the same new alerts at once: one row, one run each',
  async (database) => {
    await withWorld(database, async (first, { database: url }) => {
      const other = await openPostgresStore({ url, clock: systemClock(), onError: () => undefined, connections: 4 });
      try {
        const worlds = [first, createWorld(other)];
        for (let round = 0; round < 10; round += 1) {
          const names = Array.from({ length: 20 }, (_, index) => `round ${round} alert ${index}`);
          const taken = worlds.flatMap((world, place) =>
            (place === 0 ? names : names.toReversed()).map((fingerprint) => world.take(1, [firing({ fingerprint })])),
          );
          const answers = await Promise.all(taken);
          expect(answers.filter(({ opened, runs }) => opened === 1 && runs === 1)).toHaveLength(20);
          expect(answers.filter(({ repeated, runs }) => repeated === 1 && runs === 0)).toHaveLength(20);
        }
        const page = { limit: 500 };
        const { items } = await first.store.read.lists.alerts(page);
        expect(items.map(({ receiveCount, episode }) => [receiveCount, episode])).toEqual(
          Array.from({ length: 200 }, () => [2, 1]),
        );
        expect((await first.store.read.lists.runs(page)).items).toHaveLength(200);
        expect((await first.store.read.lists.activity()).sources.get('default/am')?.eventsProcessed).toBe(400);
      } finally {
        await other.close();
      }
    });
  },
);

test.each(postgres)('two replicas on one $name keep one storm cap together', async (database) => {
  await withWorld(database, async (first, { database: url }) => {
    const other = await openPostgresStore({ url, clock: systemClock(), onError: () => undefined, connections: 4 });
    try {
      const worlds = [first, createWorld(other)];
      for (const world of worlds) world.source = source({ stormCapPerMinute: 10 });
      for (let minute = 1; minute <= 5; minute += 1) {
        const taken = worlds.flatMap((world, place) =>
          Array.from({ length: 12 }, (_, index) =>
            world.take(minute, [firing({ fingerprint: `${minute} ${place} ${index}` })]),
          ),
        );
        const answers = await Promise.all(taken);
        expect(answers.filter(({ opened }) => opened === 1)).toHaveLength(24);
        expect(answers.filter(({ runs }) => runs === 1)).toHaveLength(10);
      }
      expect((await first.store.read.lists.activity()).sources.get('default/am')?.waiting).toBe(70);
    } finally {
      await other.close();
    }
  });
});

test.each(postgres)(
  'a notification that comes again on $name while its event is deleted is stored anew',
  async (database) => {
    await withWorld(database, async (world, opened) => {
      // It leaves no alert that would keep its event.
      const again = { bad: [{ index: 0, field: 'alerts[0]', message: 'must be an object', body: '1' }] };
      await world.take(0, [], again);
      const pause = createPause();
      const page = { after: '', before: 'z', endedBefore: at(60), limit: 10 };
      const deleting = world.store.transaction('retention', async (tx) => {
        await tx.retention.deletePage('events', page);
        await pause.hold();
      });
      await pause.reached;
      const taking = world.take(1, [], again);
      await endedOrWaiting(taking, opened);
      pause.end();
      await Promise.all([deleting, taking]);
      const { items } = await world.store.read.lists.events({ limit: 10 });
      expect(items.map(({ receivedAt, receiveCount }) => [receivedAt, receiveCount])).toEqual([[at(1), 1]]);
    });
  },
);
