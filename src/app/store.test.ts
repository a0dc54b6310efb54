import { afterEach, expect, test } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { createEngineWorld, planOf, step } from '../../test/support/engine.ts';
import { sharedPostgres } from '../../test/support/postgres.ts';
import { systemClock } from '../lib/clock.ts';
import { silentLog } from '../lib/silent-log.ts';
import { migrateDatabase } from './database.ts';
import { openStore, readDatabase } from './store.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

test.each([
  ['of a newer fist', 'UPDATE schema_info SET version = 70, min_compatible_version = 50', 'needs a fist that knows'],
  ['that is being imported', "UPDATE installation SET import_state = 'running'", 'has not ended'],
])('a PostgreSQL database %s is refused before anything is made in it', async (_, change, message) => {
  const server = await sharedPostgres();
  const database = await server.createDatabase();
  const name = new URL(database).pathname.slice(1);
  await migrateDatabase(database);
  await server.query(change, name);
  await expect(openStore({ database, clock: systemClock(), log: silentLog })).rejects.toMatchObject({
    code: 'StoreUnusable',
    message: expect.stringContaining(message),
  });
  const schemas = await server.query("SELECT nspname FROM pg_namespace WHERE nspname = 'punchingfist_jobs'", name);
  expect(schemas).toEqual([]);
});

test('runs that a commit makes due are in the queue that is opened after the store', async () => {
  const database = await (await sharedPostgres()).createDatabase();
  const { store, clock, queue } = await openStore({ database, clock: systemClock(), log: silentLog });
  cleanup.defer(() => store.close());
  cleanup.defer(() => queue?.close());
  const id = await createEngineWorld({ store, clock }).addRun(planOf([step('one')]));
  expect(await queue?.take(4)).toEqual([id]);
});

test.each([
  ['--db', 'sqlite:/tmp/x.db', {}, '--db /tmp/x.db'],
  ['--db', 'sqlite:///tmp/x.db?mode=rwc', {}, '--db /tmp/x.db'],
  ['--db', 'SQLite://x.db', {}, '--db x.db'],
  ['--db', 'file:x.db', {}, '--db x.db'],
  ['--db', 'sqlite:', {}, '--db data/punching-fist.db'],
  ['SQLITE_PATH', undefined, { SQLITE_PATH: 'sqlite:x.db' }, 'SQLITE_PATH=x.db'],
  ['DATABASE_URL', undefined, { DATABASE_URL: 'sqlite://data/x.db' }, 'SQLITE_PATH=data/x.db'],
])('a scheme before the path of SQLite is refused with the path: %s %s %j', (field, flag, environment, next) => {
  expect(() => readDatabase(flag, environment)).toThrow(
    expect.objectContaining({
      code: 'InvalidInput',
      field,
      next,
      message: expect.stringContaining('is named by its path alone') as string,
    }) as Error,
  );
});

test.each(['mysql://me:canary@db/x', 'postgres:canary', 'redis:canary', 'postgres://a:b:c/'])(
  'a scheme of no database of ours is refused, and not repeated: %s',
  (database) => {
    expect(() => readDatabase(database, {})).toThrow(/^--db is neither a path nor a usable postgres:\/\/ URL$/);
  },
);

test.each(['x.db', '/tmp/a:b.db', './a:b', 'C:\\data\\x.db', ':memory:', 'postgresql://fist@db/fist'])(
  'a path or a URL of PostgreSQL is taken as it is: %s',
  (database) => {
    expect(readDatabase(database, {})).toBe(database);
  },
);
