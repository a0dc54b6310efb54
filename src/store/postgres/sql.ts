import { sql } from 'kysely';
import type { BoundColumn, RunMany, Sql } from '../sql/dialect.ts';
import { textStatement, unpreparedStatement } from '../sql/statements.ts';
import type { Run } from '../sql/statements.ts';
import { storableJson } from '../sql/text.ts';

/** PostgreSQL has many writers. Many rows are one JSON parameter of one prepared statement, so that they cost one exchange. */
export const postgresSql: Sql = {
  lock: (rows) => rows.forUpdate(),
  lockFree: (rows) => rows.forUpdate().skipLocked(),
  nameLock(query) {
    const lock = textStatement(query, 'SELECT pg_advisory_xact_lock(hashtextextended($1, 0))');
    return async (name) => {
      await lock([name]);
    };
  },
  async lockTable(query, table) {
    await sql`LOCK TABLE ${sql.table(table)} IN SHARE ROW EXCLUSIVE MODE`.execute(query);
  },
  insertMany(query, { table, columns }, onConflict) {
    const list = columns.map(({ column }) => column).join(', ');
    const text = `INSERT INTO ${table} (${list}) SELECT ${list} FROM json_populate_recordset(NULL::${table}, $1::json) ${onConflict}`;
    return asJson(textStatement(query, text), columns);
  },
  updateMany(query, { table, columns }, added) {
    const set = columns.map(
      ({ column }) => `${column} = ${added.includes(column) ? `${table}.${column} + ` : ''}changed.${column}`,
    );
    const text = `UPDATE ${table} SET ${set.join(', ')} FROM json_populate_recordset(NULL::${table}, $1::json) AS changed WHERE ${table}.id = changed.id`;
    return asJson(unpreparedStatement(query, text), [...columns, { column: 'id', isJson: false }]);
  },
  findMany(query, { table, columns, keys, lock, where }) {
    const keyList = keys.join(', ');
    // Whatever the server believes about the table (and keeps believing for this prepared statement): one look into the
    // index of the first column for each key. A join may read the whole table, and so may an index of another column.
    const matching = keys
      .map((name, place) => `found.${name} ${place === 0 ? '=' : 'IS NOT DISTINCT FROM'} wanted.${name}`)
      .join(' AND ');
    const list = columns.map((column) => `found.${column}`).join(', ');
    const condition = where === null ? '' : `AND (${where.replace(':value', '$2')})`;
    const run = textStatement<Readonly<Record<string, unknown>>>(
      query,
      `SELECT found.* FROM (SELECT ${keyList} FROM json_populate_recordset(NULL::${table}, $1::json) ORDER BY ${keyList} OFFSET 0) AS wanted
       CROSS JOIN LATERAL (SELECT ${list} FROM ${table} AS found WHERE ${matching} ${condition} OFFSET 0 ${lock ? 'FOR UPDATE' : ''}) AS found`,
    );
    const bound = keys.map((column) => ({ column, isJson: false }));
    return async (wanted, value) => {
      if (wanted.length === 0) return [];
      const text = jsonRows(wanted, bound);
      return (await run(where === null ? [text] : [text, value])).rows;
    };
  },
  // It merges parts of an index only where it thinks that it pays; so each gives its newest.
  newestOf(queries, limit, offset) {
    const parts = queries.map((query, index) => {
      const newest = sql`${query} ORDER BY place DESC LIMIT ${limit + offset}`;
      return sql`SELECT place FROM (${newest}) AS ${sql.ref(`part${index}`)}`;
    });
    return sql`${sql.join(parts, sql` UNION ALL `)} ORDER BY place DESC LIMIT ${limit} OFFSET ${offset}`;
  },
  kind: 'PostgreSQL',
  bytes: sql`SELECT pg_database_size(current_database()) AS bytes`,
  alertPlace: sql`alert_place(id, received_at, triage_started_at, triage_completed_at, resolved_at)`,
};

function asJson(run: Run<never>, columns: readonly BoundColumn[]): RunMany {
  return async (rows) => {
    if (rows.length === 0) return 0;
    return (await run([jsonRows(rows, columns)])).changes;
  };
}

/** Rows as one JSON text. What is JSON text already goes in as it is. */
function jsonRows(rows: readonly (readonly unknown[])[], columns: readonly BoundColumn[]): string {
  const members = columns.map(({ column, isJson }) => ({ start: `"${column}":`, isJson }));
  const objects = rows.map((row) => {
    const parts: string[] = [];
    for (const [index, { start, isJson }] of members.entries()) {
      const value = row[index];
      if (value === null || value === undefined) continue;
      parts.push(start + (isJson && typeof value === 'string' ? value : storableJson(value)));
    }
    return `{${parts.join(',')}}`;
  });
  return `[${objects.join(',')}]`;
}
