import { eventLoopTurns } from '../../lib/turns.ts';
import { AppError, toAppError } from '../../core/errors.ts';
import type { ClusterView } from '../../core/cluster.ts';
import type { ErrorCode } from '../../core/errors.ts';
import { freshData } from '../../core/namespace-data.ts';
import type { Plan, PlanStep } from '../../core/plan.ts';
import type { Evidence, StepOutcome, StepRecord } from '../../core/run.ts';
import type { StepEnd } from '../../core/run-store.ts';
import type { StepIo } from '../steps/define.ts';
import { templateRoots } from '../view.ts';
import { conversationWith, createAgentJournal } from './agent-journal.ts';
import { conversationGone, readContinued } from './follow-up.ts';
import type { Continued } from './follow-up.ts';
import { budgetRefusal } from './model-budgets.ts';
import { hasKnownEnd, stopped } from './plan.ts';
import { stale } from './work.ts';
import type { EngineContext, Work } from './work.ts';
import { startWatch } from './watch.ts';

/** How an attempt ended, for the step-end transaction. */
export interface AttemptEnd {
  readonly row: StepRecord;
  readonly end: StepEnd;
  readonly evidence: readonly Evidence[];
}

/** How long an aborted step may take to clean up before its attempt is ended without it. */
const abortGraceMs = 5_000;

/**
 * Runs one attempt: the effects between step start and step end. Throws StaleFence, and what the store threw while the step
 * wrote to it: the attempt then has no end, and the next claim marks it interrupted.
 */
export async function runAttempt(
  context: EngineContext,
  work: Work,
  step: PlanStep,
  row: StepRecord,
  stopping: AbortSignal,
): Promise<AttemptEnd> {
  const startedMs = context.clock.monotonic();
  const watch = startWatch(context, work, step.timeoutMs, stopping);
  const calls = createStoreCalls();
  let outcome: StepOutcome | undefined;
  try {
    outcome = await settled(context, runStep(context, work, step, row, watch.signal, calls), watch.signal);
  } finally {
    watch.stop();
    calls.end();
  }
  // Whatever the step, or what it called, made of it.
  const trouble = calls.trouble();
  if (trouble !== null) throw trouble;
  const cause = abortCause(watch.signal);
  if (cause?.code === 'StaleFence') throw stale();
  const end = stepEnd(context, step, outcome, cause);
  const seconds = (context.clock.monotonic() - startedMs) / 1000;
  context.metrics.observe('fist_step_duration_seconds', { type: step.type, result: end.status }, seconds);
  return { row, end, evidence: outcome?.evidence ?? [] };
}

/** Calls of the store in the middle of the step. */
export interface StoreCalls {
  /** Rejects with what the store threw; after the attempt's end, which a step may outlive, nothing is called. */
  call<T>(work: () => Promise<T>): Promise<T>;
  end(): void;
  /** What the store threw first; null = nothing. */
  trouble(): AppError | null;
}

function createStoreCalls(): StoreCalls {
  let trouble: AppError | null = null;
  let isOver = false;
  return {
    async call(work) {
      if (isOver) throw new AppError('StaleFence', 'the attempt has ended');
      try {
        return await work();
      } catch (thrown) {
        const error = toAppError(thrown);
        trouble ??= error;
        throw error;
      }
    },
    end: () => void (isOver = true),
    trouble: () => trouble,
  };
}

/** The outcome, or undefined where the step does not come back after an abort. */
async function settled(
  context: EngineContext,
  running: Promise<StepOutcome>,
  signal: AbortSignal,
): Promise<StepOutcome | undefined> {
  const done = new AbortController();
  const late = new Promise<undefined>((resolve, reject) => {
    const wait = (): void => {
      context.clock.sleep(abortGraceMs, done.signal).then(
        () => resolve(undefined),
        () => undefined,
      );
    };
    if (signal.aborted) wait();
    else signal.addEventListener('abort', wait, { once: true });
    done.signal.addEventListener('abort', () => signal.removeEventListener('abort', wait), { once: true });
    running.catch(reject);
  });
  try {
    return await Promise.race([running, late]);
  } finally {
    done.abort('the attempt ended');
  }
}

/** The step with its own schema and errors as outcomes. Never rejects. */
async function runStep(
  context: EngineContext,
  work: Work,
  step: PlanStep,
  row: StepRecord,
  signal: AbortSignal,
  calls: StoreCalls,
): Promise<StepOutcome> {
  try {
    const definition = context.steps.find((candidate) => candidate.type === step.type);
    if (definition === undefined) throw new AppError('InvalidResource', `this version has no step type "${step.type}"`);
    const continued = await calls.call(() => readContinued(context.store.read, work.run));
    if (continued === undefined) throw conversationGone(work.run);
    const io = stepIo(context, work, step, row, signal, calls, continued);
    // Templates come first.
    if (eventLoopTurns.isOver()) await eventLoopTurns.next();
    // Evaluated before; here it only throws where it could not be.
    if (step.when !== null) io.evaluate(step.when);
    return await definition.run(io, definition.config.parse(step.config));
  } catch (thrown) {
    const error = toAppError(thrown);
    if (error.code === 'Internal' && calls.trouble() === null)
      context.log.error({ run: work.run.id, path: row.path, error: thrown }, 'step-defect');
    const message = error.next === undefined ? error.message : `${error.message}; ${error.next}`;
    return { ok: false, code: error.code, message, retryable: error.retryable, result: null, evidence: [] };
  }
}

function stepIo(
  context: EngineContext,
  work: Work,
  step: PlanStep,
  row: StepRecord,
  signal: AbortSignal,
  calls: StoreCalls,
  continued: Continued,
): StepIo {
  const { run, plan, journal } = work;
  const { templates } = context;
  let roots: ReturnType<typeof templateRoots> | undefined;
  const data = (): ReturnType<typeof templateRoots> => (roots ??= templateRoots(run, plan, journal, context.now()));
  const log = context.log.child({ run: run.id, path: row.path, attempt: row.attempt });
  const onProcess: StepIo['onProcess'] = (process) =>
    calls.call(() =>
      context.store.transaction('step-process', async (tx) => {
        if ((await tx.runs.lock(run.id, run.fence)) === undefined) throw stale();
        await tx.runs.setStepProcess(row.id, process);
      }),
    );
  return {
    runId: run.id,
    name: step.name,
    path: row.path,
    attempt: row.attempt,
    endedBefore: journal.filter((other) => other.path === row.path && hasKnownEnd(other)).length,
    idempotencyKey: `${run.id}/${row.path}`,
    signal,
    timeoutMs: step.timeoutMs,
    now: context.now,
    clock: context.clock,
    log,
    alert: run.input.alert ?? run.input.asked ?? null,
    group: run.input.group ?? null,
    openReaders: (endpoints) =>
      context.readers({ namespace: plan.namespace, runId: run.id, runtime: plan.runtime }, endpoints),
    data: {
      said: plan.runtime.capabilities ?? {},
      known: async (servers) => freshData(await context.store.read.learned.namespaceData(servers), context.clock.now()),
      learn: (rows) => context.store.transaction('namespace-data', (tx) => tx.learned.saveNamespaceData(rows)),
    },
    openModel: () => context.openModel(plan.namespace, plan.runtime.llmConfig),
    openMcp: () => context.openMcp(plan.namespace, plan.runtime.mcpServers ?? [], { log, signal, onProcess }),
    namespace: plan.namespace,
    image: plan.runtime.image,
    environment: plan.runtime.environment,
    branches: Object.keys(step.branches),
    render: (template) => templates.render(template, data(), context.now()),
    renderCommand: (template, variables) => templates.renderCommand(template, variables, data(), context.now()),
    renderApart: (template) => templates.renderApart(template, data(), context.now()),
    evaluate: (condition) => templates.evaluate(condition, data(), context.now()),
    ...viewOf(context, plan),
    commands: context.commands,
    secretValues: context.secretValues,
    firstEvidenceNumber: work.nextEvidence,
    onProcess,
    followUp: continued.followUp,
    journal: createAgentJournal(context, work, row, calls),
    budgetRefusal: (next) => calls.call(() => budgetRefusal(context, work, continued.spent, next)),
    conversationWith: (evidenceHash) => calls.call(() => conversationWith(context.store.read.agent, run, evidenceHash)),
  };
}

function viewOf(context: EngineContext, plan: Plan): ClusterView {
  const view = context.viewOf(plan);
  return { ...view, cluster: view.cluster && context.clusterWatch.noted(view.cluster) };
}

function abortCause(signal: AbortSignal): AppError | undefined {
  return signal.aborted ? toAppError(signal.reason) : undefined;
}

/** What the row becomes. A result that came is kept, whatever was asked meanwhile. */
function stepEnd(
  context: EngineContext,
  step: PlanStep,
  outcome: StepOutcome | undefined,
  cause: AppError | undefined,
): StepEnd {
  const completedAt = context.now();
  if (outcome?.ok === true) {
    return { status: 'succeeded', result: outcome.result, error: null, errorCode: null, retryable: false, completedAt };
  }
  const result = outcome?.result ?? null;
  if (cause?.code === 'Interrupted') return { status: 'failed', result, completedAt, ...stopped(step.interrupted) };
  if (cause !== undefined) {
    const { code, message, retryable } = cause;
    return {
      status: code === 'Cancelled' ? 'cancelled' : 'failed',
      result,
      error: message,
      errorCode: code,
      retryable,
      completedAt,
    };
  }
  const { code, message, retryable } = outcome ?? noOutcome;
  return { status: 'failed', result, error: message, errorCode: code, retryable, completedAt };
}

const noOutcome: { readonly code: ErrorCode; readonly message: string; readonly retryable: boolean } = {
  code: 'Internal',
  message: 'the step gave no outcome',
  retryable: false,
};
