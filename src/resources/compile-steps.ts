import type { JsonObject } from '../core/json.ts';
import type { PlanStep } from '../core/plan.ts';
import { parseDuration } from '../lib/duration.ts';
import { findStepDefinition } from '../workflows/steps/index.ts';
import type { BranchField, StepDefinition, TemplateKind } from '../workflows/steps/define.ts';
import { unusedFields } from './checked.ts';
import type { Issue } from './problem.ts';
import { specIssues } from './spec-issues.ts';
import { branchFields, commonFieldNames, defaultTypeOf, stepFields, stepRules } from './step-spec.ts';
import { textIssues } from './templates.ts';
import type { TemplateScope } from './templates.ts';
import type { WorkflowSpec } from './workflow.ts';

type Path = readonly (string | number)[];

/** A step as the common schema accepted it. */
interface GivenStep {
  readonly name?: string;
  readonly type?: string;
  readonly when?: string;
  readonly timeout?: string;
  readonly timeoutMinutes?: number;
  readonly retry?: { readonly limit: number; readonly backoff: string; readonly maxBackoff: string };
  readonly continueOnError: boolean;
  readonly interrupted: 'repeat' | 'fail';
  readonly [field: string]: unknown;
}

/** The steps of a Workflow as a plan has them. */
interface CompiledSteps {
  /** Without those that cannot be told what they do. */
  readonly steps: readonly PlanStep[];
  readonly issues: readonly Issue[];
  /** What a template sees after the last of them. */
  readonly scope: TemplateScope;
}

/** Reads steps in the order of the plan: each sees the names of those before it. */
export function compileSteps(spec: WorkflowSpec): CompiledSteps {
  const issues: Issue[] = [];
  const first = spec.steps.map((step) => step as GivenStep);
  const known = new Set<string>();
  const all = new Set(first.flatMap((step) => namesOf(step, '')));
  const environment = new Set(Object.keys(spec.runtime?.environment ?? {}));

  function scope(): TemplateScope {
    return { steps: new Set(known), laterSteps: all.difference(known), environment };
  }

  function read(
    step: GivenStep,
    path: Path,
    branch: { readonly of: string; readonly use: BranchField } | null,
  ): PlanStep | null {
    const type = step.type ?? branch?.use.defaultType ?? undefined;
    const definition = type === undefined ? undefined : findStepDefinition(type);
    if (definition === undefined) {
      issues.push({
        path: [...path, 'type'],
        severity: 'error',
        message: 'type is required: the step cannot tell what it does',
      });
      return null;
    }
    const name = step.name ?? branchName(branch?.of ?? '', branch?.use.branch ?? '');
    const own = scope();
    issues.push(...stepIssues(definition, step, path, own));
    if (known.has(name)) {
      const isAmongFirst = branch === null && first.filter((other) => other.name === name).length > 1;
      issues.push({
        path: [...path, 'name'],
        severity: 'error',
        ...(isAmongFirst ? {} : { beyond: 'Duplicate' }),
        message: `there is another step named ${name}`,
        next: 'give each step a name of its own',
      });
    }
    known.add(name);
    return { ...common(step, definition), name, branches: branches(step, definition, name, path) };
  }

  function branches(step: GivenStep, definition: StepDefinition, name: string, path: Path): Record<string, PlanStep> {
    const result: Record<string, PlanStep> = {};
    for (const use of definition.branches) {
      const given = step[use.field] as GivenStep | undefined;
      if (given === undefined) continue;
      if (Object.hasOwn(result, use.branch)) {
        issues.push(doubleBranch(definition, use, path));
        continue;
      }
      const inner = read(given, [...path, use.field], { of: name, use });
      if (inner !== null) result[use.branch] = inner;
    }
    const used = definition.branches.map(({ field }) => field);
    issues.push(...branchFields.flatMap((field) => (used.includes(field) ? [] : unusedBranch(step, field, path))));
    return result;
  }
  const steps = first.map((step, index) => read(step, ['spec', 'steps', index], null));
  return { steps: steps.filter((step) => step !== null), issues, scope: scope() };
}

/** Names of a step and of the steps under it. */
function namesOf(step: GivenStep, fallback: string): string[] {
  const name = step.name ?? fallback;
  const uses = (step.type === undefined ? undefined : findStepDefinition(step.type))?.branches ?? [];
  const inner = uses.flatMap((use) => {
    const given = step[use.field] as GivenStep | undefined;
    return given === undefined ? [] : namesOf(given, branchName(name, use.branch));
  });
  return [name, ...inner];
}

/** What never runs must have the form of a step all the same: an API server cannot tell. */
function unusedBranch(of: GivenStep, field: string, at: Path): readonly Issue[] {
  const step = of[field] as GivenStep | undefined;
  const definition = step === undefined ? undefined : findStepDefinition(step.type ?? defaultTypeOf(field) ?? '');
  if (step === undefined || definition === undefined) return [];
  const path = [...at, field];
  const doubles = definition.branches.filter(
    (use, place) =>
      step[use.field] !== undefined &&
      definition.branches
        .slice(0, place)
        .some(({ branch, field: other }) => branch === use.branch && step[other] !== undefined),
  );
  return [
    ...formIssues(definition, step, path),
    ...doubles.map((use) => doubleBranch(definition, use, path)),
    ...branchFields.flatMap((inner) => unusedBranch(step, inner, path)),
  ];
}

function branchName(parent: string, branch: string): string {
  return `${parent}-${branch}`;
}

function doubleBranch(definition: StepDefinition, use: BranchField, path: Path): Issue {
  const fields = definition.branches.filter(({ branch }) => branch === use.branch).map(({ field }) => field);
  return {
    path: [...path, use.field],
    atKey: true,
    severity: 'error',
    message: `${fields.join(' and ')} exclude each other: both are the step that runs ${use.branch}`,
  };
}

function common(step: GivenStep, definition: StepDefinition): Omit<PlanStep, 'name' | 'branches'> {
  const { when = null, retry, continueOnError, interrupted } = step;
  const minutes = step.timeoutMinutes;
  const config = definition.config.safeParse(step);
  return {
    type: definition.type,
    config: config.success ? (config.data as JsonObject) : {},
    when,
    timeoutMs:
      step.timeout === undefined
        ? minutes === undefined
          ? definition.defaultTimeoutMs
          : minutes * 60_000
        : parseDuration(step.timeout),
    retry: {
      limit: retry?.limit ?? 0,
      backoffMs: parseDuration(retry?.backoff ?? '10s'),
      maxBackoffMs: parseDuration(retry?.maxBackoff ?? '5m'),
    },
    continueOnError,
    interrupted,
  };
}

function stepIssues(definition: StepDefinition, step: GivenStep, path: Path, scope: TemplateScope): readonly Issue[] {
  const { type, config, templates } = definition;
  const issues: Issue[] = [...formIssues(definition, step, path)];
  const own = ownFields(step);
  const checked = definition.config.safeParse(own);
  if (checked.success)
    for (const { path: within, message, next } of definition.check?.(checked.data) ?? [])
      issues.push({ path: [...path, ...within], severity: 'warning', message, next });
  const used = [...commonFieldNames, ...Object.keys(config.shape), ...definition.branches.map(({ field }) => field)];
  const given = Object.fromEntries(
    [...stepFields.map(({ name }) => name), ...branchFields].map((name) => [name, step[name]]),
  );
  issues.push(...unusedFields(given, used, path, `steps of type ${type}`));
  for (const [field, kind] of Object.entries(templates)) {
    if (kind !== undefined) issues.push(...fieldIssues(step[field], kind, [...path, field], scope));
  }
  if (step.when !== undefined) issues.push(...textIssues(step.when, 'condition', [...path, 'when'], scope));
  return issues;
}

/** What the API server sees too. */
function formIssues({ config }: StepDefinition, step: GivenStep, path: Path): readonly Issue[] {
  const broken = stepRules.filter(({ declared }) => !declared.holds(step));
  return [
    ...specIssues(config, ownFields(step), path),
    ...broken.map(({ declared: { path: at, message } }): Issue => ({
      path: [...path, ...at],
      atKey: true,
      severity: 'error',
      message,
    })),
  ];
}

function ownFields(step: GivenStep): Readonly<Record<string, unknown>> {
  return Object.fromEntries(stepFields.map(({ name }) => [name, step[name]]));
}

/** A text, or a map of texts. */
function fieldIssues(value: unknown, kind: TemplateKind, path: Path, scope: TemplateScope): readonly Issue[] {
  if (typeof value === 'string') return textIssues(value, kind, path, scope);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, text]) => fieldIssues(text, kind, [...path, name], scope));
}
