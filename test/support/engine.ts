import { z } from 'zod';
import type { AlertRecord } from '../../src/core/alert.ts';
import type { Cluster } from '../../src/core/cluster.ts';
import type { Catalog, CatalogSink } from '../../src/core/catalog.ts';
import { AppError } from '../../src/core/errors.ts';
import type { JsonObject, JsonValue } from '../../src/core/json.ts';
import type { ModelBudget, Plan, PlanStep } from '../../src/core/plan.ts';
import type { CommandRunner } from '../../src/core/command.ts';
import type { Clock } from '../../src/core/ports.ts';
import { pendingRun } from '../../src/core/run.ts';
import type { AlertSnapshot, RunRecord, StepOutcome, StepRecord } from '../../src/core/run.ts';
import type { Store } from '../../src/core/store.ts';
import { addMs, toTimestamp } from '../../src/core/time.ts';
import { newId } from '../../src/lib/id.ts';
import { silentLog } from '../../src/lib/silent-log.ts';
import { noMcpTools } from '../../src/agent/mcp/tools.ts';
import { createEngine } from '../../src/workflows/engine/advance.ts';
import type { EngineOptions } from '../../src/workflows/engine/work.ts';
import type { Engine } from '../../src/workflows/engine/advance.ts';
import { cli } from '../../src/workflows/steps/cli.ts';
import { conditional } from '../../src/workflows/steps/conditional.ts';
import { defineStep, succeeded } from '../../src/workflows/steps/define.ts';
import type { StepIo } from '../../src/workflows/steps/define.ts';
import type { Templates } from '../../src/workflows/templates.ts';
import { stepFixture } from './deliveries.ts';
import { emptyReaders } from './toolbox.ts';
import { alertFixture } from './rows.ts';

/** What a scripted step does in one attempt. */
export type Deed = (io: StepIo) => Promise<StepOutcome> | StepOutcome;

/** A path `{{ .a.b }}` becomes its value as text, `broken` is; anything else stays. Names may hold hyphens. */
export const plainTemplates: Templates = {
  render(template, data) {
    if (template === 'broken') throw new AppError('TemplateInvalid', 'the template is broken');
    return template.replace(/\{\{ \.([\w.-]+) \}\}/g, (_, path: string) => lookUp(data, path));
  },
  renderApart: (template) => ({ text: template, values: [] }),
  renderCommand: (template, variables) => ({ script: template, environment: variables }),
  evaluate(condition, data) {
    if (condition === 'broken') throw new AppError('TemplateInvalid', 'the condition is broken');
    const text = plainTemplates.render(condition, data, '');
    return !['', 'false', '0', 'no'].includes(text);
  },
};

function lookUp(data: JsonObject, path: string): string {
  let value: JsonValue | undefined = data;
  for (const key of path.split('.')) {
    value = typeof value === 'object' && value !== null && !Array.isArray(value) ? value[key] : undefined;
  }
  if (value === undefined || value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** A step with the defaults of a compiled plan; it does the deed of its name. */
export function step(name: string, changes: Partial<PlanStep> = {}): PlanStep {
  return {
    name,
    type: 'scripted',
    config: {},
    when: null,
    timeoutMs: 600_000,
    retry: { limit: 0, backoffMs: 1000, maxBackoffMs: 60_000 },
    continueOnError: false,
    interrupted: 'repeat',
    branches: {},
    ...changes,
  };
}

/** Sub-steps by branch name. */
export function branchesOf(...entries: readonly (readonly [string, PlanStep])[]): Readonly<Record<string, PlanStep>> {
  return Object.fromEntries(entries);
}

export function planOf(steps: readonly PlanStep[], changes: Partial<Plan> = {}): Plan {
  return {
    version: 1,
    namespace: 'default',
    name: 'triage',
    runtime: { image: 'busybox', environment: { TEAM: 'shop' }, llmConfig: null },
    steps,
    outputs: [],
    sinks: [],
    deadlineMs: 24 * 60 * 60_000,
    maxConcurrent: null,
    onResolve: 'continue',
    ...changes,
  };
}

export interface EngineWorldOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** By step name; one that is not here succeeds. */
  readonly deeds?: Readonly<Record<string, Deed>>;
  readonly sinks?: readonly Partial<CatalogSink>[];
  readonly commands?: CommandRunner;
  readonly killLeftover?: EngineOptions['killLeftover'];
  readonly openMcp?: EngineOptions['openMcp'];
  readonly jitter?: number;
  readonly isAlone?: boolean;
  readonly modelBudget?: ModelBudget;
  readonly cluster?: Cluster;
}

export interface EngineWorld {
  readonly store: Store;
  readonly engine: Engine;
  /** `name value` of each counter, in order. */
  readonly counted: string[];
  /** Advances until no run is due. */
  runAll(): Promise<void>;
  addAlert(changes?: Partial<AlertRecord>): Promise<AlertRecord>;
  addRun(plan: Plan, changes?: Partial<RunRecord>, alert?: AlertRecord): Promise<string>;
  run(id: string): Promise<RunRecord>;
  /** `path#attempt status code` of the journal. */
  journal(id: string): Promise<readonly string[]>;
}

/** An engine over a store, with scripted steps. */
export function createEngineWorld(options: EngineWorldOptions): EngineWorld {
  const { store, clock } = options;
  const counted: string[] = [];
  const engine = createEngine({
    store,
    clock,
    viewOf: () => ({ cluster: options.cluster ?? null, closed: null, onlyNamespace: null }),
    log: silentLog,
    owner: 'test',
    templates: plainTemplates,
    commands: options.commands ?? null,
    readers: () => emptyReaders,
    openModel: async () => ({ kind: 'none' }),
    onRunEnd: () => undefined,
    openMcp: options.openMcp ?? (async () => noMcpTools),
    killLeftover: options.killLeftover ?? (async () => false),
    secretValues: async () => [],
    steps: [scripted(options.deeds ?? {}), conditional, cli],
    metrics: {
      increment: (name, labels) => counted.push(`${name} ${Object.values(labels ?? {}).join(' ')}`),
      observe: () => undefined,
      set: () => undefined,
    },
    catalog: { current: () => catalogOf(options.sinks ?? []) },
    isAlone: options.isAlone ?? true,
    modelBudget: options.modelBudget ?? null,
    jitter: () => options.jitter ?? 1,
  });
  const now = (): string => toTimestamp(clock.now());
  return {
    store,
    engine,
    counted,
    async runAll() {
      for (;;) {
        const due = await store.read.runs.due(now(), 1000);
        if (due.length === 0) return;
        for (const id of due) await engine.advance(id, new AbortController().signal);
      }
    },
    async addAlert(changes) {
      const alert = alertRecord(now(), changes);
      await store.transaction('intake', (tx) => tx.alerts.insertAll([alert]));
      return alert;
    },
    async addRun(plan, changes, alert) {
      const run = runRecord(plan, now(), changes, alert);
      await store.transaction('intake', (tx) => tx.runs.insert({ run, plan }));
      return run.id;
    },
    async run(id) {
      const run = await store.read.runs.find(id);
      if (run === undefined) throw new Error(`no run ${id}`);
      return run;
    },
    async journal(id) {
      const steps = await store.read.runs.steps(id);
      return steps.map(
        (row) => `${row.path}#${row.attempt} ${row.status}${row.errorCode === null ? '' : ` ${row.errorCode}`}`,
      );
    },
  };
}

function scripted(deeds: Readonly<Record<string, Deed>>) {
  return defineStep({
    type: 'scripted',
    description: 'Does what the test says.',
    config: z.object({}),
    templates: {},
    defaultTimeoutMs: 600_000,
    branches: [],
    async run(io) {
      return (deeds[io.name] ?? (() => succeeded({ done: io.name })))(io);
    },
  });
}

function catalogOf(sinks: readonly Partial<CatalogSink>[]): Catalog {
  return {
    generation: 1,
    sources: [],
    workflows: [],
    sinks: sinks as readonly CatalogSink[],
    sourceByPath: () => undefined,
    source: () => undefined,
    workflow: () => undefined,
    sink(namespace, name) {
      const found = (sinks as readonly CatalogSink[]).find((sink) => sink.name === name);
      return found && { ...found, namespace };
    },
  };
}

export function alertRecord(now: string, changes: Partial<AlertRecord> = {}): AlertRecord {
  const id = newId();
  return alertFixture({
    id,
    source: 'prometheus',
    fingerprint: id,
    externalId: null,
    severity: 'critical',
    name: 'PodCrashLooping',
    summary: null,
    labels: { alertname: 'PodCrashLooping', pod: 'checkout' },
    annotations: {},
    contentHash: '',
    startsAt: now,
    receivedAt: now,
    lastReceivedAt: now,
    createdAt: now,
    updatedAt: now,
    ...changes,
  });
}

export function runRecord(plan: Plan, now: string, changes: Partial<RunRecord> = {}, alert?: AlertRecord): RunRecord {
  const snapshot: AlertSnapshot | null = alert === undefined ? null : { ...alert, status: 'firing' };
  const run = pendingRun(
    {
      id: newId(),
      name: plan.name,
      namespace: plan.namespace,
      triggerSource: 'default/prometheus',
      alertId: alert?.id ?? null,
      episode: alert?.episode ?? 0,
      planHash: JSON.stringify(plan),
      totalSteps: plan.steps.length,
      input: {
        source: { name: 'prometheus', namespace: 'default', type: 'webhook' },
        alert: snapshot,
        context: {},
        depth: 0,
      },
      retryOf: null,
      requestedBy: null,
      deadlineAt: addMs(now, plan.deadlineMs),
    },
    now,
  );
  return { ...run, ...changes };
}

/** An attempt in the journal of a run, that succeeded unless it is said. */
export function journalRow(path: string, at: string, changes: Partial<StepRecord> = {}): StepRecord {
  return stepFixture({
    id: `${path}#${changes.attempt ?? 1}`,
    name: path,
    type: 'scripted',
    path,
    result: null,
    startedAt: at,
    completedAt: at,
    createdAt: at,
    ...changes,
  });
}
