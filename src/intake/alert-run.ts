import { absence, grantNeeded, placeOf, referenceTo, workflowFor } from '../core/access.ts';
import type { AlertRecord, StoredAlert } from '../core/alert.ts';
import type { Catalog, CatalogWorkflow } from '../core/catalog.ts';
import { AppError } from '../core/errors.ts';
import type { AlertRun, AlertRunRequest } from '../core/ports.ts';
import type { AlertSnapshot, RunRecord } from '../core/run.ts';
import type { RunBrief } from '../core/run-store.ts';
import { fullName, isFinal } from '../core/run.ts';
import type { StoreTransaction } from '../core/store.ts';
import { toTimestamp } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';
import { shortId } from '../lib/short-id.ts';
import type { IntakeOptions } from './intake.ts';
import { newRun, snapshotOf } from './records.ts';
import type { TriggeringSource } from './records.ts';
import { notMuted } from './resume.ts';

/** Before any run. */
const everSince: Timestamp = '1970-01-01T00:00:00.000Z';

/**
 * Makes a run about an alert as it stands now, because somebody asks for it: whatever policies of its Source say, and beside the runs
 * that it has. It is a repetition of the newest one of the same Workflow and episode, if there is one. Throws NotFound, WorkflowNotReady,
 * and Conflict where one of the same Workflow is at work or no Workflow is named.
 */
export async function startForAlert(
  { store, catalog, clock, metrics, log }: IntakeOptions,
  request: AlertRunRequest,
): Promise<AlertRun> {
  const { alertId, by } = request;
  const alert = found(await store.read.lists.alert(alertId), alertId);
  const { source, workflow } = chosen(catalog.current(), alert, request.workflow);
  const now = toTimestamp(clock.now());
  const run = await store.transaction('intake', async (tx) => {
    const [state] = await tx.alerts.findStates([alert]);
    const same = (await tx.runs.briefsOfAlerts([alertId], everSince)).filter(
      (brief) => brief.name === workflow.name && brief.namespace === workflow.namespace && brief.requestedBy === null,
    );
    refuseSecond(same);
    return insertRun(tx, { alert, state: found(state, alertId), same, source, workflow, by, now });
  });
  metrics.increment('fist_runs_total', { workflow: run.name, phase: run.status });
  const name = `${run.namespace}/${run.name}`;
  log.info({ run: run.id, alert: alertId, workflow: name, retryOf: run.retryOf, by }, 'run-asked-for-by-person');
  return { runId: run.id, workflow: name, retryOf: run.retryOf };
}

function found<T>(alert: T | undefined, id: string): T {
  if (alert !== undefined) return alert;
  throw new AppError('NotFound', `there is no alert ${id}`, { next: 'fist get alerts --all' });
}

/** The Workflow that is asked for, as the alert's Source would name it; else the one that this Source triggers. */
function chosen(
  catalog: Catalog,
  { namespace, source: name }: AlertRecord,
  asked: string | null,
): { readonly source: TriggeringSource; readonly workflow: CatalogWorkflow } {
  const known = catalog.source(namespace, name);
  const triggerWorkflow =
    asked === null ? (known?.triggerWorkflow ?? '') : referenceTo(placeOf(asked, namespace), namespace);
  if (triggerWorkflow === '') {
    const why = known === undefined ? 'is not there any more' : 'triggers no Workflow';
    throw new AppError('Conflict', `Source ${namespace}/${name} ${why}, so a Workflow has to be named`, {
      field: 'workflow',
      next: 'fist get workflows',
    });
  }
  const workflow = workflowFor(catalog, namespace, triggerWorkflow);
  if (workflow !== undefined && workflow.ready && workflow.plan !== null) {
    const { type = '', context = {} } = known ?? {};
    return { source: { namespace, name, type, context, triggerWorkflow }, workflow };
  }
  const place = placeOf(triggerWorkflow, namespace);
  const title = fullName(place);
  if (workflow === undefined)
    throw new AppError('WorkflowNotReady', absence('Workflow', place, namespace), {
      field: 'workflow',
      next: grantNeeded('Workflow', place, namespace) ?? 'fist get workflows',
    });
  throw new AppError('WorkflowNotReady', `Workflow ${title} is not ready`, {
    field: 'workflow',
    next: `fist describe workflow/${title}`,
  });
}

/** One at a time, however often somebody asks. */
function refuseSecond(same: readonly RunBrief[]): void {
  const atWork = same.find(({ status }) => !isFinal(status));
  if (atWork === undefined) return;
  const name = `run/${shortId(atWork.id)}`;
  throw new AppError('Conflict', `${name} is about this alert and has not ended: ${atWork.status}`, {
    next: `fist watch ${name}`,
  });
}

interface Asked {
  readonly alert: AlertRecord;
  /** Locked. */
  readonly state: StoredAlert;
  readonly same: readonly RunBrief[];
  readonly source: TriggeringSource;
  readonly workflow: CatalogWorkflow;
  readonly by: string | null;
  readonly now: Timestamp;
}

async function insertRun(
  tx: StoreTransaction,
  { alert, state, same, source, workflow, by, now }: Asked,
): Promise<RunRecord> {
  const isOpen = state.status !== 'resolved';
  const snapshot: AlertSnapshot = {
    ...snapshotOf(alert, state),
    ...(isOpen ? {} : { status: 'resolved', endsAt: state.endsAt }),
  };
  const run: RunRecord = {
    ...newRun(source, workflow, { alert: snapshot }, now),
    triggerSource: by === null ? 'a request' : `request of ${by}`,
    retryOf: same.findLast(({ episode }) => episode === state.episode)?.id ?? null,
  };
  if (!(await tx.runs.insert({ run, plan: workflow.plan })))
    throw new AppError('Conflict', `alert ${alert.id} got another run at the same time`, {
      next: `fist describe alert/${shortId(alert.id)}`,
    });
  // Sinks hear of it by this run, and so of its end.
  const announced = state.announced || isOpen;
  await tx.alerts.saveStates([{ ...state, ...notMuted, announced, workflowId: run.id, updatedAt: now }]);
  return run;
}
