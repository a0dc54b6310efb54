import type { Selectable } from 'kysely';
import type { AlertRecord, AlertStatus, AlertTransition, Labels } from '../../core/alert.ts';
import type { ErrorCode } from '../../core/errors.ts';
import type { DeadLetterRecord, SourceEventRecord } from '../../core/event.ts';
import type { JsonObject, JsonValue } from '../../core/json.ts';
import type {
  Evidence,
  ProcessIdentity,
  RunInput,
  RunRecord,
  RunStatus,
  StepRecord,
  StepStatus,
  WaitingFor,
} from '../../core/run.ts';
import type { ResourceRecord } from '../../core/resource.ts';
import type { RunBrief } from '../../core/run-store.ts';
import { storedAlert } from '../alerts/rows.ts';
import type * as schema from './schema.ts';

// Rows to records. Enumerations and JSON were written by this program, so they are taken as they are.

export function alertRecord(row: Selectable<schema.AlertRow>): AlertRecord {
  return {
    ...alertSummary(row),
    aiAnalysis: row.ai_analysis === null ? null : (JSON.parse(row.ai_analysis) as JsonObject),
  };
}

/** An alert without its analysis, which may be large. */
export function alertSummary(row: Omit<Selectable<schema.AlertRow>, 'ai_analysis'>): Omit<AlertRecord, 'aiAnalysis'> {
  const { id, ...state } = storedAlert(row);
  return {
    id,
    namespace: row.namespace,
    source: row.source,
    fingerprint: row.fingerprint,
    externalId: row.external_id,
    name: row.alert_name,
    ...state,
    summary: row.summary,
    description: row.description,
    labels: JSON.parse(row.labels) as Labels,
    annotations: JSON.parse(row.annotations) as Labels,
    generatorUrl: row.generator_url,
    groupKey: row.group_key,
    triageStartedAt: row.triage_started_at,
    aiConfidence: row.ai_confidence,
    autoResolved: row.auto_resolved === 1,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export function transitionRecord(row: Selectable<schema.AlertTransitionRow>): AlertTransition {
  return {
    alertId: row.alert_id,
    episode: row.episode,
    fromStatus: row.from_status as AlertStatus | null,
    toStatus: row.to_status as AlertStatus,
    reason: row.reason,
    at: row.at,
    sourceEventId: row.source_event_id,
  };
}

export function eventRecord(row: Selectable<schema.SourceEventRow>): SourceEventRecord {
  return { ...eventSummary(row), eventData: row.event_data };
}

/** An event without its body, which may be 3 MiB. */
export function eventSummary(
  row: Omit<Selectable<schema.SourceEventRow>, 'event_data'>,
): Omit<SourceEventRecord, 'eventData'> {
  return {
    id: row.id,
    namespace: row.namespace,
    sourceName: row.source_name,
    sourceType: row.source_type,
    contentHash: row.content_hash,
    deliveryKey: row.delivery_key,
    workflowTriggered: row.workflow_triggered,
    outcome: JSON.parse(row.outcome) as JsonObject,
    receiveCount: row.receive_count,
    receivedAt: row.received_at,
    lastReceivedAt: row.last_received_at,
  };
}

export function deadLetterRecord(row: Selectable<schema.DeadLetterRow>): DeadLetterRecord {
  return { ...deadLetterSummary(row), body: row.body };
}

/** A dead letter without its body. */
export function deadLetterSummary(row: Omit<Selectable<schema.DeadLetterRow>, 'body'>): Omit<DeadLetterRecord, 'body'> {
  return {
    id: row.id,
    namespace: row.namespace,
    sourceName: row.source_name,
    reason: row.reason,
    message: row.message,
    receivedAt: row.received_at,
  };
}

export function runRecord(row: Selectable<schema.RunRow>): RunRecord {
  return { ...runSummary(row), outputs: JSON.parse(row.outputs) as JsonObject };
}

/** A run without its outputs, which may be large. */
export function runSummary(row: Omit<Selectable<schema.RunRow>, 'outputs' | 'slot_key'>): Omit<RunRecord, 'outputs'> {
  return {
    id: row.id,
    name: row.name,
    namespace: row.namespace,
    triggerSource: row.trigger_source,
    status: row.status as RunStatus,
    alertId: row.alert_id,
    episode: row.episode,
    planHash: row.plan_hash,
    stepsCompleted: row.steps_completed,
    totalSteps: row.total_steps,
    currentStep: row.current_step,
    input: JSON.parse(row.input_context) as RunInput,
    error: row.error,
    errorCode: row.error_code as ErrorCode | null,
    retryOf: row.retry_of,
    fence: row.fence,
    leaseOwner: row.lease_owner,
    leaseUntil: row.lease_until,
    wakeAt: row.wake_at,
    waitingFor: row.waiting_for as WaitingFor | null,
    deadlineAt: row.deadline_at,
    cancelRequestedAt: row.cancel_requested_at,
    cancelReason: row.cancel_reason,
    startedAt: row.started_at,
    completedAt: row.completed_at,
    createdAt: row.created_at,
  };
}

/** What the starting and the ending of an alert's work asks about its runs. */
export function runBrief(
  row: Pick<
    Selectable<schema.RunRow>,
    | ('id' | 'alert_id' | 'name' | 'namespace' | 'status' | 'episode' | 'plan_hash')
    | ('retry_of' | 'lease_owner' | 'waiting_for' | 'created_at')
  >,
): RunBrief {
  return {
    id: row.id,
    alertId: row.alert_id,
    name: row.name,
    namespace: row.namespace,
    status: row.status as RunStatus,
    episode: row.episode,
    planHash: row.plan_hash,
    retryOf: row.retry_of,
    leaseOwner: row.lease_owner,
    waitingFor: row.waiting_for as WaitingFor | null,
    createdAt: row.created_at,
  };
}

export function stepRecord(row: Selectable<schema.StepRow>): StepRecord {
  return {
    id: row.id,
    runId: row.workflow_id,
    name: row.name,
    type: row.step_type,
    path: row.path,
    attempt: row.attempt,
    status: row.status as StepStatus,
    fence: row.fence,
    result: row.result === null ? null : (JSON.parse(row.result) as JsonValue),
    error: row.error,
    errorCode: row.error_code as ErrorCode | null,
    retryable: row.retryable === 1,
    process: row.process === null ? null : (JSON.parse(row.process) as ProcessIdentity),
    startedAt: row.started_at,
    completedAt: row.completed_at,
    createdAt: row.created_at,
  };
}

export function evidenceRecord(row: Selectable<schema.EvidenceRow>): Evidence {
  return {
    id: `e${row.number}`,
    kind: row.kind,
    object: row.object,
    command: row.command,
    time: row.observed_at,
    excerpt: row.excerpt,
  };
}

export function resourceRecord(row: Selectable<schema.ResourceRow>): ResourceRecord {
  return {
    apiVersion: row.api_version,
    kind: row.kind as ResourceRecord['kind'],
    namespace: row.namespace,
    name: row.name,
    spec: row.spec,
    status: row.status,
    updatedAt: row.updated_at,
  };
}
