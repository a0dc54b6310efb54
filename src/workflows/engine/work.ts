import type { McpTools } from '../../agent/mcp/tools.ts';
import type { ModelAccess } from '../../agent/models/open.ts';
import type { Readers } from '../../agent/open-toolbox.ts';
import { placeOf } from '../../core/access.ts';
import type { ClusterView } from '../../core/cluster.ts';
import { AppError } from '../../core/errors.ts';
import type { LlmConfig, McpServer, ModelBudget, Plan, PlanRuntime, PlanStep } from '../../core/plan.ts';
import type { Metrics } from '../../core/metrics.ts';
import type { CommandRunner } from '../../core/command.ts';
import type { CatalogHolder, Clock, Log } from '../../core/ports.ts';
import type { ProcessIdentity, RunRecord, StepRecord } from '../../core/run.ts';
import type { RunProgress, RunReader, RunWait } from '../../core/run-store.ts';
import type { Store } from '../../core/store.ts';
import { toTimestamp } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';
import { newId } from '../../lib/id.ts';
import type { ReaderEndpoints, StepDefinition, StepIo } from '../steps/define.ts';
import type { Templates } from '../templates.ts';
import { templateRoots } from '../view.ts';
import { watchCluster } from './cluster-watch.ts';
import type { ClusterWatch } from './cluster-watch.ts';
import { createJumps, deadlineOf } from './jumps.ts';
import type { Jumps } from './jumps.ts';
import { next } from './plan.ts';
import type { PlanRules, RunEnding } from './plan.ts';

/** Opens what a run may read beside the cluster, at addresses that a step names, else where its Workflow or the server says. */
export type ReadersOf = (
  run: { readonly namespace: string; readonly runId: string; readonly runtime: PlanRuntime },
  endpoints: ReaderEndpoints,
) => Readers;

export interface EngineOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Who holds the leases, for people: host and process. */
  readonly owner: string;
  readonly steps: readonly StepDefinition[];
  readonly templates: Templates;
  readonly catalog: CatalogHolder;
  /** What the steps of a Workflow may look at. */
  readonly viewOf: (plan: Plan) => ClusterView;
  /** null = `cli` steps fail with ExecNotAllowed. */
  readonly commands: CommandRunner | null;
  /** What the steps of a run may read beside the cluster. */
  readonly readers: ReadersOf;
  /** Models for the runs of a namespace. */
  openModel(namespace: string, config: LlmConfig | null): Promise<ModelAccess>;
  /** Tools of MCP servers for the runs of a namespace. */
  openMcp(
    namespace: string,
    servers: readonly McpServer[],
    step: Pick<StepIo, 'onProcess' | 'log' | 'signal'>,
  ): Promise<McpTools>;
  /** Kills what an interrupted attempt left alive; false where it is gone already. */
  killLeftover(process: ProcessIdentity): Promise<boolean>;
  /** Values of the Secrets of the resources. */
  readonly secretValues: () => Promise<readonly string[]>;
  /** What all models of this installation may use on a UTC day; null = no limit. */
  readonly modelBudget: ModelBudget | null;
  /** Hears of each run that has ended, once that is committed. Never throws. */
  onRunEnd(runId: string): void;
  /** No other process works on the store, and its time is this machine's. */
  readonly isAlone: boolean;
  /** From 0 to 1, the same for the same arguments: full jitter of retries. */
  jitter(runId: string, path: string, attempt: number): number;
}

/** The parts that every stage of the engine uses. */
export interface EngineContext extends EngineOptions {
  readonly now: () => Timestamp;
  readonly jumps: Jumps;
  readonly clusterWatch: ClusterWatch;
  /** Plans are kept by hash; they never change. */
  plan(reader: RunReader, hash: string): Promise<Plan | undefined>;
}

/** A run that this worker holds. Replaced, never changed, after each commit. */
export interface Work {
  readonly run: RunRecord;
  readonly plan: Plan;
  readonly journal: readonly StepRecord[];
  /** Number of the next evidence. */
  readonly nextEvidence: number;
  /** When this worker took the run, monotonic milliseconds. */
  readonly takenAtMs: number;
  /** When the lease was last asked for and got, monotonic milliseconds. */
  readonly heldSinceMs: number;
  /** When the run passes its deadline, monotonic milliseconds. */
  readonly deadlineMs: number;
}

/** What follows: rows to write now, and then what. */
export interface Ahead {
  readonly rows: readonly StepRecord[];
  readonly completed: number;
  readonly due:
    | { readonly kind: 'run'; readonly step: PlanStep; readonly row: StepRecord }
    | { readonly kind: 'wait'; readonly wait: RunWait }
    | RunEnding;
}

export function stale(): AppError {
  return new AppError('StaleFence', 'another worker took the run over');
}

/** Somebody asked the run to stop since it was read: what is due is something else. */
export function cancelled(): AppError {
  return new AppError('Cancelled', 'somebody asked the run to stop');
}

/** Skips what `when` skips, up to the next step, wait or end. `pause` = this worker starts nothing more. */
export function lookAhead(
  context: EngineContext,
  work: Pick<Work, 'run' | 'plan' | 'deadlineMs'>,
  journal: readonly StepRecord[],
  pause: boolean,
): Ahead {
  const { run, plan } = work;
  const { cancelRequestedAt, cancelReason } = run;
  const limits = { deadlineAt: deadlineOf(context.clock, work), cancelRequestedAt, cancelReason };
  const now = context.now();
  const rows: StepRecord[] = [];
  for (;;) {
    const seen = rows.length === 0 ? journal : [...journal, ...rows];
    const decision = next(limits, plan, seen, now, planRules(context, run, plan, seen));
    const { completed } = decision;
    if (decision.kind === 'end') return { rows, completed, due: decision };
    if (decision.kind === 'wait') {
      const wait = {
        status: 'running',
        wakeAt: decision.until,
        waitingFor: decision.waitingFor,
        slotKey: null,
      } as const;
      return { rows, completed, due: { kind: 'wait', wait } };
    }
    if (decision.kind === 'start') {
      if (pause) {
        const wait = { status: 'running', wakeAt: now, waitingFor: null, slotKey: null } as const;
        return { rows, completed, due: { kind: 'wait', wait } };
      }
      const row = stepRow(run, decision.step, decision.path, decision.attempt, 'running', now);
      rows.push(row);
      return { rows, completed, due: { kind: 'run', step: decision.step, row } };
    }
    rows.push(stepRow(run, decision.step, decision.path, 1, 'skipped', now));
  }
}

/** What `describe run` shows. */
export function progress(ahead: Ahead): RunProgress {
  return { stepsCompleted: ahead.completed, currentStep: ahead.due.kind === 'run' ? ahead.due.step.name : null };
}

function planRules(context: EngineContext, run: RunRecord, plan: Plan, journal: readonly StepRecord[]): PlanRules {
  return {
    jitter: (path, attempt) => context.jitter(run.id, path, attempt),
    clusterAnsweredAt: () => context.clusterWatch.answeredAt(),
    holds(step) {
      const now = context.now();
      try {
        return context.templates.evaluate(step.when ?? '', templateRoots(run, plan, journal, now), now);
      } catch {
        return true;
      }
    },
  };
}

/** A new row of the journal. */
export function stepRow(
  run: RunRecord,
  step: PlanStep,
  path: string,
  attempt: number,
  status: 'running' | 'skipped',
  now: Timestamp,
): StepRecord {
  return {
    id: newId(),
    runId: run.id,
    name: step.name,
    type: step.type,
    path,
    attempt,
    status,
    fence: run.fence,
    result: null,
    error: null,
    errorCode: null,
    retryable: false,
    process: null,
    startedAt: status === 'running' ? now : null,
    completedAt: status === 'running' ? null : now,
    createdAt: now,
  };
}

/** Where others work while this process does not, a jump is no time in which nobody could. */
const noJumps: Jumps = { settle: async () => undefined };

/** At most so many plans are kept in memory. */
const keptPlans = 200;

export function createContext(options: EngineOptions): EngineContext {
  const plans = new Map<string, Plan>();
  return {
    ...options,
    now: () => toTimestamp(options.clock.now()),
    clusterWatch: watchCluster(options),
    jumps: options.isAlone ? createJumps(options) : noJumps,
    async plan(reader, hash) {
      const kept = plans.get(hash);
      if (kept !== undefined) return kept;
      const plan = await reader.plan(hash);
      if (plan === undefined) return undefined;
      if (plans.size >= keptPlans) plans.delete(plans.keys().next().value ?? '');
      plans.set(hash, plan);
      return plan;
    },
  };
}

/**
 * Whether it tells of its alert what it does and finds, and is one in the row of those that do. A run that Sinks led to in another namespace
 * than that of the first Workflow only reads the alert: who owns such a Sink must not choose what others hear of their alerts.
 */
export function tellsOfAlert({ alertId, namespace, input }: RunRecord): boolean {
  const [first] = input.parent?.workflows ?? [];
  return alertId !== null && (first === undefined || placeOf(first, namespace).namespace === namespace);
}

/** Slot keys (design 3.1.16). */
export function alertSlot(run: RunRecord): string | null {
  return tellsOfAlert(run) ? `alert:${run.alertId ?? ''}` : null;
}

export function workflowSlot(run: RunRecord, plan: Plan): string | null {
  return plan.maxConcurrent === null ? null : `workflow:${run.namespace}/${run.name}`;
}
