import { defaultRetryForMs, defaultSinkLimits } from '../core/catalog.ts';
import type { CatalogSink } from '../core/catalog.ts';
import type { ClusterEvents } from '../core/cluster.ts';
import type { DeliveryRecord, RenderedPayload } from '../core/delivery.ts';
import type { JsonObject } from '../core/json.ts';
import type { Plan } from '../core/plan.ts';
import type { Metrics } from '../core/metrics.ts';
import type { CatalogHolder, Clock, HttpClient, Log, ChildRuns, Secrets } from '../core/ports.ts';
import type { StepRecord } from '../core/run.ts';
import type { DeliveryEnd, DeliveryReader, Store } from '../core/store.ts';
import { toEpochMs, toTimestamp } from '../core/time.ts';
import type { Connect } from '../lib/connect.ts';
import type { PumpOptions } from '../lib/pump.ts';
import { eventLoopTurns } from '../lib/turns.ts';
import { attemptDelivery, attemptLimitMs, defect } from './attempt.ts';
import type { SinkBackend } from './define.ts';
import { hasEnded } from './context.ts';
import { incidentFacts } from './incident.ts';
import type { IncidentClaim } from './incident.ts';
import { findSink } from './index.ts';
import { nothingKnown, knownReferences } from './known.ts';
import { renderDelivery, renderKept } from './render.ts';
import { createSinkWork } from './sink-work.ts';
import type { SinkWork } from './sink-work.ts';
import type { Rendered } from './render.ts';
import { afterAttempt, isWornOut } from './retry-policy.ts';
import type { AttemptResult, Moment } from './retry-policy.ts';

export interface OutboxOptions {
  readonly store: Store;
  readonly catalog: CatalogHolder;
  readonly http: HttpClient;
  readonly connect: Connect;
  readonly secrets: Secrets;
  readonly intake: ChildRuns;
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
  /** Of the live cluster that the server is connected to; null = there is none. */
  readonly events: ClusterEvents | null;
  /** Holds a folder for files of Sinks. */
  readonly dataFolder: string;
  /** Columns of the terminal that stdout is; absent = it is none. */
  readonly stdoutColumns?: number | undefined;
  /** `.steps` of templates, the same as in the templates of the run itself. */
  stepsView(plan: Plan, steps: readonly StepRecord[]): JsonObject;
  readonly concurrency?: number;
  readonly pollMs?: number;
}

/**
 * Short, because a replica that died holds places of its Sinks for so long. An attempt that begins soon after the claim ends
 * well within it, so a lease is never renewed.
 */
export const leaseMs = 20_000;
/** Where the columns of what shows a text are not known. */
const textColumns = 80;
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

/** What the next attempt is: a send, or an end that needs none. */
type Preparation =
  | {
      readonly kind: 'send';
      readonly sink: CatalogSink;
      readonly backend: SinkBackend;
      readonly content: Content;
      readonly keep: RenderedPayload | null;
      readonly incident: IncidentClaim;
    }
  /** All places of the Sink are taken by this process: not worth rendering. */
  | { readonly kind: 'wait' }
  | { readonly kind: 'skip'; readonly sinkType: string; readonly reason: string }
  | { readonly kind: 'fail'; readonly sinkType: string; readonly result: AttemptResult };

/** What is sent: the payload, and the fields of the config with their templates rendered. */
interface Content {
  readonly payload: JsonObject;
  readonly fields: JsonObject;
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
  { sink, backend, content }: Extract<Preparation, { kind: 'send' }>,
  delivery: DeliveryRecord,
  claimedMs: number,
  signal: AbortSignal,
): Promise<AttemptResult> {
  const startedMs = options.clock.monotonic();
  if (startedMs - claimedMs > leaseMs - attemptLimitMs) {
    return { ok: false, retry: true, reason: 'the lease was nearly over before anything was sent' };
  }
  const known = backend.remembers
    ? await knownReferences(options.store.read.deliveries, delivery, content)
    : nothingKnown;
  const result = await attemptDelivery(options, { sink, backend, delivery, ...content, known }, signal);
  const seconds = (options.clock.monotonic() - startedMs) / 1000;
  options.metrics.observe('fist_sink_delivery_duration_seconds', { type: sink.type }, seconds);
  return result;
}

async function prepare(
  options: OutboxOptions,
  delivery: DeliveryRecord,
  sink: CatalogSink | undefined,
): Promise<Preparation> {
  if (sink === undefined) return notReady('', `there is no Sink ${delivery.namespace}/${delivery.sinkName}`);
  const backend = findSink(sink.type);
  if (backend === undefined) return notReady(sink.type, `there is no Sink type ${sink.type}`);
  const { rendered, incident } = await render(options, delivery, sink, backend);
  if (rendered.kind === 'defect') return { kind: 'fail', sinkType: sink.type, result: defect(rendered.thrown) };
  if (rendered.kind === 'skip') return { kind: 'skip', sinkType: sink.type, reason: rendered.reason };
  if (rendered.kind === 'broken') {
    const result: AttemptResult = { ok: false, retry: false, reason: rendered.reason, code: 'TemplateInvalid' };
    return { kind: 'fail', sinkType: sink.type, result };
  }
  if (!sink.ready) return notReady(sink.type, notReadyReason(sink));
  const { payload, fields, keep } = rendered;
  return { kind: 'send', sink, backend, content: { payload, fields }, keep, incident };
}

function notReady(sinkType: string, reason: string): Preparation {
  return { kind: 'fail', sinkType, result: { ok: false, retry: true, reason, code: 'SinkNotReady' } };
}

/** Of a Sink that is not ready. */
export function notReadyReason(sink: CatalogSink): string {
  const condition = sink.conditions.find(({ type }) => type === 'Ready');
  return `Sink ${sink.namespace}/${sink.name} is not ready: ${condition?.message ?? 'unknown reason'}`;
}

/** What an earlier attempt was to send; null = there was none. */
function keptPayload({ payload }: DeliveryRecord): JsonObject | null {
  return payload !== null && typeof payload === 'object' && !Array.isArray(payload) ? payload : null;
}

/** One key, one content: another worker may have kept and sent its rendering since this one read the row. */
async function contentOf(
  { store }: OutboxOptions,
  claimed: DeliveryRecord,
  { content, keep }: Extract<Preparation, { kind: 'send' }>,
): Promise<Content> {
  if (keep === null) return content;
  const isOurs = claimed.payload === null && JSON.stringify(claimed.rendered) === JSON.stringify(keep);
  const kept = isOurs ? undefined : await store.read.deliveries.find(claimed.id);
  const payload = kept === undefined ? null : keptPayload(kept);
  return payload === null ? content : { payload, fields: { ...content.fields, ...kept?.rendered?.fields } };
}

const notTold = 'this Sink was not told that the alert fires';

function isTold(deliveries: DeliveryReader, delivery: DeliveryRecord): Promise<boolean> {
  const { episode } = delivery.data;
  return deliveries.wasTold(delivery, typeof episode === 'number' ? episode : 0);
}

/** Renders once: what an earlier attempt was to send stays. */
async function render(
  options: OutboxOptions,
  delivery: DeliveryRecord,
  sink: CatalogSink,
  backend: SinkBackend,
): Promise<{
  readonly rendered: Rendered | { readonly kind: 'defect'; readonly thrown: unknown };
  readonly incident: IncidentClaim;
}> {
  const payload = keptPayload(delivery);
  if (payload !== null) return { rendered: renderKept(sink, backend, delivery, payload), incident: null };
  const { read } = options.store;
  if (delivery.event === 'alert-resolved' && !(await isTold(read.deliveries, delivery))) {
    return { rendered: { kind: 'skip', reason: notTold }, incident: null };
  }
  const run = delivery.runId === null ? undefined : await read.runs.find(delivery.runId);
  const steps = run === undefined ? [] : await read.runs.steps(run.id);
  const plan = run?.planHash == null ? undefined : await read.runs.plan(run.planHash);
  const alert = delivery.alertId === null ? undefined : await read.lists.alert(delivery.alertId);
  const ended = run !== undefined && alert !== undefined && hasEnded(alert, run.episode);
  const transitions = ended ? await read.lists.transitions(alert.id) : [];
  const { claim: incident, ...told } = await incidentFacts(options, delivery, run, sink);
  // What it tells may be as large as an alert and all results of a run.
  await eventLoopTurns.next();
  try {
    const stepsView = plan === undefined ? {} : options.stepsView(plan, steps);
    const { publicUrl } = options;
    const width = sink.type === 'stdout' ? (options.stdoutColumns ?? textColumns) : textColumns;
    const facts = { delivery, run, steps, stepsView, alert, transitions, publicUrl, width, ...told };
    return { rendered: renderDelivery(sink, backend, facts), incident };
  } catch (thrown) {
    return { rendered: { kind: 'defect', thrown }, incident };
  }
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
