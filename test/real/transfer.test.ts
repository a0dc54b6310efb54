import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import type { AdminDatabase, AdminMode } from '../../src/store/admin/admin.ts';
import { openPostgresAdmin } from '../../src/store/postgres/admin.ts';
import { openPostgresStore } from '../../src/store/postgres/store.ts';
import type { PostgresStore } from '../../src/store/postgres/store.ts';
import { openSqliteAdmin } from '../../src/store/sqlite/admin.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { digestContent, exportLines } from '../../src/store/transfer/export.ts';
import type { ExportTrailer } from '../../src/store/transfer/export.ts';
import { importLines } from '../../src/store/transfer/import.ts';
import type { ImportResult } from '../../src/store/transfer/import.ts';
import { createCleanup } from '../support/cleanup.ts';
import { sharedPostgres } from '../support/postgres.ts';
import { agentEventFixture, letterFixture } from '../support/rows.ts';
import { writeSchema1 } from '../support/schema-1.ts';
import { waitFor } from '../support/wait.ts';

const files = createCleanup();
let source = '';
let lines: readonly string[] = [];
beforeAll(async () => {
  source = join(files.temporaryFolder('transfer'), 'source.db');
  writeSchema1(source);
  const store = openSqliteStore({ path: source });
  await store.transaction('agent-events', async (tx) => {
    const content = { z: 'line\n"\u2028', a: [1] };
    const runs = ['r1', 'r2', 'r2'].map((runId, index) => ({ runId, sequence: index + 1, content }));
    await tx.agent.insert(runs.map((changes) => agentEventFixture({ ...changes, evidenceHash: 'h', tokens: 7 })));
    await tx.agent.charge(
      '2026-03-01',
      { namespace: 'shop', name: 'triage' },
      { tokens: 7, costMicros: 3_000_000_000 },
    );
  });
  await store.close();
  lines = await exportOf(source);
});
afterAll(() => files.run());

const cleanup = createCleanup();
afterEach(() => cleanup.run());

async function opened(database: string, mode: AdminMode): Promise<AdminDatabase> {
  return database.startsWith('postgres:')
    ? openPostgresAdmin(database, 'the database', mode)
    : openSqliteAdmin(database, mode);
}

async function within<T>(database: string, mode: AdminMode, work: (admin: AdminDatabase) => Promise<T>): Promise<T> {
  const admin = await opened(database, mode);
  try {
    return await work(admin);
  } finally {
    await admin.close();
  }
}

function exportOf(database: string): Promise<readonly string[]> {
  return within(database, 'read', (admin) =>
    admin.snapshot(async (query) => {
      const all: string[] = [];
      for await (const line of exportLines(query, admin.knownVersion, '2026-03-01T12:00:00.000Z')) all.push(line);
      return all;
    }),
  );
}

async function* each(all: readonly string[]): AsyncGenerator<string> {
  yield* all;
}

function importInto(database: string, all: readonly string[] | AsyncIterable<string>): Promise<ImportResult> {
  return within(database, 'write', (admin) =>
    importLines(admin, 'the database', Array.isArray(all) ? each(all) : (all as AsyncIterable<string>)),
  );
}

function execute(database: string, text: string): Promise<readonly unknown[]> {
  return within(database, 'write', (admin) =>
    admin.transaction(async (query) => {
      const { sql } = await import('kysely');
      return (await sql.raw(text).execute(query)).rows;
    }),
  );
}

function serveOnce(database: string): Promise<void> {
  return database.startsWith('postgres:')
    ? openPostgresStore({ url: database, clock: systemClock(), onError: () => undefined }).then((store) =>
        store.close(),
      )
    : openSqliteStore({ path: database }).close();
}

const trailerOf = (all: readonly string[]) => (JSON.parse(all.at(-1) ?? '') as ExportTrailer).end;

const targets = [
  { name: 'SQLite', empty: async () => join(cleanup.temporaryFolder('transfer'), 'target.db') },
  { name: 'PostgreSQL', empty: async () => (await sharedPostgres()).createDatabase() },
];

describe.each(targets)('an export imported into $name', ({ empty }) => {
  test('is there whole: the same lines come out again', async () => {
    const target = await empty();
    const { digest, rows, written } = await importInto(target, lines);
    expect({ digest, rows }).toEqual(trailerOf(lines));
    expect(rows).toMatchObject({
      workflows: 1160,
      alerts: 1110,
      sink_outputs: 605,
      evidence: 195,
      agent_events: 3,
      model_spending: 1,
      slots: 755,
      plans: 4,
    });
    expect(written).toBe(Object.values(rows).reduce((sum, count) => sum + count, 0));
    expect((await exportOf(target)).slice(1)).toEqual(lines.slice(1));
  });

  test('can be found by its labels', async () => {
    const target = await empty();
    await importInto(target, lines);
    const labels = `SELECT count(*) AS count FROM alert_labels WHERE name = 'pod' AND value = 'checkout-7001'`;
    expect(await execute(target, labels)).toEqual([{ count: 1 }]);
  });

  test('goes on where it was interrupted, and until then no server opens it', async () => {
    const target = await empty();
    async function* cut(): AsyncGenerator<string> {
      yield* lines.slice(0, 3000);
      throw new Error('the connection was lost');
    }
    await expect(importInto(target, cut())).rejects.toThrow('the connection was lost');
    await expect(Promise.resolve().then(() => serveOnce(target))).rejects.toThrow(/an import into .* has not ended/);
    const again = await importInto(target, lines);
    expect(again.resumedAfter).toBeGreaterThan(2000);
    expect(again.digest).toBe(trailerOf(lines).digest);
    await serveOnce(target);
  });

  test('of a later time brings an earlier import up to date, and only what differs is written', async () => {
    const copy = await copyOfSource();
    const target = await empty();
    await importInto(target, lines);
    for (const change of [
      "UPDATE alerts SET status = 'resolved', receive_count = 7 WHERE id IN (SELECT id FROM alerts ORDER BY id LIMIT 3)",
      'DELETE FROM dead_letters',
      'DELETE FROM evidence WHERE workflow_id IN (SELECT workflow_id FROM evidence ORDER BY workflow_id LIMIT 10)',
      'DELETE FROM slots',
      'DELETE FROM alerts WHERE id = (SELECT max(id) FROM alerts)',
      "INSERT INTO plans (hash, namespace, name, plan, created_at) SELECT 'zz', namespace, name, plan, created_at FROM plans LIMIT 1",
    ])
      await execute(copy, change);
    const later = await exportOf(copy);
    const { digest, written, deleted } = await importInto(target, later);
    expect(digest).toBe(trailerOf(later).digest);
    expect(digest).not.toBe(trailerOf(lines).digest);
    expect(written).toBe(4);
    expect(deleted).toBe(20 + 10 + 755 + 1);
    expect((await exportOf(target)).slice(1)).toEqual(later.slice(1));
    const labels = `SELECT count(*) AS count FROM alert_labels WHERE alert_id NOT IN (SELECT id FROM alerts)`;
    expect(await execute(target, labels)).toEqual([{ count: 0 }]);
  });

  test('is refused where data would be destroyed', async () => {
    const target = await empty();
    await importInto(target, lines);
    await serveOnce(target);
    await expect(importInto(target, lines)).rejects.toThrow(/a server has used it since its import/);
    const other = await empty();
    await importInto(other, lines);
    const stranger = [(lines[0] ?? '').replace(/"installation":"\w+"/, '"installation":"other"'), ...lines.slice(1)];
    await expect(importInto(other, stranger)).rejects.toThrow(/was filled from another installation/);
  });
});

describe('a server that starts while an import waits for its file', () => {
  test('goes on, the import is refused, and the database is as it was', async () => {
    const server = await sharedPostgres();
    const url = await server.createDatabase();
    const installation = () => server.query('SELECT * FROM installation', new URL(url).pathname.slice(1));
    let before: unknown;
    const letters = async (store: PostgresStore) =>
      (await store.read.lists.deadLetters({ limit: 10 })).items.map(({ message }) => message);
    let serving: PostgresStore | undefined;
    async function* late(): AsyncGenerator<string> {
      before = await installation();
      serving = await openPostgresStore({ url, clock: systemClock(), onError: () => undefined });
      const store = serving;
      cleanup.defer(() => store.close());
      yield* lines;
    }
    await expect(importInto(url, late())).rejects.toMatchObject({
      code: 'StoreLocked',
      message: 'a server has the database open',
    });
    expect(await installation()).toEqual(before);
    if (serving === undefined) throw new Error('no server was started');
    await serving.transaction('intake', (tx) => tx.events.addDeadLetters([letterFixture('taken')]));
    expect(await letters(serving)).toEqual(['taken']);
    await expect(importInto(url, lines)).rejects.toMatchObject({ code: 'StoreLocked' });
    expect(await letters(serving)).toEqual(['taken']);
  });

  test('while the import marks the database, finds the mark', async () => {
    const server = await sharedPostgres();
    const url = await server.createDatabase();
    await importInto(url, lines);
    let opening: Promise<unknown> | undefined;
    await within(url, 'write', (admin) =>
      admin.transaction(async (query) => {
        await query.updateTable('installation').set({ import_state: 'running' }).execute();
        opening = serveOnce(url).then(
          () => 'it started',
          (thrown: Error) => thrown.message,
        );
        await waitFor('the server to wait for the row', async () => {
          const waiting = await server.query(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
            new URL(url).pathname.slice(1),
          );
          return waiting.length > 0;
        });
      }),
    );
    expect(await opening).toMatch(/an import into .* has not ended/);
    expect(await execute(url, 'SELECT import_state FROM installation')).toEqual([{ import_state: 'running' }]);
  });
});

describe('a file', () => {
  test.each([
    ['cut off', (all: readonly string[]) => all.slice(0, -1), /is cut off/],
    ['with a row left out', (all: readonly string[]) => all.toSpliced(500, 1), /was changed/],
    [
      'with a value changed',
      (all: readonly string[]) => all.map((line) => line.replace('checkout-7001', 'x')),
      /was changed/,
    ],
    ['of another format', (all: readonly string[]) => all.toSpliced(0, 1, '{"a":1}'), /does not begin as an export/],
    [
      'of a later format',
      (all: readonly string[]) => all.map((line) => line.replace('"version":1', '"version":2')),
      /version 2 of the format/,
    ],
    [
      'of a later schema',
      (all: readonly string[]) => all.map((line) => line.replace(/"schema":\d+/, '"schema":99')),
      /has schema version 99/,
    ],
    ['empty', () => [], /is empty/],
  ] as const)('%s is refused', async (_, change, message) => {
    const target = join(cleanup.temporaryFolder('transfer'), 'target.db');
    await expect(importInto(target, change(lines))).rejects.toThrow(message);
  });
});

async function copyOfSource(): Promise<string> {
  const copy = join(cleanup.temporaryFolder('transfer'), 'copy.db');
  await importInto(copy, lines);
  return copy;
}

test('characters that no PostgreSQL holds are the same in exports of both databases', async () => {
  const copy = await copyOfSource();
  await execute(
    copy,
    `INSERT INTO dead_letters (id, namespace, source_name, reason, message, body, received_at)
     VALUES ('1', 'n', 's', 'r', 'a' || char(0) || 'b', '{}', '2026-03-01T12:00:00.000Z')`,
  );
  await execute(copy, String.raw`UPDATE alerts SET annotations = '{"b":"x\u0000y","a":"\ud800","c":"\\u0000"}'`);
  const changed = await exportOf(copy);
  const target = await (await sharedPostgres()).createDatabase();
  expect((await importInto(target, changed)).digest).toBe(trailerOf(changed).digest);
});

test('a digest is the same in whatever pages it was read, and says what differs', async () => {
  const copy = await copyOfSource();
  const before = await within(copy, 'read', (admin) => admin.snapshot((query) => digestContent(query)));
  expect(before).toEqual(trailerOf(lines));
  await execute(copy, "UPDATE workflows SET wake_at = '2026-03-01T13:00:00.000Z' WHERE waiting_for = 'timer'");
  const after = await within(copy, 'read', (admin) => admin.snapshot((query) => digestContent(query)));
  expect(after.rows).toEqual(before.rows);
  expect(after.digest).not.toBe(before.digest);
});
