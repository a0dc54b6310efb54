import type { CatalogObject, CatalogSource, Condition } from '../core/catalog.ts';
import type { KubernetesObject } from '../core/cluster.ts';
import { objectOf } from '../core/json.ts';
import type { JsonObject, JsonValue } from '../core/json.ts';
import type { SinkActivity, SourceActivity } from '../core/lists.ts';
import type { RunRecord, StepRecord } from '../core/run.ts';
import type { Timestamp } from '../core/time.ts';

/** As `status.conditions` has it. */
export interface StoredCondition extends Condition {
  readonly lastTransitionTime: Timestamp;
  readonly observedGeneration: number;
}

/** What the newest run of a Workflow is told by. */
export interface NewestRun {
  readonly run: RunRecord;
  /** All attempts, oldest first. */
  readonly steps: readonly StepRecord[];
}

/** What has happened with an object, beside what it says. */
export interface Happened {
  readonly source?: SourceActivity | undefined;
  readonly sink?: SinkActivity | undefined;
  readonly newestRun?: NewestRun | null | undefined;
  /** Conditions of what was learned. */
  readonly conditions?: readonly Condition[] | undefined;
}

/** An API server refuses more. */
const mostMessage = 32_000;
const mostResultBytes = 4096;
const mostOutput = 4096;
const mostConditions = 32;
const mostSteps = 100;

/**
 * The whole status of an object, with the fields of the contract. Times of conditions that have not changed are those of
 * `object.status`. Pure.
 */
export function statusOf(
  object: KubernetesObject,
  compiled: CatalogObject & Partial<Pick<CatalogSource, 'addresses'>>,
  happened: Happened,
  now: Timestamp,
): JsonObject {
  const observedGeneration = object.metadata.generation ?? 0;
  return {
    observedGeneration,
    ready: compiled.ready,
    conditions: conditionsOf(
      object,
      { ...compiled, conditions: [...compiled.conditions, ...(happened.conditions ?? [])] },
      observedGeneration,
      now,
    ) as unknown as JsonValue,
    ...addressStatus(compiled.addresses),
    ...sourceStatus(happened.source),
    ...sinkStatus(happened.sink),
    ...runStatus(happened.newestRun),
  };
}

/**
 * One of each type, for a list that is a map by type. What is not in use is `Stalled` where only somebody's change can mend it, else
 * `Reconciling` (kstatus): it waits for what it needs.
 */
function conditionsOf(
  { status }: KubernetesObject,
  { conditions, ready }: CatalogObject,
  observedGeneration: number,
  now: Timestamp,
): readonly StoredCondition[] {
  const before = (status?.['conditions'] ?? []) as unknown as readonly StoredCondition[];
  const merged = new Map<string, Condition>();
  for (const condition of ready ? conditions : [...conditions, unreadiness(conditions)]) {
    const same = merged.get(condition.type);
    merged.set(
      condition.type,
      same === undefined ? condition : { ...same, message: `${same.message}; ${condition.message}` },
    );
  }
  return [...merged.values()].slice(0, mostConditions).map(({ type, status, reason, message }) => {
    const earlier = before.find((one) => one.type === type && one.status === status);
    const lastTransitionTime = earlier?.lastTransitionTime ?? now;
    return { type, status, reason, message: cut(message, mostMessage), lastTransitionTime, observedGeneration };
  });
}

/** Reasons of an object that nothing but somebody's change brings into use: of it, of another one, or of what the operator is started with. */
const stalling: ReadonlySet<string> = new Set([
  'InvalidSpec',
  'PathConflict',
  'AuthenticationRequired',
  'TlsRequired',
  'ReferenceNotGranted',
  'AccountNotAllowed',
]);

function unreadiness(conditions: readonly Condition[]): Condition {
  const { reason = 'InvalidSpec', message = '' } = conditions.find(({ type }) => type === 'Ready') ?? {};
  return { type: stalling.has(reason) ? 'Stalled' : 'Reconciling', status: 'True', reason, message };
}

function addressStatus(addresses: readonly string[] = []): JsonObject {
  return addresses.length === 0 ? {} : { addresses: [...addresses] };
}

function sourceStatus(seen: SourceActivity | undefined): JsonObject {
  if (seen === undefined) return {};
  const { eventsProcessed, lastEventTime } = seen;
  return { eventsProcessed, ...(lastEventTime === null ? {} : { lastEventTime }) };
}

function sinkStatus(seen: SinkActivity | undefined): JsonObject {
  if (seen === undefined) return {};
  const { messagesSent, lastSentTime, lastError } = seen;
  return {
    messagesSent,
    ...(lastSentTime === null ? {} : { lastSentTime }),
    ...(lastError === null ? {} : { lastError: cut(lastError, mostMessage) }),
  };
}

function runStatus(newest: NewestRun | null | undefined): JsonObject {
  if (newest === null || newest === undefined) return {};
  const { run, steps } = newest;
  const phase = phaseOf(run.status);
  const times = timesOf(run);
  return {
    phase,
    ...times,
    steps: lastAttempts(steps).slice(0, mostSteps).map(stepStatus),
    outputs: outputsOf(run.outputs),
    ...(run.error === null ? {} : { error: cut(run.error, mostMessage) }),
    lastRun: {
      id: run.id,
      phase,
      ...times,
      ...(run.input.alert === null ? {} : { alert: cut(run.input.alert.name, 1024) }),
      ...summaryOf(steps),
    },
  };
}

function timesOf({ startedAt, completedAt }: Pick<RunRecord, 'startedAt' | 'completedAt'>): JsonObject {
  return {
    ...(startedAt === null ? {} : { startTime: startedAt }),
    ...(completedAt === null ? {} : { completionTime: completedAt }),
  };
}

function phaseOf(status: string): string {
  return `${status.charAt(0).toUpperCase()}${status.slice(1)}`;
}

function lastAttempts(steps: readonly StepRecord[]): readonly StepRecord[] {
  const last = new Map<string, StepRecord>();
  for (const step of steps) if (step.attempt >= (last.get(step.path)?.attempt ?? 0)) last.set(step.path, step);
  return [...last.values()];
}

function stepStatus(step: StepRecord): JsonObject {
  const { name, status, result, error } = step;
  return {
    name: cut(name, 253),
    phase: phaseOf(status),
    ...timesOf(step),
    ...resultOf(result),
    ...(error === null ? {} : { error: cut(error, mostMessage) }),
  };
}

/** An object is no place for reports: what is long is named, and where it is. */
function resultOf(result: JsonValue): JsonObject {
  if (result === null || typeof result !== 'object' || Array.isArray(result)) return {};
  if (JSON.stringify(result).length <= mostResultBytes) return { result };
  const { summary } = result;
  const short = typeof summary === 'string' ? { summary: cut(summary, mostResultBytes) } : {};
  return { result: { ...short, truncated: true } };
}

function outputsOf(outputs: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(outputs)
      .slice(0, 100)
      .map(([name, value]) => [name, cut(typeof value === 'string' ? value : JSON.stringify(value), mostOutput)]),
  );
}

/** What the last step with a report found. */
function summaryOf(steps: readonly StepRecord[]): JsonObject {
  const summary = steps.map(({ result }) => objectOf(result)['summary']).findLast((text) => typeof text === 'string');
  return summary === undefined ? {} : { summary: cut(summary, 4096) };
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
