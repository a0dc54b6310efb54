import { hash } from 'node:crypto';
import type { AlertItem, AlertRecord } from '../../src/core/alert.ts';
import { defaultRetryForMs, defaultSinkLimits } from '../../src/core/catalog.ts';
import type { Catalog, CatalogSink, CatalogSource, CatalogWorkflow } from '../../src/core/catalog.ts';
import type { DeliveryRecord } from '../../src/core/delivery.ts';
import type { IntakeAnswer, Notification } from '../../src/core/event.ts';
import type { Plan } from '../../src/core/plan.ts';
import type { Metrics } from '../../src/core/metrics.ts';
import type { AlertRun, AlertRunRequest, Clock } from '../../src/core/ports.ts';
import type { RunRecord } from '../../src/core/run.ts';
import type { Store, StoreTransaction } from '../../src/core/store.ts';
import { addMs, toEpochMs } from '../../src/core/time.ts';
import { createIntake } from '../../src/intake/intake.ts';
import { createAlertSweep } from '../../src/intake/sweep.ts';
import { silentLog } from '../../src/lib/silent-log.ts';

// A catalog that a test may change, and a clock that it moves, around the test's store.

export const noon = '2026-03-01T12:00:00.000Z';

/** A moment so many minutes after noon. */
export function at(minutes: number): string {
  return addMs(noon, minutes * 60_000);
}

export function firing(changes: Partial<AlertItem> = {}): AlertItem {
  return {
    status: 'firing',
    name: 'TestAlert',
    severity: 'warning',
    fingerprint: 'f1',
    externalId: 'e1',
    labels: { alertname: 'TestAlert', severity: 'warning' },
    annotations: { summary: 'It hurts' },
    summary: 'It hurts',
    description: null,
    generatorUrl: 'http://prometheus/graph',
    startsAt: noon,
    endsAt: null,
    skewed: false,
    ...changes,
  };
}

export function resolved(changes: Partial<AlertItem> = {}): AlertItem {
  return firing({ status: 'resolved', ...changes });
}

export function notification(items: readonly AlertItem[], changes: Partial<Notification> = {}): Notification {
  const body = JSON.stringify(items);
  const text = changes.body ?? body;
  return {
    items,
    bad: [],
    moreBad: 0,
    unread: null,
    groupKey: 'g',
    receiver: null,
    truncatedAlerts: 0,
    deliveryKey: null,
    body: text,
    contentHash: hash('sha256', text),
    ...changes,
  };
}

export const plan: Plan = {
  version: 1,
  namespace: 'default',
  name: 'triage',
  runtime: { image: '', environment: {}, llmConfig: null },
  steps: [],
  outputs: [],
  sinks: ['out', 'quiet'],
  deadlineMs: 3_600_000,
  maxConcurrent: null,
  onResolve: 'continue',
};

const object = { namespace: 'default', ready: true, conditions: [], origin: 'resources.yaml:1' };

export function source(changes: Partial<CatalogSource> = {}): CatalogSource {
  return {
    ...object,
    name: 'am',
    type: 'webhook',
    config: {},
    path: 'alerts',
    addresses: ['/webhook/@default/alerts', '/webhook/alerts'],
    authentication: null,
    accepts: () => null,
    mediaTypes: ['application/json'],
    subpaths: [],
    settings: null,
    triggerWorkflow: 'triage',
    context: { runbooks: 'repo' },
    expireAfterMs: 24 * 3_600_000,
    cooldownMs: 0,
    mutes: () => null,
    flapCapPerHour: 0,
    stormCapPerMinute: 0,
    rateLimit: null,
    grouping: null,
    suspend: false,
    ...changes,
  };
}

export function workflow(changes: Partial<CatalogWorkflow> = {}): CatalogWorkflow {
  return { ...object, name: 'triage', type: '', accessFrom: [], plan, planHash: 'hash-1', ...changes };
}

function sink(name: string, sendResolved: boolean): CatalogSink {
  return {
    ...object,
    name,
    type: 'stdout',
    accessFrom: [],
    config: {},
    condition: null,
    sendResolved,
    sendStarted: false,
    limits: defaultSinkLimits,
    retryForMs: defaultRetryForMs,
    sameCauseForMs: 0,
  };
}

export interface World {
  readonly store: Store;
  source: CatalogSource;
  /** Further ones, which the catalog has as well. */
  others: readonly CatalogSource[];
  workflow: CatalogWorkflow | undefined;
  /** What was counted, by metric and labels. */
  readonly counted: Map<string, number>;
  /** Moves the clock to so many minutes after noon and takes the items in. */
  take(minutes: number, items: readonly AlertItem[], changes?: Partial<Notification>): Promise<IntakeAnswer>;
  /** Moves the clock alone. */
  pass(minutes: number): void;
  sweep(minutes: number, signal?: AbortSignal): Promise<{ readonly expired: number; readonly resumed: number }>;
  /** Moves the clock and asks for a run about an alert, by its fingerprint. */
  start(minutes: number, fingerprint?: string, changes?: Partial<AlertRunRequest>): Promise<AlertRun>;
  deadLetter(reason: string, message: string, body: string): Promise<void>;
  write<T>(work: (tx: StoreTransaction) => Promise<T>): Promise<T>;
  alerts(): Promise<readonly AlertRecord[]>;
  alert(fingerprint?: string): Promise<AlertRecord>;
  runs(): Promise<readonly RunRecord[]>;
  deliveries(): Promise<readonly Pick<DeliveryRecord, 'event' | 'sinkName' | 'runId' | 'alertId'>[]>;
}

/** Everything above, together. */
export function createWorld(store: Store): World {
  let nowMs = toEpochMs(noon);
  const counted = new Map<string, number>();
  // What waits for the store waits no time, however far a test moves the clock.
  const clock: Clock = { now: () => nowMs, monotonic: () => 0, sleep: async () => undefined };
  const catalog: Catalog = {
    generation: 1,
    sources: [],
    workflows: [],
    sinks: [],
    sourceByPath: () => world.source,
    source: (namespace, name) =>
      [world.source, ...world.others].find((known) => known.namespace === namespace && known.name === name),
    workflow: (namespace, name) =>
      world.workflow?.namespace === namespace && world.workflow.name === name ? world.workflow : undefined,
    sink: (namespace, name) =>
      name === 'out' || name === 'quiet' ? { ...sink(name, name === 'out'), namespace } : undefined,
  };
  const options = {
    store,
    clock,
    metrics: countingMetrics(counted),
    log: silentLog,
    catalog: { current: () => ({ ...catalog, sources: [world.source, ...world.others] }) },
  };
  const intake = createIntake(options);
  const alertSweep = createAlertSweep(options);
  const world: World = {
    store,
    source: source(),
    others: [],
    workflow: workflow(),
    counted,
    take(minutes, items, changes) {
      nowMs = toEpochMs(at(minutes));
      return intake.accept(world.source, notification(items, changes));
    },
    pass: (minutes) => void (nowMs = toEpochMs(at(minutes))),
    async sweep(minutes, signal) {
      nowMs = toEpochMs(at(minutes));
      return { expired: await alertSweep.expire(signal), resumed: await alertSweep.resume(signal) };
    },
    async start(minutes, fingerprint, changes) {
      nowMs = toEpochMs(at(minutes));
      const { id: alertId } = await world.alert(fingerprint);
      return intake.startForAlert({ alertId, workflow: null, by: null, ...changes });
    },
    deadLetter: (reason, message, body) => intake.deadLetter(world.source, reason, message, body),
    write: (work) => store.transaction('intake', work),
    async alerts() {
      const { items } = await store.read.lists.alerts({ limit: 100 });
      return Promise.all(items.map(async ({ id }) => (await store.read.lists.alert(id)) as AlertRecord));
    },
    async alert(fingerprint = 'f1') {
      const found = await store.read.lists.alertByIdentity(world.source.namespace, world.source.name, fingerprint);
      if (found === undefined) throw new Error(`no alert ${fingerprint}`);
      return found;
    },
    async runs() {
      const { items } = await store.read.lists.runs({ limit: 100 });
      return world.write((tx) =>
        Promise.all(items.toReversed().map(async ({ id }) => (await tx.runs.find(id)) as RunRecord)),
      );
    },
    async deliveries() {
      const { items } = await store.read.lists.deliveries({ limit: 100 });
      return items.toReversed().map(({ event, sinkName, runId, alertId }) => ({ event, sinkName, runId, alertId }));
    },
  };
  return world;
}

function countingMetrics(counted: Map<string, number>): Metrics {
  return {
    increment(name, labels = {}, by = 1) {
      const key = [name, ...Object.values(labels)].join(' ');
      counted.set(key, (counted.get(key) ?? 0) + by);
    },
    observe: () => undefined,
    set: () => undefined,
  };
}
