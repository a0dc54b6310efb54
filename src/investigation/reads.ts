import { kindOf, kindResources } from '../analyzers/define.ts';
import type { AnalyzerIo, ObjectKind, ReadReference } from '../analyzers/define.ts';
import { eventView, isAbout } from '../analyzers/reading/events.ts';
import { isOwnEvent } from '../core/cluster.ts';
import type { Cluster, ClusterResource, KubernetesObject, ReadResult } from '../core/cluster.ts';
import type { AppError } from '../core/errors.ts';
import type { ActionTaken, Gap } from '../core/finding.ts';
import type { Timestamp } from '../core/time.ts';
import { redactInTurns } from '../lib/redact.ts';
import { eventLoopTurns } from '../lib/turns.ts';
import { commandOf } from './commands.ts';
import { boundLog } from './bounds.ts';
import { createReadJournal } from './read-journal.ts';

/** Up to here reads of one log are one read, whoever makes it first; a deeper one is another. */
export const usualTailLines = 500;
/** Of a deeper read. */
const deepLogCharacters = 1024 * 1024;

/** The investigation's view of the cluster: each thing is read once, and every read is on record. */
export interface Reads extends AnalyzerIo {
  /** What the `cluster` label of its alerts says; null where nobody said. */
  readonly clusterName: string | null;
  /** Whether `now` is the moment of a capture; false where that could not be read. */
  readonly isRecorded: boolean;
  /** By time; those of one moment by name, because which of them came first depends on the machine. */
  actions(): readonly ActionTaken[];
  /** By name. */
  gaps(): readonly Gap[];
  /** Clocks that are far ahead of all others and did not count, each as a question. */
  readonly ahead: readonly string[];
  /** An object of a list that was read; null where none that was read has it. Asks nothing. */
  listed(kind: ObjectKind, namespace: string | null, name: string): KubernetesObject | null;
  /** What pods or nodes use just now; every question is asked anew. Throws ClusterUnavailable. Absent: nobody can tell. */
  readonly usage?: Cluster['usage'];
  /** Whether this was really read and answered. */
  covers(read: ReadReference): boolean;
  /** How many reads were answered. */
  answered(): number;
  /** Why the cluster cannot be read any more; null while it can. */
  unavailable(): AppError | null;
}

/** Opens the view. A cluster that cannot be read gives gaps, never an error; the signal's reason is thrown. */
export async function openReads(cluster: Cluster, now: () => Timestamp, signal: AbortSignal): Promise<Reads> {
  const journal = createReadJournal(cluster, now, signal);
  /** Reads of events of an object: they come from a list. */
  const eventReads = new Set<string>();
  /** What was listed, each once: a list may have tens of thousands of objects, and is asked for again and again. */
  const listed = new Map<ClusterResource, Set<readonly KubernetesObject[]>>();
  const observed = await cluster.observedAt().catch((error: unknown) => {
    journal.fail(error, 'the cluster');
    return null;
  });

  const list: AnalyzerIo['list'] = async (resource, namespace) => {
    // What was read before answers at once: a whole investigation of large lists would be one stretch.
    if (eventLoopTurns.isOver()) await eventLoopTurns.next();
    const perform = async () => {
      const found = await cluster.list({ resource, ...(namespace === null ? {} : { namespace }) });
      if (resource !== 'events' || found.kind !== 'ok') return found;
      // What an investigation said is no evidence of the next one.
      return { ...found, value: found.value.filter((event) => !isOwnEvent(event)) };
    };
    const result = await journal.once(
      { kind: 'list', resource, namespace },
      perform,
      (items) => `found ${items.length}`,
    );
    if (result.kind === 'ok') listed.set(resource, (listed.get(resource) ?? new Set()).add(result.value));
    return result;
  };
  const events: AnalyzerIo['events'] = async ({ kind, namespace, name, object }) => {
    // Events about nodes are kept in namespace default.
    const result = await list('events', namespace ?? 'default');
    if (result.kind !== 'ok') return [];
    if (eventLoopTurns.isOver()) await eventLoopTurns.next();
    const own = kindOf({ kind, ...(object === undefined ? {} : { object }) });
    eventReads.add(commandOf({ kind: 'events', of: own, namespace, name }));
    const views = result.value.filter((event) => isAbout(event, own, name, object?.metadata.uid)).map(eventView);
    return views.sort((one, other) => compare(one.last ?? '', other.last ?? ''));
  };
  const findListed: Reads['listed'] = (kind, namespace, name) => {
    const isIt = ({ metadata }: KubernetesObject) =>
      metadata.name === name && (metadata.namespace ?? null) === namespace;
    for (const objects of listed.get(kindResources[kind]) ?? []) {
      const found = objects.find(isIt);
      if (found !== undefined) return found;
    }
    return null;
  };
  return {
    clusterName: cluster.name ?? null,
    isRecorded: cluster.isRecorded === true && observed !== null,
    now: observed?.at ?? now(),
    ahead: observed?.ahead ?? [],
    actions: () => [...journal.actions].sort((one, other) => compare(sortKey(one), sortKey(other))),
    gaps: () => [...journal.gaps].sort((one, other) => compare(one.what, other.what)),
    list,
    events,
    listed: findListed,
    get: (kind, namespace, name) => {
      const perform = async () => {
        if (eventLoopTurns.isOver()) await eventLoopTurns.next();
        return cluster.get(kindResources[kind], namespace, name);
      };
      return journal.once({ kind: 'object', of: kind, namespace, name }, perform, (value) =>
        value === null ? 'does not exist' : 'found',
      );
    },
    logs: ({ namespace, pod, container, previous, tailLines }) => {
      const isDeep = tailLines > usualTailLines;
      const perform = async () => {
        const log = await cluster.logs({ namespace, pod, container, previous, tailLines });
        return redacted(log, isDeep ? deepLogCharacters : undefined);
      };
      return journal.once(
        { kind: 'logs', namespace, pod, container, previous, ...(isDeep ? { tailLines } : {}) },
        perform,
        (text) => `${text === '' ? 0 : text.trimEnd().split('\n').length} lines`,
      );
    },
    ...(cluster.usage === undefined ? {} : { usage: cluster.usage }),
    covers: (read) => {
      const command = commandOf(read);
      if (journal.answered.has(command) || eventReads.has(command)) return true;
      if (read.kind !== 'object') return false;
      return findListed(read.of, read.namespace, read.name) !== null;
    },
    answered: () => journal.answered.size,
    unavailable: () => journal.unavailable(),
  };
}

const sortKey = ({ timestamp, command }: ActionTaken): string => `${timestamp} ${command}`;

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

/** Logs are cut and redacted before anything else sees them. */
async function redacted(result: ReadResult<string>, mostCharacters?: number): Promise<ReadResult<string>> {
  if (result.kind !== 'ok') return result;
  return { kind: 'ok', value: await redactInTurns(boundLog(result.value, mostCharacters)) };
}
