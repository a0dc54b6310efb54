import { z } from 'zod';

/**
 * What `fist lint` knows and a CRD cannot say: with these findings the API server takes an object all the same. Everything else
 * that lint calls an error the API server refuses too.
 */
export const beyondSchema = {
  Yaml: 'The file is not YAML, or its envelope is not that of one of our kinds.',
  Duplicate: 'An object, a step or an output has the name of another one.',
  Reference: 'A name stands for nothing: a Workflow, a Sink, a step.',
  Template: 'A template or a condition does not parse.',
  Command: 'A value stands in a command where it could become syntax.',
  Matchers: 'Matchers of Alertmanager do not parse, or match everything.',
  Cron: 'A cron expression has the right form, and names no time.',
  TimeZone: 'A time zone is not one that this program knows.',
  JsonSchema: 'A JSON Schema is none.',
  Address: 'An address has the right form, and cannot be one.',
  Variable: 'A variable has a name that shells or programs go by.',
  Contract: 'The contract has this form, and this program needs more to work with it.',
  Model: 'A model provider is not one of this version, or lacks what it needs.',
  Null: 'An item of a list of texts and objects is null.',
  Path: 'Two Sources of a namespace want one webhook path.',
} as const;

export type BeyondKind = keyof typeof beyondSchema;

/** What was declared of a refinement beside its predicate. */
export interface Declared<T = never> {
  /** Common Expression Language over `self`, for `x-kubernetes-validations`; null = no schema can say it. */
  readonly cel: string | null;
  readonly beyond: BeyondKind | null;
  readonly message: string;
  /** Field of the value that is at fault; empty = the value itself. */
  readonly path: readonly string[];
  /** Of a map: so many members. */
  readonly mostMembers?: number;
  readonly holds: (value: T) => boolean;
}

/** A refinement of a schema that was declared with what a CRD says of it. */
export type DeclaredCheck<T> = z.core.$ZodCheck<T> & { readonly declared: Declared<T> };

/**
 * A refinement for `.check()`, in the two languages that decide it: `cel` in the API server (over `self`, the value as it was
 * written: what has a default may be absent), `holds` here. A test holds them against each other. `path`: the field at fault.
 */
export function rule<T>(
  cel: string,
  message: string,
  holds: (value: T) => boolean,
  path: readonly string[] = [],
): DeclaredCheck<T> {
  return declare({ cel, beyond: null, message, path, holds });
}

/** A refinement that no CRD can say; `kind` names why. */
export function beyond<T>(
  kind: BeyondKind,
  message: string,
  holds: (value: T) => boolean,
  path: readonly string[] = [],
): DeclaredCheck<T> {
  return declare({ cel: null, beyond: kind, message, path, holds });
}

/** The refinements of the schema of one type, for a schema that has the fields of all types and `type`. */
export function rulesOfType(type: string, schema: z.ZodType): readonly DeclaredCheck<Typed>[] {
  return declaredOf(schema).declared.map((each) => {
    const { cel, holds, ...same } = each as Declared<Typed>;
    return declare({
      ...same,
      cel: cel === null ? null : `self.type != '${type}' || (${cel})`,
      holds: (value) => value['type'] !== type || holds(value),
    });
  });
}

type Typed = Readonly<Record<string, unknown>>;

/** A list of texts in CEL. */
export function celList(texts: readonly string[]): string {
  return `[${texts.map((text) => `'${text}'`).join(', ')}]`;
}

/** The largest size of a map, for `.check()`. */
export function atMost(mostMembers: number): DeclaredCheck<Readonly<Record<string, unknown>>> {
  return declare({
    cel: null,
    beyond: null,
    message: `must have at most ${mostMembers} entries`,
    path: [],
    mostMembers,
    holds: (value) => Object.keys(value).length <= mostMembers,
  });
}

/** Whether no two of a list are the same, for `.check()`. */
export function distinct(message: string): DeclaredCheck<readonly string[]> {
  const cel = 'self.all(one, self.exists_one(other, other == one))';
  return rule(cel, message, (values) => new Set(values).size === values.length);
}

function declare<T>(declared: Declared<T>): DeclaredCheck<T> {
  const { beyond: kind, message, path, holds } = declared;
  const params = kind === null ? {} : { params: { beyond: kind } };
  const check = z.refine<T>((value) => holds(value), { error: message, path: [...path], ...params });
  return Object.assign(check, { declared });
}

/** The refinements of a schema that were declared so, and the number of those that were not. */
export function declaredOf(schema: z.ZodType): { readonly declared: readonly Declared[]; readonly others: number } {
  const custom = (schema._zod.def.checks ?? []).filter((check) => check._zod.def.check === 'custom');
  const declared = custom.flatMap((check) => ('declared' in check ? [check.declared as Declared] : []));
  return { declared, others: custom.length - declared.length };
}
