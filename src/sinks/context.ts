import type { AlertRecord } from '../core/alert.ts';
import { alertJson, sourceJson } from '../core/context.ts';
import type { DeliveryRecord, EventContext } from '../core/delivery.ts';
import type { JsonObject, JsonValue } from '../core/json.ts';
import type { AlertSnapshot, RunRecord, StepRecord } from '../core/run.ts';
import { toEpochMs } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';

/** The rows that a delivery speaks about, read when it is rendered. */
export interface DeliveryFacts {
  readonly delivery: DeliveryRecord;
  readonly run: RunRecord | undefined;
  readonly steps: readonly StepRecord[];
  /** `.steps` of templates. */
  readonly stepsView: JsonObject;
  readonly alert: AlertRecord | undefined;
  /** Where people reach this server, without a slash at the end; null where it is not known. */
  readonly publicUrl: string | null;
}

/**
 * What a delivery tells, as of its own moment: a run-started one knows no outputs, even where the run has ended since.
 * Pure: the same rows give the same payload.
 */
export function eventContext(facts: DeliveryFacts): EventContext {
  const { delivery, run, alert } = facts;
  const started = delivery.event === 'run-started';
  const snapshot =
    delivery.event === 'alert-resolved' && alert !== undefined
      ? closedSnapshot(alert, delivery)
      : (run?.input.alert ?? null);
  const source = run?.input.source ?? {
    name: alert?.source ?? '',
    namespace: alert?.namespace ?? delivery.namespace,
    type: '',
  };
  const told = sourceJson({ source, alert: snapshot, context: run?.input.context ?? {}, depth: 0 });
  return {
    event: delivery.event,
    source: { name: source.name, type: source.type, namespace: source.namespace },
    workflow: {
      name: run?.name ?? textOf(delivery.data['workflow']),
      namespace: run?.namespace ?? delivery.namespace,
      status: started ? 'running' : (run?.status ?? ''),
      outputs: started ? {} : (run?.outputs ?? {}),
      duration: durationSeconds(
        run?.startedAt ?? null,
        started ? delivery.createdAt : (run?.completedAt ?? delivery.createdAt),
      ),
      completedAt: started ? null : (run?.completedAt ?? null),
      error: started ? null : (run?.error ?? null),
    },
    data: objectOf(told['data']),
    alert: snapshot === null ? null : alertJson(snapshot),
    report: started ? null : lastReport(facts.steps),
    steps: started ? {} : facts.stepsView,
    run:
      run === undefined
        ? null
        : {
            id: run.id,
            status: started ? 'running' : run.status,
            url: facts.publicUrl === null ? null : `${facts.publicUrl}/api/v1/runs/${run.id}`,
          },
    timestamp: delivery.createdAt,
  };
}

/** What is sent: the contract's payload plus event, alert, report and run. Steps stay here; the report holds their sum. */
export function deliveryPayload(context: EventContext): JsonObject {
  const { event, source, workflow, data, alert, report, run, timestamp } = context;
  return {
    event,
    source: { ...source },
    workflow: { ...workflow },
    data,
    alert,
    report,
    run: run === null ? null : { ...run },
    timestamp,
  };
}

/** What templates and conditions of a Sink see: the context, with the source's data under `.source.data` too. */
export function templateData(context: EventContext): JsonObject {
  const { steps, source, data } = context;
  return { ...deliveryPayload(context), steps, source: { ...source, data } };
}

/** The result of the last ended step that holds a report (an AgentResult), whatever the step's type. */
function lastReport(steps: readonly StepRecord[]): JsonObject | null {
  const reports = steps
    .filter((step) => step.status === 'succeeded' || step.status === 'failed')
    .map((step) => objectOf(step.result))
    .filter((result) => typeof result['report'] === 'string' && Array.isArray(result['findings']));
  return reports.at(-1) ?? null;
}

/** The episode that the delivery announces the end of, though the alert may fire again by now. */
function closedSnapshot(alert: AlertRecord, { data }: DeliveryRecord): AlertSnapshot {
  const { id, name, fingerprint, severity, labels, annotations, summary, description, generatorUrl } = alert;
  const episode = typeof data['episode'] === 'number' ? data['episode'] : alert.episode;
  const startsAt = typeof data['startsAt'] === 'string' ? data['startsAt'] : alert.startsAt;
  const endsAt = typeof data['endsAt'] === 'string' ? data['endsAt'] : alert.endsAt;
  const own = { id, name, fingerprint, severity, labels, annotations, summary, description, generatorUrl };
  return { ...own, status: 'resolved', episode, startsAt, endsAt };
}

/** Whole seconds as text, as the contract has it. */
function durationSeconds(from: Timestamp | null, to: Timestamp): string {
  return from === null ? '0' : String(Math.max(0, Math.round((toEpochMs(to) - toEpochMs(from)) / 1000)));
}

function objectOf(value: JsonValue | undefined): JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? value : {};
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}
