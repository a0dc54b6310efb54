import { readFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import type { Migration } from '../../src/store/admin/migrations.ts';
import { createStatementNames, executeOn, openPool, queryOn } from '../../src/store/postgres/connection.ts';
import type { Execute } from '../../src/store/postgres/connection.ts';
import { readPostgresMigrations, readPostgresSchema } from '../../src/store/postgres/migrate.ts';
import { openPostgresStore } from '../../src/store/postgres/store.ts';
import type { PostgresStore } from '../../src/store/postgres/store.ts';
import { digestContent } from '../../src/store/transfer/export.ts';
import type { ContentDigest } from '../../src/store/transfer/export.ts';
import { shapeOf } from '../../src/store/transfer/rows.ts';
import { transferTableNames } from '../../src/store/transfer/tables.ts';
import { startTestApp } from '../support/app.ts';
import { createCleanup } from '../support/cleanup.ts';
import { createEngineWorld, planOf, step } from '../support/engine.ts';
import { sharedPostgres } from '../support/postgres.ts';
import { schema1Columns, schema1Folder } from '../support/schema-1.ts';
import { fillSchema1 } from '../support/schema-1-postgres.ts';
import { waitFor } from '../support/wait.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const hourMs = 60 * 60_000;
const migrations = readPostgresMigrations();

async function emptyDatabase(): Promise<string> {
  return (await sharedPostgres()).createDatabase();
}

async function looking<T>(url: string, work: (execute: Execute) => Promise<T>): Promise<T> {
  const pool = openPool(url, 1, () => undefined);
  try {
    return await work(executeOn(pool));
  } finally {
    await pool.end();
  }
}

/** Over the columns that version 1 had, whatever else there is now. */
function digestOf(url: string): Promise<ContentDigest> {
  const shapes = transferTableNames
    .filter((table) => schema1Columns().has(table))
    .map((table) => shapeOf(table, schema1Columns().get(table)));
  return looking(url, (execute) => digestContent(queryOn(execute, createStatementNames()), shapes));
}

function open(url: string, known: readonly Migration[]): Promise<PostgresStore> {
  return openPostgresStore({ url, clock: systemClock(), onError: () => undefined, connections: 4, migrations: known });
}

test('1,000 runs of schema version 1 end after the migration, and 100 wait for an approval until their deadline', async () => {
  const url = await emptyDatabase();
  await fillSchema1(cleanup, url, hourMs);
  const before = await digestOf(url);
  expect(before.rows).toMatchObject({ workflows: 1160, alerts: 1110 });
  await (await open(url, migrations)).close();
  expect(await digestOf(url)).toEqual(before);
  expect(await looking(url, readPostgresSchema)).toMatchObject({ version: migrations.length, minCompatibleVersion: 1 });

  const resources = readFileSync(`${schema1Folder}resources.yaml`, 'utf8');
  const token = 'upgrade-test-token';
  const { app } = await startTestApp(cleanup, {
    files: { 'resources.yaml': resources },
    database: url,
    token,
    allowExec: true,
  });
  await waitFor(
    'all but the approvals',
    async () => (await unfinished(url, "waiting_for IS DISTINCT FROM 'approval'")) === 0,
    {
      timeoutMs: 100_000,
      everyMs: 200,
    },
  );
  expect(await unfinished(url, "waiting_for = 'approval'")).toBe(100);
  await looking(url, (execute) =>
    execute("UPDATE workflows SET deadline_at = now(), wake_at = now() WHERE waiting_for = 'approval'"),
  );
  await waitFor('the deadline of the approvals', async () => (await unfinished(url, 'true')) === 0, {
    timeoutMs: 30_000,
  });
  await app.stop();
  expect(await ended(url)).toEqual([
    'later succeeded  100',
    'limited succeeded  100',
    'restart failed RunTimeout 100',
    'triage cancelled Cancelled 10',
    'triage failed Internal 5',
    'triage succeeded  845',
  ]);
});

async function unfinished(url: string, condition: string): Promise<number> {
  const { rows } = await looking(url, (execute) =>
    execute(`SELECT count(*) AS count FROM workflows WHERE status IN ('pending', 'running') AND ${condition}`),
  );
  return (rows[0] as { readonly count: number }).count;
}

async function ended(url: string): Promise<readonly string[]> {
  const { rows } = await looking(url, (execute) =>
    execute('SELECT name, status, error_code, count(*) FROM workflows GROUP BY 1, 2, 3 ORDER BY 1, 2, 3'),
  );
  return (rows as Record<string, unknown>[]).map((row) => Object.values(row).join(' '));
}

const nextVersion = migrations.length + 1;
const expand: Migration = {
  version: nextVersion,
  sql: 'ALTER TABLE workflows ADD COLUMN of_tomorrow text; CREATE TABLE tomorrow (id text PRIMARY KEY)',
  minCompatibleVersion: null,
};
const contract: Migration = {
  version: nextVersion + 1,
  sql: 'ALTER TABLE alerts DROP COLUMN auto_resolved',
  minCompatibleVersion: nextVersion,
};

test('an old and a new replica work side by side while the new one migrates, and lose no run', async () => {
  const url = await emptyDatabase();
  const old = await open(url, migrations);
  cleanup.defer(() => old.close());
  const oldWorld = createEngineWorld({ store: old, clock: old.clock });
  const plan = planOf([step('one'), step('two'), step('three')]);
  for (let count = 0; count < 60; count += 1) await oldWorld.addRun(plan);
  const working = oldWorld.runAll();
  const young = await open(url, [...migrations, expand]);
  cleanup.defer(() => young.close());
  const youngWorld = createEngineWorld({ store: young, clock: young.clock });
  for (let count = 0; count < 30; count += 1) {
    await oldWorld.addRun(plan);
    await youngWorld.addRun(plan);
  }
  await Promise.all([working, oldWorld.runAll(), youngWorld.runAll()]);
  await oldWorld.runAll();
  const again = await open(url, migrations);
  await again.close();
  expect(await ended(url)).toEqual(['triage succeeded  120']);
  const { rows } = await looking(url, (execute) =>
    execute(
      "SELECT count(*) AS steps, count(DISTINCT workflow_id || path) AS paths FROM workflow_steps WHERE status = 'succeeded'",
    ),
  );
  expect(rows).toEqual([{ steps: 360, paths: 360 }]);
  expect(await looking(url, readPostgresSchema)).toMatchObject({ version: nextVersion, minCompatibleVersion: 1 });
});

test('a replica that is too old for a contracted schema is refused; one that knows enough is not', async () => {
  const url = await emptyDatabase();
  await (await open(url, [...migrations, expand, contract])).close();
  await (await open(url, [...migrations, expand])).close();
  await expect(open(url, migrations)).rejects.toMatchObject({
    code: 'StoreUnusable',
    message: expect.stringContaining(
      `needs a fist that knows version ${nextVersion}; this one knows ${migrations.length}`,
    ) as string,
  });
});

test('a migration that fails in the middle leaves the database as it was', async () => {
  const url = await emptyDatabase();
  await (await open(url, migrations)).close();
  const broken = { ...expand, sql: `${expand.sql}; SELECT nothing FROM nowhere` };
  await expect(open(url, [...migrations, broken])).rejects.toThrow(/migration \d+ of the PostgreSQL database failed/);
  const { rows } = await looking(url, (execute) =>
    execute("SELECT count(*) AS count FROM information_schema.columns WHERE column_name = 'of_tomorrow'"),
  );
  expect(rows).toEqual([{ count: 0 }]);
  expect(await looking(url, readPostgresSchema)).toMatchObject({ version: migrations.length });
  await (await open(url, migrations)).close();
});
