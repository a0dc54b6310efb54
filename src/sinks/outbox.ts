import type { CatalogSink } from '../core/catalog.ts';
import type { DeliveryRecord } from '../core/delivery.ts';
import { AppError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import type { Plan } from '../core/plan.ts';
import type { CatalogHolder, Clock, HttpClient, Log, Metrics, Secrets } from '../core/ports.ts';
import type { StepRecord } from '../core/run.ts';
import type { Store } from '../core/store.ts';
import { toEpochMs, toTimestamp } from '../core/time.ts';
import type { PumpOptions } from '../lib/pump.ts';
import type { SinkBackend, SinkIo } from './define.ts';
import { findSink } from './index.ts';
import { renderDelivery } from './render.ts';
import type { Rendered } from './render.ts';
import { afterAttempt, isWornOut } from './retry-policy.ts';
import type { AttemptResult } from './retry-policy.ts';

export interface OutboxOptions {
  readonly store: Store;
  readonly catalog: CatalogHolder;
  readonly http: HttpClient;
  readonly secrets: Secrets;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Who holds the leases: unique for each process. */
  readonly owner: string;
  /** From 0 to 1, for back-off. */
  random(): number;
  /** Where people reach this server; null = unknown. */
  readonly publicUrl: string | null;
  writeStdout(text: string): Promise<void>;
  /** `.steps` of templates, the same as in the templates of the run itself. */
  stepsView(plan: Plan, steps: readonly StepRecord[]): JsonObject;
  readonly concurrency?: number;
  readonly pollMs?: number;
}

const leaseMs = 60_000;
const attemptTimeoutMs = 10_000;
/** For a backend that does not keep to its time. Well within the lease. */
const attemptLimitMs = 30_000;

/**
 * The only retry loop of deliveries, as work for a pump: claim (with what will be sent), send, record. Nothing is sent
 * inside a transaction. An attempt that no process recorded is found when its lease ends; it is then marked ambiguous.
 */
export function createOutbox(options: OutboxOptions): PumpOptions {
  const { store, clock } = options;
  return {
    name: 'outbox',
    due: (limit) => store.read.deliveries.due(toTimestamp(clock.now()), limit),
    async nextDueAt() {
      const at = await store.read.deliveries.nextWakeAt();
      return at === null ? null : toEpochMs(at);
    },
    handle: (id, signal) => handleDelivery(options, id, signal),
    concurrency: options.concurrency ?? 8,
    pollMs: options.pollMs ?? 1000,
    clock,
    log: options.log,
  };
}

/** What the next attempt is: a send, or an end that needs none. */
type Preparation =
  | { readonly kind: 'send'; readonly sink: CatalogSink; readonly backend: SinkBackend; readonly payload: JsonObject }
  | { readonly kind: 'skip'; readonly sinkType: string; readonly reason: string }
  | { readonly kind: 'fail'; readonly sinkType: string; readonly result: AttemptResult };

async function handleDelivery(options: OutboxOptions, id: string, signal: AbortSignal): Promise<void> {
  const known = await options.store.read.deliveries.find(id);
  if (known === undefined || known.status !== 'pending') return;
  const preparation = await prepare(options, known);
  const claimed = await claim(options, id, preparation);
  if (claimed === undefined || preparation.kind !== 'send') return;
  const startedMs = options.clock.monotonic();
  const result = await attempt(options, preparation, claimed, signal);
  const seconds = (options.clock.monotonic() - startedMs) / 1000;
  options.metrics.observe('fist_sink_delivery_duration_seconds', { type: preparation.backend.type }, seconds);
  const changes = afterAttempt(claimed, result, options.clock.now(), signal.aborted ? 0 : options.random());
  const recorded = await options.store.transaction('delivery-end', (tx) =>
    tx.deliveries.finish(id, claimed.fence, changes),
  );
  if (recorded) announce(options, claimed, changes);
  else options.metrics.increment('fist_stale_writes_total', { kind: 'delivery' });
}

async function prepare(options: OutboxOptions, delivery: DeliveryRecord): Promise<Preparation> {
  const sink = options.catalog.current().sink(delivery.namespace, delivery.sinkName);
  if (sink === undefined) return notReady('', true, `there is no Sink ${delivery.namespace}/${delivery.sinkName}`);
  const rendered = await render(options, delivery, sink);
  if (rendered.kind === 'defect') return { kind: 'fail', sinkType: sink.type, result: defect(rendered.thrown) };
  if (rendered.kind === 'skip') return { kind: 'skip', sinkType: sink.type, reason: rendered.reason };
  if (rendered.kind === 'broken') {
    const result: AttemptResult = { ok: false, retry: false, reason: rendered.reason, code: 'TemplateInvalid' };
    return { kind: 'fail', sinkType: sink.type, result };
  }
  const backend = findSink(sink.type);
  if (backend === undefined || backend.deliver === null) {
    return notReady(sink.type, false, `Sinks of type ${sink.type} cannot deliver in this version`);
  }
  if (!sink.ready) return notReady(sink.type, true, readiness(sink));
  return { kind: 'send', sink, backend, payload: rendered.payload };
}

function notReady(sinkType: string, retry: boolean, reason: string): Preparation {
  return { kind: 'fail', sinkType, result: { ok: false, retry, reason, code: 'SinkNotReady' } };
}

function readiness(sink: CatalogSink): string {
  const condition = sink.conditions.find(({ type }) => type === 'Ready');
  return `Sink ${sink.namespace}/${sink.name} is not ready: ${condition?.message ?? 'unknown reason'}`;
}

/** Renders once: what an earlier attempt was to send stays. */
async function render(
  options: OutboxOptions,
  delivery: DeliveryRecord,
  sink: CatalogSink,
): Promise<Rendered | { readonly kind: 'defect'; readonly thrown: unknown }> {
  const { payload } = delivery;
  if (payload !== null && typeof payload === 'object' && !Array.isArray(payload)) return { kind: 'send', payload };
  const { read } = options.store;
  const run = delivery.runId === null ? undefined : await read.runs.find(delivery.runId);
  const steps = run === undefined ? [] : await read.runs.steps(run.id);
  const plan = run?.planHash == null ? undefined : await read.runs.plan(run.planHash);
  const alert = delivery.alertId === null ? undefined : await read.lists.alert(delivery.alertId);
  try {
    const stepsView = plan === undefined ? {} : options.stepsView(plan, steps);
    return renderDelivery(sink, { delivery, run, steps, stepsView, alert, publicUrl: options.publicUrl });
  } catch (thrown) {
    return { kind: 'defect', thrown };
  }
}

/** Takes the row and, in the same transaction, keeps what will be sent or writes an end that needs no send. */
async function claim(
  options: OutboxOptions,
  id: string,
  preparation: Preparation,
): Promise<DeliveryRecord | undefined> {
  const nowMs = options.clock.now();
  const random = options.random();
  const claimed = await options.store.transaction('delivery-claim', async (tx) => {
    const row = await tx.deliveries.claim(id, options.owner, toTimestamp(nowMs), toTimestamp(nowMs + leaseMs));
    if (row === undefined) return undefined;
    const changes = changesAtClaim(row, preparation, nowMs, random);
    await tx.deliveries.finish(id, row.fence, changes);
    return { row, changes };
  });
  if (claimed === undefined) return undefined;
  const ended = claimed.changes.status !== undefined || claimed.changes.error !== undefined;
  if (ended) announce(options, claimed.row, claimed.changes);
  return ended ? undefined : { ...claimed.row, ...claimed.changes };
}

function changesAtClaim(
  row: DeliveryRecord,
  preparation: Preparation,
  nowMs: number,
  random: number,
): Partial<DeliveryRecord> {
  if (preparation.kind === 'skip') {
    const { sinkType } = preparation;
    return { status: 'skipped', sinkType, leaseOwner: null, leaseUntil: null, wakeAt: null };
  }
  if (preparation.kind === 'fail') {
    return { sinkType: preparation.sinkType, ...afterAttempt(row, preparation.result, nowMs, random) };
  }
  if (isWornOut(row)) {
    const reason = `${row.attempts - 1} attempts were interrupted or failed`;
    return afterAttempt(row, { ok: false, retry: false, reason, code: 'DeliveryFailed' }, nowMs, random);
  }
  return { payload: preparation.payload, sinkType: preparation.backend.type };
}

async function attempt(
  options: OutboxOptions,
  preparation: Extract<Preparation, { kind: 'send' }>,
  delivery: DeliveryRecord,
  signal: AbortSignal,
): Promise<AttemptResult> {
  const { sink, backend, payload } = preparation;
  if (backend.deliver === null) return { ok: false, retry: false, reason: 'cannot deliver', code: 'SinkNotReady' };
  const timer = new AbortController();
  const late = options.clock.sleep(attemptLimitMs, timer.signal).then(
    (): AttemptResult => ({
      ok: false,
      retry: true,
      reason: `no result within ${attemptLimitMs / 1000} s`,
      ambiguous: true,
    }),
    (): AttemptResult => ({ ok: false, retry: true, reason: 'stopped', ambiguous: true }),
  );
  const { sinkName, event, idempotencyKey } = delivery;
  const io = sinkIo(options, sink, AbortSignal.any([signal, timer.signal]));
  const sent = backend.deliver(io, sink.config, { sinkName, event, payload, idempotencyKey }).catch(verdictOf);
  const result = await Promise.race([sent, late]);
  timer.abort();
  return result;
}

function sinkIo(options: OutboxOptions, sink: CatalogSink, signal: AbortSignal): SinkIo {
  return {
    http: options.http,
    secret(reference) {
      const value = options.secrets.get(sink.namespace, reference);
      if (value !== null) return value;
      throw new AppError(
        'SecretMissing',
        `there is no Secret ${sink.namespace}/${reference.name} with key ${reference.key}`,
      );
    },
    write: (text) => options.writeStdout(text),
    signal,
    timeoutMs: attemptTimeoutMs,
  };
}

/** A backend may throw AppErrors; anything else is a defect and is tried again like a failure. */
function verdictOf(thrown: unknown): AttemptResult {
  if (thrown instanceof AppError)
    return { ok: false, retry: thrown.retryable, reason: thrown.message, code: thrown.code };
  return defect(thrown);
}

/** Waits like a failure does: work that throws would be found again at once. */
function defect(thrown: unknown): AttemptResult {
  return { ok: false, retry: true, reason: `defect: ${String(thrown)}`, code: 'Internal' };
}

/** Metric and log line of a committed result. */
function announce(options: OutboxOptions, delivery: DeliveryRecord, changes: Partial<DeliveryRecord>): void {
  const result = changes.status ?? 'retried';
  options.metrics.increment('fist_sink_deliveries_total', {
    sink: `${delivery.namespace}/${delivery.sinkName}`,
    result,
  });
  const fields = {
    delivery: delivery.id,
    run: delivery.runId,
    sink: `${delivery.namespace}/${delivery.sinkName}`,
    event: delivery.event,
    attempt: delivery.attempts,
  };
  if (result === 'failed' || result === 'retried') {
    const { error, errorCode } = changes;
    const next = delivery.runId === null ? 'fist get sinks' : `fist describe run/${delivery.runId}`;
    options.log.warn({ ...fields, error, code: errorCode, retryAt: changes.wakeAt, next }, `delivery-${result}`);
  } else options.log.info(fields, `delivery-${result}`);
}
