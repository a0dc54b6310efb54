import { defaultSinkLimits } from '../core/catalog.ts';
import type { CatalogSink, SinkLimits } from '../core/catalog.ts';
import type { DeliveryRecord } from '../core/delivery.ts';
import type { JsonObject } from '../core/json.ts';
import type { Plan } from '../core/plan.ts';
import type { Metrics } from '../core/metrics.ts';
import type { CatalogHolder, Clock, HttpClient, Log, Secrets } from '../core/ports.ts';
import type { StepRecord } from '../core/run.ts';
import type { DeliveryEnd, Store } from '../core/store.ts';
import { toEpochMs, toTimestamp } from '../core/time.ts';
import type { PumpOptions } from '../lib/pump.ts';
import { attemptDelivery, attemptLimitMs, defect } from './attempt.ts';
import type { SinkBackend } from './define.ts';
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

/** An attempt that begins in the first half ends well within it, so a lease is never renewed. */
export const leaseMs = 60_000;
/** In this process. More than the most that one Sink may have (spec.delivery.maxConcurrent), so that a slow one leaves room. */
const defaultConcurrency = 32;

/**
 * The only retry loop of deliveries, as work for a pump: claim (with what will be sent), send, record. Nothing is sent
 * inside a transaction. An attempt that no process recorded is found when its lease ends; it is then marked ambiguous.
 * What a Sink takes at a time and the order of deliveries are decided by the claim, from rows.
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
    concurrency: options.concurrency ?? defaultConcurrency,
    pollMs: options.pollMs ?? 1000,
    clock,
    log: options.log,
  };
}

/** What the next attempt is: a send, or an end that needs none. */
type Preparation =
  | {
      readonly kind: 'send';
      readonly sink: CatalogSink;
      readonly deliver: NonNullable<SinkBackend['deliver']>;
      readonly payload: JsonObject;
    }
  | { readonly kind: 'skip'; readonly sinkType: string; readonly reason: string }
  | { readonly kind: 'fail'; readonly sinkType: string; readonly result: AttemptResult };

async function handleDelivery(options: OutboxOptions, id: string, signal: AbortSignal): Promise<void> {
  const known = await options.store.read.deliveries.find(id);
  if (known === undefined || known.status !== 'pending') return;
  const sink = options.catalog.current().sink(known.namespace, known.sinkName);
  const limits = sink?.limits ?? defaultSinkLimits;
  const preparation = await prepare(options, known, sink);
  const claimedMs = options.clock.monotonic();
  const claimed = await claim(options, id, preparation, limits);
  if (claimed === undefined || preparation.kind !== 'send') return;
  const payload = payloadOf(claimed, preparation);
  const result = await send(options, { ...preparation, payload }, claimed, claimedMs, signal);
  const nowMs = options.clock.now();
  const end = afterAttempt(claimed, result, nowMs, signal.aborted ? 0 : options.random());
  const recorded = await options.store.transaction('delivery-end', (tx) =>
    tx.deliveries.finish(claimed, end, toTimestamp(nowMs), limits),
  );
  if (recorded) announce(options, claimed, end);
  else options.metrics.increment('fist_stale_writes_total', { kind: 'delivery' });
}

/** Not where the claim was long ago (the process stood still): another worker may have the delivery by now. */
async function send(
  options: OutboxOptions,
  { sink, deliver, payload }: Extract<Preparation, { kind: 'send' }>,
  delivery: DeliveryRecord,
  claimedMs: number,
  signal: AbortSignal,
): Promise<AttemptResult> {
  const startedMs = options.clock.monotonic();
  if (startedMs - claimedMs > leaseMs - attemptLimitMs) {
    return { ok: false, retry: true, reason: 'the lease was nearly over before anything was sent' };
  }
  const result = await attemptDelivery(options, { sink, deliver, delivery, payload }, signal);
  const seconds = (options.clock.monotonic() - startedMs) / 1000;
  options.metrics.observe('fist_sink_delivery_duration_seconds', { type: sink.type }, seconds);
  return result;
}

async function prepare(
  options: OutboxOptions,
  delivery: DeliveryRecord,
  sink: CatalogSink | undefined,
): Promise<Preparation> {
  if (sink === undefined) return notReady('', true, `there is no Sink ${delivery.namespace}/${delivery.sinkName}`);
  const rendered = await render(options, delivery, sink);
  if (rendered.kind === 'defect') return { kind: 'fail', sinkType: sink.type, result: defect(rendered.thrown) };
  if (rendered.kind === 'skip') return { kind: 'skip', sinkType: sink.type, reason: rendered.reason };
  if (rendered.kind === 'broken') {
    const result: AttemptResult = { ok: false, retry: false, reason: rendered.reason, code: 'TemplateInvalid' };
    return { kind: 'fail', sinkType: sink.type, result };
  }
  const deliver = findSink(sink.type)?.deliver ?? null;
  if (deliver === null) {
    return notReady(sink.type, false, `Sinks of type ${sink.type} cannot deliver in this version`);
  }
  if (!sink.ready) return notReady(sink.type, true, readiness(sink));
  return { kind: 'send', sink, deliver, payload: rendered.payload };
}

function notReady(sinkType: string, retry: boolean, reason: string): Preparation {
  return { kind: 'fail', sinkType, result: { ok: false, retry, reason, code: 'SinkNotReady' } };
}

function readiness(sink: CatalogSink): string {
  const condition = sink.conditions.find(({ type }) => type === 'Ready');
  return `Sink ${sink.namespace}/${sink.name} is not ready: ${condition?.message ?? 'unknown reason'}`;
}

/** What an earlier attempt was to send; null = there was none. */
function keptPayload({ payload }: DeliveryRecord): JsonObject | null {
  return payload !== null && typeof payload === 'object' && !Array.isArray(payload) ? payload : null;
}

/** One key, one content: another worker may have kept and sent its rendering since this one read the row. */
function payloadOf(claimed: DeliveryRecord, { payload }: Extract<Preparation, { kind: 'send' }>): JsonObject {
  return keptPayload(claimed) ?? payload;
}

/** Renders once: what an earlier attempt was to send stays. */
async function render(
  options: OutboxOptions,
  delivery: DeliveryRecord,
  sink: CatalogSink,
): Promise<Rendered | { readonly kind: 'defect'; readonly thrown: unknown }> {
  const payload = keptPayload(delivery);
  if (payload !== null) return { kind: 'send', payload };
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

/**
 * Takes the row and, in the same transaction, keeps what will be sent or writes an end that needs no send. Undefined also
 * where it has to wait.
 */
async function claim(
  options: OutboxOptions,
  id: string,
  preparation: Preparation,
  limits: SinkLimits,
): Promise<DeliveryRecord | undefined> {
  const nowMs = options.clock.now();
  const now = toTimestamp(nowMs);
  const leaseUntil = toTimestamp(nowMs + leaseMs);
  const random = options.random();
  const sends = preparation.kind === 'send';
  const claimed = await options.store.transaction('delivery-claim', async (tx) => {
    const row = await tx.deliveries.claim({ id, owner: options.owner, now, leaseUntil, limits, sends });
    if (row === undefined) return undefined;
    const end = endAtClaim(row, preparation, nowMs, random);
    if (end !== null) await tx.deliveries.finish(row, end, now, limits);
    else if (sends) await tx.deliveries.keepPayload(id, row.fence, preparation.sink.type, payloadOf(row, preparation));
    return { row, end };
  });
  if (claimed === undefined) return undefined;
  if (claimed.end === null) return claimed.row;
  announce(options, claimed.row, claimed.end);
  return undefined;
}

/** null: it is to be sent. */
function endAtClaim(row: DeliveryRecord, preparation: Preparation, nowMs: number, random: number): DeliveryEnd | null {
  if (preparation.kind === 'skip') return { status: 'skipped', sinkType: preparation.sinkType, wakeAt: null };
  if (preparation.kind === 'fail') {
    return { sinkType: preparation.sinkType, ...afterAttempt(row, preparation.result, nowMs, random) };
  }
  if (!isWornOut(row)) return null;
  const reason = `${row.attempts - 1} attempts were interrupted or failed`;
  return afterAttempt(row, { ok: false, retry: false, reason, code: 'DeliveryFailed' }, nowMs, random);
}

/** Metric and log line of a committed result. */
function announce(options: OutboxOptions, delivery: DeliveryRecord, end: DeliveryEnd): void {
  const { id, namespace, sinkName, runId, event, attempts } = delivery;
  const result = end.status ?? 'retried';
  const sink = `${namespace}/${sinkName}`;
  options.metrics.increment('fist_sink_deliveries_total', { sink, result });
  const fields = { delivery: id, run: runId, sink, event, attempt: attempts };
  if (result === 'failed' || result === 'retried') {
    const { error, errorCode, wakeAt } = end;
    const next = result === 'failed' ? `fist retry delivery/${id}` : `fist describe delivery/${id}`;
    options.log.warn({ ...fields, error, code: errorCode, retryAt: wakeAt, next }, `delivery-${result}`);
  } else options.log.info(fields, `delivery-${result}`);
}
