import { z } from 'zod';
import { bare } from '../lib/schema.ts';

/**
 * A value without the members that are null: they are absent, as the API server has it (it prunes what is not nullable). Left as
 * they are: unknown fields, and what the schema says nothing about.
 */
export function withoutNulls(schema: z.ZodType, value: unknown): unknown {
  const inner = bare(schema);
  if (Array.isArray(value)) {
    const list = optionOf(inner, z.ZodArray);
    return list === undefined ? value : value.map((item) => withoutNulls(list.element as z.ZodType, item));
  }
  if (typeof value !== 'object' || value === null) return value;
  const known = memberSchemas(inner);
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, member]) => {
      const child = known(name);
      if (child === undefined) return [[name, member]];
      return member === null ? [] : [[name, withoutNulls(child, member)]];
    }),
  );
}

function memberSchemas(schema: z.ZodType): (name: string) => z.ZodType | undefined {
  const object = optionOf(schema, z.ZodObject);
  if (object !== undefined)
    return (name) => (Object.hasOwn(object.shape, name) ? (object.shape[name] as z.ZodType) : undefined);
  const record = optionOf(schema, z.ZodRecord);
  const values = record?.valueType;
  return () => (values instanceof z.ZodType && !(values instanceof z.ZodUnknown) ? values : undefined);
}

/** The schema itself, or the one of a union that is of this class. */
function optionOf<Class extends z.ZodType>(
  schema: z.ZodType,
  of: abstract new (...parameters: never[]) => Class,
): Class | undefined {
  const options = schema instanceof z.ZodUnion ? (schema.options as readonly z.ZodType[]) : [schema];
  return options.find((option): option is Class => option instanceof of);
}
