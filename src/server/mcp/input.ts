import { z } from 'zod';
import type { JsonObject } from '../../core/json.ts';
import { coreOf } from '../parameters.ts';
import type { Parameters } from '../parameters.ts';

/**
 * The schemas of query parameters of a route, as arguments of a tool: what the route makes of them is the route's, so that they are
 * passed on as they came.
 */
export function argumentsOf<Query extends Parameters, const Name extends keyof Query & string>(
  { query }: { readonly query: Query },
  names: readonly Name[],
): { [Key in Name]: z.ZodOptional<z.ZodType<z.input<Query[Key]>>> } {
  const entries = names.map((name) => [name, coreOf(query[name] as z.ZodType).optional()]);
  return Object.fromEntries(entries) as { [Key in Name]: z.ZodOptional<z.ZodType<z.input<Query[Key]>>> };
}

/** So many items of a list. What is shown of an item is bounded, so that a page fits into an answer. */
export function pageSize(most: number, byDefault: number) {
  return z.int().min(1).max(most).default(byDefault).describe('At most so many items.');
}

/** How a run is named. */
export const runArgument = z
  .string()
  .min(1)
  .max(200)
  .transform((text) => text.replace(/^runs?\//, ''))
  .meta({ description: 'Its id, a beginning of it or of its short form (4 characters or more), or `@latest`.' });

/** What `tools/list` says of the arguments: JSON Schema 2020-12. */
export function inputSchemaOf(input: z.ZodObject): JsonObject {
  const { $schema: _dialect, ...schema } = z.toJSONSchema(input, {
    io: 'input',
    override: ({ jsonSchema }) => {
      delete jsonSchema['next'];
      delete jsonSchema['id'];
    },
  }) as JsonObject;
  return schema;
}
