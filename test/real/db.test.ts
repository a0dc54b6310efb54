import { newestVersion } from '../../src/store/admin/migrations.ts';
import { readSqliteMigrations } from '../../src/store/sqlite/migrate.ts';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { lowestIdAt } from '../../src/lib/id.ts';
import { openPostgresAdmin } from '../../src/store/postgres/admin.ts';
import { openPostgresStore } from '../../src/store/postgres/store.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { createCleanup } from '../support/cleanup.ts';
import { sharedPostgres } from '../support/postgres.ts';
import { runFist } from '../support/program.ts';
import { letterFixture } from '../support/rows.ts';
import { schema1Folder, writeSchema1 } from '../support/schema-1.ts';
import { freePort } from '../support/processes.ts';
import { spawnServer, startServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

/** `fist db ...` in this process; paths are in the test's own folder. */
const db = (...args: readonly string[]) => runFist(['db', ...args]);

/** Names files of a new folder. */
function place(): (name: string) => string {
  const folder = cleanup.temporaryFolder('db');
  return (name) => join(folder, name);
}

function change(path: string, sql: string): void {
  const raw = new DatabaseSync(path);
  raw.exec(sql);
  raw.close();
}

const digestIn = (text: string) => /digest ([0-9a-f]{64})/.exec(text)?.[1];

describe('fist db', () => {
  test('status says what a database is, and what it needs', async () => {
    const newest = newestVersion(readSqliteMigrations());
    const file = place();
    writeSchema1(file('old.db'));
    const before = readFileSync(file('old.db'));
    const old = await db('status', '--db', file('old.db'));
    expect(old).toMatchObject({ code: 0, err: 'next: fist db migrate\n' });
    expect(old.out).toContain(`schema      1; this fist knows ${newest}`);
    expect(readFileSync(file('old.db')).equals(before)).toBe(true);
    expect(await db('migrate', '--db', file('old.db'))).toMatchObject({
      out: `${file('old.db')} was migrated from schema version 1 to ${newest}\n`,
      err: `as it was before: ${file('old.db')}.before-2\n`,
    });
    expect((await db('migrate', '--db', file('old.db'))).out).toContain('nothing to do');
    const store = openSqliteStore({ path: file('old.db') });
    cleanup.defer(() => store.close());
    const served = JSON.parse((await db('status', '--db', file('old.db'), '-o', 'json')).out) as object;
    expect(served).toMatchObject({
      kind: 'SQLite',
      schemaVersion: newest,
      connections: 1,
      rows: { runs: 1160, unfinishedRuns: 1100 },
    });
    expect(await db('migrate', '--db', file('old.db'))).toMatchObject({ code: 2 });
    expect(await db('status', '--db', file('none.db'))).toMatchObject({ code: 2 });
    expect(existsSync(file('none.db'))).toBe(false);
  });

  test('that is refused a PostgreSQL database says why and ends', async () => {
    const server = await sharedPostgres();
    const url = await server.createDatabase();
    const file = place();
    for (const words of [['check'], ['size'], ['export', file('all.jsonl')]])
      expect(await db(...words, '--db', url)).toMatchObject({
        code: 2,
        err: expect.stringContaining('holds no data of fist yet'),
      });
    writeFileSync(file('some.jsonl'), '{}\n');
    const writing = await openPostgresAdmin(url, 'the database', 'write');
    cleanup.defer(() => writing.close());
    for (const words of [['migrate'], ['import', file('some.jsonl')]])
      expect(await db(...words, '--db', url)).toMatchObject({
        code: 2,
        err: expect.stringContaining('another command writes to'),
      });
    await server.query(
      'UPDATE schema_info SET version = 70, min_compatible_version = 50',
      new URL(url).pathname.slice(1),
    );
    for (const words of [['status'], ['check'], ['migrate']])
      expect(await db(...words, '--db', url)).toMatchObject({
        code: 2,
        err: expect.stringContaining('needs a fist that knows version 50'),
      });
  });

  test('status counts the connections of servers, not those of commands', async () => {
    const url = await (await sharedPostgres()).createDatabase();
    const connections = async () =>
      (JSON.parse((await db('status', '--db', url, '-o', 'json')).out) as { connections: number }).connections;
    const command = await openPostgresAdmin(url, 'the database', 'write');
    cleanup.defer(() => command.close());
    expect(await connections()).toBe(0);
    const store = await openPostgresStore({ url, clock: systemClock(), onError: () => undefined });
    cleanup.defer(() => store.close());
    expect(await connections()).toBeGreaterThan(0);
  });

  test('status of PostgreSQL shows no password', async () => {
    const url = (await (await sharedPostgres()).createDatabase()).replace('postgres@', 'postgres:hidden-word@');
    expect((await db('migrate', '--db', url)).code).toBe(0);
    const { out } = await db('status', '--db', url);
    expect(out).toContain('(PostgreSQL)');
    expect(out).not.toContain('hidden-word');
  });

  test('check finds damage and rows that contradict each other', async () => {
    const file = place();
    writeSchema1(file('data.db'));
    expect(await db('check', '--db', file('data.db'))).toMatchObject({ code: 2 });
    await db('migrate', '--db', file('data.db'));
    expect(await db('check', '--db', file('data.db'))).toMatchObject({ code: 0 });
    change(
      file('data.db'),
      `PRAGMA foreign_keys = OFF; DELETE FROM workflows WHERE id IN (SELECT workflow_id FROM slots ORDER BY key LIMIT 1);
       UPDATE workflows SET wake_at = NULL WHERE waiting_for = 'timer'`,
    );
    const found = await db('check', '--db', file('data.db'));
    expect(found.code).toBe(1);
    expect(found.out).toMatch(/^1 slots of no unfinished run: alert:/m);
    expect(found.out).toMatch(/^100 unfinished runs that nothing will wake: /m);
    expect(found.out).toMatch(/^1 open alerts whose newest run is missing: /m);
    expect(found.out).toMatch(/^ {2}next: /m);
  });

  test('check finds nothing wrong with an alert that came back without a run, whose earlier run is deleted', async () => {
    const file = place();
    writeSchema1(file('data.db'));
    await db('migrate', '--db', file('data.db'));
    change(
      file('data.db'),
      "UPDATE alerts SET status = 'received', workflow_id = 'deleted' WHERE id = (SELECT max(id) FROM alerts)",
    );
    expect(await db('check', '--db', file('data.db'))).toMatchObject({ code: 0 });
  });

  test('check finds pages that the disk has spoilt', async () => {
    const file = place();
    writeSchema1(file('data.db'));
    await db('migrate', '--db', file('data.db'));
    change(file('data.db'), 'PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE');
    const bytes = readFileSync(file('data.db'));
    bytes.fill(0xa5, bytes.length - 4096 * 20, bytes.length - 4096 * 4);
    writeFileSync(file('data.db'), bytes);
    const found = await db('check', '--db', file('data.db'));
    expect(found.code).not.toBe(0);
    expect(found.out + found.err).toMatch(/damaged: |malformed/);
  });

  test('size shows each table, as a table and as JSON', async () => {
    const file = place();
    writeSchema1(file('data.db'));
    await db('migrate', '--db', file('data.db'));
    expect((await db('size', '--db', file('data.db'))).out).toMatch(/^workflows +1160 +\d+\.\d [KM]iB$/m);
    const { items } = JSON.parse((await db('size', '--db', file('data.db'), '-o', 'json')).out) as {
      items: { table: string; rows: number; bytes: number }[];
    };
    const sum = items.reduce((total, { bytes }) => total + bytes, 0);
    expect(sum / statSync(file('data.db')).size).toBeGreaterThan(0.9);
    const url = await (await sharedPostgres()).createDatabase();
    await db('migrate', '--db', url);
    expect((await db('size', '--db', url)).out).toMatch(/^workflows +0 +/m);
  });

  test('export and import say how many rows and which digest; a file is private and never half there', async () => {
    const file = place();
    writeSchema1(file('data.db'));
    await db('migrate', '--db', file('data.db'));
    const exported = await db('export', file('all.jsonl'), '--db', file('data.db'));
    expect(statSync(file('all.jsonl')).mode & 0o777).toBe(0o600);
    const imported = await db('import', file('all.jsonl'), '--db', file('other.db'));
    expect(imported.out).toMatch(/holds 7094 rows now \(7094 written, 0 deleted, 0 were the same\)/);
    expect(digestIn(imported.out)).toBe(digestIn(exported.err));
    expect((await db('check', '--db', file('other.db'))).code).toBe(0);
    expect(await db('import', file('absent.jsonl'), '--db', file('third.db'))).toMatchObject({ code: 2 });
    expect(existsSync(file('third.db'))).toBe(false);
    expect(await db('export', join(file('no-folder'), 'x'), '--db', file('data.db'))).toMatchObject({ code: 2 });
  });
});

describe('a server', () => {
  test('deletes what is older than it keeps, and counts it', async () => {
    const file = place();
    const database = file('data.db');
    const store = openSqliteStore({ path: database });
    const letters = ['2020-01-01T00:00:00.000Z', new Date().toISOString()].map((receivedAt) => ({
      ...letterFixture('m'),
      id: lowestIdAt(Date.parse(receivedAt)),
      receivedAt,
    }));
    await store.transaction('intake', (tx) => tx.events.addDeadLetters(letters));
    await store.close();
    const server = await startServer({ resources: `${schema1Folder}resources.yaml`, database });
    cleanup.defer(() => server.process.kill());
    await waitFor('the old one to be gone', async () => (await server.list('/api/v1/dead-letters')).length === 1);
    const { body } = await server.api('GET', '/metrics');
    expect(body).toContain('fist_retention_deleted_total{table="dead_letters"} 1');
    await waitFor('the log line', () => server.process.stderr().includes('"deleted":{"dead_letters":1}'));
    await server.process.stop();
  });
});

test('a server that waits for PostgreSQL stops when it is told to', async () => {
  const waiting = spawnServer({
    resources: `${schema1Folder}resources.yaml`,
    database: `postgres://postgres@127.0.0.1:${await freePort()}/fist`,
  });
  cleanup.defer(() => waiting.kill());
  await waitFor('it to wait', () => waiting.stderr().includes('waiting for PostgreSQL'));
  expect(await waiting.stop()).toMatchObject({ code: 0 });
});

describe('an installation', () => {
  test('moves to PostgreSQL while its server takes alerts, with a short stop, and nothing is lost', async () => {
    const file = place();
    const database = file('data.db');
    const resources = `${schema1Folder}resources.yaml`;
    const server = await startServer({ resources, database });
    cleanup.defer(() => server.process.kill());
    const acknowledged = new Set<string>();
    let number = 0;
    const moving = new AbortController();
    async function send(): Promise<void> {
      while (!moving.signal.aborted) {
        const pods = Array.from({ length: 10 }, () => `pod-${number++}`);
        const alerts = pods.map((pod) => ({
          status: 'firing',
          labels: { alertname: 'Moving', severity: 'critical', pod },
          annotations: {},
          startsAt: new Date().toISOString(),
        }));
        const { status } = await server.post('/webhook/later', { version: '4', alerts });
        if (status === 200) for (const pod of pods) acknowledged.add(pod);
      }
    }
    const sending = Promise.all([send(), send()]);
    await waitFor('some alerts', () => acknowledged.size > 100);

    const url = await (await sharedPostgres()).createDatabase();
    await db('export', file('first.jsonl'), '--db', database);
    const first = await db('import', file('first.jsonl'), '--db', url);
    expect(first.code).toBe(0);
    const atFirst = acknowledged.size;
    await waitFor('more alerts', () => acknowledged.size > atFirst + 100);
    moving.abort();
    await sending;
    await server.process.stop();

    const exported = await db('export', file('second.jsonl'), '--db', database);
    const second = await db('import', file('second.jsonl'), '--db', url);
    expect(second).toMatchObject({ code: 0, err: '' });
    expect(digestIn(second.out)).toBe(digestIn(exported.err));
    expect(digestIn(second.out)).not.toBe(digestIn(first.out));
    expect(second.out).not.toMatch(/, 0 were the same/);
    expect(await db('check', '--db', url)).toMatchObject({ code: 0 });
    rmSync(database);

    const moved = await startServer({ resources, database: url, environment: { FIST_TOKEN: 'a-token-for-the-move' } });
    cleanup.defer(() => moved.process.kill());
    const query = async (sql: string) => (await sharedPostgres()).query(sql, new URL(url).pathname.slice(1));
    await waitFor(
      'the end of all runs',
      async () => {
        const [row] = await query("SELECT count(*) AS left FROM workflows WHERE status IN ('pending', 'running')");
        return Number(row?.['left']) === 0;
      },
      { timeoutMs: 60_000, everyMs: 100 },
    );
    const pods = await query("SELECT labels->>'pod' AS pod FROM alerts");
    const stored = new Set(pods.map((row) => row['pod']));
    expect([...acknowledged].filter((pod) => !stored.has(pod))).toEqual([]);
    expect(await db('import', file('second.jsonl'), '--db', url)).toMatchObject({ code: 2 });
    await moved.process.stop();
  });
});
