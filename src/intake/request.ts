import { workflowFor } from '../core/access.ts';
import { sourceDuty } from '../core/catalog.ts';
import type { Catalog, CatalogSource } from '../core/catalog.ts';
import type { RequestAnswer, RunRequest, SourceEventRecord } from '../core/event.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Log } from '../core/ports.ts';
import type { RunRecord } from '../core/run.ts';
import type { KeyedEvent, StoreTransaction } from '../core/store.ts';
import { toEpochMs } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';
import { sha256Hex } from '../lib/hash.ts';
import { newId } from '../lib/id.ts';
import { createRunMinutes, decideMute } from './policies.ts';
import type { RunMinutes } from './policies.ts';
import { continuingRun, newRun } from './records.ts';
import { bornFailed } from './trigger.ts';

/** A request on its way in. */
export interface Requested {
  readonly catalog: Catalog;
  readonly source: CatalogSource;
  readonly request: RunRequest;
  readonly now: Timestamp;
}

/** What is committed, and what is to be told outside after it. */
export interface TakenRequest {
  readonly answer: RequestAnswer;
  readonly run: RunRecord | null;
}

/**
 * Takes a request in, in one transaction with the tick that it is of and the event that proves it: whichever replica asks, and
 * however often, one run comes of it. May be run again on other rows; changes nothing but `tx`.
 */
export async function takeRequest(tx: StoreTransaction, requested: Requested): Promise<TakenRequest> {
  const { source, request, now } = requested;
  const { namespace, name } = source;
  const nowMs = toEpochMs(now);
  // What has its run already needs no room.
  const [known] = await tx.events.findKeyed([{ namespace, source: name, key: request.key }]);
  if (known !== undefined) return { answer: knownAnswer(request, known), run: null };
  const minutes = createRunMinutes(await tx.events.runMinutes([{ namespace, source: name }]));
  const mute = decideMute({
    source,
    labels: {},
    nowMs,
    // The other policies are of alerts.
    group: null,
    lastRunEndedAt: null,
    runsOfAlert: 0,
    runsOfSource: minutes.count(source, nowMs),
    raised: false,
  });
  // A tick cannot wait as an alert does, so its Source asks again.
  if (mute?.reason === 'StormGuard') return { answer: { kind: 'later', until: mute.until }, run: null };
  if (request.tick !== null && !(await tx.duties.claim(sourceDuty(source), request.tick)))
    return { answer: { kind: 'known', isSame: true, runId: null }, run: null };
  const run = mute === null ? await addRun(tx, requested, minutes) : null;
  const outcome = run === null ? (mute?.reason ?? '') : run.status === 'failed' ? 'WorkflowNotReady' : 'RunCreated';
  await tx.events.insertAll([eventOf(requested, outcome, run)]);
  const runs = { ...minutes.added(source, nowMs), cap: source.stormCapPerMinute };
  await tx.events.countActivity([{ namespace, source: name, events: 1, at: now, problem: request.problem, runs }]);
  return {
    answer: run === null ? { kind: 'muted', reason: mute?.reason ?? '' } : { kind: 'started', runId: run.id },
    run,
  };
}

/** The run of an event has the id of the event, so that who asks again hears of the same run. */
function knownAnswer({ data }: RunRequest, { id, contentHash, workflowTriggered }: KeyedEvent): RequestAnswer {
  const isSame = contentHash === sha256Hex(JSON.stringify(data));
  return { kind: 'known', isSame, runId: workflowTriggered === null ? null : id };
}

async function addRun(
  tx: StoreTransaction,
  { catalog, source, request, now }: Requested,
  minutes: RunMinutes,
): Promise<RunRecord> {
  const workflow = workflowFor(catalog, source.namespace, source.triggerWorkflow);
  const { data, asked, continues } = request;
  const run =
    continues === undefined
      ? newRun(source, workflow, { alert: null, data, ...(asked === undefined ? {} : { asked }) }, now)
      : continuingRun(source, continues, data, now);
  const plan = continues?.plan ?? workflow?.plan ?? null;
  await tx.runs.insert({ run, plan });
  await tx.deliveries.insert(bornFailed(catalog, run, plan, now));
  minutes.add(source, toEpochMs(now));
  return run;
}

function eventOf({ source, request, now }: Requested, reason: string, run: RunRecord | null): SourceEventRecord {
  const eventData = JSON.stringify(request.data);
  return {
    id: run?.id ?? newId(),
    namespace: source.namespace,
    sourceName: source.name,
    sourceType: source.type,
    eventData,
    contentHash: sha256Hex(eventData),
    deliveryKey: request.key,
    workflowTriggered: run?.name ?? null,
    outcome: { [reason]: 1 },
    receiveCount: 1,
    receivedAt: now,
    lastReceivedAt: now,
  };
}

/** Counts and logs a request once it is committed. */
export function reportRequest(
  { metrics, log }: { readonly metrics: Metrics; readonly log: Log },
  { source, request }: Requested,
  { answer, run }: TakenRequest,
): void {
  if (run !== null) metrics.increment('fist_runs_total', { workflow: run.name, phase: run.status });
  if (answer.kind === 'muted')
    metrics.increment('fist_runs_muted_total', { source: source.name, reason: answer.reason });
  const fields = { source: `${source.namespace}/${source.name}`, tick: request.tick, key: request.key, ...answer };
  if (run?.status === 'failed') log.warn(fields, 'the Workflow is not ready');
  log.debug(fields, 'request of a run taken in');
}
