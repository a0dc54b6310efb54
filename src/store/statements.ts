import type { CompiledQuery, Kysely } from 'kysely';
import type { Database } from './schema.ts';

/** Runs a prepared statement at once, without Kysely's driver in between; null where a connection cannot. */
export type Prepare = (sql: string) => (parameters: readonly unknown[]) => unknown[];

const directConnections = new WeakMap<Kysely<Database>, Prepare>();

/** Tells {@link statement} that this connection can run prepared statements synchronously. */
export function useDirectly(query: Kysely<Database>, prepare: Prepare): void {
  directConnections.set(query, prepare);
}

type Run<Row> = (parameters: readonly unknown[]) => Promise<Row[]> | Row[];

/**
 * Statements of hot paths are built by Kysely once and then only bound: building costs more than SQLite takes to run
 * them. `build` gets markers in place of the values; the order in which the compiled text uses them is remembered.
 */
export function statement<Names extends string, Row>(
  names: readonly Names[],
  build: (marker: (name: Names) => never) => { compile(): CompiledQuery<Row> },
): (query: Kysely<Database>, values: Readonly<Record<Names, unknown>>) => Promise<Row[]> {
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
    const run = direct ?? (async (parameters) => (await query.executeQuery<Row>({ ...ready, parameters })).rows);
    runs.set(query, run);
    return run;
  }

  return async (query, values) => {
    const run = runs.get(query) ?? prepare(query);
    return run(order.map((entry) => (typeof entry === 'string' ? values[entry] : entry.constant)));
  };
}

function isMarker<Names extends string>(value: unknown, names: readonly Names[]): value is { marker: Names } {
  return typeof value === 'object' && value !== null && 'marker' in value && names.includes(value.marker as Names);
}
