import type { ListPage, ListReader, Storage } from '../core/lists.ts';
import type { ResourceRecord } from '../core/resource.ts';
import { toEpochMs, toTimestamp } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';
import { isUnresolved } from '../resources/conditions.ts';
import type { RouteContext } from './define-route.ts';
import type { ServerState } from './options.ts';

// Whether fist itself is well. What is counted is counted to 100: whoever wants more asks the lists.

/** So many or, where there are `more`, at least so many. */
interface Count {
  readonly count: number;
  readonly more: boolean;
}

interface SourceStatus {
  readonly name: string;
  readonly ready: boolean;
  /** Why it is not ready, or what else is wrong with it; empty = nothing. */
  readonly reason: string;
  readonly events: number;
  readonly lastEventTime: Timestamp | null;
  /** Requests that were not let in, in the last hour, by this process. */
  readonly refused: number;
  /** `Unauthenticated 3`. */
  readonly refusedWhy: string;
}

interface SinkStatus {
  readonly name: string;
  readonly ready: boolean;
  readonly reason: string;
  readonly lastSentTime: Timestamp | null;
  readonly waiting: Count;
  /** Since when the oldest one is due. */
  readonly oldestWaiting: Timestamp | null;
  /** In the last hour. */
  readonly failed: Count;
  readonly lastError: string | null;
}

/** What is wrong, and the command that shows more. */
interface Problem {
  readonly part: 'server' | 'store' | 'source' | 'workflow' | 'sink' | 'runs' | 'cluster';
  readonly message: string;
  readonly next: string;
}

interface Status {
  readonly well: boolean;
  readonly problems: readonly Problem[];
  readonly server: { readonly version: string; readonly state: ServerState; readonly time: Timestamp };
  readonly store: {
    readonly kind: Storage['kind'];
    readonly ready: boolean;
    readonly problem: string | null;
    readonly bytes: number;
    readonly schema: number;
  };
  readonly sources: readonly SourceStatus[];
  readonly sinks: readonly SinkStatus[];
  readonly runs: { readonly running: Count; readonly waiting: Count; readonly failed: Count };
  /** Null: there is none. */
  readonly cluster: {
    readonly description: string;
    readonly reachable: boolean;
    readonly problem: string | null;
    readonly lastFailure: { readonly message: string; readonly at: Timestamp } | null;
  } | null;
  readonly models: {
    /** Of Workflows that name none; null = the analyzers alone. */
    readonly server: string | null;
    /** Workflows that name one. */
    readonly workflows: number;
  };
}

const hourMs = 60 * 60_000;
const minutesOfHour = 60;
const mostCounted = 100;
/** A delivery that waits for longer has a Sink that does not keep up. */
const longestWaitMs = 10 * 60_000;

/** Reads everything at once; each part takes a bounded time. */
export async function readStatus(context: RouteContext): Promise<Status> {
  const nowMs = context.clock.now();
  const [store, sources, sinks, runs, cluster] = await Promise.all([
    storeStatus(context),
    sourceStatuses(context),
    sinkStatuses(context, nowMs),
    runStatus(context.reader.lists, nowMs),
    clusterStatus(context),
  ]);
  const server = { version: context.version, state: context.state(), time: toTimestamp(nowMs) };
  const parts = { server, store, sources, sinks, runs, cluster, models: modelStatus(context) };
  const problems = [...problemsOf(parts, nowMs), ...workflowProblems(context)];
  return { well: problems.length === 0, problems, ...parts };
}

function modelStatus({ catalog, model }: RouteContext): Status['models'] {
  const named = (catalog.current()?.workflows ?? []).filter(({ plan }) => {
    const provider = plan?.runtime.llmConfig?.provider ?? 'none';
    return provider !== 'none';
  });
  return { server: model, workflows: named.length };
}

async function storeStatus({ storeHealth, reader: { lists } }: RouteContext): Promise<Status['store']> {
  const [problem, storage] = await Promise.all([storeHealth.problem(), lists.storage()]);
  return { kind: storage.kind, ready: problem === null, problem, bytes: storage.bytes, schema: storage.schema };
}

async function sourceStatuses({ reader: { lists }, refusals }: RouteContext): Promise<readonly SourceStatus[]> {
  const [records, activity] = await Promise.all([lists.resources('Source'), lists.activity()]);
  return records.map((record) => {
    const name = `${record.namespace}/${record.name}`;
    const seen = activity.sources.get(name);
    const refused = refusals.of(record.namespace, record.name, minutesOfHour);
    return {
      name,
      ...readiness(record, seen?.lastProblem ?? ''),
      events: seen?.eventsProcessed ?? 0,
      lastEventTime: seen?.lastEventTime ?? null,
      refused: refused?.count ?? 0,
      refusedWhy: (refused?.reasons ?? []).map(([reason, times]) => `${reason} ${times}`).join(', '),
    };
  });
}

async function sinkStatuses({ reader: { lists } }: RouteContext, nowMs: number): Promise<readonly SinkStatus[]> {
  const [records, activity, oldest] = await Promise.all([
    lists.resources('Sink'),
    lists.activity(),
    lists.oldestDeliveries(),
  ]);
  const since = toTimestamp(nowMs - hourMs);
  return Promise.all(
    records.map(async (record): Promise<SinkStatus> => {
      const name = `${record.namespace}/${record.name}`;
      const seen = activity.sinks.get(name);
      const of = { namespace: record.namespace, sink: record.name, limit: mostCounted };
      const [waiting, failed] = await Promise.all([
        lists.deliveries({ ...of, status: 'pending' }),
        lists.deliveries({ ...of, status: 'failed', since }),
      ]);
      return {
        name,
        ...readiness(record, ''),
        lastSentTime: seen?.lastSentTime ?? null,
        waiting: countOf(waiting),
        oldestWaiting: oldest.get(name) ?? null,
        failed: countOf(failed),
        lastError: seen?.lastError ?? null,
      };
    }),
  );
}

/** `AuthenticationRequired: message` where it is not ready; else what else is wrong. */
function readiness(
  { status }: ResourceRecord,
  otherwise: string,
): { readonly ready: boolean; readonly reason: string } {
  const { ready, conditions = [] } = JSON.parse(status) as {
    ready?: boolean;
    conditions?: readonly Readonly<Record<'type' | 'status' | 'reason' | 'message', string>>[];
  };
  if (ready === true) return { ready: true, reason: otherwise };
  const wrong = conditions.find(({ type, status }) => type === 'Ready' && status !== 'True') ?? conditions[0];
  return { ready: false, reason: wrong === undefined ? 'NotReady' : `${wrong.reason}: ${wrong.message}` };
}

async function runStatus(lists: ListReader, nowMs: number): Promise<Status['runs']> {
  const page = { limit: mostCounted };
  const [running, waiting, failed] = await Promise.all([
    lists.runs({ ...page, status: 'running' }),
    lists.runs({ ...page, status: 'pending' }),
    lists.runs({ ...page, status: 'failed', since: toTimestamp(nowMs - hourMs) }),
  ]);
  return { running: countOf(running), waiting: countOf(waiting), failed: countOf(failed) };
}

function countOf({ items, nextCursor }: ListPage<unknown>): Count {
  return { count: items.length, more: nextCursor !== null };
}

async function clusterStatus({ cluster }: RouteContext): Promise<Status['cluster']> {
  if (cluster === null) return null;
  const problem = await cluster.problem();
  return { description: cluster.description, reachable: problem === null, problem, lastFailure: cluster.lastFailure() };
}

function problemsOf(status: Omit<Status, 'well' | 'problems'>, nowMs: number): readonly Problem[] {
  const { server, store, sources, sinks, runs, cluster } = status;
  const problems: Problem[] = [];
  if (server.state !== 'ready')
    problems.push({ part: 'server', message: `the server is ${server.state}`, next: 'fist status, in a moment' });
  if (store.problem !== null)
    problems.push({ part: 'store', message: `the store takes no writes: ${store.problem}`, next: 'fist db check' });
  if (sources.length === 0)
    problems.push({
      part: 'source',
      message: 'there is no Source, so no alert can come in',
      next: 'fist explain source',
    });
  for (const source of sources) problems.push(...sourceProblems(source));
  for (const sink of sinks) problems.push(...sinkProblems(sink, nowMs));
  if (runs.failed.count > 0)
    problems.push({
      part: 'runs',
      message: `${countText(runs.failed)} ${runs.failed.count === 1 ? 'run' : 'runs'} failed in the last hour`,
      next: 'fist get runs --status failed --since 1h',
    });
  if (cluster !== null && cluster.problem !== null)
    problems.push({
      part: 'cluster',
      message: `${cluster.description} cannot be read: ${cluster.problem}`,
      next: 'kubectl cluster-info, with the same context',
    });
  return problems;
}

function sourceProblems({ name, ready, reason, refused, refusedWhy }: SourceStatus): readonly Problem[] {
  const next = `fist describe source/${name}`;
  return [
    ...(ready ? [] : [`Source ${name} is not ready: ${reason}`]),
    ...(ready && reason !== '' ? [`the last notification to Source ${name} had trouble: ${reason}`] : []),
    ...(refused === 0 ? [] : [`Source ${name} refused ${refused} requests in the last hour: ${refusedWhy}`]),
  ].map((message) => ({ part: 'source', message, next }));
}

/** What parts of Workflows lack. One that is not used at all its Sources tell. */
function workflowProblems({ catalog }: RouteContext): readonly Problem[] {
  return (catalog.current()?.workflows ?? []).flatMap(({ namespace, name, conditions }) =>
    conditions.filter(isUnresolved).map(({ reason, message }) => ({
      part: 'workflow',
      message: `Workflow ${namespace}/${name}: ${reason}: ${message}`,
      next: `fist describe workflow/${namespace}/${name}`,
    })),
  );
}

function sinkProblems(sink: SinkStatus, nowMs: number): readonly Problem[] {
  const { name, ready, reason, failed, oldestWaiting, lastError } = sink;
  const next = `fist describe sink/${name}`;
  const why = lastError === null ? '' : `: ${lastError}`;
  const isLate = oldestWaiting !== null && toEpochMs(oldestWaiting) < nowMs - longestWaitMs;
  return [
    ...(ready ? [] : [{ part: 'sink', message: `Sink ${name} is not ready: ${reason}`, next } as const]),
    ...(failed.count === 0
      ? []
      : [
          {
            part: 'sink',
            message: `${countText(failed)} ${failed.count === 1 ? 'delivery' : 'deliveries'} to Sink ${name} failed in the last hour${why}`,
            next: `fist get deliveries --status failed --sink ${name.split('/')[1] ?? name}`,
          } as const,
        ]),
    ...(isLate
      ? [{ part: 'sink', message: `deliveries to Sink ${name} wait since ${oldestWaiting}${why}`, next } as const]
      : []),
  ];
}

function countText({ count, more }: Count): string {
  return more ? `${count} or more` : String(count);
}
