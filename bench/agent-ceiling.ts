import { DatabaseSync } from 'node:sqlite';
import { Client } from 'pg';
import { median, quantile } from './world.ts';
import type { DatabaseKind, World } from './world.ts';

/** What the journal of conversations is, written by nobody but a client of the database. */
export interface Ceiling {
  /** Of one turn: the answer, its calls and the next request, a commit each. Milliseconds. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of a conversation. */
  readonly rows: number;
  readonly bytes: number;
}

const columns = [
  'workflow_id',
  'sequence',
  'path',
  'attempt',
  'kind',
  'content',
  'tokens',
  'cost_micros',
  'at',
] as const;
const table = `CREATE TABLE agent_events (${columns.map((name) => `${name} ${name === 'sequence' || name === 'attempt' || name === 'tokens' || name === 'cost_micros' ? 'bigint' : 'text'}`).join(', ')}, PRIMARY KEY (workflow_id, sequence))`;

/** Writes the rows that a measured server wrote once more, as they came: one after the other, a commit each, and nothing else. */
export async function measureCeiling(world: World, kind: DatabaseKind, database: string): Promise<Ceiling> {
  const rows = await world.query(
    database,
    `SELECT ${columns.join(', ')} FROM agent_events ORDER BY workflow_id, sequence`,
  );
  const values = rows.map((row) => columns.map((name) => textOf(row[name])));
  const write =
    kind === 'SQLite' ? sqliteWriter(world.file('ceiling.db')) : await postgresWriter(await world.database(kind));
  const turns: number[] = [];
  let turn = 0;
  for (const [index, row] of rows.entries()) {
    const begunMs = performance.now();
    await write.one(values[index] ?? []);
    turn += performance.now() - begunMs;
    // A turn is from an answer to the next request.
    if (row['kind'] === 'asked') {
      if (rows[index - 1]?.['kind'] !== 'opened') turns.push(turn);
      turn = 0;
    }
  }
  await write.close();
  const conversations = new Set(rows.map((row) => row['workflow_id'])).size;
  const bytes = values.reduce((sum, row) => sum + row.reduce((length, one) => length + one.length, 0), 0);
  return {
    p50Ms: median(turns),
    p99Ms: quantile(turns, 0.99),
    rows: rows.length / conversations,
    bytes: bytes / conversations,
  };
}

function textOf(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
}

interface Writer {
  one(values: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

function sqliteWriter(file: string): Writer {
  const database = new DatabaseSync(file);
  database.exec(`PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; ${table}`);
  const insert = database.prepare(`INSERT INTO agent_events VALUES (${columns.map(() => '?').join(', ')})`);
  return {
    one: async (values) => void insert.run(...values),
    close: async () => database.close(),
  };
}

async function postgresWriter(url: string): Promise<Writer> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(table);
  const text = `INSERT INTO agent_events VALUES (${columns.map((_, index) => `$${index + 1}`).join(', ')})`;
  return {
    one: async (values) => void (await client.query({ name: 'one', text, values: [...values] })),
    close: () => client.end(),
  };
}
