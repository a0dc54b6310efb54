import type { AgentReader } from '../core/agent-store.ts';
import type { RunChange } from '../core/changes.ts';
import type { ListReader, ResourceActivity } from '../core/lists.ts';
import type { LearnedReader } from '../core/learned-store.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Clock, Log, ModelChecks } from '../core/ports.ts';
import type { RunReader } from '../core/run-store.ts';
import { toTimestamp } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';
import type { EventRecorder } from '../kube/events/event-recorder.ts';
import type { EventText } from '../kube/events/event-series.ts';
import type { WorkQueue } from '../kube/watch/work-queue.ts';
import { createWorkQueue } from '../kube/watch/work-queue.ts';
import type { KubeWriter } from '../kube/connection/writer.ts';
import { apiVersion } from '../resources/fields.ts';
import { objectKey } from '../resources/object.ts';
import { compiledOf } from '../resources/records.ts';
import type { ClusterResources } from './cluster-resources.ts';
import { resourceKinds } from './kinds.ts';
import { createRunEvents, lookBackMs } from './run-events.ts';
import { createStatusPatch } from './served-status.ts';
import { eventsBetween, lastingTrouble } from './status-events.ts';
import type { Happened, NewestRun } from './status.ts';
import { statusOf } from './status.ts';

export interface StatusWriterOptions {
  readonly resources: Pick<ClusterResources, 'find' | 'keys' | 'onChange' | 'current'>;
  readonly writer: Pick<KubeWriter, 'patchStatus'>;
  readonly lists: Pick<ListReader, 'activity' | 'runs' | 'runsOf' | 'runsChangedSince' | 'runsEndedAfter'>;
  readonly agent: Pick<AgentReader, 'events'>;
  readonly runs: Pick<RunReader, 'find' | 'steps'>;
  readonly learned: Pick<LearnedReader, 'lastModelCheck'>;
  readonly modelChecks: Pick<ModelChecks, 'condition'>;
  readonly events: Pick<EventRecorder, 'record'>;
  /** Whether this process may write now. */
  readonly isCurrent: () => boolean;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
}

/** An object is written at most so often. */
const spacingMs = 5000;
/** What happened is looked at so often; nothing tells of all of it. */
const activityMs = 5000;
/**
 * All are looked at again so often, in case that somebody else wrote into a status; where nothing differs no status is sent. What
 * lasts is told again.
 */
const lookAgainMs = 5 * 60_000;
/** As the reflectors of client-go: whatever went wrong, half a minute after it is over all is told. */
const backOff = { firstMs: 5, mostMs: 30_000 } as const;

/** Keeps the status of all objects as it should be until `signal` is aborted. One process at a time does. */
export async function keepStatuses(options: StatusWriterOptions, signal: AbortSignal): Promise<void> {
  const { resources, clock, random, log } = options;
  const look = createActivityReader(options);
  const patchStatus = createStatusPatch(options.writer, options);
  const tellRuns = createRunEvents(options);
  const writtenAtMs = new Map<string, number>();
  /** When it was last told what lasts. */
  const toldAtMs = new Map<string, number>();
  const queue: WorkQueue = createWorkQueue({
    name: 'status',
    concurrency: 8,
    backOff,
    rate: { requestsPerMinute: 6000, burst: 1000 },
    handle: (key) => handle(key),
    onHandled: ({ key, durationMs, error }) =>
      options.metrics.observe(
        'fist_reconcile_duration_seconds',
        { kind: key.split('/')[0] ?? '', result: error === null ? 'ok' : 'failed' },
        durationMs / 1000,
      ),
    clock,
    random,
    log,
  });

  async function handle(key: string): Promise<number | null> {
    const declared = resources.find(key);
    if (declared?.resource == null) {
      writtenAtMs.delete(key);
      toldAtMs.delete(key);
      queue.forget(key);
      return null;
    }
    const { object, resource } = declared;
    const compiled = compiledOf(resources.current(), resource);
    if (compiled === undefined || !options.isCurrent()) return null;
    const waitMs = (writtenAtMs.get(key) ?? Number.NEGATIVE_INFINITY) + spacingMs - clock.monotonic();
    // What people do to an object is answered at once; what happens with it is told every while.
    if (waitMs > 0 && object.status?.['observedGeneration'] === object.metadata.generation) return waitMs;
    const happened = await happenedTo(options, look, resource);
    const status = statusOf(object, compiled, happened, toTimestamp(clock.now()));
    const { namespace, name, kind } = resource;
    // The store may have taken longer than the Lease lasts.
    if (!options.isCurrent()) return null;
    const written = await patchStatus(resourceKinds[kind], { namespace, name }, status, {
      current: object,
      force: true,
    });
    if (written !== null) writtenAtMs.set(key, clock.monotonic());
    tell(key, written === null ? [] : eventsBetween(object.status ?? {}, status), lastingTrouble(status));
    return null;
  }

  /** What is new at once, and what lasts every while. */
  function tell(key: string, news: readonly EventText[], lasting: readonly EventText[]): void {
    for (const event of news) record(key, event);
    const nowMs = clock.monotonic();
    if (nowMs - (toldAtMs.get(key) ?? Number.NEGATIVE_INFINITY) < lookAgainMs - activityMs) return;
    toldAtMs.set(key, nowMs);
    for (const event of lasting) if (!news.some(({ note }) => note === event.note)) record(key, event);
  }

  function record(key: string, event: EventText): void {
    const declared = resources.find(key);
    if (declared?.resource == null) return;
    const { kind, namespace, name } = declared.resource;
    const { uid } = declared.object.metadata;
    options.events.record({ apiVersion, kind, namespace, name, ...(uid === undefined ? {} : { uid }) }, event);
  }

  async function lookAtChanges(): Promise<void> {
    const { keys, runs } = await look.changed();
    for (const key of keys) queue.add(key);
    if (!options.isCurrent()) return;
    for (const { namespace, workflow, event } of await tellRuns(runs))
      record(workflowKey({ namespace, name: workflow }), event);
  }

  const forget = resources.onChange((key) => queue.add(key));
  for (const key of resources.keys()) queue.add(key);
  let lookedMs = clock.monotonic();
  try {
    while (!signal.aborted) {
      await clock.sleep(activityMs, signal).catch(() => undefined);
      if (signal.aborted) break;
      await lookAtChanges();
      if (clock.monotonic() - lookedMs < lookAgainMs) continue;
      lookedMs = clock.monotonic();
      for (const key of resources.keys()) queue.add(key);
    }
  } finally {
    forget();
    await queue.stop(5000, 1000);
  }
}

function workflowKey({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return objectKey({ kind: 'Workflow', namespace, name });
}

interface ActivityReader {
  now(): Promise<ResourceActivity>;
  newestRun(namespace: string, name: string): Promise<NewestRun | null>;
  /** What happened since the last call. */
  changed(): Promise<ChangesSeen>;
}

/** Keys of objects that are to be looked at, and runs of which Events tell. */
interface ChangesSeen {
  readonly keys: readonly string[];
  readonly runs: readonly RunChange[];
}

async function happenedTo(
  { resources, modelChecks }: StatusWriterOptions,
  look: ActivityReader,
  { kind, namespace, name }: { readonly kind: string; readonly namespace: string; readonly name: string },
): Promise<Happened> {
  if (kind === 'Workflow') {
    const plan = resources.current().workflow(namespace, name)?.plan ?? null;
    const checked = plan === null ? null : await modelChecks.condition(plan);
    return { newestRun: await look.newestRun(namespace, name), conditions: checked === null ? [] : [checked] };
  }
  const { sources, sinks } = await look.now();
  const nothingSent = { messagesSent: 0, lastSentTime: null, lastError: null };
  if (kind === 'Sink') return { sink: sinks.get(`${namespace}/${name}`) ?? nothingSent };
  if (resources.current().source(namespace, name) === undefined) return {};
  const nothingCame = { eventsProcessed: 0, lastEventTime: null, lastProblem: null, waiting: 0 };
  return { source: sources.get(`${namespace}/${name}`) ?? nothingCame };
}

/** Runs that are read at once; where more have changed all Workflows are looked at. */
const mostChanges = 500;
/** Times are those of rows, which are committed a little later. */
const overlapMs = 5000;

/** One look for all objects, kept for a moment. */
function createActivityReader({ lists, runs, learned, resources, clock }: StatusWriterOptions): ActivityReader {
  let kept: { readonly atMs: number; readonly activity: Promise<ResourceActivity> } | null = null;
  let told: ReadonlyMap<string, string> = new Map();
  let lookedMs = clock.now() - lookBackMs;
  let checkedAt: Timestamp | null = null;

  function now(): Promise<ResourceActivity> {
    const nowMs = clock.monotonic();
    if (kept === null || nowMs - kept.atMs > 1000) kept = { atMs: nowMs, activity: lists.activity() };
    return kept.activity;
  }
  async function changedTraffic(): Promise<readonly string[]> {
    const { sources, sinks } = await now();
    const seen = new Map<string, string>();
    for (const [name, activity] of sources) seen.set(`Source/${name}`, JSON.stringify(activity));
    for (const [name, activity] of sinks) seen.set(`Sink/${name}`, JSON.stringify(activity));
    const before = told;
    told = seen;
    return [...seen].filter(([key, text]) => before.get(key) !== text).map(([key]) => key);
  }
  async function changedRuns(): Promise<ChangesSeen> {
    const since = toTimestamp(lookedMs - overlapMs);
    lookedMs = clock.now();
    const runs = await lists.runsChangedSince(since, mostChanges);
    if (runs !== null) return { keys: runs.map(workflowKey), runs };
    return { keys: resources.current().workflows.map(workflowKey), runs: await endedSince(since) };
  }
  /** All of them, because nothing else would tell of one. That it began is told with its end. */
  async function endedSince(since: Timestamp): Promise<readonly RunChange[]> {
    const ended: RunChange[] = [];
    let page: readonly RunChange[];
    do {
      const { at, id } = ended.at(-1) ?? { at: since, id: '' };
      page = await lists.runsEndedAfter({ at, id }, mostChanges);
      ended.push(...page);
    } while (page.length === mostChanges);
    return ended;
  }
  /** A model that was checked may be that of any Workflow. */
  async function changedChecks(): Promise<readonly string[]> {
    const before = checkedAt;
    checkedAt = await learned.lastModelCheck();
    if (before === checkedAt) return [];
    return resources.current().workflows.map(workflowKey);
  }
  return {
    now,
    async newestRun(namespace, workflow) {
      const [summary] = (await lists.runs({ namespace, workflow, limit: 1 })).items;
      const run = summary === undefined ? undefined : await runs.find(summary.id);
      return run === undefined ? null : { run, steps: await runs.steps(run.id) };
    },
    async changed() {
      const { keys: ofRuns, runs } = await changedRuns();
      const keys = new Set([...(await changedTraffic()), ...ofRuns, ...(await changedChecks())]);
      return { keys: [...keys], runs };
    },
  };
}
