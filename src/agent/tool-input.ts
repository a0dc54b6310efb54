import { z } from 'zod';
import { objectOf } from '../core/json.ts';
import type { JsonObject } from '../core/json.ts';
import type { ToolDeclaration } from './models/model.ts';
import type { ToolDefinition } from './tools/define.ts';

/** Input that a tool takes, or what is wrong with it, in words for the model. */
export type ParsedInput = { readonly value: Record<string, unknown> } | { readonly problem: string };

/** More is no question. Characters. */
const longestInput = 32 * 1024;

/** What a model wrote as the input of a call. Fields that are null are not there. */
export function parseInput(tool: ToolDefinition, text: string): ParsedInput {
  if (text.length > longestInput) return { problem: `the input is longer than ${longestInput} characters` };
  const json = parseObject(text);
  if (json === null) return { problem: `the input is no JSON object; ${fieldsOf(tool)}` };
  const given = inFields(tool, Object.fromEntries(Object.entries(json).filter(([, value]) => value !== null)));
  const parsed = tool.input.safeParse(given);
  if (parsed.success) return { value: parsed.data };
  const issues = parsed.error.issues.slice(0, 5).map(({ path, message }) => `${path.join('.') || 'input'}: ${message}`);
  return { problem: `${issues.join('; ')}; ${fieldsOf(tool)}` };
}

/**
 * `pod/shop/web-1`, the form in which a conversation names objects, in the fields that a tool has for its parts; what was given
 * for these stays. Of anything else nothing is changed.
 */
function inFields({ input }: ToolDefinition, given: Record<string, unknown>): Record<string, unknown> {
  const field = ['resource', 'name', 'pod'].find((one) => isTitle(given[one]));
  // Names of other things may have a slash in them.
  if (field === undefined || !(field in input.shape) || !('namespace' in input.shape)) return given;
  const parts = String(given[field]).split('/');
  const [kind, name] = [parts[0], parts.at(-1)];
  if (field === 'resource' && isSubresource(input, given, parts)) return given;
  const namespace = parts.length === 3 ? parts[1] : undefined;
  const named = {
    ...('resource' in input.shape ? { resource: kind } : {}),
    ...('name' in input.shape ? { name } : {}),
    ...('pod' in input.shape ? { pod: name } : {}),
    ...('namespace' in input.shape && namespace !== undefined ? { namespace } : {}),
  };
  const { [field]: _, ...others } = given;
  const kept = Object.entries(others).filter(([key, value]) => !(key in named && isTitle(value)));
  return { ...named, ...Object.fromEntries(kept) };
}

/** `pods/exec` beside the name of a pod, or where no name is asked for: no object, and for the policy to refuse. */
function isSubresource(
  { shape }: ToolDefinition['input'],
  { name }: Record<string, unknown>,
  parts: readonly string[],
): boolean {
  if (!('name' in shape)) return parts.length === 2;
  return name !== undefined && !isTitle(name) && name !== parts.at(-1);
}

function isTitle(value: unknown): boolean {
  return typeof value === 'string' && /^[a-z]+(?:\/[a-z0-9.-]+){1,2}$/i.test(value);
}

/** Some servers write nothing at all where there are no arguments. */
function parseObject(text: string): Record<string, unknown> | null {
  if (text.trim() === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
}

function fieldsOf({ input, declared }: ToolDefinition): string {
  if (declared !== undefined) return 'see its schema';
  const fields = Object.entries(input.shape).map(([name, schema]) =>
    schema.safeParse(undefined).success ? name : `${name} (required)`,
  );
  return `fields are: ${fields.join(', ')}`;
}

/** A tool as models are told of it. */
export function declarationOf({ name, description, input, declared }: ToolDefinition): ToolDeclaration {
  return { name, description, input: declared ?? schemaOf(input) };
}

/** The same in few words: what it answers, and names and types of its fields. */
export function briefDeclarationOf(tool: ToolDefinition): ToolDeclaration {
  const { name, description, input } = declarationOf(tool);
  const [first = ''] = description.split(/[.:] |\.$/);
  const isBrief = tool.declared === undefined || isFlat(tool.declared);
  return { name, description: tool.brief ?? `${first}.`, input: isBrief ? briefSchemaOf(input) : input };
}

/** Whether names and types of its fields say all that a model needs of a schema. */
function isFlat({ properties, ...schema }: JsonObject): boolean {
  const known = ['$schema', 'type', 'required', 'additionalProperties', 'title', 'description'];
  if (Object.keys(schema).some((name) => !known.includes(name))) return false;
  return Object.values(objectOf(properties)).every((value) => {
    const { type } = objectOf(value);
    return typeof type === 'string' && scalars.has(type);
  });
}

const scalars: ReadonlySet<string> = new Set(['string', 'integer', 'number', 'boolean']);

function briefSchemaOf({ properties, ...schema }: JsonObject): JsonObject {
  const fields = Object.entries(objectOf(properties)).map(([field, of]) => [
    field,
    pick(objectOf(of), ['type', 'enum']),
  ]);
  return { ...pick(schema, ['type', 'required']), properties: Object.fromEntries(fields) as JsonObject };
}

function pick(object: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name]) => names.includes(name)));
}

/** They never change, and each conversation is told of all of them. */
const schemas = new WeakMap<z.ZodObject, JsonObject>();

function schemaOf(input: z.ZodObject): JsonObject {
  const known = schemas.get(input);
  if (known !== undefined) return known;
  const { $schema: _, ...schema } = z.toJSONSchema(input, { io: 'input', target: 'draft-7' });
  const made = schema as unknown as JsonObject;
  schemas.set(input, made);
  return made;
}
