import type { AlertRecord } from '../../src/core/alert.ts';
import { defaultRetryForMs, defaultSameCauseForMs, defaultSinkLimits } from '../../src/core/catalog.ts';
import type { CatalogSink } from '../../src/core/catalog.ts';
import type { DeliveryRecord } from '../../src/core/delivery.ts';
import type { AlertSnapshot, RunRecord, StepRecord } from '../../src/core/run.ts';

// Rows for tests of deliveries.

export const createdAt = '2026-03-01T10:00:42.000Z';

export function deliveryFixture(changes: Partial<DeliveryRecord> = {}): DeliveryRecord {
  return {
    id: 'd1',
    namespace: 'shop',
    runId: 'r1',
    alertId: 'a1',
    event: 'run-finished',
    sinkName: 'out',
    sinkType: '',
    data: {},
    payload: null,
    rendered: null,
    status: 'pending',
    attempts: 0,
    interruptions: 0,
    error: null,
    errorCode: null,
    ambiguous: false,
    idempotencyKey: `key-${changes.id ?? 'd1'}`,
    sortKey: null,
    incident: null,
    reference: null,
    fence: 0,
    leaseOwner: null,
    leaseUntil: null,
    wakeAt: createdAt,
    waitingFor: null,
    sentAt: null,
    retriedAt: null,
    createdAt,
    ...changes,
  };
}

/** The Sink of these deliveries, a webhook. */
export function sinkFixture(changes: Partial<CatalogSink> = {}): CatalogSink {
  return {
    namespace: 'shop',
    name: 'out',
    type: 'webhook',
    ready: true,
    conditions: [],
    origin: '',
    config: {},
    accessFrom: [],
    condition: null,
    sendResolved: false,
    sendStarted: false,
    limits: defaultSinkLimits,
    retryForMs: defaultRetryForMs,
    sameCauseForMs: defaultSameCauseForMs,
    ...changes,
  };
}

export const alertSnapshot: AlertSnapshot = {
  id: 'a1',
  name: 'PodCrashLooping',
  fingerprint: 'f'.repeat(64),
  severity: 'critical',
  status: 'firing',
  episode: 1,
  labels: { alertname: 'PodCrashLooping', pod: 'checkout-1', severity: 'critical' },
  annotations: { summary: 'crash loop' },
  summary: 'crash loop',
  description: null,
  generatorUrl: null,
  startsAt: '2026-03-01T09:59:00.000Z',
  endsAt: null,
};

export function runFixture(changes: Partial<RunRecord> = {}): RunRecord {
  return {
    id: 'r1',
    name: 'triage',
    namespace: 'shop',
    triggerSource: 'shop/alerts',
    status: 'succeeded',
    alertId: 'a1',
    episode: 1,
    planHash: null,
    stepsCompleted: 1,
    totalSteps: 1,
    currentStep: null,
    input: {
      source: { name: 'alerts', namespace: 'shop', type: 'webhook' },
      alert: alertSnapshot,
      context: { runbooks: 'https://runbooks.example' },
      depth: 0,
    },
    outputs: { summary: 'memory limit reached' },
    error: null,
    errorCode: null,
    agentEvents: 0,
    modelTokens: 0,
    modelCostMicros: 0,
    retryOf: null,
    requestedBy: null,
    fence: 1,
    leaseOwner: null,
    leaseUntil: null,
    wakeAt: null,
    waitingFor: null,
    deadlineAt: '2026-03-02T10:00:00.000Z',
    cancelRequestedAt: null,
    cancelReason: null,
    startedAt: '2026-03-01T10:00:00.000Z',
    completedAt: '2026-03-01T10:00:41.600Z',
    createdAt: '2026-03-01T10:00:00.000Z',
    ...changes,
  };
}

export function stepFixture(changes: Partial<StepRecord> = {}): StepRecord {
  return {
    id: 's1',
    runId: 'r1',
    name: 'investigate',
    type: 'agent',
    path: '1',
    attempt: 1,
    status: 'succeeded',
    fence: 1,
    result: { summary: 'OOM', findings: [], report: '# Investigation Summary' },
    error: null,
    errorCode: null,
    retryable: false,
    process: null,
    startedAt: createdAt,
    completedAt: createdAt,
    createdAt,
    ...changes,
  };
}

export const closedAlert: AlertRecord = {
  id: 'a1',
  namespace: 'shop',
  source: 'alerts',
  fingerprint: 'f'.repeat(64),
  externalId: null,
  status: 'received',
  severity: 'critical',
  name: 'PodCrashLooping',
  summary: 'crash loop',
  description: null,
  labels: alertSnapshot.labels,
  annotations: alertSnapshot.annotations,
  generatorUrl: null,
  groupKey: null,
  contentHash: '',
  episode: 2,
  receiveCount: 3,
  startsAt: '2026-03-01T11:00:00.000Z',
  endsAt: '2026-03-01T10:30:00.000Z',
  skewed: false,
  receivedAt: createdAt,
  lastReceivedAt: createdAt,
  resolvedAt: null,
  triageStartedAt: null,
  triageCompletedAt: null,
  workflowId: 'r1',
  sourceId: null,
  aiAnalysis: null,
  aiConfidence: null,
  cause: null,
  reportNamespace: null,
  autoResolved: false,
  announced: true,
  mutedUntil: null,
  mutedReason: null,
  createdAt,
  updatedAt: createdAt,
};
