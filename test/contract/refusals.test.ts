import { afterEach, describe, expect, test } from 'vitest';
import { watchStore } from '../../src/store/commit/health.ts';
import { silentLog } from '../../src/lib/silent-log.ts';
import { contractStores } from './stores.ts';
import type { ContractStore } from './stores.ts';

// What both stores do where more comes in than they can take, or where they cannot write at all.

const opened: ContractStore[] = [];
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
});

describe.each(contractStores)('$name', ({ name, open }) => {
  async function begin(limits = { maxWaiting: 20, maxWaitMs: 60_000 }): Promise<ContractStore> {
    const store = await open({ limits });
    opened.push(store);
    return store;
  }

  test('intake beyond the bound is refused as StoreSlow; other writers never are', async () => {
    const { store } = await begin({ maxWaiting: 3, maxWaitMs: 60_000 });
    const held = Promise.withResolvers<void>();
    const intakes = Array.from({ length: 40 }, () =>
      store
        .transaction('intake', () => held.promise)
        .then(
          () => 'stored',
          (error: unknown) => error,
        ),
    );
    const engine = Array.from({ length: 40 }, () => store.transaction('step-end', async () => 'written'));
    held.resolve();
    expect(new Set(await Promise.all(engine))).toEqual(new Set(['written']));
    const outcomes = await Promise.all(intakes);
    const refused = outcomes.filter((outcome) => outcome !== 'stored');
    expect(refused.length).toBeGreaterThan(20);
    expect(outcomes.length - refused.length).toBeGreaterThanOrEqual(3);
    for (const error of refused) {
      expect(error).toMatchObject({ code: 'StoreUnavailable', reason: 'StoreSlow', retryable: true });
    }
    expect(await store.transaction('intake', async () => 'stored')).toBe('stored');
  });

  test('a database that cannot be written refuses with StoreUnavailable, is no longer healthy, and comes back', async () => {
    const contract = await begin();
    const { store, health } = watchStore(contract.store, { clock: contract.clock, log: silentLog });
    expect(await health.problem()).toBeNull();
    const heal = await obstruct(name, (text) => contract.execute(text));
    const write = () => store.transaction('cancel', (tx) => tx.resources.replaceAll([]));
    await expect(write()).rejects.toMatchObject({ code: 'StoreUnavailable', retryable: true });
    await expect(store.probe()).rejects.toMatchObject({ code: 'StoreUnavailable' });
    expect(await health.problem()).toMatch(/^(?:it|another program|the server) /);
    await heal();
    await write();
    await store.probe();
  });
});

type Execute = (text: string) => Promise<readonly Record<string, unknown>[]>;

/** Makes every write fail, from outside; returns how to make them work again. */
async function obstruct(name: string, execute: Execute): Promise<() => Promise<unknown>> {
  if (name === 'SQLite') {
    await execute('BEGIN IMMEDIATE');
    return () => execute('ROLLBACK');
  }
  const [row] = await execute('SELECT current_database() AS name');
  const database = String(row?.['name']);
  await execute(`ALTER DATABASE ${database} SET default_transaction_read_only = on`);
  const others = 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity';
  await execute(`${others} WHERE datname = current_database() AND pid <> pg_backend_pid()`);
  return async () => {
    await execute('SET default_transaction_read_only = off');
    await execute(`ALTER DATABASE ${database} RESET default_transaction_read_only`);
    await execute(`${others} WHERE datname = current_database() AND pid <> pg_backend_pid()`);
  };
}
