import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tables } from '../../src/store/tables/all.ts';
import type { ColumnKind, Table } from '../../src/store/tables/table.ts';
import { contractStores } from './stores.ts';
import type { ContractRows } from './stores.ts';

// What both databases hold after all migrations, read from their catalogs, and what the program believes they hold.

/** Only SQLite writes labels after their alerts. */
const onlyOnSqlite = { tables: ['alert_labels_due'], indexes: ['workflows_by_plan'] };

interface Column {
  readonly name: string;
  /** `TEXT`, `INTEGER` or `REAL`. */
  readonly type: string;
  readonly isNullable: boolean;
}

interface Schema {
  readonly tables: ReadonlyMap<string, readonly Column[]>;
  /** Columns of each primary key, and of each index by its name; with `WHERE` where it is partial. */
  readonly keys: ReadonlyMap<string, string>;
}

const byName = (one: { name: string }, other: { name: string }) => (one.name < other.name ? -1 : 1);
const words = (rows: readonly Record<string, unknown>[], column: string) => rows.map((row) => String(row[column]));

async function readSqlite(rows: ContractRows): Promise<Schema> {
  const tables = new Map<string, readonly Column[]>();
  const keys = new Map<string, string>();
  const found = await rows.execute(
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
  );
  for (const table of words(found, 'name')) {
    const columns = await rows.execute('SELECT name, type, "notnull" AS required, pk FROM pragma_table_info(?)', [
      table,
    ]);
    const key = columns
      .filter(({ pk }) => Number(pk) > 0)
      .sort((one, other) => Number(one['pk']) - Number(other['pk']));
    keys.set(`${table} key`, words(key, 'name').join(', '));
    tables.set(
      table,
      columns
        .map(({ name, type, required, pk }) => ({
          name: String(name),
          type: String(type),
          isNullable: required === 0 && pk === 0,
        }))
        .sort(byName),
    );
  }
  for (const { name, sql } of await rows.execute(
    "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL",
  ))
    keys.set(String(name), indexText(String(sql)));
  return { tables, keys };
}

const postgresTypes: Readonly<Record<string, string>> = {
  text: 'TEXT',
  'timestamp with time zone': 'TEXT',
  json: 'TEXT',
  jsonb: 'TEXT',
  boolean: 'INTEGER',
  integer: 'INTEGER',
  bigint: 'INTEGER',
  'double precision': 'REAL',
};

async function readPostgres(rows: ContractRows): Promise<Schema> {
  const tables = new Map<string, Column[]>();
  const columns = await rows.execute(
    'SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns WHERE table_schema = \'public\' ORDER BY column_name COLLATE "C"',
  );
  for (const { table_name: table, column_name: name, data_type: type, is_nullable: nullable } of columns) {
    const known = tables.get(String(table)) ?? [];
    tables.set(String(table), known);
    known.push({
      name: String(name),
      type: postgresTypes[String(type)] ?? String(type),
      isNullable: nullable === 'YES',
    });
  }
  const keys = new Map<string, string>();
  const indexes = await rows.execute(
    "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexname NOT IN (SELECT conname FROM pg_constraint WHERE contype = 'u')",
  );
  for (const { tablename: table, indexname: name, indexdef: sql } of indexes)
    keys.set(String(name) === `${String(table)}_pkey` ? `${String(table)} key` : String(name), indexText(String(sql)));
  return { tables, keys };
}

/** Expressions of indexes by a name; each database says them in its own words. */
function withoutExpressions(columns: string): string {
  return columns
    .toLowerCase()
    .replace(/\(?substr\(coalesce\(.*?'target_namespace'(?:::text)?\)\)?, 1, 253\)\)?/, 'object_namespace')
    .replace(/max\(received_at,.*? \|\| id|alert_place\(id,.*?\)/, 'place');
}

/** `UNIQUE (a, b) WHERE`: what an index is over, without the words in which each database says it. */
function indexText(sql: string): string {
  const start = sql.indexOf('(');
  let depth = 0;
  let end = start;
  for (; end < sql.length; end++) {
    depth += Number(sql[end] === '(') - Number(sql[end] === ')');
    if (depth === 0) break;
  }
  const columns = withoutExpressions(sql.slice(start + 1, end));
  const unique = /^CREATE UNIQUE/i.test(sql) && !sql.includes('_pkey') ? 'UNIQUE ' : '';
  return `${unique}${columns}${sql.includes(' WHERE ') ? ' WHERE' : ''}`;
}

function declared(name: string): Table {
  const table: Table | undefined = (tables as Readonly<Record<string, Table>>)[name];
  if (table === undefined) throw new Error(`${name} is not declared`);
  return table;
}

/** The type that SQLite has for a kind. A number is whole but for one column. */
function typeOf(table: string, column: string, kind: ColumnKind): string {
  if (table === 'alerts' && column === 'ai_confidence') return 'REAL';
  return kind === 'number' || kind === 'flag' ? 'INTEGER' : 'TEXT';
}

describe('the schema of both databases', () => {
  const opened: ContractRows[] = [];
  let sqlite: Schema;
  let postgres: Schema;
  let postgresRows: ContractRows;
  beforeAll(async () => {
    for (const { openRows } of contractStores) opened.push(await openRows());
    const [one, other] = opened;
    if (one === undefined || other === undefined) throw new Error('two databases are needed');
    postgresRows = other;
    [sqlite, postgres] = [await readSqlite(one), await readPostgres(other)];
  });
  afterAll(() => Promise.all(opened.map((rows) => rows.close())));

  const shared = (schema: Schema) => [...schema.tables].filter(([table]) => !onlyOnSqlite.tables.includes(table));

  test('has the same tables, columns, types and null rules', () => {
    expect(Object.fromEntries(shared(postgres))).toEqual(Object.fromEntries(shared(sqlite)));
    expect(postgres.tables.size).toBe(sqlite.tables.size - onlyOnSqlite.tables.length);
  });

  test('has the same keys and indexes', () => {
    const left = onlyOnSqlite.indexes.concat(onlyOnSqlite.tables.map((table) => `${table} key`));
    const expected = [...sqlite.keys].filter(([name]) => !left.includes(name));
    expect(Object.fromEntries(postgres.keys)).toEqual(Object.fromEntries(expected));
  });

  test('is what the declarations say', () => {
    expect(Object.keys(tables).sort()).toEqual([...sqlite.tables.keys()].sort());
    for (const [name, columns] of sqlite.tables) {
      const said = declared(name).places.map(({ column, kind, isNullable }) => ({
        name: column,
        type: typeOf(name, column, kind),
        isNullable,
      }));
      expect(said.sort(byName), name).toEqual(columns);
      expect(declared(name).key.join(', '), name).toBe(sqlite.keys.get(`${name} key`));
    }
  });

  test('text sorts by its bytes, so that ids page in the order of creation', async () => {
    const others = await postgresRows.execute(
      "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'",
    );
    expect(others).toEqual([]);
  });

  test('PostgreSQL has times, flags and JSON where the declarations say', async () => {
    const kinds: Readonly<Record<string, string>> = {
      text: 'text',
      'timestamp with time zone': 'time',
      json: 'json',
      jsonb: 'members',
      boolean: 'flag',
      integer: 'number',
      bigint: 'number',
      'double precision': 'number',
    };
    const columns = await postgresRows.execute(
      "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public'",
    );
    for (const table of postgres.tables.keys()) {
      const found = columns.filter((column) => column['table_name'] === table);
      const stored = Object.fromEntries(
        found.map((column) => [column['column_name'], kinds[String(column['data_type'])]]),
      );
      const said = Object.fromEntries(declared(table).places.map(({ column, kind }) => [column, kind]));
      expect(said, table).toEqual(stored);
    }
  });

  const contract: Readonly<Record<string, string>> = {
    alerts:
      'id external_id fingerprint status severity alert_name name summary description labels annotations source_id workflow_id ai_analysis ai_confidence auto_resolved starts_at ends_at received_at triage_started_at triage_completed_at resolved_at created_at updated_at',
    workflows:
      'id name namespace trigger_source status steps_completed total_steps current_step input_context outputs error started_at completed_at created_at',
    source_events: 'id source_name source_type event_data workflow_triggered received_at',
    workflow_steps: 'id workflow_id name step_type status config started_at completed_at result error created_at',
    sink_outputs: 'id workflow_id sink_name sink_type payload status error sent_at created_at',
    custom_resources: 'id api_version kind name namespace spec status',
  };

  test.each(Object.entries(contract))('has the columns of the contract (5.5): %s', (table, columns) => {
    const present = sqlite.tables.get(table)?.map(({ name }) => name);
    expect(present).toEqual(expect.arrayContaining(columns.split(' ')));
  });
});
