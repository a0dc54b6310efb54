import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseError } from 'pg';
import { afterAll, describe, expect, test } from 'vitest';
import { startProxy } from '../chaos/proxy.ts';
import { createCleanup } from '../support/cleanup.ts';
import { sharedPostgres, startPostgres } from '../support/postgres.ts';
import type { PostgresServer } from '../support/postgres.ts';
import { freePort } from '../support/processes.ts';
import { alertFixture, letterFixture } from '../support/rows.ts';
import { waitFor } from '../support/wait.ts';
import type { AlertRecord } from '../../src/core/alert.ts';
import type { AppError } from '../../src/core/errors.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLog } from '../../src/lib/silent-log.ts';
import { watchStore } from '../../src/store/commit/health.ts';
import { storeError } from '../../src/store/postgres/errors.ts';
import { openPostgresStore } from '../../src/store/postgres/store.ts';
import type { PostgresStore, PostgresStoreOptions } from '../../src/store/postgres/store.ts';

const cleanup = createCleanup();
afterAll(() => cleanup.run());

async function open(url: string, options: Partial<PostgresStoreOptions> = {}): Promise<PostgresStore> {
  const store = await openPostgresStore({ url, clock: systemClock(), onError: () => undefined, ...options });
  cleanup.defer(() => store.close());
  return store;
}

async function refusal(work: Promise<unknown>): Promise<Pick<AppError, 'code' | 'message' | 'next' | 'retryable'>> {
  return work.then(
    () => expect.fail('it succeeded'),
    ({ code, message, next, retryable }: AppError) => ({ code, message, next, retryable }),
  );
}

/** Ends the sessions of a database, as an administrator or a crash does. */
async function cutOff(server: PostgresServer, url: string): Promise<void> {
  await server.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${new URL(url).pathname.slice(1)}' AND pid <> pg_backend_pid()`,
  );
}

const letters = (store: PostgresStore) => store.read.lists.deadLetters({ limit: 100 });
const write = (store: PostgresStore, message: string) =>
  store.transaction('intake', (tx) => tx.events.addDeadLetters([letterFixture(message)]));

describe.concurrent('connections', () => {
  test('that end between two statements, or while idle, fail what uses them and are replaced', async () => {
    const server = await sharedPostgres();
    const url = await server.createDatabase();
    const lost: unknown[] = [];
    const store = await open(url, { onError: (error) => lost.push(error) });
    const failed = await refusal(
      store.transaction('intake', async (tx) => {
        await tx.events.addDeadLetters([letterFixture('lost')]);
        await cutOff(server, url);
        await tx.events.addDeadLetters([letterFixture('lost too')]);
      }),
    );
    expect(failed).toMatchObject({ code: 'StoreUnavailable', retryable: true });
    await write(store, 'kept');
    await cutOff(server, url);
    await waitFor('the pool to notice', () => lost.length > 0);
    await write(store, 'kept too');
    expect((await letters(store)).items.map(({ message }) => message)).toEqual(['kept too', 'kept']);
  });

  test('have settings of their own, whatever those of the server, and leave options of the URL to the person', async () => {
    const server = await sharedPostgres();
    const url = await server.createDatabase();
    const name = new URL(url).pathname.slice(1);
    for (const setting of [
      'synchronous_commit = off',
      "timezone = 'Asia/Tokyo'",
      "default_transaction_isolation = 'serializable'",
    ])
      await server.query(`ALTER DATABASE ${name} SET ${setting}`);
    await server.query('CREATE SCHEMA own', name);
    const store = await open(`${url}?options=-c%20search_path%3Down`);
    await write(store, 'x');
    const [row] = await server.query('SELECT received_at::text AS at FROM own.dead_letters', name);
    expect(row).toBeDefined();
    expect((await letters(store)).items[0]?.receivedAt).toBe('2026-03-01T12:00:00.000Z');
  });

  test('whose prepared statements a migration made void are replaced, in reads and in transactions', async () => {
    const server = await sharedPostgres();
    const url = await server.createDatabase();
    const store = await open(url, { connections: 2 });
    const find = () => store.read.runs.find('nobody');
    const claim = () => store.transaction('claim', (tx) => tx.runs.claim('nobody', 'me', someTime, someTime));
    const all = () => Promise.all([find(), find(), claim(), claim()]);
    for (let times = 0; times < 5; times++) await all();
    await server.query('ALTER TABLE workflows ADD COLUMN of_a_newer_version text', new URL(url).pathname.slice(1));
    expect(await all()).toEqual([undefined, undefined, undefined, undefined]);
  });
});

describe.concurrent('transactions', () => {
  test('of a process that stands still give their locks back in time for others', async () => {
    const server = await sharedPostgres();
    const url = await server.createDatabase();
    const frozen = await open(url);
    const other = await open(url);
    const alert = alertFixture();
    await other.transaction('intake', (tx) => tx.alerts.insertAll([alert]));
    let holds: (() => void) | undefined;
    const held = new Promise<void>((resolve) => (holds = resolve));
    const taken = Promise.withResolvers<void>();
    const late = refusal(
      frozen.transaction('intake', async (tx) => {
        await tx.alerts.saveContents([{ ...alert, summary: 'of the frozen one' }]);
        holds?.();
        await taken.promise;
        await tx.alerts.saveContents([{ ...alert, description: 'late' }]);
      }),
    );
    await held;
    await other.transaction('intake', (tx) => tx.alerts.saveContents([{ ...alert, summary: 'of the other' }]));
    taken.resolve();
    expect(await late).toMatchObject({ code: 'StoreUnavailable' });
    expect(await other.read.lists.alert(alert.id)).toMatchObject({ summary: 'of the other', description: null });
  });

  test('in which an error was passed over are not taken for committed', async () => {
    const server = await sharedPostgres();
    const store = await open(await server.createDatabase());
    const alert = alertFixture();
    await store.transaction('intake', (tx) => tx.alerts.insertAll([alert]));
    const failed = await refusal(
      store.transaction('intake', async (tx) => {
        await tx.events.addDeadLetters([letterFixture('x')]);
        await tx.alerts.saveStates([{ ...alert, status: null as never }]).catch(() => undefined);
      }),
    );
    expect(failed.message).toMatch(/null value in column "status"/);
    expect((await letters(store)).items).toEqual([]);
  });
});

const someTime = '2026-03-01T12:00:00.000Z';

describe.concurrent('a lock that another session keeps', () => {
  test('is a slow store to the caller and to health, once waiting for it again did not help', async () => {
    const server = await sharedPostgres();
    const clock = systemClock();
    const { store, health } = watchStore(await open(await server.createDatabase()), { clock, log: silentLog });
    let attempts = 0;
    const refused = store.transaction('intake', () => {
      attempts += 1;
      const words = 'canceling statement due to lock timeout';
      const sent = Object.assign(new DatabaseError(words, 0, 'error'), { code: '55P03', severity: 'ERROR' });
      return Promise.reject(storeError(sent));
    });
    await expect(refused).rejects.toMatchObject({ code: 'StoreUnavailable', reason: 'StoreSlow' });
    expect(attempts).toBeGreaterThan(1);
    expect(await health.problem()).toBe('it is slow');
  });
});

describe.concurrent('a commit whose answer gets lost', () => {
  test('is an error for who waits for it, is not done again, and is there', async () => {
    const server = await sharedPostgres();
    const url = new URL(await server.createDatabase());
    const proxy = await startProxy(server.port);
    cleanup.defer(() => proxy.stop());
    url.port = String(proxy.port);
    let isLost = false;
    const isThere = async () =>
      (await server.query("SELECT 1 FROM dead_letters WHERE message = 'once'", url.pathname.slice(1))).length > 0;
    const store = await open(url.href, {
      hooks: {
        beforeCommit() {
          if (!isLost) return;
          proxy.blackHole('answers');
          void waitFor('the commit', isThere).then(() => proxy.heal('lose'));
        },
      },
    });
    await write(store, 'before');
    isLost = true;
    expect(await refusal(write(store, 'once'))).toMatchObject({ code: 'StoreUnavailable', retryable: true });
    isLost = false;
    await write(store, 'after');
    expect((await letters(store)).items.map(({ message }) => message)).toEqual(['after', 'once', 'before']);
  });
});

describe.concurrent('statements sent together', () => {
  test('fail with what was wrong with the first of them, and are done again where that helps', async () => {
    const server = await sharedPostgres();
    const url = await server.createDatabase();
    const store = await open(url);
    const other = await open(url);
    const [first, second] = [alertFixture({ fingerprint: 'f1' }), alertFixture({ fingerprint: 'f2' })];
    await store.transaction('intake', (tx) => tx.alerts.insertAll([first, second]));
    const both = Promise.withResolvers<void>();
    let arrived = 0;
    /** In opposite orders: a deadlock. */
    const write = (by: PostgresStore, alerts: readonly [AlertRecord, AlertRecord]) =>
      by.transaction('intake', async (tx) => {
        await tx.alerts.saveContents([{ ...alerts[0], summary: 'x' }]);
        arrived += 1;
        if (arrived === 2) both.resolve();
        await both.promise;
        const late = [
          tx.alerts.saveContents([{ ...alerts[1], summary: 'x' }]),
          tx.alerts.saveContents([{ ...alerts[0], description: 'y' }]),
        ] as const;
        await Promise.allSettled(late);
        // The second is told that the transaction is aborted, which is not the reason.
        await late[1];
        await late[0];
      });
    await Promise.all([write(store, [first, second]), write(other, [second, first])]);
    // Or a fourth time: who begins again may get a row before the other, which waited for it, has woken.
    expect(arrived).toBeGreaterThanOrEqual(3);
  });
});

describe.concurrent('a start', () => {
  test('waits for a server that is not there yet, and says so', async () => {
    const port = await freePort();
    const told: string[] = [];
    const serverWait = { forMs: 1200, onWaiting: (error: AppError) => void told.push(error.message) };
    const failed = await refusal(open(`postgres://postgres@127.0.0.1:${port}/fist`, { serverWait }));
    expect(failed).toMatchObject({ code: 'StoreUnavailable' });
    expect(failed.message).toMatch(
      /^no use of the database for 1\.2 s; PostgreSQL: connect ECONNREFUSED 127\.0\.0\.1:/,
    );
    expect(told.length).toBeGreaterThan(1);
  });

  test('waits for a place where the server has too many connections', async () => {
    const server = await startPostgres({ settings: { max_connections: '5', superuser_reserved_connections: '1' } });
    cleanup.defer(() => server.remove());
    const url = await server.createDatabase();
    await server.query('CREATE ROLE fist LOGIN');
    await server.query(`ALTER DATABASE ${new URL(url).pathname.slice(1)} OWNER TO fist`);
    const ours = url.replace('postgres@', 'fist@');
    const first = await openPostgresStore({
      url: ours,
      clock: systemClock(),
      onError: () => undefined,
      connections: 4,
    });
    const work = ['claim', 'claim', 'delivery-claim', 'delivery-claim'] as const;
    const mayEnd = Promise.withResolvers<void>();
    const begun = work.map(() => Promise.withResolvers<void>());
    const holding = work.map((name, place) =>
      first.transaction(name, () => {
        begun[place]?.resolve();
        return mayEnd.promise;
      }),
    );
    await Promise.all(begun.map(({ promise }) => promise));
    const told: string[] = [];
    const serverWait = { forMs: 20_000, onWaiting: ({ message }: AppError) => void told.push(message) };
    const opening = open(ours, { connections: 1, serverWait });
    await waitFor('it to wait', () => told.length > 0);
    mayEnd.resolve();
    await Promise.all(holding);
    await first.close();
    await write(await opening, 'written');
    expect(told[0]).toMatch(/remaining connection slots are reserved/);
  });

  test('ends at once, in clear words, where a person has to act', async () => {
    const hba = join(cleanup.temporaryFolder('hba'), 'pg_hba.conf');
    chmodSync(join(hba, '..'), 0o755);
    writeFileSync(hba, 'host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n');
    const server = await startPostgres({ settings: { hba_file: hba } });
    cleanup.defer(() => server.remove());
    await server.query("CREATE ROLE fist LOGIN PASSWORD 'right'");
    const database = new URL(await server.createDatabase());
    const serverWait = { forMs: 30_000, onWaiting: () => expect.fail('it waited') };
    const as = (user: string, password: string, path = database.pathname) => {
      const url = new URL(path, database);
      Object.assign(url, { username: user, password });
      return refusal(open(url.href, { serverWait }));
    };
    const wrong = await as('fist', 'canary-secret');
    expect(wrong).toMatchObject({
      code: 'StoreUnavailable',
      message: expect.stringContaining('password authentication failed'),
    });
    expect(JSON.stringify(wrong)).not.toContain('canary-secret');
    expect(wrong.next).toMatch(/check the user and the password/);
    expect(await as('fist', 'right', `${database.pathname}?sslmode=verify-full`)).toMatchObject({
      message: 'PostgreSQL: The server does not support SSL connections',
      next: expect.stringContaining('leave sslmode out'),
    });
    expect(await as('fist', '')).toMatchObject({ next: expect.stringContaining('put the password into') });
    expect(await as('fist', 'right', '/nothing')).toMatchObject({
      code: 'StoreUnusable',
      message: 'PostgreSQL: database "nothing" does not exist',
      next: expect.stringContaining('createdb'),
    });
    expect(await as('fist', 'right')).toMatchObject({
      code: 'StoreUnusable',
      message: 'PostgreSQL: permission denied for schema public',
      next: expect.stringContaining('OWNER TO'),
    });
  });

  test('does not take a server that only reads', async () => {
    const server = await sharedPostgres();
    const url = await server.createDatabase();
    await server.query(`ALTER DATABASE ${new URL(url).pathname.slice(1)} SET default_transaction_read_only = on`);
    expect(await refusal(open(url))).toMatchObject({
      code: 'StoreUnavailable',
      retryable: true,
      next: expect.stringContaining('name the primary'),
    });
  });
});
