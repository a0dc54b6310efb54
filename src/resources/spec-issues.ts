import { z } from 'zod';
import { nextOfUnknown } from '../lib/similar.ts';
import type { BeyondKind } from '../lib/rule.ts';
import { bare } from '../lib/schema.ts';
import { fieldName } from './problem.ts';
import type { Issue } from './problem.ts';

type Path = readonly (string | number)[];

/** What a schema says against a value, in words for people. `base` is the path of the value within its object. */
export function specIssues(schema: z.ZodType, value: unknown, base: Path): readonly Issue[] {
  const result = schema.safeParse(value);
  if (result.success) return [];
  return result.error.issues.flatMap((issue) => issuesOf(schema, value, base, issue));
}

function issuesOf(schema: z.ZodType, value: unknown, base: Path, issue: z.core.$ZodIssue): readonly Issue[] {
  const relative = issue.path.filter((part) => typeof part !== 'symbol');
  const path = [...base, ...relative];
  const field = fieldName(path);
  const given = valueAt(value, relative);
  const beyond = beyondOf(issue, given);
  const error = (message: string, next?: string): Issue => ({
    path,
    severity: 'error',
    ...(beyond === undefined ? {} : { beyond }),
    message,
    ...(next === undefined ? {} : { next }),
  });
  if (issue.code === 'unrecognized_keys') return unknownFields(schema, relative, base, issue.keys);
  if (issue.code === 'invalid_key')
    return [{ ...error(`${field}: ${issue.issues[0]?.message ?? 'wrong name'}`), atKey: true }];
  if (given === undefined && issue.code !== 'custom') return [error(`${field} is required`)];
  if (issue.code === 'invalid_type')
    return [error(`${field} must be ${article(issue.expected)}, not ${kindOf(given)}`)];
  if (issue.code === 'invalid_value') {
    const values = issue.values.map(String);
    const next = typeof given === 'string' ? nextOfUnknown(given, values, '') : '';
    return [error(`${field} must be ${list(values)}, not ${short(given)}`, next === '' ? undefined : next)];
  }
  if (issue.code === 'invalid_union')
    return [error(`${field} has none of the forms that are allowed here; it is ${kindOf(given)}`)];
  if (issue.code === 'too_small' || issue.code === 'too_big') return [error(`${field}: ${sizeMessage(issue, given)}`)];
  const message = issue.message.startsWith('Invalid') ? `has the wrong form` : issue.message;
  return [
    error(
      `${field} ${message}${typeof given === 'string' && issue.code === 'invalid_format' ? `, not ${short(given)}` : ''}`,
    ),
  ];
}

/** Whether an API server takes a value with it all the same. */
function beyondOf(issue: z.core.$ZodIssue, given?: unknown): BeyondKind | undefined {
  if (issue.code === 'custom') return (issue.params as { readonly beyond?: BeyondKind } | undefined)?.beyond;
  if (issue.code === 'invalid_union' && given === null) return 'Null';
  if (issue.code !== 'invalid_key') return undefined;
  const kinds = issue.issues.map((inner) => beyondOf(inner));
  return kinds.includes(undefined) ? undefined : kinds[0];
}

function unknownFields(schema: z.ZodType, relative: Path, base: Path, keys: readonly string[]): readonly Issue[] {
  const known = knownKeys(schema, relative);
  return keys.map((key) => {
    const path = [...base, ...relative, key];
    const issue: Issue = { path, atKey: true, severity: 'error', message: `unknown field ${fieldName(path)}` };
    return { ...issue, next: nextOfUnknown(key, known, `allowed here: ${known.join(', ')}`) };
  });
}

function knownKeys(schema: z.ZodType, path: Path): readonly string[] {
  const found = schemaAt(schema, path);
  return found instanceof z.ZodObject ? Object.keys(found.shape) : [];
}

/** The schema of a field, without what makes it optional; undefined where the path leaves the schema. */
export function schemaAt(schema: z.ZodType, path: Path): z.ZodType | undefined {
  let current: z.ZodType | undefined = bare(schema);
  for (const part of path) {
    if (current instanceof z.ZodObject) {
      const next: unknown = Object.hasOwn(current.shape, part) ? current.shape[part] : undefined;
      current = next instanceof z.ZodType ? bare(next) : undefined;
    } else if (current instanceof z.ZodArray) current = bare(current.element as z.ZodType);
    else if (current instanceof z.ZodRecord) current = bare(current.valueType as z.ZodType);
    else return undefined;
  }
  return current;
}

function valueAt(value: unknown, path: Path): unknown {
  let current = value;
  for (const part of path) {
    if (current === null || typeof current !== 'object' || !Object.hasOwn(current, part)) return undefined;
    current = (current as Record<string | number, unknown>)[part];
  }
  return current;
}

function sizeMessage(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig, given: unknown): string {
  const [limit, word] = issue.code === 'too_small' ? [issue.minimum, 'least'] : [issue.maximum, 'most'];
  if (typeof given === 'number') return `must be at ${word} ${limit}, not ${given}`;
  if (typeof given === 'string') return limit === 1 ? 'must not be empty' : `must have at ${word} ${limit} characters`;
  return limit === 1 ? 'must not be empty' : `must have at ${word} ${limit} entries`;
}

function kindOf(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  return `${article(typeof value)} (${short(value)})`;
}

function article(kind: string): string {
  const names: Readonly<Record<string, string>> = {
    array: 'a list',
    record: 'an object',
    object: 'an object',
    int: 'a whole number',
  };
  return names[kind] ?? `${/^[aeiou]/.test(kind) ? 'an' : 'a'} ${kind}`;
}

function short(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

function list(values: readonly string[]): string {
  return values.length === 1 ? String(values[0]) : `one of ${values.join(', ')}`;
}
