import { hash } from 'node:crypto';
import { explainAbsence, placeOf } from '../core/access.ts';
import type { AlertItem, AlertRecord, AlertTransition, StoredAlert } from '../core/alert.ts';
import type { FoldTransition } from '../core/alert-fold.ts';
import type { CatalogSource, CatalogWorkflow } from '../core/catalog.ts';
import type { JsonObject } from '../core/json.ts';
import type { ChildRunRequest } from '../core/ports.ts';
import { pendingRun } from '../core/run.ts';
import type { AlertSnapshot, Continuation, RunInput, RunParent, RunRecord } from '../core/run.ts';
import { addMs } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';
import { newId } from '../lib/id.ts';
import type { GroupWait } from './groups.ts';

// Rows that intake writes, made from what it decided.

const oneDayMs = 24 * 60 * 60_000;

/** SHA-256 over what may change without a run (design 3.2.14). vmalert writes annotations in another order each time. */
export function contentHash(item: AlertItem, groupKey: string | null): string {
  const { annotations, generatorUrl, summary, description, externalId } = item;
  const pairs = Object.keys(annotations)
    .sort()
    .map((name) => [name, annotations[name]]);
  return hash('sha256', JSON.stringify([pairs, generatorUrl, summary, description, externalId, groupKey]));
}

/** The part of a row that the last notification replaces. */
export function contentOf(item: AlertItem, groupKey: string | null) {
  const { externalId, summary, description, annotations, generatorUrl } = item;
  return { externalId, summary, description, annotations, generatorUrl, groupKey } satisfies Partial<AlertRecord>;
}

/** A row for an identity that was never seen. */
export function newAlert(
  source: CatalogSource,
  item: AlertItem,
  groupKey: string | null,
  state: StoredAlert,
  now: Timestamp,
): AlertRecord {
  return {
    ...state,
    ...contentOf(item, groupKey),
    namespace: source.namespace,
    source: source.name,
    fingerprint: item.fingerprint,
    name: item.name,
    labels: item.labels,
    triageStartedAt: null,
    aiAnalysis: null,
    aiConfidence: null,
    cause: null,
    reportNamespace: null,
    autoResolved: false,
    createdAt: now,
    updatedAt: now,
  };
}

/** The alert as its run will see it, whatever comes later. */
export function snapshotOf(
  alert: Pick<
    AlertItem,
    'name' | 'fingerprint' | 'labels' | 'annotations' | 'summary' | 'description' | 'generatorUrl'
  >,
  state: Pick<StoredAlert, 'id' | 'severity' | 'episode' | 'startsAt'>,
): AlertSnapshot {
  const { name, fingerprint, labels, annotations, summary, description, generatorUrl } = alert;
  const { id, severity, episode, startsAt } = state;
  return {
    id,
    name,
    fingerprint,
    severity,
    episode,
    labels,
    annotations,
    summary,
    description,
    generatorUrl,
    startsAt,
    status: 'firing',
    endsAt: null,
  };
}

/** What a run says of the Source that it is of. */
export type TriggeringSource = Pick<CatalogSource, 'namespace' | 'name' | 'type' | 'context' | 'triggerWorkflow'>;

/**
 * A run that waits to be claimed, in the namespace of its Workflow; without a workflow that is ready, one that has failed already
 * (design 3.2.18), in that of its Source where the Workflow is not its to start. `about`: an alert, or the data of a run without one. `wait`: for others of the alert's group.
 */
export function newRun(
  source: TriggeringSource,
  workflow: CatalogWorkflow | undefined,
  about: Pick<RunInput, 'alert' | 'data' | 'asked'>,
  now: Timestamp,
  wait: GroupWait | null = null,
): RunRecord {
  const plan = workflow?.plan ?? null;
  const ready = workflow !== undefined && workflow.ready && plan !== null;
  const { namespace, name, type, context } = source;
  const run = runOf(
    {
      name: workflow?.name ?? source.triggerWorkflow,
      namespace: workflow?.namespace ?? namespace,
      triggerSource: `${namespace}/${name}`,
      alertId: about.alert?.id ?? null,
      episode: about.alert?.episode ?? 0,
      requestedBy: null,
      input: {
        source: { name, namespace, type },
        ...about,
        context,
        depth: 0,
        ...(wait === null ? {} : { group: { labels: wait.group.labels } }),
      },
    },
    { plan, planHash: plan === null ? null : (workflow?.planHash ?? null) },
    now,
  );
  if (ready) return wait === null || wait.waitMs === 0 ? run : { ...run, ...waiting(now, wait.waitMs) };
  const error = notReady(source, workflow);
  return { ...run, status: 'failed', error, errorCode: 'WorkflowNotReady', wakeAt: null, completedAt: now };
}

function waiting(now: Timestamp, waitMs: number): Pick<RunRecord, 'wakeAt' | 'waitingFor'> {
  return { wakeAt: addMs(now, waitMs), waitingFor: 'timer' };
}

type Planned = Pick<CatalogWorkflow, 'plan' | 'planHash'>;

/** A run that goes on with the conversation of another one of its namespace, asked for with this Source. */
export function continuingRun(
  { namespace, name, type, context }: CatalogSource,
  { plan, planHash, followUp, asked }: Continuation,
  data: JsonObject,
  now: Timestamp,
): RunRecord {
  const about = asked === undefined ? {} : { asked };
  return runOf(
    {
      name: plan.name,
      namespace: plan.namespace,
      triggerSource: `${namespace}/${name}`,
      alertId: null,
      episode: 0,
      requestedBy: null,
      input: { source: { name, namespace, type }, alert: null, data, ...about, context, depth: 0, followUp },
    },
    { plan, planHash },
    now,
  );
}

/** The run that a Sink asks for: about the alert of the run that led to it, as it stands now. */
export function childRun(
  { key, namespace, sinkName, context, resolvedAt }: ChildRunRequest,
  workflow: Planned & Pick<CatalogWorkflow, 'namespace' | 'name'>,
  { told, parent }: { readonly told: RunRecord | undefined; readonly parent: RunParent | null },
  now: Timestamp,
): RunRecord {
  const known = told?.input.alert ?? null;
  const alert: AlertSnapshot | null =
    known === null || resolvedAt === null ? known : { ...known, status: 'resolved', endsAt: resolvedAt };
  return runOf(
    {
      name: workflow.name,
      namespace: workflow.namespace,
      triggerSource: `Sink ${namespace}/${sinkName}`,
      alertId: told?.alertId ?? null,
      episode: told?.episode ?? 0,
      requestedBy: key,
      input: {
        source: told?.input.source ?? { name: sinkName, namespace, type: 'sink' },
        alert,
        context,
        depth: parent?.workflows.length ?? 1,
        ...(told?.input.data === undefined ? {} : { data: told.input.data }),
        ...(told?.input.group === undefined ? {} : { group: told.input.group }),
        ...(parent === null ? {} : { parent }),
      },
    },
    workflow,
    now,
  );
}

/** A run of a Workflow, as far as that is known. */
function runOf(
  what: Pick<RunRecord, 'name' | 'namespace' | 'triggerSource' | 'alertId' | 'episode' | 'requestedBy' | 'input'>,
  { plan, planHash }: Planned,
  now: Timestamp,
): RunRecord {
  const totalSteps = plan?.steps.length ?? 0;
  const deadlineAt = addMs(now, plan?.deadlineMs ?? oneDayMs);
  return pendingRun({ id: newId(), ...what, planHash, totalSteps, retryOf: null, deadlineAt }, now);
}

function notReady(source: TriggeringSource, workflow: CatalogWorkflow | undefined): string {
  const { namespace, triggerWorkflow } = source;
  if (workflow === undefined) {
    const why = explainAbsence('Workflow', placeOf(triggerWorkflow, namespace), namespace);
    return `Source ${namespace}/${source.name} triggers ${triggerWorkflow}: ${why}`;
  }
  const name = `${workflow.namespace}/${workflow.name}`;
  const wrong = workflow.conditions.find((condition) => condition.type === 'Ready' && condition.status !== 'True');
  return `Workflow ${name} is not ready${wrong === undefined ? '' : `: ${wrong.reason}: ${wrong.message}`}`;
}

/** A transition as `alert_transitions` keeps it. */
export function transitionRecord(
  alertId: string,
  transition: FoldTransition,
  sourceEventId: string | null,
): AlertTransition {
  return { alertId, ...transition, sourceEventId };
}
