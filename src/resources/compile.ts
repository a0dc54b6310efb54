import { compileMcpServers } from '../agent/mcp/config.ts';
import { llmConfigProblems } from '../agent/models/choose.ts';
import { placeOf, referenceTo } from '../core/access.ts';
import type { JsonObject } from '../core/json.ts';
import type { LlmConfig, LlmTarget, ModelBudget, Plan, PlanBudget, PlanStep, ReadAddress } from '../core/plan.ts';
import { micros } from '../lib/dollars.ts';
import { parseDuration } from '../lib/duration.ts';
import { findStepDefinition } from '../workflows/steps/index.ts';
import type { BranchField, StepDefinition, TemplateKind } from '../workflows/steps/define.ts';
import { checked, unusedFields } from './checked.ts';
import { compileClusterAccess } from './cluster-access.ts';
import type { Checked } from './checked.ts';
import type { Issue } from './problem.ts';
import { specIssues } from './spec-issues.ts';
import { textIssues } from './templates.ts';
import type { TemplateScope } from './templates.ts';
import { branchFields, defaultTypeOf, distinctLists, stepFields, stepRules, workflowSpec } from './workflow.ts';
import type { LlmTargetSpec, WorkflowSpec } from './workflow.ts';

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

const defaultImage = 'busybox:1.37';
const commonFields = ['name', 'type', 'when', 'timeout', 'timeoutMinutes', 'retry', 'continueOnError', 'interrupted'];

interface Compiled {
  readonly namespace: string;
  readonly name: string;
  readonly result: Checked<Plan>;
}

/** One `spec` is asked for several times in a reload, and once more in the next. */
const compiled = new WeakMap<object, Compiled>();

/** Checks `spec` of a Workflow by itself and makes the plan that runs execute. The spec is not changed later. */
export function compileWorkflow(namespace: string, name: string, value: unknown): Checked<Plan> {
  if (typeof value !== 'object' || value === null) return compile(namespace, name, value);
  const known = compiled.get(value);
  if (known?.namespace === namespace && known.name === name) return known.result;
  const result = compile(namespace, name, value);
  compiled.set(value, { namespace, name, result });
  return result;
}

function compile(namespace: string, name: string, value: unknown): Checked<Plan> {
  const parsed = workflowSpec.safeParse(value);
  if (!parsed.success) return checked<Plan>(null, specIssues(workflowSpec, value, ['spec']));
  const spec = parsed.data;
  const issues: Issue[] = [];
  const reader = stepReader(spec, issues);
  const steps = spec.steps.map((step, index) => reader.read(step as GivenStep, ['spec', 'steps', index], null));
  for (const [index, output] of spec.outputs.entries()) {
    issues.push(...textIssues(output.value, 'template', ['spec', 'outputs', index, 'value'], reader.scope()));
  }
  const sinks = spec.sinks.map((sink) => referenceTo(placeOf(sink, namespace), namespace));
  issues.push(...modelIssues(spec), ...duplicates(spec), ...sameSinks(spec.sinks, sinks));
  const plan: Plan = {
    version: 1,
    namespace,
    name,
    runtime: {
      image: spec.runtime?.image ?? defaultImage,
      environment: spec.runtime?.environment ?? {},
      llmConfig: llmConfig(spec),
      ...(spec.prometheus === undefined ? {} : { prometheus: readAddress(spec.prometheus) }),
      ...(spec.loki === undefined ? {} : { loki: readAddress(spec.loki) }),
      ...(spec.capabilities === undefined ? {} : { capabilities: spec.capabilities }),
      ...(spec.runtime?.mcpServers === undefined ? {} : { mcpServers: compileMcpServers(spec.runtime.mcpServers) }),
    },
    steps: steps.filter((step) => step !== null),
    outputs: spec.outputs,
    sinks,
    deadlineMs: parseDuration(spec.deadline),
    maxConcurrent: spec.maxConcurrent ?? null,
    onResolve: spec.onResolve,
    ...(spec.budget === undefined ? {} : { budget: planBudget(spec.budget) }),
    ...compileClusterAccess(spec.clusterAccess),
  };
  return checked(plan, issues);
}

function readAddress({ url, tokenSecret }: NonNullable<WorkflowSpec['prometheus']>): ReadAddress {
  return { url, tokenSecret: tokenSecret ?? null };
}

function llmConfig(spec: WorkflowSpec): LlmConfig | null {
  const given = spec.runtime?.llmConfig;
  if (given === undefined) return null;
  const { maxOutputTokens, fallbacks } = given;
  return {
    ...llmTarget(given),
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    ...(fallbacks === undefined ? {} : { fallbacks: fallbacks.map((each) => llmTarget(each)) }),
  };
}

function planBudget({ run, day }: NonNullable<WorkflowSpec['budget']>): PlanBudget {
  const limits = (given: typeof run): ModelBudget | null =>
    given === undefined
      ? null
      : { tokens: given.tokens ?? null, costMicros: given.dollars === undefined ? null : micros(given.dollars) };
  return { run: limits(run), day: limits(day) };
}

function llmTarget(given: LlmTargetSpec): LlmTarget {
  const { provider, model = null, endpoint = null, apiKeySecret = null, contextTokens, price } = given;
  return {
    provider,
    model,
    endpoint,
    apiKeySecret,
    ...(contextTokens === undefined ? {} : { contextTokens }),
    ...(price === undefined
      ? {}
      : {
          price: { ...price, cacheRead: price.cacheRead ?? price.input, cacheWrite: price.cacheWrite ?? price.input },
        }),
  };
}

/** There is no stand-in for a model that cannot be asked: agent steps fail. What the server may bring is a warning. */
function modelIssues(spec: WorkflowSpec): readonly Issue[] {
  return llmConfigProblems(llmConfig(spec)).map(({ isCertain, path, message, next }) => ({
    path: ['spec', 'runtime', 'llmConfig', ...path],
    ...(isCertain ? { severity: 'error', tolerated: true, beyond: 'Model' } : { severity: 'warning' }),
    message: `${message}: agent steps report what the analyzers found, and fail`,
    next,
  }));
}

/** Reads steps in the order of the plan: each sees the names of those before it. */
function stepReader(spec: WorkflowSpec, issues: Issue[]) {
  const known = new Set<string>();
  const all = new Set(spec.steps.flatMap((step) => namesOf(step as GivenStep, '')));
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
      const isAmongFirst = branch === null && spec.steps.filter((other) => other['name'] === name).length > 1;
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
  return { read, scope };
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
  const used = [...commonFields, ...Object.keys(config.shape), ...definition.branches.map(({ field }) => field)];
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

/** Those of steps are told of where they are read, with those at every depth. */
function duplicates(spec: WorkflowSpec): readonly Issue[] {
  return distinctLists.flatMap(({ field, member }) => {
    if (field === 'steps') return [];
    const names = spec[field].map((item) => (typeof item === 'string' ? item : item.name));
    return names.flatMap((name, index): Issue[] => {
      const path = ['spec', field, index, ...(member === null ? [] : [member])];
      return names.indexOf(name) === index ? [] : [{ path, severity: 'error', message: `${name} is there twice` }];
    });
  });
}

/** Two ways to write the name of one Sink. */
function sameSinks(written: readonly string[], sinks: readonly string[]): readonly Issue[] {
  return sinks.flatMap((sink, index): Issue[] => {
    const first = sinks.indexOf(sink);
    if (first === index || written[first] === written[index]) return [];
    const message = `${written[index]} is there twice, as ${written[first]}`;
    return [{ path: ['spec', 'sinks', index], severity: 'error', beyond: 'Duplicate', message }];
  });
}
