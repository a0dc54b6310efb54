import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { RunMany, Sql } from '../sql/dialect.ts';
import { textStatement } from '../sql/statements.ts';
import type { Database } from '../tables/all.ts';

/**
 * SQLite has one writer, so rows are locked anyway. Few rows are one statement, many one prepared statement in a loop, which
 * is its fastest way.
 */
export const sqliteSql: Sql = {
  lock: (rows) => rows,
  lockFree: (rows) => rows,
  nameLock: () => async () => undefined,
  lockTable: async () => undefined,
  insertMany(query, { table, columns }, onConflict) {
    const list = columns.map(({ column }) => column).join(', ');
    const places = `(${columns.map(() => '?').join(', ')})`;
    const insert = (count: number) => {
      const tuples = Array.from({ length: count }, () => places).join(', ');
      return inLoop(query, `INSERT INTO ${table} (${list}) VALUES ${tuples} ${onConflict}`);
    };
    const one = insert(1);
    const few = new Map(together.map((count) => [count, insert(count)]));
    return (rows) => few.get(rows.length)?.([rows.flat()]) ?? one(rows);
  },
  updateMany(query, { table, columns }, added) {
    const set = columns.map(({ column }) => `${column} = ${added.includes(column) ? `${column} + ` : ''}?`);
    return inLoop(query, `UPDATE ${table} SET ${set.join(', ')} WHERE id = ?`);
  },
  findMany(query, { table, columns, keys, where }) {
    const list = columns.map((column) => `found.${column}`).join(', ');
    const matching = keys.map((key) => `found.${key} = ?`).join(' AND ');
    const condition = where === null ? '' : `AND (${where.replace(':value', '?')})`;
    const run = textStatement<Readonly<Record<string, unknown>>>(
      query,
      `SELECT ${list} FROM ${table} AS found WHERE ${matching} ${condition}`,
    );
    return async (wanted, value) => {
      const found: Readonly<Record<string, unknown>>[] = [];
      for (const key of wanted) {
        const result = run(where === null ? key : [...key, value]);
        found.push(...(result instanceof Promise ? await result : result).rows);
      }
      return found;
    };
  },
  // It merges the parts as they stand in the index.
  newestOf: (queries, limit, offset) =>
    sql`${sql.join([...queries], sql` UNION ALL `)} ORDER BY place DESC LIMIT ${limit} OFFSET ${offset}`,
  kind: 'SQLite',
  bytes: sql`SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size`,
  alertPlace: sql`max(received_at, coalesce(triage_started_at, ''), coalesce(triage_completed_at, ''), coalesce(resolved_at, '')) || id`,
};

/** So many rows are inserted by one statement. */
const together: readonly number[] = [2, 3, 4];

function inLoop(query: Kysely<Database>, text: string): RunMany {
  const run = textStatement<never>(query, text);
  return async (rows) => {
    let changes = 0;
    for (const row of rows) {
      const result = run(row);
      changes += (result instanceof Promise ? await result : result).changes;
    }
    return changes;
  };
}
