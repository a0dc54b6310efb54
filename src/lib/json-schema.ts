import { createRequire } from 'node:module';
import type { Options, ValidateFunction } from 'ajv';
import { AppError } from '../core/errors.ts';
import type { JsonObject, JsonValue } from '../core/json.ts';
import { compileRegex } from './template/regex.ts';
import { withinTime } from './time-limit.ts';

/** What is wrong with a field of a value; `field` is its path with dots, empty for the whole. */
export interface SchemaProblem {
  readonly field: string;
  readonly message: string;
}

/** `uniqueItems` compares each with each. */
const mostUniqueItems = 1000;

/** Of one value; most take less than one. Where `anyOf` leads back to itself each level of a value may double it. */
const mostMs = 1000;

/** What a check says, or that it takes too long. */
export function withinLimit(check: () => SchemaProblem | null): SchemaProblem | null {
  const wrong = withinTime(mostMs, check);
  return wrong === undefined
    ? { field: '', message: `takes more than ${mostMs} ms to be compared with the schema` }
    : wrong;
}

/**
 * Compiles a JSON Schema, of draft 2020-12 or, where `$schema` says so, draft-07. The library takes some 20 ms to load, so it
 * is loaded when the first schema is compiled. `format` says nothing and patterns are RE2, so that no text of a sender takes
 * long. Words that no draft knows are refused, or ignored as the drafts say. Throws InvalidResource.
 */
export function compileCheck(
  schema: JsonObject,
  { unknownKeywords = 'refused' }: { readonly unknownKeywords?: 'refused' | 'ignored' } = {},
): (value: unknown) => SchemaProblem | null {
  const problem = asynchronous(schema) ?? quadraticAt(schema);
  if (problem !== null) throw new AppError('InvalidResource', problem);
  const { $schema: draft } = schema;
  let validate: ValidateFunction;
  try {
    const isDraft7 = typeof draft === 'string' && draft.includes('draft-07');
    const strict = unknownKeywords === 'refused';
    const isUsual = draft === undefined || usualDrafts.has(draft);
    if (isUsual) judgeOf(isDraft7, strict).validateSchema(schema, true);
    validate = newCompiler(isDraft7, strict, { validateSchema: !isUsual }).compile(schema);
  } catch (cause) {
    throw new AppError('InvalidResource', cause instanceof Error ? cause.message : String(cause), { cause });
  }
  return (value) => {
    if (validate(value)) return null;
    const [first] = validate.errors ?? [];
    const missing = first?.keyword === 'required' ? [String(first.params['missingProperty'])] : [];
    const unknown = first?.keyword === 'additionalProperties' ? `: ${String(first.params['additionalProperty'])}` : '';
    const names = [...(first?.instancePath.split('/').slice(1) ?? []), ...missing];
    const message = missing.length > 0 ? 'is required' : `${first?.message ?? 'does not fit the schema'}${unknown}`;
    return { field: names.join('.').slice(0, 200), message: message.slice(0, 400) };
  };
}

interface Compiler {
  compile(schema: JsonObject): ValidateFunction;
  /** Throws where it is no schema. */
  validateSchema(schema: JsonObject, isThrown: true): unknown;
}

/** Names of the drafts; another `$schema`, which a compiler would keep, gets one of its own. */
const usualDrafts: ReadonlySet<JsonValue> = new Set([
  'https://json-schema.org/draft/2020-12/schema',
  'http://json-schema.org/draft-07/schema',
  'http://json-schema.org/draft-07/schema#',
]);

/** What says whether a schema is one: to compile the schema of schemas takes 20 ms, so that is kept. Nothing else is. */
const judges = new Map<string, Compiler>();

function judgeOf(isDraft7: boolean, strict: boolean): Compiler {
  const name = `${isDraft7} ${strict}`;
  const judge = judges.get(name) ?? newCompiler(isDraft7, strict);
  judges.set(name, judge);
  return judge;
}

function newCompiler(isDraft7: boolean, strict: boolean, more: Options = {}): Compiler {
  const options: Options = {
    ...more,
    strict,
    logger: false,
    strictTypes: false,
    strictTuples: false,
    ownProperties: true,
    validateFormats: false,
    code: { regExp: Object.assign(safeRegex, { code: 'safeRegex' }) },
  };
  const load = createRequire(import.meta.url);
  const { default: Class } = load(isDraft7 ? 'ajv' : 'ajv/dist/2020.js') as {
    readonly default: new (options: Options) => Compiler;
  };
  return new Class(options);
}

function safeRegex(pattern: string) {
  const regex = compileRegex(pattern);
  // The library keeps patterns by their text.
  return { test: (text: string) => regex.matcher(text).find(), toString: () => `/${pattern}/` };
}

/** The library then answers with a promise: every body would fit, and one that does not would end the process. */
function asynchronous({ $async }: JsonObject): string | null {
  return $async === undefined ? null : '$async is none of JSON Schema, and is not taken';
}

/** Why a schema could take long for a body within the bounds; null = it could not. */
function quadraticAt(schema: JsonValue | undefined): string | null {
  if (typeof schema !== 'object' || schema === null) return null;
  if (!Array.isArray(schema)) {
    const { uniqueItems, maxItems } = schema;
    if (uniqueItems === true && !(typeof maxItems === 'number' && maxItems <= mostUniqueItems))
      return `uniqueItems needs maxItems of at most ${mostUniqueItems} beside it`;
  }
  for (const inner of Object.values(schema)) {
    const problem = quadraticAt(inner);
    if (problem !== null) return problem;
  }
  return null;
}
