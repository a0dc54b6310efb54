import { CompiledQuery } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../tables/all.ts';

/** What a statement gave: rows of a query, or how many rows a command changed. */
export interface StatementResult<Row> {
  readonly rows: Row[];
  readonly changes: number;
}

/** Runs a prepared statement at once, without Kysely's driver in between. */
export type Prepare = (
  sql: string,
) => (parameters: readonly unknown[]) => StatementResult<unknown> | Promise<StatementResult<unknown>>;

const directConnections = new WeakMap<Kysely<Database>, Prepare>();

/** Tells {@link statement} and {@link command} how this connection runs prepared statements, at best synchronously. */
export function useDirectly(query: Kysely<Database>, prepare: Prepare): void {
  directConnections.set(query, prepare);
}

type Build<Names extends string, Row> = (marker: (name: Names) => never) => { compile(): CompiledQuery<Row> };
type Values<Names extends string> = Readonly<Record<Names, unknown>>;

/**
 * Statements of hot paths are built by Kysely once and then only bound: building costs more than SQLite takes to run
 * them. `build` gets markers in place of the values; the order in which the compiled text uses them is remembered.
 * Resolves to the rows.
 */
export function statement<Names extends string, Row>(
  names: readonly Names[],
  build: Build<Names, Row>,
): (query: Kysely<Database>, values: Values<Names>) => Promise<Row[]> {
  const run = prepared(names, build);
  return async (query, values) => (await run(query, values)).rows;
}

/** Like {@link statement}, for INSERT, UPDATE and DELETE without RETURNING. Resolves to the number of changed rows. */
export function command<Names extends string>(
  names: readonly Names[],
  build: Build<Names, unknown>,
): (query: Kysely<Database>, values: Values<Names>) => Promise<number> {
  const run = prepared(names, build);
  return async (query, values) => (await run(query, values)).changes;
}

/** Runs a statement with its parameters. */
export type Run<Row> = (parameters: readonly unknown[]) => Promise<StatementResult<Row>> | StatementResult<Row>;

/** A statement that is text already, in the connection's dialect. Prepared when it is first run. */
export function textStatement<Row>(query: Kysely<Database>, text: string): Run<Row> {
  let run: Run<Row> | undefined;
  return (parameters) => {
    run ??=
      (directConnections.get(query)?.(text) as Run<Row> | undefined) ??
      ((values) => throughKysely(query, CompiledQuery.raw(text, [...values]) as CompiledQuery<Row>));
    return run(parameters);
  };
}

/**
 * The same, but planned each time. PostgreSQL keeps the plan of a prepared statement: for a join that it planned while the
 * table was small, it would go on reading the whole table.
 */
export function unpreparedStatement<Row>(query: Kysely<Database>, text: string): Run<Row> {
  return (values) => throughKysely(query, CompiledQuery.raw(text, [...values]) as CompiledQuery<Row>);
}

function prepared<Names extends string, Row>(names: readonly Names[], build: Build<Names, Row>) {
  let compiled: CompiledQuery<Row> | undefined;
  let order: readonly (Names | { readonly constant: unknown })[] = [];
  const runs = new WeakMap<Kysely<Database>, Run<Row>>();

  function prepare(query: Kysely<Database>): Run<Row> {
    if (compiled === undefined) {
      compiled = build((name) => ({ marker: name }) as never).compile();
      order = compiled.parameters.map((parameter) =>
        isMarker(parameter, names) ? parameter.marker : { constant: parameter },
      );
    }
    const ready = compiled;
    const direct = directConnections.get(query)?.(ready.sql) as Run<Row> | undefined;
    const run = direct ?? ((parameters) => throughKysely(query, { ...ready, parameters }));
    runs.set(query, run);
    return run;
  }

  return (query: Kysely<Database>, values: Values<Names>) => {
    const run = runs.get(query) ?? prepare(query);
    return run(order.map((entry) => (typeof entry === 'string' ? values[entry] : entry.constant)));
  };
}

async function throughKysely<Row>(
  query: Kysely<Database>,
  compiled: CompiledQuery<Row>,
): Promise<StatementResult<Row>> {
  const { rows, numAffectedRows } = await query.executeQuery<Row>(compiled);
  return { rows, changes: Number(numAffectedRows ?? 0) };
}

function isMarker<Names extends string>(value: unknown, names: readonly Names[]): value is { marker: Names } {
  return typeof value === 'object' && value !== null && 'marker' in value && names.includes(value.marker as Names);
}
