import { PostgresAdapter } from 'kysely';
import type { Kysely, SelectType } from 'kysely';
import type { Database } from './schema.ts';
import { textStatement, unpreparedStatement } from './statements.ts';
import type { Run } from './statements.ts';
import { storableJson } from './text.ts';

// Statements over many rows. SQLite takes one prepared statement in a loop, which is its fastest way; PostgreSQL takes all
// rows as one JSON parameter of one prepared statement, so that it costs one exchange.

type Table = keyof Database;
type Column<Name extends Table> = keyof Database[Name] & string;
type Values<Names extends string> = Readonly<Record<Names, unknown>>;

/** Whether statements for this connection are to be in PostgreSQL's dialect; else in SQLite's. */
export function isPostgres(query: Kysely<Database>): boolean {
  return query.getExecutor().adapter instanceof PostgresAdapter;
}

interface InsertOptions<Names extends string> {
  readonly table: Table;
  readonly columns: readonly Names[];
  /** Columns whose values are JSON text. */
  readonly json?: readonly Names[];
  /** `ON CONFLICT ...`, in words that both databases know. */
  readonly onConflict?: string;
}

/** Inserts rows; resolves to the number of rows that were inserted or updated. */
export function bulkInsert<Names extends string>(
  query: Kysely<Database>,
  { table, columns, json = [], onConflict = '' }: InsertOptions<Names>,
): (rows: readonly Values<Names>[]) => Promise<number> {
  const list = columns.join(', ');
  if (isPostgres(query)) {
    const text = `INSERT INTO ${table} (${list}) SELECT ${list} FROM json_populate_recordset(NULL::${table}, $1::json) ${onConflict}`;
    return jsonCommand(textStatement(query, text), columns, json);
  }
  const places = columns.map(() => '?').join(', ');
  return loopCommand(query, `INSERT INTO ${table} (${list}) VALUES (${places}) ${onConflict}`, columns);
}

interface UpdateOptions<Names extends string> {
  readonly table: Table;
  readonly columns: readonly Names[];
  /** Columns whose values are added to what is there. */
  readonly added?: readonly Names[];
  readonly json?: readonly Names[];
}

/** Updates rows by their `id`; resolves to the number of rows that were there. An id may occur once. */
export function bulkUpdate<Names extends string>(
  query: Kysely<Database>,
  { table, columns, added = [], json = [] }: UpdateOptions<Names>,
): (rows: readonly Values<Names | 'id'>[]) => Promise<number> {
  const names: readonly (Names | 'id')[] = [...columns, 'id'];
  const set = (value: (column: Names) => string) =>
    columns.map((column) => `${column} = ${added.includes(column) ? `${table}.${column} + ` : ''}${value(column)}`);
  if (isPostgres(query)) {
    const changes = set((column) => `changed.${column}`).join(', ');
    const text = `UPDATE ${table} SET ${changes} FROM json_populate_recordset(NULL::${table}, $1::json) AS changed WHERE ${table}.id = changed.id`;
    return jsonCommand(unpreparedStatement(query, text), names, json);
  }
  return loopCommand(query, `UPDATE ${table} SET ${set(() => '?').join(', ')} WHERE id = ?`, names);
}

interface FindOptions<Name extends Table, Columns extends Column<Name>, Keys extends Column<Name>> {
  readonly table: Name;
  readonly columns: readonly Columns[];
  /** Columns that a key gives; the first alone has few rows for each value. Rows come, and are locked, in their order. */
  readonly keys: readonly Keys[];
  /** Locks the rows until the commit. SQLite has one writer, so there they are locked anyway. */
  readonly lock?: boolean;
  /** A further condition; `found` is the row, `:value` a parameter that is given with the keys. */
  readonly where?: string;
}

type Found<Name extends Table, Columns extends Column<Name>> = {
  readonly [Column in Columns]: SelectType<Database[Name][Column]>;
};

/** Finds the rows of many keys, each of which may have any number. In no order on SQLite. */
export function bulkFind<Name extends Table, Columns extends Column<Name>, Keys extends Column<Name>>(
  query: Kysely<Database>,
  options: FindOptions<Name, Columns, Keys>,
): (keys: readonly Values<Keys>[], value?: unknown) => Promise<readonly Found<Name, Columns | Keys>[]> {
  type Row = Found<Name, Columns | Keys>;
  const { table, keys: names, lock = false, where } = options;
  const columns = [...new Set<string>([...options.columns, ...names])].map((column) => `found.${column}`).join(', ');
  const condition = (parameter: string) => (where === undefined ? '' : `AND (${where.replace(':value', parameter)})`);
  if (isPostgres(query)) {
    const keys = names.join(', ');
    // Whatever the server believes about the table (and keeps believing for this prepared statement): one look into the
    // index of the first column for each key. A join may read the whole table, and so may an index of another column.
    const matching = names
      .map((name, place) => `found.${name} ${place === 0 ? '=' : 'IS NOT DISTINCT FROM'} wanted.${name}`)
      .join(' AND ');
    const run = textStatement<Row>(
      query,
      `SELECT found.* FROM (SELECT ${keys} FROM json_populate_recordset(NULL::${table}, $1::json) ORDER BY ${keys} OFFSET 0) AS wanted
       CROSS JOIN LATERAL (SELECT ${columns} FROM ${table} AS found WHERE ${matching} ${condition('$2')} OFFSET 0 ${lock ? 'FOR UPDATE' : ''}) AS found`,
    );
    return async (wanted, value) => {
      if (wanted.length === 0) return [];
      const text = jsonRows(wanted, names, []);
      return (await run(where === undefined ? [text] : [text, value])).rows;
    };
  }
  const matching = names.map((name) => `found.${name} = ?`).join(' AND ');
  const run = textStatement<Row>(query, `SELECT ${columns} FROM ${table} AS found WHERE ${matching} ${condition('?')}`);
  return async (keys, value) => {
    const found: Row[] = [];
    for (const key of keys) {
      const parameters = names.map((name) => key[name]);
      if (where !== undefined) parameters.push(value);
      const result = run(parameters);
      found.push(...(result instanceof Promise ? await result : result).rows);
    }
    return found;
  };
}

function loopCommand<Names extends string>(query: Kysely<Database>, text: string, columns: readonly Names[]) {
  const run = textStatement<never>(query, text);
  return async (rows: readonly Values<Names>[]): Promise<number> => {
    let changes = 0;
    for (const row of rows) {
      const result = run(columns.map((column) => row[column]));
      changes += (result instanceof Promise ? await result : result).changes;
    }
    return changes;
  };
}

function jsonCommand<Names extends string>(run: Run<never>, columns: readonly Names[], json: readonly Names[]) {
  return async (rows: readonly Values<Names>[]): Promise<number> => {
    if (rows.length === 0) return 0;
    return (await run([jsonRows(rows, columns, json)])).changes;
  };
}

/** Rows as one JSON text. What is JSON text already goes in as it is. */
function jsonRows<Names extends string>(
  rows: readonly Values<Names>[],
  columns: readonly Names[],
  json: readonly Names[],
): string {
  const members = columns.map((column) => ({ column, start: `"${column}":`, isText: json.includes(column) }));
  const objects = rows.map((row) => {
    const parts: string[] = [];
    for (const { column, start, isText } of members) {
      const value = row[column];
      if (value === null || value === undefined) continue;
      parts.push(start + (isText ? String(value) : storableJson(value)));
    }
    return `{${parts.join(',')}}`;
  });
  return `[${objects.join(',')}]`;
}
