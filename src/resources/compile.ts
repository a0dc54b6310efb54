import { compileMcpServers } from '../agent/mcp/config.ts';
import { llmConfigProblems } from '../agent/models/choose.ts';
import { placeOf, referenceTo } from '../core/access.ts';
import { planVersion } from '../core/plan.ts';
import type { Plan, ReadAddress } from '../core/plan.ts';
import { parseDuration } from '../lib/duration.ts';
import { checked } from './checked.ts';
import type { Checked } from './checked.ts';
import { compileClusterAccess } from './cluster-access.ts';
import { compileSteps } from './compile-steps.ts';
import { compileBudget, compileLlmConfig } from './model-spec.ts';
import type { Issue } from './problem.ts';
import { specIssues } from './spec-issues.ts';
import { textIssues } from './templates.ts';
import { defaultImage, distinctLists, workflowSpec } from './workflow.ts';
import type { WorkflowSpec } from './workflow.ts';

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
  const { steps, issues, scope } = compileSteps(spec);
  const sinks = spec.sinks.map((sink) => referenceTo(placeOf(sink, namespace), namespace));
  const plan: Plan = {
    version: planVersion,
    namespace,
    name,
    runtime: {
      image: spec.runtime?.image ?? defaultImage,
      environment: spec.runtime?.environment ?? {},
      llmConfig: compileLlmConfig(spec.runtime?.llmConfig),
      ...(spec.prometheus === undefined ? {} : { prometheus: readAddress(spec.prometheus) }),
      ...(spec.loki === undefined ? {} : { loki: readAddress(spec.loki) }),
      ...(spec.capabilities === undefined ? {} : { capabilities: spec.capabilities }),
      ...(spec.runtime?.mcpServers === undefined ? {} : { mcpServers: compileMcpServers(spec.runtime.mcpServers) }),
    },
    steps,
    outputs: spec.outputs,
    sinks,
    deadlineMs: parseDuration(spec.deadline),
    maxConcurrent: spec.maxConcurrent ?? null,
    onResolve: spec.onResolve,
    ...(spec.budget === undefined ? {} : { budget: compileBudget(spec.budget) }),
    ...compileClusterAccess(spec.clusterAccess),
  };
  const outputIssues = spec.outputs.flatMap(({ value }, index) =>
    textIssues(value, 'template', ['spec', 'outputs', index, 'value'], scope),
  );
  return checked(plan, [
    ...issues,
    ...outputIssues,
    ...modelIssues(spec),
    ...duplicates(spec),
    ...sameSinks(spec.sinks, sinks),
  ]);
}

function readAddress({ url, tokenSecret }: NonNullable<WorkflowSpec['prometheus']>): ReadAddress {
  return { url, tokenSecret: tokenSecret ?? null };
}

/** There is no stand-in for a model that cannot be asked: agent steps fail. What the server may bring is a warning. */
function modelIssues(spec: WorkflowSpec): readonly Issue[] {
  return llmConfigProblems(compileLlmConfig(spec.runtime?.llmConfig)).map(({ isCertain, path, message, next }) => ({
    path: ['spec', 'runtime', 'llmConfig', ...path],
    ...(isCertain ? { severity: 'error', tolerated: true, beyond: 'Model' } : { severity: 'warning' }),
    message: `${message}: agent steps report what the analyzers found, and fail`,
    next,
  }));
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
