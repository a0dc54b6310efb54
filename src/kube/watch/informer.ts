import type { KubernetesObject } from '../../core/cluster.ts';
import type { AppError } from '../../core/errors.ts';
import type { Clock, Log } from '../../core/ports.ts';
import type { WatchSignal } from '../../core/watch.ts';
import { createComplaints } from '../../lib/complaints.ts';
import type { KubeClient } from '../connection/client.ts';
import { watchedName } from '../kinds/kinds.ts';
import type { ObjectKind } from '../kinds/kinds.ts';
import { watchObjects } from './watch.ts';

/** What is kept of a kind. */
export interface InformerQuery {
  readonly kind: ObjectKind;
  /** null = all namespaces, or a cluster-scoped kind. */
  readonly namespaces: readonly string[] | null;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

/** A change of one object. `before` is what was known of it until now; of one that is deleted, `object` is its last state. */
export type InformerChange =
  | { readonly type: 'added'; readonly key: string; readonly object: KubernetesObject }
  | {
      readonly type: 'updated';
      readonly key: string;
      readonly object: KubernetesObject;
      readonly before: KubernetesObject;
    }
  | { readonly type: 'deleted'; readonly key: string; readonly object: KubernetesObject };

/** The objects of a kind as they are, as far as this process has heard. */
export interface Informer {
  /** By {@link keyOf}. */
  get(key: string): KubernetesObject | undefined;
  /** In no order. A copy. */
  list(): readonly KubernetesObject[];
  readonly size: number;
  /** Whether all that was there has been listed once. From then on it stays true. */
  readonly synced: boolean;
  /** Rejects where `signal` is aborted. */
  whenSynced(signal?: AbortSignal): Promise<void>;
  /**
   * Hears each change, after the store has it, and first of what is there already, as added. It is called at once and must be quick:
   * put the key into a queue. What it throws is logged. Returns the unsubscriber.
   */
  onChange(listener: (change: InformerChange) => void): () => void;
  /** Why the last attempt failed; null = the watch lives. */
  readonly trouble: AppError | null;
}

export interface InformerIo {
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly log: Log;
}

/** Informers of one server, one for each query, however many ask for it. */
export interface Informers {
  of(query: InformerQuery): Informer;
  /** Ends all watches. */
  stop(): Promise<void>;
}

/** `namespace/name`, or `name` of what is in no namespace. */
export function keyOf({ metadata: { namespace, name } }: KubernetesObject): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** Nothing is watched before it is asked for. */
export function createInformers(client: Pick<KubeClient, 'open' | 'kubectl' | 'server'>, io: InformerIo): Informers {
  const stopping = new AbortController();
  const known = new Map<string, { readonly informer: Informer; readonly ended: Promise<unknown> }>();
  return {
    of(query) {
      const { kind, namespaces, labelSelector, fieldSelector } = query;
      const places = namespaces === null ? null : [...new Set(namespaces)].sort();
      const key = JSON.stringify([watchedName(kind), places, labelSelector, fieldSelector]);
      const found = known.get(key);
      if (found !== undefined) return found.informer;
      const started = startInformer(client, { ...query, namespaces: places }, io, stopping.signal);
      known.set(key, started);
      return started.informer;
    },
    async stop() {
      stopping.abort();
      await Promise.all([...known.values()].map(({ ended }) => ended));
    },
  };
}

function startInformer(
  client: Pick<KubeClient, 'open' | 'kubectl' | 'server'>,
  query: InformerQuery,
  { clock, random, log }: InformerIo,
  signal: AbortSignal,
) {
  const { kind, namespaces, labelSelector, fieldSelector } = query;
  const complain = createComplaints(log, clock);
  const store = createStore((error) => complain('error', 'listener', { kind: kind.kind, error }, 'a listener failed'));
  const places = namespaces ?? [null];
  const unsynced = new Set<string | null>(places);
  const troubles = new Map<string | null, AppError>();
  const waiting = new Set<() => void>();

  function heard(place: string | null, told: WatchSignal): void {
    if (told.kind === 'list') store.begin(place);
    else if (told.kind === 'page') for (const object of told.objects) store.set(place, object);
    else if (told.kind === 'changed' && told.type === 'deleted') store.remove(told.object);
    else if (told.kind === 'changed') store.set(place, told.object);
    else if (told.kind === 'watching' || told.kind === 'alive') troubles.delete(place);
    else if (told.kind === 'listed') {
      store.finish(place);
      if (unsynced.delete(place) && unsynced.size === 0) for (const wake of waiting) wake();
    }
  }

  async function run(namespace: string | null): Promise<void> {
    const onTrouble = async (error: AppError): Promise<void> => {
      troubles.set(namespace, error);
      const fields = { kind: kind.kind, namespace, reason: error.message, next: error.next };
      complain('warn', `${error.code} ${namespace}`, fields, 'objects could not be watched; it goes on');
    };
    const watched = {
      resource: watchedName(kind),
      namespace,
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
    };
    for await (const told of watchObjects(client, watched, { clock, random, signal, onTrouble }))
      heard(namespace, told);
  }

  const ended = Promise.allSettled(places.map((place) => run(place)));
  const informer: Informer = {
    get: (key) => store.objects.get(key),
    list: () => [...store.objects.values()],
    get size() {
      return store.objects.size;
    },
    get synced() {
      return unsynced.size === 0;
    },
    whenSynced: (until) => whenSynced(() => unsynced.size === 0, waiting, until),
    onChange: (listener) => store.listen(listener),
    get trouble() {
      return troubles.values().next().value ?? null;
    },
  };
  return { informer, ended };
}

function whenSynced(isSynced: () => boolean, waiting: Set<() => void>, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (isSynced()) return resolve();
    const end = (): void => {
      waiting.delete(wake);
      signal?.removeEventListener('abort', abort);
    };
    const wake = (): void => {
      end();
      resolve();
    };
    const abort = (): void => {
      end();
      reject(signal?.reason as Error);
    };
    if (signal?.aborted === true) return abort();
    waiting.add(wake);
    signal?.addEventListener('abort', abort, { once: true });
  });
}

type Listener = (change: InformerChange) => void;

/** The objects by key, and who hears of their changes. */
function createStore(onFailure: (error: unknown) => void) {
  const objects = new Map<string, KubernetesObject>();
  const listeners = new Set<Listener>();
  /** What a list has had until now, by the namespace that it is of. */
  const listed = new Map<string | null, Set<string>>();

  function tell(listener: Listener, change: InformerChange): void {
    try {
      listener(change);
    } catch (error) {
      onFailure(error);
    }
  }

  function tellAll(change: InformerChange): void {
    for (const listener of listeners) tell(listener, change);
  }

  function remove(key: string, object: KubernetesObject | undefined): void {
    if (object === undefined || !objects.delete(key)) return;
    tellAll({ type: 'deleted', key, object });
  }

  return {
    objects: objects as ReadonlyMap<string, KubernetesObject>,
    begin: (place: string | null) => void listed.set(place, new Set()),
    set(place: string | null, told: KubernetesObject): void {
      const key = keyOf(told);
      listed.get(place)?.add(key);
      const before = objects.get(key);
      const version = told.metadata.resourceVersion;
      if (before !== undefined && version !== undefined && before.metadata.resourceVersion === version) return;
      const object = slim(told);
      objects.set(key, object);
      // Deleted and made anew between two looks: two objects.
      if (before !== undefined && before.metadata.uid !== object.metadata.uid)
        tellAll({ type: 'deleted', key, object: before });
      const isNew = before === undefined || before.metadata.uid !== object.metadata.uid;
      tellAll(isNew ? { type: 'added', key, object } : { type: 'updated', key, object, before });
    },
    remove: (told: KubernetesObject) => remove(keyOf(told), slim(told)),
    /** What the list has not had is not there any more. */
    finish(place: string | null): void {
      const seen = listed.get(place);
      listed.delete(place);
      if (seen === undefined) return;
      for (const [key, object] of objects)
        if (!seen.has(key) && (place === null || object.metadata.namespace === place)) remove(key, object);
    },
    listen(listener: Listener): () => void {
      for (const [key, object] of objects) tell(listener, { type: 'added', key, object });
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/** Without what nobody here reads and what is often the larger part: who set which field, and what kubectl applied. */
function slim(object: KubernetesObject): KubernetesObject {
  const {
    managedFields: _managed,
    annotations,
    ...metadata
  } = object.metadata as KubernetesObject['metadata'] & {
    readonly managedFields?: unknown;
  };
  if (annotations === undefined) return { ...object, metadata };
  const { [appliedAnnotation]: _applied, ...kept } = annotations;
  return { ...object, metadata: { ...metadata, annotations: kept } };
}

const appliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration';
