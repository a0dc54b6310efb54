import { sinkPlaces } from '../../core/access.ts';
import { incidentOf, lastReport } from '../../core/stored-report.ts';
import type { JsonObject } from '../../core/json.ts';
import { toAppError } from '../../core/errors.ts';
import type { StoreTransaction } from '../../core/store.ts';
import { addMs, toEpochMs } from '../../core/time.ts';
import { allDone } from '../../lib/all-done.ts';
import { newIdAt } from '../../lib/id.ts';
import { eventLoopTurns } from '../../lib/turns.ts';
import { templateRoots } from '../view.ts';
import { runDeliveries } from '../../core/announce.ts';
import { answerGroup } from './group.ts';
import { neverStarted } from './plan.ts';
import type { RunEnding } from './plan.ts';
import { alertSlot, cancelled, stale, stepRow, tellsOfAlert, workflowSlot } from './work.ts';
import type { EngineContext, Work } from './work.ts';

/** So long a report waits for the runs beside it: investigations take less. */
const togetherMs = 2000;

/**
 * The last transaction of a run: the end of its last attempt (`writeRows`; null = it was written before), final state,
 * outputs, the alert's columns, deliveries, slots, the next waiter. Throws StaleFence, and Cancelled where the run is asked
 * to stop before its last attempt is written.
 */
export async function endRun(
  context: EngineContext,
  work: Work,
  ending: RunEnding,
  completed: number,
  writeRows: ((tx: StoreTransaction) => readonly unknown[]) | null,
): Promise<void> {
  const { run, plan, journal } = work;
  const now = context.now();
  const found = lastReport(journal);
  const incident = incidentOf(found);
  const { outputs, problem } = await evaluateOutputs(context, work, ending.status);
  const final = ending.status === 'succeeded' && problem !== null ? outputFailure(problem) : ending;
  const skipped = final.status === 'succeeded' ? [] : neverStarted(plan, journal);
  await context.store.transaction('run-end', async (tx) => {
    const { status, error, errorCode } = final;
    const end = { status, stepsCompleted: completed, outputs, error, errorCode, completedAt: now };
    const [, lock, waits] = await allDone([
      tellsOfAlert(run) && tx.alerts.endTriage(run, now, found),
      tx.runs.finish(run.id, run.fence, end),
      // Alerts of one incident come together: a report waits a moment for what runs beside it, so that it can name them.
      incident !== null && tx.runs.hasOthers(run),
    ]);
    if (lock === undefined) throw stale();
    if (writeRows !== null && lock.cancelRequestedAt !== run.cancelRequestedAt) throw cancelled();
    // A run that was called off before it began has nothing to tell.
    const names = run.startedAt !== null || status !== 'cancelled' ? plan.sinks : [];
    const sinks = sinkPlaces(context.catalog.current(), run.namespace, names);
    const told = { incident, dueAt: waits ? addMs(now, togetherMs) : now };
    const keys = [alertSlot(run), workflowSlot(run, plan)].filter((key) => key !== null);
    await allDone([
      ...(writeRows?.(tx) ?? []),
      tx.runs.writeSteps(skipped.map(({ step, path }) => stepRow(run, step, path, 1, 'skipped', now))),
      tx.deliveries.insert(runDeliveries(run, 'run-finished', sinks, now, { status }, newIdAt, told)),
      tx.runs.freeAllSlots(run.id, keys, now),
    ]);
  });
  report(context, work, final, now);
  context.onRunEnd(run.id);
  if (run.input.group !== undefined) await answerGroup(context, run.id);
}

/** Each output is rendered by itself: one that fails is empty, and what is missing renders as nothing. */
async function evaluateOutputs(
  context: EngineContext,
  work: Work,
  status: string,
): Promise<{ readonly outputs: JsonObject; readonly problem: string | null }> {
  const { run, plan, journal } = work;
  const outputs: JsonObject = {};
  let problem: string | null = null;
  if (plan.outputs.length === 0) return { outputs, problem };
  const now = context.now();
  const data = templateRoots(run, plan, journal, now, { status, outputs });
  for (const { name, value } of plan.outputs) {
    let text = '';
    if (eventLoopTurns.isOver()) await eventLoopTurns.next();
    try {
      text = context.templates.render(value, data, now);
    } catch (thrown) {
      problem ??= `output "${name}": ${toAppError(thrown).message}`;
    }
    Object.defineProperty(outputs, name, { value: text, enumerable: true, configurable: true, writable: true });
  }
  return { outputs, problem };
}

function outputFailure(problem: string): RunEnding {
  return { kind: 'end', status: 'failed', errorCode: 'TemplateInvalid', error: problem };
}

function report(context: EngineContext, work: Work, final: RunEnding, now: string): void {
  const { run } = work;
  const labels = { workflow: run.name, phase: final.status };
  context.metrics.increment('fist_runs_total', labels);
  const seconds = (toEpochMs(now) - toEpochMs(run.startedAt ?? now)) / 1000;
  context.metrics.observe('fist_run_duration_seconds', labels, seconds);
  const fields = { run: run.id, workflow: `${run.namespace}/${run.name}`, status: final.status, seconds };
  if (final.status === 'succeeded') context.log.info(fields, 'run-ended');
  else
    context.log.warn(
      { ...fields, code: final.errorCode, reason: final.error, next: `fist describe run/${run.id}` },
      'run-ended',
    );
}
