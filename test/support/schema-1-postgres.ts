import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { executeOn, openPool } from '../../src/store/postgres/connection.ts';
import type { Execute } from '../../src/store/postgres/connection.ts';
import { migratePostgres, readPostgresMigrations } from '../../src/store/postgres/migrate.ts';
import { tables } from '../../src/store/tables/all.ts';
import type { Table } from '../../src/store/tables/table.ts';
import { transferTableNames } from '../../src/store/transfer/tables.ts';
import type { TransferTable } from '../../src/store/transfer/tables.ts';
import type { Cleanup } from './cleanup.ts';
import { schema1Columns, schema1Stopped, writeSchema1 } from './schema-1.ts';

/**
 * Fills an empty PostgreSQL database with the schema of version 1 and with the rows of the SQLite database of version 1,
 * all times moved so that the program stopped `stoppedAgoMs` ago.
 */
export async function fillSchema1(cleanup: Cleanup, url: string, stoppedAgoMs: number): Promise<void> {
  const pool = openPool(url, 1, () => undefined);
  const client = await pool.connect();
  const path = join(cleanup.temporaryFolder('schema-1'), 'data.db');
  writeSchema1(path);
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    await migratePostgres(client, readPostgresMigrations().slice(0, 1));
    const laterMs = Date.now() - stoppedAgoMs - Date.parse(schema1Stopped);
    const known = schema1Columns();
    for (const table of transferTableNames) {
      const columns = known.get(table);
      if (columns !== undefined) await copyTable(database, executeOn(client), { table, columns }, laterMs);
    }
    await executeOn(client)(
      'INSERT INTO alert_labels SELECT label.key, label.value, alerts.id FROM alerts, jsonb_each_text(alerts.labels) AS label',
    );
  } finally {
    database.close();
    client.release(true);
    await pool.end();
  }
}

async function copyTable(
  database: DatabaseSync,
  execute: Execute,
  { table, columns }: { readonly table: TransferTable; readonly columns: readonly string[] },
  laterMs: number,
): Promise<void> {
  const { columns: known }: Table = tables[table];
  const rows = database.prepare(`SELECT * FROM ${table}`).all();
  const perStatement = Math.floor(30_000 / columns.length);
  for (let start = 0; start < rows.length; start += perStatement) {
    const values: unknown[] = [];
    const tuples = rows.slice(start, start + perStatement).map((row) => {
      const places = columns.map((column) => {
        const value = row[column];
        const moves = known[column]?.kind === 'time' && typeof value === 'string';
        return `$${values.push(moves ? new Date(Date.parse(value) + laterMs).toISOString() : value)}`;
      });
      return `(${places.join()})`;
    });
    await execute(`INSERT INTO ${table} (${columns.join()}) VALUES ${tuples.join()}`, values);
  }
}
