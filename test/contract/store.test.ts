import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { toTimestamp } from '../../src/core/time.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { alertRecord, planOf, runRecord, step } from '../support/engine.ts';
import { letterFixture, looseDelivery } from '../support/rows.ts';
import { contractStores } from './stores.ts';
import type { ContractOptions, ContractStore } from './stores.ts';

const plan = planOf([step('one')]);

describe.each(contractStores)('a store on $name', ({ open }) => {
  const opened: ContractStore[] = [];
  let first: ContractStore;
  beforeEach(async () => {
    first = await openHere();
  });
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
  });

  async function openHere(options?: ContractOptions): Promise<ContractStore> {
    const store = await open(options);
    opened.push(store);
    return store;
  }

  async function letters({ store }: ContractStore): Promise<readonly string[]> {
    return (await store.read.lists.deadLetters({ limit: 500 })).items.map(({ message }) => message).sort();
  }

  function write({ store }: ContractStore, message: string): Promise<void> {
    return store.transaction('intake', (tx) => tx.events.addDeadLetters([letterFixture(message)]));
  }

  test("one caller's error undoes its own work only", async () => {
    const results = await Promise.allSettled(
      ['a', 'b', 'c'].map((message) =>
        first.store.transaction('intake', async (tx) => {
          await tx.events.addDeadLetters([letterFixture(message)]);
          if (message === 'b') throw new Error('mine');
          return message;
        }),
      ),
    );
    expect(results).toMatchObject([{ value: 'a' }, { reason: { message: 'mine' } }, { value: 'c' }]);
    expect(await letters(first)).toEqual(['a', 'c']);
  });

  test('a statement that failed undoes all work of its caller, also if the caller goes on', async () => {
    const letter = letterFixture('twice');
    const result = first.store.transaction('intake', async (tx) => {
      await tx.events.addDeadLetters([letterFixture('before')]);
      await tx.events.addDeadLetters([letter]);
      await tx.events.addDeadLetters([letter]);
    });
    await expect(result).rejects.toThrow(/unique/i);
    expect(await letters(first)).toEqual([]);
    await write(first, 'after');
    expect(await letters(first)).toEqual(['after']);
  });

  test('a commit that fails tells its caller, and the next one works', async () => {
    let broken = true;
    const other = await openHere({
      hooks: {
        beforeCommit() {
          if (broken) throw new Error('no commit');
        },
      },
    });
    await expect(write(other, 'a')).rejects.toThrow('no commit');
    broken = false;
    await write(other, 'b');
    expect(await letters(other)).toEqual(['b']);
  });

  test('reads see committed state only, and every commit before them', async () => {
    let seen: readonly string[] = ['not looked'];
    await first.store.transaction('intake', async (tx) => {
      await tx.events.addDeadLetters([letterFixture('uncommitted')]);
      seen = await letters(first);
    });
    expect(seen).toEqual([]);
    expect(await letters(first)).toEqual(['uncommitted']);
  });

  test('a transaction sees what it wrote itself', async () => {
    const run = runRecord(plan, toTimestamp(first.clock.now()));
    const found = await first.store.transaction('intake', async (tx) => {
      await tx.runs.insert({ run, plan });
      return tx.runs.find(run.id);
    });
    expect(found).toEqual(run);
  });

  test('many callers at once are all committed', async () => {
    const messages = Array.from({ length: 300 }, (_, index) => `letter ${index}`);
    await Promise.all(messages.map((message) => write(first, message)));
    expect(await letters(first)).toEqual(messages.toSorted());
  });

  test('listeners hear of what a commit made due, after it, and of nothing else', async () => {
    const heard: object[] = [];
    let found: unknown = 'not looked';
    const run = runRecord(plan, toTimestamp(first.clock.now()));
    const stop = first.store.onCommit((hints) => {
      heard.push(hints);
      found = first.store.read.runs.find(run.id);
    });
    await write(first, 'nothing due');
    await expect(
      first.store.transaction('run-end', async (tx) => {
        await tx.deliveries.insert([looseDelivery('lost')]);
        throw new Error('undone');
      }),
    ).rejects.toThrow('undone');
    expect(heard).toEqual([]);
    await first.store.transaction('intake', (tx) => tx.runs.insert({ run, plan }));
    expect(heard).toEqual([{ runs: true, deliveries: false }]);
    expect(await found).toEqual(run);
    await first.store.transaction('run-end', (tx) => tx.deliveries.insert([looseDelivery('k2')]));
    expect(heard.at(-1)).toEqual({ runs: false, deliveries: true });
    stop();
    await first.store.transaction('run-end', (tx) => tx.deliveries.insert([looseDelivery('k3')]));
    expect(heard).toHaveLength(2);
  });

  test('hooks are told the names of what is committed', async () => {
    const names: string[] = [];
    const other = await openHere({
      hooks: { beforeCommit: (all) => names.push(...all, '|'), afterCommit: (all) => names.push(...all) },
    });
    await other.store.transaction('claim', async () => undefined);
    expect(names).toEqual(['claim', '|', 'claim']);
  });

  test('closing waits for what was submitted and refuses the rest', async () => {
    const submitted = first.store.transaction('intake', async () => 'in time');
    const closing = first.store.close();
    await expect(first.store.transaction('intake', async () => 'late')).rejects.toMatchObject({ code: 'Draining' });
    expect(await submitted).toBe('in time');
    await closing;
    await expect(first.store.close()).resolves.toBeUndefined();
  });

  test('the probe resolves where the store takes writes', async () => {
    await expect(first.store.probe()).resolves.toBeUndefined();
  });

  test('words of new alerts are indexed in the background, and searches never miss them', async () => {
    const other = await openHere({ clock: { ...systemClock(), now: () => Date.parse('2026-01-01T00:00:00.000Z') } });
    const now = toTimestamp(other.clock.now());
    const alerts = Array.from({ length: 450 }, (_, n) =>
      alertRecord(now, { summary: `the flux of number${n} is high` }),
    );
    for (let start = 0; start < alerts.length; start += 50)
      await other.store.transaction('intake', (tx) => tx.alerts.insertAll(alerts.slice(start, start + 50)));
    const due = () => other.query.selectFrom('alert_words_due').select('alert_id').execute();
    do {
      const { items } = await other.store.read.lists.alerts({ limit: 500, search: 'number7 flux' });
      expect(items.map(({ id }) => id)).toEqual(
        alerts
          .filter((_, n) => String(n).startsWith('7'))
          .map(({ id }) => id)
          .toReversed(),
      );
      await new Promise((resolve) => setTimeout(resolve, 100));
    } while ((await due()).length > 0);
    expect(
      await other.query.selectFrom('alert_words').select('word').where('word', '=', 'flux').execute(),
    ).toHaveLength(450);
  });
});
