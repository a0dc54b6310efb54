import { z } from 'zod';
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
  const given = Object.fromEntries(Object.entries(json).filter(([, value]) => value !== null));
  const parsed = tool.input.safeParse(given);
  if (parsed.success) return { value: parsed.data };
  const issues = parsed.error.issues.slice(0, 5).map(({ path, message }) => `${path.join('.') || 'input'}: ${message}`);
  return { problem: `${issues.join('; ')}; ${fieldsOf(tool)}` };
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

function schemaOf(input: z.ZodObject): JsonObject {
  const { $schema: _, ...schema } = z.toJSONSchema(input, { io: 'input', target: 'draft-7' });
  return schema as unknown as JsonObject;
}
