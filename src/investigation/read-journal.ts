import { kindResources } from '../analyzers/define.ts';
import type { ClusterRead } from '../analyzers/define.ts';
import type { Cluster, ReadResult, RefusedRead } from '../core/cluster.ts';
import { AppError } from '../core/errors.ts';
import type { ActionTaken, Gap } from '../core/finding.ts';
import type { Timestamp } from '../core/time.ts';
import { limiter } from '../lib/limiter.ts';
import { oneLine } from '../lib/printable.ts';
import { redact } from '../lib/redact.ts';
import { commandOf, describeRead } from './commands.ts';

/** Makes each read once and keeps the record of it. */
interface ReadJournal {
  readonly actions: readonly ActionTaken[];
  readonly gaps: readonly Gap[];
  /** Commands whose reads were answered. */
  readonly answered: ReadonlySet<string>;
  once<T>(
    read: ClusterRead,
    perform: () => Promise<ReadResult<T>>,
    summary: (value: T) => string,
  ): Promise<ReadResult<T>>;
  /** Takes ClusterUnavailable as a gap; any other error, and the signal's reason, is thrown. */
  fail(error: unknown, what: string): { readonly kind: 'not_captured'; readonly reason: string };
  unavailable(): AppError | null;
}

/** Reads at the same time. */
const parallel = 12;

export function createReadJournal(
  cluster: Pick<Cluster, 'remedyFor'>,
  now: () => Timestamp,
  signal: AbortSignal,
): ReadJournal {
  const actions: ActionTaken[] = [];
  const gaps: Gap[] = [];
  const cache = new Map<string, Promise<ReadResult<unknown>>>();
  const answered = new Set<string>();
  const slots = limiter(parallel);
  let down: AppError | null = null;

  const fail = (error: unknown, what: string): { readonly kind: 'not_captured'; readonly reason: string } => {
    signal.throwIfAborted();
    if (!(error instanceof AppError) || error.code !== 'ClusterUnavailable') throw error;
    if (down === null) {
      const remedy = error.next ?? 'make the cluster answer: kubectl cluster-info';
      gaps.push({ what, kind: 'unavailable', ...shown(error.message, remedy), resource: null, namespace: null });
    }
    down ??= error;
    return { kind: 'not_captured', reason: error.message };
  };

  const make = async <T>(
    read: ClusterRead,
    perform: () => Promise<ReadResult<T>>,
    summary: (value: T) => string,
  ): Promise<ReadResult<T>> => {
    signal.throwIfAborted();
    if (down !== null) return { kind: 'not_captured', reason: down.message };
    const command = commandOf(read);
    const action = { tool: 'kubectl', command, timestamp: now() };
    const place = actions.push({ ...action, success: false, output_summary: 'no answer' }) - 1;
    const result = await perform().catch((error: unknown) => fail(error, describeRead(read)));
    if (result.kind === 'ok') {
      answered.add(command);
      actions[place] = { ...action, success: true, output_summary: summary(result.value) };
      return result;
    }
    const reason = oneLine(redact(result.reason));
    if (down === null) gaps.push(gapOf(cluster, read, result));
    actions[place] = {
      ...action,
      success: false,
      output_summary: `${result.kind === 'forbidden' ? 'forbidden' : 'not captured'}: ${reason}`,
    };
    return result;
  };

  return {
    actions,
    gaps,
    answered,
    fail,
    once(read, perform, summary) {
      const command = commandOf(read);
      const made = cache.get(command) as ReturnType<typeof perform> | undefined;
      if (made !== undefined) return made;
      const result = slots(() => make(read, perform, summary));
      cache.set(command, result);
      return result;
    },
    unavailable: () => down,
  };
}

function gapOf(
  cluster: Pick<Cluster, 'remedyFor'>,
  read: ClusterRead,
  { kind, reason }: Exclude<ReadResult<never>, { kind: 'ok' }>,
): Gap {
  const place = { resource: resourceOf(read), namespace: read.namespace };
  const remedy = cluster.remedyFor?.({ kind, ...place, reason }) ?? `let it be read: ${commandOf(read)}`;
  return { what: describeRead(read), kind, ...shown(reason, remedy), ...place };
}

function shown(reason: string, remedy: string): Pick<Gap, 'reason' | 'remedy'> {
  return { reason: oneLine(redact(reason)), remedy: oneLine(redact(remedy)) };
}

function resourceOf(read: ClusterRead): RefusedRead['resource'] {
  if (read.kind === 'object') return kindResources[read.of];
  if (read.kind === 'list') return read.resource;
  return read.kind === 'events' ? 'events' : 'pods/log';
}
