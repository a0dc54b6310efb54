import { join } from 'node:path';
import type { CatalogSink } from '../core/catalog.ts';
import type { ClusterEvents } from '../core/cluster.ts';
import type { DeliveryRecord } from '../core/delivery.ts';
import { AppError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import type { Clock, HttpClient, ChildRuns, Secrets } from '../core/ports.ts';
import type { Connect } from '../lib/connect.ts';
import { requestWasSent } from '../lib/http.ts';
import type { KnownReferences, SinkBackend, SinkDelivery, SinkIo } from './define.ts';
import { viewOf } from './payload.ts';
import type { AttemptResult } from './retry-policy.ts';

/** The world of an attempt. */
export interface AttemptOptions {
  readonly http: HttpClient;
  readonly connect: Connect;
  readonly secrets: Secrets;
  readonly clock: Clock;
  /** Holds a folder for files of Sinks. */
  readonly dataFolder: string;
  readonly childRuns: ChildRuns;
  writeStdout(text: string): Promise<void>;
  /** Of the live cluster that the server is connected to, as Sinks of a namespace may make them; null = there is none. */
  readonly eventsOf: (namespace: string) => ClusterEvents | null;
}

/** What is sent, and where to. */
export interface Attempt {
  readonly sink: CatalogSink;
  readonly backend: SinkBackend;
  readonly delivery: Pick<
    DeliveryRecord,
    'id' | 'sinkName' | 'event' | 'alertId' | 'runId' | 'attempts' | 'idempotencyKey'
  >;
  readonly payload: JsonObject;
  /** Fields of the config with their templates rendered. */
  readonly fields: JsonObject;
  readonly known: KnownReferences;
  readonly othersFireAt: SinkIo['othersFireAt'];
}

/** For all requests of an attempt together. */
const requestTimeoutMs = 10_000;
/** For a backend that does not keep to its time. */
export const attemptLimitMs = 12_000;

/**
 * Sends once, and answers within {@link attemptLimitMs}; at once where `signal` is aborted. What may have reached the
 * receiver without an answer is ambiguous.
 */
export async function attemptDelivery(
  options: AttemptOptions,
  { sink, backend, delivery, payload, fields, known, othersFireAt }: Attempt,
  signal: AbortSignal,
): Promise<AttemptResult> {
  if (signal.aborted) return { ok: false, retry: true, reason: 'stopped before anything was sent' };
  const ended = new AbortController();
  const either = AbortSignal.any([signal, ended.signal]);
  const late = options.clock.sleep(attemptLimitMs, either).then(
    () => unanswered(`no result within ${attemptLimitMs / 1000} s`),
    () => unanswered('stopped'),
  );
  const { id, sinkName, event, alertId, runId, attempts, idempotencyKey } = delivery;
  const subjectKey = alertId ?? runId ?? id;
  const { namespace } = sink;
  const isRepeat = attempts > 1;
  const told: SinkDelivery = { namespace, sinkName, event, payload, idempotencyKey, subjectKey, isRepeat, known };
  const io = sinkIo(options, { sink, delivery, payload, othersFireAt }, either);
  const sent = Promise.resolve()
    .then(() => backend.deliver(io, { ...sink.config, ...fields }, told))
    .catch(verdictOf);
  const result = await Promise.race([sent, late]);
  ended.abort();
  return result;
}

function sinkIo(
  options: AttemptOptions,
  { sink, delivery, payload, othersFireAt }: Pick<Attempt, 'sink' | 'delivery' | 'payload' | 'othersFireAt'>,
  signal: AbortSignal,
): SinkIo {
  const endsAt = options.clock.monotonic() + requestTimeoutMs;
  return {
    http: options.http,
    connect: options.connect,
    secret(reference) {
      const value = options.secrets.get(sink.namespace, reference);
      if (value !== null) return value;
      throw new AppError(
        'SecretMissing',
        `there is no Secret ${sink.namespace}/${reference.name} with key ${reference.key}`,
      );
    },
    write: (text) => options.writeStdout(text),
    events: options.eventsOf(sink.namespace),
    folder: join(options.dataFolder, 'sinks', sink.namespace),
    startRun: (workflow, context) =>
      options.childRuns.startChild({
        key: delivery.id,
        namespace: sink.namespace,
        sinkName: sink.name,
        workflow,
        context,
        parentRunId: delivery.runId,
        resolvedAt: viewOf(payload).resolvedAt,
      }),
    othersFireAt,
    now: () => options.clock.now(),
    signal,
    get timeoutMs() {
      return Math.max(1, Math.ceil(endsAt - options.clock.monotonic()));
    },
  };
}

function unanswered(reason: string): AttemptResult {
  return { ok: false, retry: true, reason, ambiguous: true };
}

/**
 * A backend may throw AppErrors; anything else is a defect and is tried again like a failure, marked as ambiguous because
 * nobody knows how far it came.
 */
function verdictOf(thrown: unknown): AttemptResult {
  if (!(thrown instanceof AppError)) return { ...defect(thrown), ambiguous: true };
  const { retryable: retry, message: reason, code } = thrown;
  return { ok: false, retry, reason, code, ambiguous: requestWasSent(thrown) };
}

/** Waits like a failure does: work that throws would be found again at once. */
export function defect(thrown: unknown): Extract<AttemptResult, { ok: false }> {
  return { ok: false, retry: true, reason: `defect: ${String(thrown)}`, code: 'Internal' };
}
