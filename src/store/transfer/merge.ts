import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { isIndexedLabel } from '../alerts/labels.ts';
import type { Database } from '../tables/all.ts';
import { deleteWords } from '../alerts/word-index.ts';
import type { AlertText } from '../alerts/word-index.ts';
import { keyOf, readRows } from './rows.ts';
import type { KeyRange, Row, TableShape } from './rows.ts';

/** What was done to make a range of a table hold exactly the given rows. */
export interface MergeCounts {
  readonly written: number;
  readonly deleted: number;
  readonly unchanged: number;
}

/** Values that one statement binds: far below the limits of both databases. */
const valuesPerStatement = 8_000;

/**
 * Makes a range of a table hold exactly these rows: writes those that are missing or differ, deletes the others, leaves
 * alone what is the same. `alert_labels` follows. Inside a transaction.
 */
export async function mergeRows(
  query: Kysely<Database>,
  shape: TableShape,
  rows: readonly Row[],
  range: KeyRange,
): Promise<MergeCounts> {
  const wanted = new Map(rows.map((row) => [keyText(shape, row), row]));
  const changed: Row[] = [];
  const gone: Row[] = [];
  for await (const row of readRows(query, shape, range)) {
    const key = keyText(shape, row);
    const want = wanted.get(key);
    if (want === undefined) gone.push(slim(shape, row));
    else if (JSON.stringify(want) === JSON.stringify(row)) wanted.delete(key);
    else changed.push(slim(shape, row));
  }
  const written = [...wanted.values()];
  await deleteRows(query, shape, gone);
  await writeRows(query, shape, written);
  if (shape.table === 'alerts') await followAlerts(query, shape, written, changed, gone);
  return { written: written.length, deleted: gone.length, unchanged: rows.length - written.length };
}

function keyText(shape: TableShape, row: Row): string {
  return JSON.stringify(keyOf(shape, row));
}

/** What the indexes of labels and words are made of. */
const indexed: ReadonlySet<string> = new Set(['id', 'labels', 'alert_name', 'summary']);

/** Only what is needed of a row that is on its way out: there may be many. */
function slim(shape: TableShape, row: Row): Row {
  if (shape.table !== 'alerts') return keyOf(shape, row);
  return row.map((cell, index) => (indexed.has(shape.columns[index] ?? '') ? cell : null));
}

async function deleteRows(query: Kysely<Database>, shape: TableShape, rows: readonly Row[]): Promise<void> {
  const columns = shape.columns.slice(0, shape.keyLength);
  const keys = rows.map((row) => keyOf(shape, row));
  for (const some of inParts(keys, columns.length)) await deleteByKey(query, shape.table, columns, some);
}

/** Numbers are written out: as values of a list their type would be unknown to PostgreSQL. */
async function deleteByKey(
  query: Kysely<Database>,
  table: string,
  columns: readonly string[],
  keys: readonly Row[],
): Promise<void> {
  const names = sql.join(columns.map((column) => sql.ref(column)));
  const tuples = keys.map(
    (key) => sql`(${sql.join(key.map((cell) => (typeof cell === 'number' ? sql.lit(cell) : sql`${cell}`)))})`,
  );
  await sql`DELETE FROM ${sql.table(table)} WHERE (${names}) IN (VALUES ${sql.join(tuples)})`.execute(query);
}

async function writeRows(query: Kysely<Database>, shape: TableShape, rows: readonly Row[]): Promise<void> {
  const names = sql.join(shape.columns.map((column) => sql.ref(column)));
  const key = sql.join(shape.columns.slice(0, shape.keyLength).map((column) => sql.ref(column)));
  const others = shape.columns
    .slice(shape.keyLength)
    .map((column) => sql`${sql.ref(column)} = ${sql.ref(`excluded.${column}`)}`);
  for (const some of inParts(rows, shape.columns.length)) {
    const tuples = some.map((row) => sql`(${sql.join(row)})`);
    await sql`INSERT INTO ${sql.table(shape.table)} (${names}) VALUES ${sql.join(tuples)}
      ON CONFLICT (${key}) DO UPDATE SET ${sql.join(others)}`.execute(query);
  }
}

/** Keeps the index of labels; that of words is filled by triggers and a later writer, and only emptied here. */
async function followAlerts(
  query: Kysely<Database>,
  shape: TableShape,
  written: readonly Row[],
  changed: readonly Row[],
  gone: readonly Row[],
): Promise<void> {
  const deleted = [...changed, ...gone].flatMap((row) => labelsOf(alertOf(shape, row)));
  for (const some of inParts(deleted, 3)) await deleteByKey(query, 'alert_labels', ['name', 'value', 'alert_id'], some);
  await deleteWords(
    query,
    gone.map((row) => alertOf(shape, row)),
  );
  const added = written
    .flatMap((row) => labelsOf(alertOf(shape, row)))
    .filter(([name, value]) => isIndexedLabel(name, value));
  for (const some of inParts(added, 3)) {
    await query
      .insertInto('alert_labels')
      .values(some.map(([name, value, id]) => ({ name, value, alert_id: id })))
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
}

function alertOf(shape: TableShape, row: Row): AlertText {
  const cell = (column: string) => row[shape.columns.indexOf(column)] ?? null;
  const summary = cell('summary');
  return {
    id: String(cell('id')),
    name: String(cell('alert_name')),
    summary: summary === null ? null : String(summary),
    labels: String(cell('labels')),
  };
}

function labelsOf({ id, labels }: AlertText): readonly (readonly [string, string, string])[] {
  return Object.entries(JSON.parse(labels) as Record<string, string>).map(
    ([name, value]) => [name, value, id] as const,
  );
}

function* inParts<T>(items: readonly T[], valuesEach: number): Generator<readonly T[]> {
  const size = Math.max(1, Math.floor(valuesPerStatement / valuesEach));
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}
