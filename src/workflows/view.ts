import { sourceJson } from '../core/context.ts';
import type { JsonObject, JsonValue } from '../core/json.ts';
import type { Plan, PlanStep } from '../core/plan.ts';
import type { RunRecord, StepRecord } from '../core/run.ts';
import { toEpochMs } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';
import { chosenBranch } from './engine/plan.ts';

/** Roots of a run's templates: `.source`, `.alert`, `.steps`, `.workflow`, `.env`. */
export function templateRoots(
  run: RunRecord,
  plan: Plan,
  journal: readonly StepRecord[],
  now: Timestamp,
  end: { readonly status: string; readonly outputs: JsonObject } | null = null,
): JsonObject {
  const source = sourceJson(run.input);
  const data = source['data'];
  const completedAt = end === null ? null : now;
  return {
    source,
    alert: isObject(data) ? (data['alert'] ?? {}) : {},
    steps: stepsJson(plan, journal),
    workflow: {
      name: run.name,
      namespace: run.namespace,
      runId: run.id,
      status: end?.status ?? run.status,
      outputs: end?.outputs ?? run.outputs,
      startedAt: run.startedAt,
      completedAt,
      duration: durationSeconds(run.startedAt, now),
    },
    env: { ...plan.runtime.environment },
  };
}

/** Seconds as text, as the contract has it. */
function durationSeconds(startedAt: Timestamp | null, now: Timestamp): string {
  return startedAt === null ? '0' : String(Math.max(0, toEpochMs(now) - toEpochMs(startedAt)) / 1000);
}

/**
 * `.steps.<name>`: `{result, success, error, status}` of the last attempt, for sub-steps too. A step with branches has
 * the fields of its branch's result beside its own, and `success` only where a branch ran and succeeded: what was not
 * done (`auto-fix` whose condition was false) is no success.
 */
export function stepsJson(plan: Plan, journal: readonly StepRecord[]): JsonObject {
  const last = new Map<string, StepRecord>();
  for (const row of journal) if (row.attempt >= (last.get(row.path)?.attempt ?? 0)) last.set(row.path, row);
  const steps: JsonObject = {};
  for (const [index, step] of plan.steps.entries()) addStep(steps, step, String(index + 1), last);
  return steps;
}

function addStep(
  steps: JsonObject,
  step: PlanStep,
  path: string,
  last: ReadonlyMap<string, StepRecord>,
): JsonObject | undefined {
  const branchViews = new Map<string, JsonObject | undefined>();
  for (const [name, branch] of Object.entries(step.branches)) {
    branchViews.set(name, addStep(steps, branch, `${path}.${name}`, last));
  }
  const row = last.get(path);
  if (row === undefined) return undefined;
  const own: JsonObject = {
    result: row.result,
    success: row.status === 'succeeded' && branchViews.size === 0,
    error: row.error,
    status: row.status,
  };
  const chosen = row.status === 'succeeded' ? chosenBranch(row) : null;
  const branch = chosen === null ? undefined : branchViews.get(chosen);
  const view = branch === undefined ? own : merged(own, branch);
  setOwn(steps, step.name, view);
  return view;
}

function merged(own: JsonObject, branch: JsonObject): JsonObject {
  const result: JsonValue = isObject(branch['result'])
    ? { ...branch['result'], ...asObject(own['result']) }
    : (own['result'] ?? null);
  return {
    result,
    success: branch['success'] ?? false,
    error: branch['error'] ?? null,
    status: branch['status'] ?? 'running',
  };
}

/** A step may be called `__proto__`. */
function setOwn(target: JsonObject, key: string, value: JsonValue): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function asObject(value: JsonValue | undefined): JsonObject {
  return isObject(value) ? value : {};
}
