import type { Selectable } from 'kysely';
import type { AlertRecord, AlertStatus, AlertTransition, Severity } from '../../core/alert.ts';
import type { AlertContent, StoredAlert } from '../../core/store.ts';
import { newId } from '../../lib/id.ts';
import type { AlertRow, AlertTransitionRow } from '../sql/schema.ts';
import { storableJson } from '../sql/text.ts';

// Rows of `alerts` and `alert_transitions`, from and to what the rest of the program sees.

export const savedColumns = [
  'status',
  'severity',
  'episode',
  'receive_count',
  'starts_at',
  'ends_at',
  'skewed',
  'received_at',
  'last_received_at',
  'resolved_at',
  'content_hash',
  'source_id',
  'workflow_id',
  'triage_completed_at',
  'announced',
  'muted_until',
] as const satisfies readonly (keyof AlertRow)[];
export const stateColumns = ['id', ...savedColumns] as const;
/** What a plain repeat changes of a state. The others are in indexes, which would be written again. */
export const repeatColumns = [
  'receive_count',
  'starts_at',
  'skewed',
  'last_received_at',
  'content_hash',
  'source_id',
] as const satisfies readonly (typeof savedColumns)[number][];
export type StateColumn = (typeof stateColumns)[number];
export type StateRow = Pick<Selectable<AlertRow>, StateColumn>;

export function storedAlert(row: StateRow): StoredAlert {
  return {
    id: row.id,
    status: row.status as AlertStatus,
    severity: row.severity as Severity,
    episode: row.episode,
    receiveCount: row.receive_count,
    startsAt: row.starts_at,
    endsAt: row.ends_at,
    skewed: row.skewed === 1,
    receivedAt: row.received_at,
    lastReceivedAt: row.last_received_at,
    resolvedAt: row.resolved_at,
    contentHash: row.content_hash,
    sourceId: row.source_id,
    workflowId: row.workflow_id,
    triageCompletedAt: row.triage_completed_at,
    announced: row.announced === 1,
    mutedUntil: row.muted_until,
  };
}

export function stateRow(alert: StoredAlert): StateRow {
  return {
    id: alert.id,
    status: alert.status,
    severity: alert.severity,
    episode: alert.episode,
    receive_count: alert.receiveCount,
    starts_at: alert.startsAt,
    ends_at: alert.endsAt,
    skewed: Number(alert.skewed),
    received_at: alert.receivedAt,
    last_received_at: alert.lastReceivedAt,
    resolved_at: alert.resolvedAt,
    content_hash: alert.contentHash,
    source_id: alert.sourceId,
    workflow_id: alert.workflowId,
    triage_completed_at: alert.triageCompletedAt,
    announced: Number(alert.announced),
    muted_until: alert.mutedUntil,
  };
}

/** All of an alert. The contract has both `alert_name` and `name`; they hold the same. */
export const columnNames = [
  'id',
  'namespace',
  'source',
  'fingerprint',
  'external_id',
  'status',
  'severity',
  'alert_name',
  'name',
  'summary',
  'description',
  'labels',
  'annotations',
  'generator_url',
  'group_key',
  'content_hash',
  'episode',
  'receive_count',
  'starts_at',
  'ends_at',
  'skewed',
  'received_at',
  'last_received_at',
  'resolved_at',
  'triage_started_at',
  'triage_completed_at',
  'workflow_id',
  'source_id',
  'ai_analysis',
  'ai_confidence',
  'auto_resolved',
  'announced',
  'muted_until',
  'created_at',
  'updated_at',
] as const satisfies readonly (keyof AlertRow)[];
export const jsonColumns = ['labels', 'annotations', 'ai_analysis'] as const satisfies readonly (keyof AlertRow)[];

export function toRow(alert: AlertRecord): Record<keyof AlertRow, unknown> {
  // Written out, because an object of one shape is several times as fast as one that a loop fills.
  return {
    id: alert.id,
    namespace: alert.namespace,
    source: alert.source,
    fingerprint: alert.fingerprint,
    external_id: alert.externalId,
    status: alert.status,
    severity: alert.severity,
    alert_name: alert.name,
    name: alert.name,
    summary: alert.summary,
    description: alert.description,
    labels: storableJson(alert.labels),
    annotations: storableJson(alert.annotations),
    generator_url: alert.generatorUrl,
    group_key: alert.groupKey,
    content_hash: alert.contentHash,
    episode: alert.episode,
    receive_count: alert.receiveCount,
    starts_at: alert.startsAt,
    ends_at: alert.endsAt,
    skewed: alert.skewed,
    received_at: alert.receivedAt,
    last_received_at: alert.lastReceivedAt,
    resolved_at: alert.resolvedAt,
    triage_started_at: alert.triageStartedAt,
    triage_completed_at: alert.triageCompletedAt,
    workflow_id: alert.workflowId,
    source_id: alert.sourceId,
    ai_analysis: alert.aiAnalysis === null ? null : storableJson(alert.aiAnalysis),
    ai_confidence: alert.aiConfidence,
    auto_resolved: alert.autoResolved,
    announced: alert.announced,
    muted_until: alert.mutedUntil,
    created_at: alert.createdAt,
    updated_at: alert.updatedAt,
  };
}

/** Columns that {@link AlertContent} has beside the id. */
export const contentColumns = [
  'external_id',
  'summary',
  'description',
  'annotations',
  'generator_url',
  'group_key',
] as const satisfies readonly (keyof AlertRow)[];

export function contentRow(content: AlertContent): Record<'id' | (typeof contentColumns)[number], unknown> {
  return {
    id: content.id,
    external_id: content.externalId,
    summary: content.summary,
    description: content.description,
    annotations: storableJson(content.annotations),
    generator_url: content.generatorUrl,
    group_key: content.groupKey,
  };
}

export const transitionColumns = [
  'id',
  'alert_id',
  'episode',
  'from_status',
  'to_status',
  'reason',
  'at',
  'source_event_id',
] as const satisfies readonly (keyof AlertTransitionRow)[];

export function transitionRow(transition: AlertTransition): AlertTransitionRow {
  return {
    id: newId(),
    alert_id: transition.alertId,
    episode: transition.episode,
    from_status: transition.fromStatus,
    to_status: transition.toStatus,
    reason: transition.reason,
    at: transition.at,
    source_event_id: transition.sourceEventId,
  };
}
