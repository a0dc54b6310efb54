import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, describe, expect, test } from 'vitest';
import type { StepRecord } from '../../src/core/run.ts';
import { refuseIncompatible } from '../../src/store/admin/migrations.ts';
import type { Migration } from '../../src/store/admin/migrations.ts';
import { migrateSqlite, readSqliteMigrations } from '../../src/store/sqlite/migrate.ts';
import { openDatabase } from '../../src/store/sqlite/open.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { startTestApp } from '../support/app.ts';
import { createCleanup } from '../support/cleanup.ts';
import { createFakeClock } from '../support/clock.ts';
import { schema1Columns, schema1Folder, schema1Stopped, writeSchema1 } from '../support/schema-1.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const resources = { 'resources.yaml': readFileSync(`${schema1Folder}resources.yaml`, 'utf8') };
const migrations = readSqliteMigrations();
const broken: Migration = {
  version: migrations.length + 1,
  sql: 'ALTER TABLE workflows ADD COLUMN half TEXT; DELETE FROM evidence; CREATE TABLE workflows (id TEXT)',
  minCompatibleVersion: null,
};

function oldDatabase(): string {
  const path = join(cleanup.temporaryFolder('upgrade'), 'data.db');
  writeSchema1(path);
  return path;
}

function look<T>(path: string, work: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return work(database);
  } finally {
    database.close();
  }
}

/** A digest of each table over the columns that version 1 had, whatever else there is now. */
function digests(path: string, leftOut: readonly string[] = ['schema_info']): Readonly<Record<string, string>> {
  return look(path, (database) =>
    Object.fromEntries(
      [...schema1Columns()]
        .filter(([table]) => !leftOut.includes(table))
        .map(([table, columns]) => {
          const hash = createHash('sha256');
          const names = columns.map((column) => `"${column}"`).join();
          for (const row of database.prepare(`SELECT ${names} FROM ${table} ORDER BY ${names}`).all())
            hash.update(JSON.stringify(row));
          return [table, hash.digest('hex')];
        }),
    ),
  );
}

function schemaOf(path: string): unknown {
  return look(path, (database) => ({ ...database.prepare('SELECT * FROM schema_info').get() }));
}

describe('a database of schema version 1', () => {
  test('is migrated without a change of any row, after a private copy was made', () => {
    const path = oldDatabase();
    writeFileSync(`${path}.before-1`, 'the copy of an earlier migration');
    const before = digests(path);
    openDatabase(path).close();
    expect(digests(path)).toEqual(before);
    expect(schemaOf(path)).toMatchObject({ version: migrations.length, min_compatible_version: 1 });
    const copy = `${path}.before-2`;
    expect(digests(copy)).toEqual(before);
    expect(schemaOf(copy)).toMatchObject({ version: 1 });
    expect(statSync(copy).mode & 0o777).toBe(0o600);
    expect(readdirSync(dirname(path)).filter((name) => name.includes('.before-'))).toEqual(['data.db.before-2']);
    const again = schemaOf(path);
    openDatabase(path).close();
    expect(schemaOf(path)).toEqual(again);
  });

  test('stays as it was when a migration fails in the middle', () => {
    const path = oldDatabase();
    const before = digests(path, []);
    expect(() => openDatabase(path, [...migrations, broken])).toThrow(/migration \d+ of .* failed: .*already exists/);
    expect(digests(path, [])).toEqual(before);
    expect(look(path, (database) => database.prepare('PRAGMA integrity_check').get())).toEqual({
      integrity_check: 'ok',
    });
    expect(existsSync(`${path}.before-2`)).toBe(false);
    openDatabase(path).close();
    expect(schemaOf(path)).toMatchObject({ version: migrations.length });
  });

  test('stays as it was where the disk cannot hold the copy', () => {
    const path = oldDatabase();
    const before = digests(path, []);
    const raw = new DatabaseSync(path);
    expect(() => migrateSqlite(raw, path, migrations, () => 1_048_576)).toThrow(
      /must be copied before it is migrated, and its disk has 1 MiB free of the 6 MiB that this takes/,
    );
    raw.close();
    expect(digests(path, [])).toEqual(before);
    expect(existsSync(`${path}.before-2`)).toBe(false);
  });
});

describe('a schema that this program must not touch', () => {
  test('a newer one is left as it is, and the message says which fist may have it', () => {
    const path = oldDatabase();
    openDatabase(path).close();
    const raw = new DatabaseSync(path);
    raw.exec(
      "UPDATE schema_info SET version = 70, min_compatible_version = 50, program_version = '1.4.0'; PRAGMA journal_mode = DELETE",
    );
    raw.close();
    const before = readFileSync(path);
    expect(() => openSqliteStore({ path })).toThrow(
      expect.objectContaining({
        code: 'StoreUnusable',
        message: `${path} has schema version 70, written by fist 1.4.0, and needs a fist that knows version 50; this one knows ${migrations.length}`,
        next: 'use fist 1.4.0 or newer, or another database with --db',
      }),
    );
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test('a newer one that allows older programs is used', () => {
    const path = oldDatabase();
    const added = {
      version: migrations.length + 1,
      sql: 'ALTER TABLE workflows ADD COLUMN more TEXT',
      minCompatibleVersion: null,
    };
    openDatabase(path, [...migrations, added]).close();
    expect(schemaOf(path)).toMatchObject({ version: migrations.length + 1, min_compatible_version: 1 });
    openDatabase(path).close();
    expect(schemaOf(path)).toMatchObject({ version: migrations.length + 1 });
  });

  test('a migration that takes something away shuts out programs that do not know it', () => {
    const path = oldDatabase();
    const contract = {
      version: migrations.length + 1,
      sql: 'ALTER TABLE alerts DROP COLUMN auto_resolved',
      minCompatibleVersion: migrations.length,
    };
    openDatabase(path, [...migrations, contract]).close();
    openDatabase(path, migrations).close();
    expect(() => openDatabase(path, migrations.slice(0, -1))).toThrow(/needs a fist that knows version/);
  });

  test('an older one than this program migrates is refused with the fist to use first', () => {
    const found = { version: 1, minCompatibleVersion: 1, program: null };
    expect(() => refuseIncompatible('data.db', found, migrations, { version: 2, program: '0.3.0' })).toThrow(
      expect.objectContaining({
        message: 'data.db has schema version 1; this fist migrates from version 2 on',
        next: 'run fist 0.3.0 on it once (fist db migrate), then this one',
      }),
    );
  });
});

describe('runs that version 1 left in the middle of their work', () => {
  test('1,000 end, 100 go on waiting for an approval until their deadline, and nothing is done twice', async () => {
    const folder = cleanup.temporaryFolder('upgrade');
    const path = join(folder, 'data', 'fist.db');
    const made = await startTestApp(cleanup, { files: resources, folder, clock: createFakeClock() });
    await made.stop();
    writeSchema1(path);
    const committed = succeededSteps(path);
    expect(committed.size).toBeGreaterThan(700);
    const clock = createFakeClock(schema1Stopped);
    const running = await startTestApp(cleanup, { files: resources, folder, clock, allowExec: true });

    const unfinished = () => look(path, (database) => counts(database));
    await moveUntil(clock, () => unfinished().others === 250);
    clock.shiftWallClock(60 * 60_000);
    await moveUntil(clock, () => unfinished().others === 0);
    expect(unfinished()).toEqual({ approval: 100, others: 0 });
    await running.stop();
    // Down for a day: that is time of the runs, other than a jump of the clock under a server.
    const nextDay = createFakeClock(new Date(clock.now() + 24 * 60 * 60_000).toISOString());
    const later = await startTestApp(cleanup, { files: resources, folder, clock: nextDay, allowExec: true });
    await moveUntil(nextDay, () => unfinished().approval === 0);
    await later.stop();

    look(path, (database) => {
      const ended = database.prepare(
        'SELECT name, status, error_code AS code, count(*) AS runs FROM workflows GROUP BY 1, 2, 3 ORDER BY 1, 2, 3',
      );
      expect(ended.all().map((row) => Object.values(row).join(' '))).toEqual([
        'later succeeded  100',
        'limited succeeded  100',
        'restart failed RunTimeout 100',
        'triage cancelled Cancelled 10',
        'triage failed Internal 5',
        'triage succeeded  845',
      ]);
      const twice =
        "SELECT count(*) AS count FROM (SELECT 1 FROM workflow_steps WHERE status = 'succeeded' GROUP BY workflow_id, path HAVING count(*) > 1)";
      expect(database.prepare(twice).get()).toEqual({ count: 0 });
      expect(database.prepare('SELECT count(*) AS count FROM slots').get()).toEqual({ count: 0 });
    });
    const after = succeededSteps(path);
    expect([...committed].filter((step) => !after.has(step))).toEqual([]);
    expect(running.stdout()).toContain('run-finished triage');
  });
});

type Succeeded = Pick<StepRecord, 'id' | 'completedAt'>;

/** Id and end of each attempt that succeeded. */
function succeededSteps(path: string): ReadonlySet<string> {
  const rows = look(path, (database) =>
    database.prepare("SELECT id, completed_at AS completedAt FROM workflow_steps WHERE status = 'succeeded'").all(),
  );
  return new Set((rows as unknown as Succeeded[]).map(({ id, completedAt }) => `${id} ${completedAt ?? ''}`));
}

function counts(database: DatabaseSync): { readonly approval: number; readonly others: number } {
  const row = database
    .prepare(
      `SELECT coalesce(sum(waiting_for = 'approval'), 0) AS approval, coalesce(sum(waiting_for IS NOT 'approval'), 0) AS others
       FROM workflows WHERE status IN ('pending', 'running')`,
    )
    .get();
  return { approval: Number(row?.['approval']), others: Number(row?.['others']) };
}

/** Moves time on until it holds, slowly: commands are real processes and their time-outs are of this clock. */
async function moveUntil(clock: ReturnType<typeof createFakeClock>, holds: () => boolean): Promise<void> {
  const endMs = performance.now() + 100_000;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error('the runs did not end');
    await clock.advance(1000);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
