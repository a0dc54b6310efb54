import { defaultRetryForMs, defaultSinkLimits } from '../core/catalog.ts';
import type { CatalogSink } from '../core/catalog.ts';
import type { DeliveryEnd } from '../core/delivery-store.ts';
import type { DeliveryRecord } from '../core/delivery.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Clock, Log } from '../core/ports.ts';
import type { Store } from '../core/store.ts';
import { toEpochMs, toTimestamp } from '../core/time.ts';
import { scattered, startPump } from '../lib/pump.ts';
import type { Pump, PumpOptions } from '../lib/pump.ts';
import { attemptDelivery, attemptLimitMs } from './attempt.ts';
import type { AttemptOptions } from './attempt.ts';
import { nothingKnown, knownReferences } from './known.ts';
import { contentOf, isTold, notTold, prepare } from './prepare.ts';
import type { Preparation, PreparationOptions, ToSend } from './prepare.ts';
import { afterAttempt, isWornOut } from './retry-policy.ts';
import type { AttemptResult, Moment } from './retry-policy.ts';
import { createSinkWork } from './sink-work.ts';
import type { SinkWork } from './sink-work.ts';

export interface OutboxOptions extends PreparationOptions, AttemptOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Who holds the leases: unique for each process. */
  readonly owner: string;
  /** From 0 to 1, for back-off. */
  random(): number;
  readonly concurrency?: number;
  readonly pollMs?: number;
}

/**
 * Short, because a replica that died holds places of its Sinks for so long. An attempt that begins soon after the claim ends
 * well within it, so a lease is never renewed.
 */
export const leaseMs = 20_000;
/** In this process. More than the most that one Sink may have (spec.delivery.maxConcurrent), so that a slow one leaves room. */
const defaultConcurrency = 32;

/**
 * The only retry loop of deliveries, as work for a pump: claim (with what will be sent), send, record. Nothing is sent
 * inside a transaction. An attempt that no process recorded is found when its lease ends; it is then marked ambiguous.
 * What a Sink takes at a time and the order of deliveries are decided by the claim, from rows.
 */
export function createOutbox(options: OutboxOptions): PumpOptions {
  const { store, clock } = options;
  const sinkWork = createSinkWork();
  return {
    name: 'outbox',
    due: (limit) => store.read.deliveries.due(toTimestamp(clock.now()), limit),
    async nextDueAt() {
      const at = await store.read.deliveries.nextWakeAt();
      return at === null ? null : toEpochMs(at);
    },
    handle: (id, signal) => handleDelivery(options, sinkWork, id, signal),
    concurrency: options.concurrency ?? defaultConcurrency,
    pollMs: options.pollMs ?? 1000,
    clock,
    log: options.log,
  };
}

/** Sends what is due until it is stopped; looks at once after a commit that wrote deliveries. `isAlone`: no other process does. */
export function startOutbox({ isAlone, ...options }: OutboxOptions & { readonly isAlone: boolean }): Pump {
  const outbox = createOutbox(options);
  const pump = startPump(isAlone ? outbox : scattered(outbox, () => options.random()));
  const unsubscribe = options.store.onCommit(({ deliveries }) => {
    if (deliveries) pump.hint();
  });
  return {
    ...pump,
    stop(timeoutMs, finishMs) {
      unsubscribe();
      return pump.stop(timeoutMs, finishMs);
    },
  };
}

type SinkRules = Pick<CatalogSink, 'limits' | 'retryForMs'>;

async function handleDelivery(
  options: OutboxOptions,
  sinkWork: SinkWork,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  const { store, clock } = options;
  const known = await store.read.deliveries.find(id);
  if (known === undefined || known.wakeAt === null || known.wakeAt > toTimestamp(clock.now())) return;
  const name = `${known.namespace}/${known.sinkName}`;
  const sink = options.catalog.current().sink(known.namespace, known.sinkName);
  const { limits, retryForMs }: SinkRules = sink ?? { limits: defaultSinkLimits, retryForMs: defaultRetryForMs };
  const isFull = sinkWork.sending(name) >= limits.maxConcurrent;
  const preparation: Preparation = isFull ? { kind: 'wait' } : await prepare(options, known, sink);
  let claimedMs = 0;
  const claimed = await sinkWork.inTurn(name, 'claim', () => {
    claimedMs = clock.monotonic();
    return claim(options, known, preparation, { limits, retryForMs });
  });
  if (claimed === undefined || preparation.kind !== 'send') return;
  const [end, recorded] = await sinkWork.send(name, async () => {
    const content = await contentOf(options, claimed, preparation);
    const result = await send(options, { ...preparation, content }, claimed, claimedMs, signal);
    const nowMs = clock.now();
    const random = signal.aborted ? 0 : options.random();
    const end = afterAttempt(claimed, result, retryForMs, { nowMs, random });
    const record = () =>
      store.transaction('delivery-end', (tx) => tx.deliveries.finish(claimed, end, toTimestamp(nowMs), limits));
    return [end, await sinkWork.inTurn(name, 'end', record)] as const;
  });
  if (recorded) announce(options, claimed, end);
  else options.metrics.increment('fist_stale_writes_total', { kind: 'delivery' });
}

/** Not where the claim was long ago (the process stood still): another worker may have the delivery by now. */
async function send(
  options: OutboxOptions,
  { sink, backend, content }: ToSend,
  delivery: DeliveryRecord,
  claimedMs: number,
  signal: AbortSignal,
): Promise<AttemptResult> {
  const startedMs = options.clock.monotonic();
  if (startedMs - claimedMs > leaseMs - attemptLimitMs) {
    return { ok: false, retry: true, reason: 'the lease was nearly over before anything was sent' };
  }
  const { deliveries } = options.store.read;
  const known = backend.remembers ? await knownReferences(deliveries, delivery, content) : nothingKnown;
  const othersFireAt = (place: string) => deliveries.othersFireAt(delivery, place);
  const result = await attemptDelivery(options, { sink, backend, delivery, ...content, known, othersFireAt }, signal);
  const seconds = (options.clock.monotonic() - startedMs) / 1000;
  options.metrics.observe('fist_sink_delivery_duration_seconds', { type: sink.type }, seconds);
  return result;
}

/**
 * Takes the row and, in the same transaction, keeps what will be sent or writes an end that needs no send. Undefined also
 * where it has to wait.
 */
async function claim(
  options: OutboxOptions,
  delivery: DeliveryRecord,
  preparation: Preparation,
  { limits, retryForMs }: SinkRules,
): Promise<DeliveryRecord | undefined> {
  const nowMs = options.clock.now();
  const now = toTimestamp(nowMs);
  const leaseUntil = toTimestamp(nowMs + leaseMs);
  const moment: Moment = { nowMs, random: options.random() };
  const sends = preparation.kind === 'send' || preparation.kind === 'wait';
  const keep =
    preparation.kind !== 'send' || preparation.keep === null
      ? null
      : { sinkType: preparation.sink.type, rendered: preparation.keep };
  const incident = preparation.kind === 'send' ? preparation.incident : null;
  const claimed = await options.store.transaction('delivery-claim', async (tx) => {
    // A place that was given back meanwhile: the next look takes it.
    const takes = preparation.kind !== 'wait';
    const wanted = { delivery, owner: options.owner, now, leaseUntil, limits, sends, takes, keep, incident };
    const row = await tx.deliveries.claim(wanted);
    if (row === undefined) return undefined;
    // Another worker may have told it since this one looked: that is seen under the lock of the Sink.
    if (preparation.kind === 'skip' && preparation.reason === notTold && (await isTold(tx.deliveries, row))) {
      await tx.deliveries.finish(row, { wakeAt: now }, now, limits);
      return undefined;
    }
    const end = endAtClaim(row, preparation, retryForMs, moment);
    if (end !== null) await tx.deliveries.finish(row, end, now, limits);
    return { row, end };
  });
  if (claimed === undefined) return undefined;
  if (claimed.end === null) return claimed.row;
  announce(options, claimed.row, claimed.end);
  return undefined;
}

/** null: it is to be sent. */
function endAtClaim(
  row: DeliveryRecord,
  preparation: Preparation,
  retryForMs: number,
  moment: Moment,
): DeliveryEnd | null {
  if (preparation.kind === 'skip') {
    const { sinkType, reason } = preparation;
    return { status: 'skipped', sinkType, wakeAt: null, error: reason, errorCode: null };
  }
  if (preparation.kind === 'fail') {
    return { sinkType: preparation.sinkType, ...afterAttempt(row, preparation.result, retryForMs, moment) };
  }
  if (!isWornOut(row)) return null;
  const reason = `${row.interruptions} attempts in a row were interrupted`;
  return afterAttempt(row, { ok: false, retry: false, reason, code: 'DeliveryFailed' }, retryForMs, moment);
}

/** Metric and log line of a committed result. */
function announce(options: OutboxOptions, delivery: DeliveryRecord, end: DeliveryEnd): void {
  const { id, namespace, sinkName, runId, event, attempts } = delivery;
  const result = end.status ?? (end.error === null ? 'waiting' : 'retried');
  const sink = `${namespace}/${sinkName}`;
  options.metrics.increment('fist_sink_deliveries_total', { sink, result });
  const fields = { delivery: id, run: runId, sink, event, attempt: attempts };
  if (result === 'failed' || result === 'retried') {
    const { error, errorCode, wakeAt } = end;
    const next = result === 'failed' ? `fist retry delivery/${id}` : `fist describe delivery/${id}`;
    options.log.warn({ ...fields, error, code: errorCode, retryAt: wakeAt, next }, `delivery-${result}`);
  } else options.log.info(fields, `delivery-${result}`);
}
