import type { CompiledQuery, Kysely } from 'kysely';
import type { Database } from './schema.ts';

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
  return async (query, values) => {
    if (compiled === undefined) {
      compiled = build((name) => ({ marker: name }) as never).compile();
      order = compiled.parameters.map((parameter) => (isMarker(parameter, names) ? parameter.marker : { constant: parameter }));
    }
    const parameters = order.map((entry) => (typeof entry === 'string' ? values[entry] : entry.constant));
    return (await query.executeQuery<Row>({ ...compiled, parameters })).rows;
  };
}

function isMarker<Names extends string>(value: unknown, names: readonly Names[]): value is { marker: Names } {
  return typeof value === 'object' && value !== null && 'marker' in value && names.includes(value.marker as Names);
}
