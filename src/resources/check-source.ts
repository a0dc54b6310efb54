import type { CatalogSource } from '../core/catalog.ts';
import { beyondSchema } from '../lib/rule.ts';
import type { BeyondKind } from '../lib/rule.ts';
import { AppError } from '../core/errors.ts';
import { objectOf } from '../core/json.ts';
import type { JsonObject, JsonValue } from '../core/json.ts';
import type { CompiledSource, SourceDefinition, SourceTemplate, UnusedField } from '../sources/define.ts';
import { sourceDefinitions } from '../sources/index.ts';
import { compileMutes } from '../sources/mutes.ts';
import { policyIssues } from './check-policies.ts';
import { checked, unusedFields } from './checked.ts';
import type { Checked } from './checked.ts';
import { shapeOf } from './merge.ts';
import { fieldName, isBlocking } from './problem.ts';
import type { Issue } from './problem.ts';
import { sourceSpec } from './source.ts';
import type { SourceSpec } from './source.ts';
import { specIssues } from './spec-issues.ts';
import { textIssues } from './templates.ts';

export interface AcceptedSource {
  readonly spec: SourceSpec;
  readonly definition: SourceDefinition;
  readonly config: JsonObject;
  readonly compiled: CompiledSource;
  readonly mutes: CatalogSource['mutes'];
}

const base = ['spec', 'config'];

/** Checks `spec` of a Source by itself: fields, then what its type asks for. */
export function checkSource(value: unknown): Checked<AcceptedSource> {
  const parsed = sourceSpec.safeParse(value);
  if (!parsed.success) return checked<AcceptedSource>(null, specIssues(sourceSpec, value, ['spec']));
  const spec = parsed.data;
  const definition = sourceDefinitions.find(({ type }) => type === spec.type);
  if (definition === undefined) return checked<AcceptedSource>(null, []);
  const names = Object.keys(shapeOf(definition.config));
  const unused = unusedFields(spec.config, names, base, `Sources of type ${spec.type}`);
  const own = Object.fromEntries(Object.entries(spec.config).filter(([name]) => names.includes(name)));
  const config = definition.config.safeParse(own);
  if (!config.success) return checked<AcceptedSource>(null, [...specIssues(definition.config, own, base), ...unused]);
  const templates = definition.templates(config.data).flatMap(templateIssues);
  if (templates.some(isBlocking)) return checked<AcceptedSource>(null, [...templates, ...unused]);
  const { result: compiled, issues } = compile(() => definition.compile(config.data), base);
  const { result: mutes, issues: more } = compile(() => compileMutes(spec.muteMatchers, spec.maintenance), ['spec']);
  const ignored = ignoredFields(own as JsonObject, definition.unused(config.data));
  const accepted =
    compiled === null || mutes === null ? null : { spec, definition, config: config.data, compiled, mutes };
  const policies = accepted === null ? [] : policyIssues(accepted, value as object);
  return checked(accepted, [...templates, ...issues, ...more, ...policies, ...unused, ...ignored]);
}

/** Those that were given. */
function ignoredFields(given: JsonObject, ignored: readonly UnusedField[]): readonly Issue[] {
  return ignored
    .filter(
      ({ path }) => path.reduce<JsonValue | undefined>((value, name) => objectOf(value)[name], given) !== undefined,
    )
    .map(({ path, by, unless }) => ({
      path: [...base, ...path],
      atKey: true,
      severity: 'warning',
      message: `${fieldName(path)} is not used by ${by}`,
      next: `remove it, or ${unless}`,
    }));
}

function templateIssues({ path, text, roots }: SourceTemplate): readonly Issue[] {
  return textIssues(text, 'template', [...base, ...path], { roots });
}

/** There may be more to find than a schema says: matchers that do not parse. */
function compile<T>(
  work: () => T,
  at: readonly string[],
): { readonly result: T | null; readonly issues: readonly Issue[] } {
  try {
    return { result: work(), issues: [] };
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown;
    const path = thrown.field === undefined ? at : [...at, ...fieldPath(thrown.field)];
    const message = `${fieldName(path)}: ${thrown.message}`;
    const kind = Object.hasOwn(beyondSchema, thrown.reason ?? '') ? (thrown.reason as BeyondKind) : undefined;
    const issue: Issue = { path, severity: 'error', message, ...(kind === undefined ? {} : { beyond: kind }) };
    return { result: null, issues: [issue] };
  }
}

/** `matchers[1]` as path. */
function fieldPath(field: string): (string | number)[] {
  return [...field.matchAll(/[^.[\]]+/g)].map(([part]) => (/^\d+$/.test(part) ? Number(part) : part));
}
