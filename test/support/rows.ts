import type { AgentEvent } from '../../src/core/agent-event.ts';
import type { AlertRecord } from '../../src/core/alert.ts';
import type { DeliveryRecord } from '../../src/core/delivery.ts';
import type { DeadLetterRecord, SourceEventRecord } from '../../src/core/event.ts';
import type { ModelCheckRecord } from '../../src/core/model-check.ts';
import type { VerdictRecord } from '../../src/core/verdict.ts';
import { newId } from '../../src/lib/id.ts';
import { deliveryFixture } from './deliveries.ts';

// Rows for tests, whole and valid; a test names what it is about.

export const someTime = '2026-03-01T12:00:00.000Z';

export function letterFixture(message: string): DeadLetterRecord {
  return {
    id: newId(),
    namespace: 'default',
    sourceName: 'am',
    reason: 'BadItem',
    message,
    body: '{}',
    receivedAt: someTime,
  };
}

export function eventFixture(changes: Partial<SourceEventRecord> = {}): SourceEventRecord {
  return {
    id: newId(),
    namespace: 'default',
    sourceName: 'am',
    sourceType: 'webhook',
    eventData: '{"alerts":[]}',
    contentHash: 'hash',
    deliveryKey: null,
    workflowTriggered: null,
    outcome: { Opened: 1 },
    receiveCount: 1,
    receivedAt: someTime,
    lastReceivedAt: someTime,
    ...changes,
  };
}

export function agentEventFixture(changes: Partial<AgentEvent> = {}): AgentEvent {
  return {
    runId: 'r1',
    path: '1',
    sequence: 1,
    attempt: 1,
    kind: 'noted',
    content: { text: 'one moment' },
    tokens: 0,
    costMicros: 0,
    evidenceHash: null,
    at: someTime,
    ...changes,
  };
}

export function modelCheckFixture(changes: Partial<ModelCheckRecord> = {}): ModelCheckRecord {
  return {
    hash: 'h1',
    model: 'openai-compatible/qwen3',
    endpoint: 'http://127.0.0.1:11434/v1',
    result: 'unfit',
    message: 'it calls no tool',
    checks: [{ about: 'tool call', result: 'failed', text: 'it calls no tool', next: 'a larger model' }],
    at: someTime,
    ...changes,
  };
}

export function verdictFixture(changes: Partial<VerdictRecord> = {}): VerdictRecord {
  return {
    runId: 'r1',
    sequence: 1,
    verdict: 'confirmed',
    cause: null,
    note: null,
    by: null,
    judged: {
      object: 'pod/shop/web-1',
      cause: { category: 'oom-killed', object: 'pod/shop/web-1', confidence: 0.9 },
      at: someTime,
    },
    namespace: 'default',
    alertName: 'TestAlert',
    fingerprint: 'f1',
    objectNamespace: 'shop',
    at: someTime,
    ...changes,
  };
}

export function alertFixture(changes: Partial<AlertRecord> = {}): AlertRecord {
  return {
    id: newId(),
    namespace: 'default',
    source: 'am',
    fingerprint: 'f1',
    externalId: 'e1',
    status: 'received',
    severity: 'warning',
    name: 'TestAlert',
    summary: 's',
    description: null,
    labels: { alertname: 'TestAlert', severity: 'warning' },
    annotations: { summary: 's' },
    generatorUrl: null,
    groupKey: null,
    contentHash: 'hash',
    episode: 1,
    receiveCount: 1,
    startsAt: someTime,
    endsAt: null,
    skewed: false,
    receivedAt: someTime,
    lastReceivedAt: someTime,
    resolvedAt: null,
    triageStartedAt: null,
    triageCompletedAt: null,
    workflowId: null,
    sourceId: null,
    aiAnalysis: null,
    aiConfidence: null,
    cause: null,
    reportNamespace: null,
    autoResolved: false,
    announced: false,
    mutedUntil: null,
    mutedReason: null,
    createdAt: someTime,
    updatedAt: someTime,
    ...changes,
  };
}

/** A delivery of no run, with an id that the store accepts. */
export function looseDelivery(idempotencyKey: string): DeliveryRecord {
  return deliveryFixture({
    id: newId(),
    namespace: 'default',
    runId: null,
    alertId: null,
    event: 'alert-resolved',
    idempotencyKey,
    wakeAt: someTime,
    createdAt: someTime,
  });
}
