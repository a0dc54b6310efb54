import { afterAll, describe, expect, test } from 'vitest';
import { createCleanup } from '../../../test/support/cleanup.ts';
import { alertRecord, planOf, runRecord, step } from '../../../test/support/engine.ts';
import { sharedPostgres } from '../../../test/support/postgres.ts';
import { eventFixture } from '../../../test/support/rows.ts';
import { retainedKinds } from '../../core/retention.ts';
import type { RetentionStore } from '../../core/retention.ts';
import { createAlertStore } from '../alerts/store.ts';
import { createEventStore } from '../events/store.ts';
import { noHints } from '../commit/hints.ts';
import { createStatementNames, executeOn, openPool, queryOn } from '../postgres/connection.ts';
import type { Execute } from '../postgres/connection.ts';
import { migratePostgres, readPostgresMigrations } from '../postgres/migrate.ts';
import { createRetentionStore } from './store.ts';
import { createRunStore } from '../runs/store.ts';
import { openDatabase } from '../sqlite/open.ts';

const cleanup = createCleanup();
afterAll(() => cleanup.run());

const long = '2026-01-01T00:00:00.000Z';
const page = { after: '', before: 'z', endedBefore: '2026-02-01T00:00:00.000Z', limit: 100 };

/** One row of each kind that goes, so that every statement is asked. */
async function useAll(retention: RetentionStore): Promise<void> {
  for (const kind of retainedKinds) {
    await retention.oldestOfNewest(kind, 10);
    expect(await retention.deletePage(kind, page)).toMatchObject({ next: null });
  }
  await retention.deletePlans(page.endedBefore);
  const first = await retention.deleteOrphanWords(null, 1);
  expect(first).toMatchObject({ deleted: { alert_words: 1 } });
  await retention.deleteOrphanWords(first.next, 100);
}

async function addRows(query: Parameters<typeof createRunStore>[0]): Promise<void> {
  const plan = planOf([step('one')]);
  const run = runRecord(plan, long, { planHash: 'h', status: 'failed', wakeAt: null, completedAt: long });
  await createRunStore(query, noHints()).insert({ run, plan });
  await createAlertStore(query).insertAll([alertRecord(long, { status: 'resolved' })]);
  const words = ['disk', 'full'].map((word) => ({ word, alert_id: 'gone' }));
  await query.insertInto('alert_words').values(words).execute();
  await createEventStore(query).insertAll([eventFixture({ receivedAt: long, lastReceivedAt: long })]);
}

/** Tables that grow. `plans` has a row for each edit of a Workflow. */
const large =
  /\b(?:workflows|workflow_steps|evidence|sink_outputs|source_events|dead_letters|alerts|alert_labels|alert_words|alert_transitions|repetition)\b/;

describe('retention reads no large table from end to end', () => {
  test('on SQLite', async () => {
    const connection = openDatabase(':memory:');
    cleanup.defer(() => connection.close());
    await addRows(connection.query);
    const { raw } = connection;
    const prepare = raw.prepare.bind(raw);
    const asked = new Set<string>();
    raw.prepare = (sql) => {
      asked.add(sql);
      return prepare(sql);
    };
    await useAll(createRetentionStore(connection.query));
    expect(asked.size).toBeGreaterThan(15);
    const scans = [...asked].flatMap((sql) => {
      const rows = prepare(`EXPLAIN QUERY PLAN ${sql}`).all();
      return rows
        .map((row) => String(row['detail']))
        .filter((detail) => detail.startsWith('SCAN') && large.test(detail));
    });
    // The oldest of the newest so many is found by counting along the ids; no row is read.
    expect(scans.filter((detail) => !detail.includes('USING COVERING INDEX sqlite_autoindex_'))).toEqual([]);
  });

  test('on PostgreSQL', async () => {
    const pool = openPool(await (await sharedPostgres()).createDatabase(), 1, () => undefined);
    cleanup.defer(() => pool.end());
    const client = await pool.connect();
    cleanup.defer(() => client.release(true));
    await migratePostgres(client, readPostgresMigrations());
    const execute = executeOn(client);
    const asked = new Map<string, readonly unknown[]>();
    const recording: Execute = (text, values = [], name) => {
      asked.set(text, values);
      return execute(text, values, name);
    };
    const names = createStatementNames();
    await addRows(queryOn(execute, names));
    await execute('BEGIN');
    await useAll(createRetentionStore(queryOn(recording, names)));
    await execute('COMMIT');
    await execute('SET enable_seqscan = off; SET enable_bitmapscan = off');
    const scans: string[] = [];
    for (const [text, values] of asked) {
      // Asked once a day, and an index for it would be written with every update of a run.
      if (/^(?:delete|select "hash") from "plans"|^LOCK /i.test(text)) continue;
      const { rows } = await execute(`EXPLAIN ${text}`, values);
      const lines = (rows as { readonly 'QUERY PLAN': string }[]).map((row) => row['QUERY PLAN']);
      scans.push(...lines.filter((line) => line.includes('Seq Scan')).map((line) => `${line} in ${text}`));
    }
    expect(asked.size).toBeGreaterThan(10);
    expect(scans).toEqual([]);
  });
});
