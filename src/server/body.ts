import { z } from 'zod';
import { AppError } from '../core/errors.ts';
import { mostSimilar } from '../lib/similar.ts';

/**
 * Reads a JSON body; throws InvalidInput that names the first wrong field. No body is an empty object, and without a schema
 * nothing else is taken. `name` is what the errors call it.
 */
export function bodyReader<Body extends z.ZodType>(
  schema: Body | undefined,
  name = 'the body',
): (body: unknown) => z.output<Body> {
  const accepted = schema ?? z.strictObject({});
  return (body) => {
    const value = body ?? {};
    const result = accepted.safeParse(value);
    if (result.success) return result.data as z.output<Body>;
    const [issue] = result.error.issues;
    throw issue === undefined
      ? new AppError('InvalidInput', `${name} is not valid`)
      : problemOf(accepted, issue, value, name);
  };
}

function problemOf(schema: z.ZodType, issue: z.core.$ZodIssue, body: unknown, name: string): AppError {
  const field = issue.path.map(String).join('.').slice(0, 200);
  const where = field === '' ? name : field;
  if (issue.code === 'unrecognized_keys' && field === '') return unknownField(schema, issue.keys[0] ?? '', name);
  const isMissing = issue.code === 'invalid_type' && at(body, issue.path) === undefined;
  const what = isMissing ? 'is required' : issue.message;
  return new AppError('InvalidInput', `${where}: ${what}`, field === '' ? {} : { field });
}

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce((inner, key) => (inner as Readonly<Record<PropertyKey, unknown>> | null)?.[key], value);
}

function unknownField(schema: z.ZodType, unknown: string, of: string): AppError {
  const name = unknown.slice(0, 200);
  const known = schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
  const similar = mostSimilar(name, known);
  const meant = similar === undefined ? '' : `did you mean ${similar}? `;
  return new AppError('InvalidInput', `${of}: there is no field ${JSON.stringify(name)}`, {
    field: name,
    next: `${meant}it may have ${known.length === 0 ? 'no field' : known.join(', ')}`,
  });
}
