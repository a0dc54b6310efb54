import { z } from 'zod';
import { AppError } from '../core/errors.ts';
import { mostSimilar } from '../lib/similar.ts';
import type { DeepReadonly } from './define-route.ts';

/** A schema for each parameter of a query, or for each header, by name. */
export type Parameters = Readonly<Record<string, z.ZodType>>;

/** A route that takes none. */
// oxlint-disable-next-line typescript/no-generated-empty-object-type -- no name is the subject
export type NoParameters = Readonly<Record<never, z.ZodType>>;

/** Query parameters as they came: absent, once, or several times. */
export type RawQuery = Readonly<Record<string, string | readonly string[] | undefined>>;

type Optional<P extends Parameters> = {
  [Name in keyof P]: undefined extends z.output<P[Name]> ? Name : never;
}[keyof P];

/** What was read: a field for each parameter; an optional one that was not given is left out. */
export type ValuesOf<P extends Parameters> = {
  readonly [Name in Exclude<keyof P, Optional<P>>]: DeepReadonly<z.output<P[Name]>>;
} & { readonly [Name in Optional<P>]?: DeepReadonly<Exclude<z.output<P[Name]>, undefined>> };

/** Characters of one value, whatever its schema says. */
export const longestValue = 4096;

/**
 * Reads a query; throws InvalidInput that names the first wrong parameter and, of one that there is not, those that there
 * are.
 */
export function queryReader<P extends Parameters>(
  parameters: P,
  ignoresOthers: boolean,
): (raw: RawQuery) => ValuesOf<P> {
  const readings = readingsOf(parameters);
  return (raw) => {
    const values = readAll<P>(readings, (name) => raw[name]);
    const unknown = ignoresOthers ? undefined : Object.keys(raw).find((name) => !Object.hasOwn(parameters, name));
    if (unknown !== undefined) throw noSuchParameter(unknown, Object.keys(parameters));
    return values;
  };
}

/** Reads the headers that a route looks at; the others are not its business. */
export function headerReader<P extends Parameters>(
  parameters: P,
): (headers: Readonly<Record<string, string | string[] | undefined>>) => ValuesOf<P> {
  const readings = readingsOf(parameters);
  return (headers) => readAll<P>(readings, (name) => headers[name.toLowerCase()]);
}

function readAll<P extends Parameters>(
  readings: readonly Reading[],
  rawOf: (name: string) => string | readonly string[] | undefined,
): ValuesOf<P> {
  const values: Record<string, unknown> = {};
  for (const reading of readings) {
    const value = read(reading, rawOf(reading.name));
    if (value !== undefined) values[reading.name] = value;
  }
  return values as ValuesOf<P>;
}

interface Reading {
  readonly name: string;
  readonly schema: z.ZodType;
  /** The schema without what makes it optional. */
  readonly core: z.ZodType;
}

function readingsOf(parameters: Parameters): readonly Reading[] {
  return Object.entries(parameters).map(([name, schema]) => ({ name, schema, core: coreOf(schema) }));
}

/** What a parameter takes, without its default. */
export function coreOf(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) return coreOf(schema.unwrap() as z.ZodType);
  return schema instanceof z.ZodPipe ? coreOf(schema.in as z.ZodType) : schema;
}

function read(reading: Reading, raw: string | readonly string[] | undefined): unknown {
  const { schema, core } = reading;
  const texts = raw === undefined ? [] : typeof raw === 'string' ? [raw] : raw;
  for (const text of texts)
    if (text.length > longestValue) throw invalid(reading, `is longer than ${longestValue} characters`);
  if (!(core instanceof z.ZodArray) && texts.length > 1) throw invalid(reading, 'was given more than once');
  const result = schema.safeParse(valueOf(core, texts));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw invalid(reading, issue === undefined ? 'is not valid' : problemOf(core, issue, texts));
}

/** What the schema is asked about: text comes, and a number or a flag is what it says. */
function valueOf(core: z.ZodType, texts: readonly string[]): unknown {
  const [text] = texts;
  if (text === undefined) return undefined;
  if (core instanceof z.ZodArray) return texts;
  if (core instanceof z.ZodNumber) return /^\d{1,9}$/.test(text) ? Number(text) : text;
  if (core instanceof z.ZodBoolean) return flags.get(text) ?? text;
  return text;
}

/** `?verbose` and `?verbose=1` say it too. */
const flags: ReadonlyMap<string, boolean> = new Map([
  ['', true],
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
]);

/** What is wrong with a value, to be read behind the name of the parameter. */
function problemOf(core: z.ZodType, issue: z.core.$ZodIssue, texts: readonly string[]): string {
  if (texts.length === 0) return 'is missing';
  if (core instanceof z.ZodNumber) return `is not a whole number from ${core.minValue} to ${core.maxValue}`;
  if (core instanceof z.ZodBoolean) return 'is neither true nor false';
  if (texts[0] === '' && !(core instanceof z.ZodArray)) return 'is empty';
  if (issue.code === 'invalid_value') return `is not one of ${issue.values.map(String).join(', ')}`;
  if (issue.code === 'too_big')
    return issue.origin === 'array'
      ? `was given more than ${issue.maximum} times`
      : `is longer than ${issue.maximum} characters`;
  return issue.message;
}

function invalid({ name, core }: Reading, problem: string): AppError {
  const { next, examples = [] } = (core.meta() ?? {}) as { next?: string; examples?: readonly string[] };
  const shown = next ?? examples.map((example) => `${name}=${example}`).join(', or ');
  return new AppError('InvalidInput', `${name} ${problem}`, { field: name, ...(shown === '' ? {} : { next: shown }) });
}

function noSuchParameter(unknown: string, names: readonly string[]): AppError {
  const name = unknown.slice(0, 100);
  const known = names.toSorted();
  const similar = mostSimilar(name, known);
  const meant = similar === undefined ? '' : `did you mean ${similar}? `;
  return new AppError('InvalidInput', `there is no query parameter ${JSON.stringify(name)} here`, {
    field: name,
    next: `${meant}this route takes ${known.length === 0 ? 'none' : known.join(', ')}`,
  });
}
