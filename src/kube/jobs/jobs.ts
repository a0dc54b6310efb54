import type { KubernetesObject } from '../../core/cluster.ts';
import type { ObjectPlace } from '../../core/place.ts';
import type { Clock } from '../../core/ports.ts';
import type { Informer } from '../watch/informer.ts';
import { endOfJob, troubleOfJob } from './job-state.ts';
import type { JobEnd, JobTrouble } from './job-state.ts';
import { kindOf, kinds } from '../kinds/kinds.ts';
import { followLog } from './pod-logs.ts';
import type { LogEnd, LogRequest } from './pod-logs.ts';
import type { KubeTransport } from '../connection/transport.ts';
import { kubeWriter } from '../connection/writer.ts';
import type { DesiredObject } from '../connection/writer.ts';

/** A Job that was made, by what only it has. */
export interface JobIdentity extends ObjectPlace {
  readonly uid: string;
}

/** Jobs, their pods and logs. All throw KubeFailure, and ClusterUnavailable where nothing answers. */
export interface Jobs {
  /**
   * Makes it, or answers the one of the same name that has the same labels of `adoptedBy` (of the try before, in a process that died):
   * then `isAdopted`. `AlreadyExists` where it is somebody else's.
   */
  create(
    job: DesiredObject,
    adoptedBy: readonly string[],
  ): Promise<{ readonly job: JobIdentity; readonly isAdopted: boolean }>;
  /** Waits until it has ended. Rejects with the signal's reason. */
  untilEnd(job: JobIdentity, signal: AbortSignal): Promise<JobEnd>;
  /** Newest last. */
  pods(job: JobIdentity): Promise<readonly KubernetesObject[]>;
  /** What keeps it from having a pod that runs; null = nothing is known to be wrong. */
  trouble(job: JobIdentity): Promise<JobTrouble | null>;
  followLog(request: LogRequest): Promise<LogEnd>;
  /** With its pods, which get their grace period; without a uid whichever has the name. `absent` = it is gone, or another one has its name. */
  delete(job: ObjectPlace & Partial<JobIdentity>): Promise<'deleted' | 'absent'>;
}

export interface JobsIo {
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** Being told is a hint, and the truth is asked for so often: nothing is lost by a watch that lost it. */
const askAgainMs = 30_000;

const job = kinds.job;

/** `informer` watches the Jobs that this program makes. */
export function createJobs(transport: KubeTransport, informer: Informer, io: JobsIo): Jobs {
  const writer = kubeWriter(transport);
  const read = async ({ namespace, name, uid }: JobIdentity): Promise<KubernetesObject | null> => {
    const found = await writer.get(job, { namespace, name });
    return found?.metadata.uid === uid ? found : null;
  };
  /** null = it has not ended, or nobody knows just now. */
  const readEnd = async (identity: JobIdentity): Promise<JobEnd | null> => {
    try {
      const found = await read(identity);
      return found === null ? { kind: 'gone' } : endOfJob(found);
    } catch (error) {
      if ((error as { readonly code?: unknown }).code === 'ClusterUnavailable') return null;
      throw error;
    }
  };
  const pods = async ({ namespace, uid }: JobIdentity): Promise<readonly KubernetesObject[]> => {
    const found = await writer.list(kinds.pod, namespace, {
      labelSelector: `batch.kubernetes.io/controller-uid=${uid}`,
    });
    return [...found].sort((one, other) =>
      (one.metadata.creationTimestamp ?? '').localeCompare(other.metadata.creationTimestamp ?? ''),
    );
  };

  return {
    pods,
    followLog: (request) => followLog(transport, writer, request, io),
    async create(wanted, adoptedBy) {
      try {
        return { job: identityOf(await writer.create(job, wanted)), isAdopted: false };
      } catch (error) {
        // A try whose answer was lost may have made it.
        const { namespace = null, name } = wanted.metadata;
        const found = mayBeThere(error) ? await writer.get(job, { namespace, name }) : null;
        if (found === null || !hasSameLabels(found, wanted, adoptedBy)) throw error;
        return { job: identityOf(found), isAdopted: true };
      }
    },
    async untilEnd(identity, signal) {
      for (;;) {
        signal.throwIfAborted();
        const told = nextChange(informer, identity, io.clock, signal);
        const end = await readEnd(identity);
        if (end !== null) {
          told.cancel();
          return end;
        }
        const object = await told.object;
        const toldEnd = object === null ? null : endOfJob(object);
        if (toldEnd !== null) return toldEnd;
      }
    },
    async trouble(identity) {
      const [ofIt, events] = await Promise.all([
        pods(identity),
        writer.list(kindOf('events'), identity.namespace, {
          fieldSelector: `involvedObject.uid=${identity.uid},reason=FailedCreate`,
        }),
      ]);
      return troubleOfJob(ofIt, events);
    },
    delete: ({ uid, ...place }) =>
      writer.delete(job, place, { ...(uid === undefined ? {} : { uid }), propagation: 'Background' }),
  };
}

/** What tells a Job that there is from one that was made anew under its name. */
export function identityOf({ metadata: { namespace = '', name, uid = '' } }: KubernetesObject): JobIdentity {
  return { namespace, name, uid };
}

function mayBeThere(error: unknown): boolean {
  const { reason, code } = error as { readonly reason?: unknown; readonly code?: unknown };
  return reason === 'AlreadyExists' || code === 'ClusterUnavailable';
}

function hasSameLabels(found: KubernetesObject, wanted: DesiredObject, names: readonly string[]): boolean {
  const labels = (wanted.metadata['labels'] ?? {}) as Readonly<Record<string, unknown>>;
  return (
    names.length > 0 &&
    names.every((name) => labels[name] !== undefined && found.metadata.labels?.[name] === labels[name])
  );
}

/** The Job as it is told next; null where it is gone, after a while, or by the signal. */
function nextChange(informer: Informer, { namespace, name, uid }: JobIdentity, clock: Clock, signal: AbortSignal) {
  const done = new AbortController();
  const key = `${namespace}/${name}`;
  let isListening = false;
  let told: KubernetesObject | null = null;
  const stop = informer.onChange(({ type, key: changed, object }) => {
    if (!isListening || changed !== key) return;
    told = type === 'deleted' || object.metadata.uid !== uid ? null : object;
    done.abort();
  });
  // What is there already comes at once, and is asked for anyway.
  isListening = true;
  const object = clock
    .sleep(askAgainMs, AbortSignal.any([done.signal, signal]))
    .catch(() => undefined)
    .then(() => {
      stop();
      return told;
    });
  return { object, cancel: () => done.abort() };
}
