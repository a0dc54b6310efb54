import type { JsonObject } from './json.ts';
import type { Timestamp } from './time.ts';

/** A Kubernetes object as the API writes it. */
export interface KubernetesObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly spec?: JsonObject;
  readonly status?: JsonObject;
  readonly [field: string]: unknown;
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: Timestamp;
  readonly deletionTimestamp?: Timestamp;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
}

/**
 * What a read came to. `not_captured` (a folder that does not hold it, an API that the server does not have) is never
 * taken for absent; a known absence is `ok` with `null` or an empty list.
 */
export type ReadResult<T> =
  | {
      readonly kind: 'ok';
      readonly value: T;
      /** Of a list: there may be more than it has, so nothing is known to be absent. */
      readonly isPartial?: true;
    }
  | { readonly kind: 'not_captured'; readonly reason: string }
  | { readonly kind: 'forbidden'; readonly reason: string };

/** Plural resource names, as in `kubectl get`. Secrets are not among them. */
export type ClusterResource =
  | 'pods'
  | 'events'
  | 'nodes'
  | 'namespaces'
  | 'services'
  | 'endpointslices'
  | 'deployments'
  | 'replicasets'
  | 'statefulsets'
  | 'daemonsets'
  | 'jobs'
  | 'cronjobs'
  | 'horizontalpodautoscalers'
  | 'poddisruptionbudgets'
  | 'persistentvolumeclaims'
  | 'persistentvolumes'
  | 'storageclasses'
  | 'networkpolicies'
  | 'ingresses'
  | 'configmaps'
  | 'resourcequotas'
  | 'limitranges';

export interface ListQuery {
  readonly resource: ClusterResource;
  /** Absent = all namespaces, or a cluster-scoped resource. */
  readonly namespace?: string;
  /** Equality only: every label must be there with this value. */
  readonly labels?: Readonly<Record<string, string>>;
}

export interface LogQuery {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** The container before its last restart. */
  readonly previous: boolean;
  /** The last lines only. */
  readonly tailLines: number;
}

export interface UsageQuery {
  readonly of: 'pods' | 'nodes';
  /** null = of all namespaces; for nodes always. */
  readonly namespace: string | null;
}

/** A read that was not answered. */
export interface RefusedRead {
  readonly kind: 'not_captured' | 'forbidden';
  readonly resource: ClusterResource | 'pods/log';
  readonly namespace: string | null;
  readonly reason: string;
}

/** When the evidence was taken. */
export interface Observation {
  /** The clock of the evidence: now for a live cluster, the newest time in a dump. */
  readonly at: Timestamp;
  /** Clocks that are far ahead of all others and did not count, each as a question for people. */
  readonly ahead: readonly string[];
}

/** A file that was captured beside a cluster. */
export interface CapturedFile {
  /** Its path within what was captured, for people: `prometheus/01-memory.json`. */
  readonly name: string;
  readonly text: string;
}

/** Read access to a cluster, or to a folder that was captured from one. Throws AppError ClusterUnavailable only. */
export interface Cluster {
  /** For people: `context kind-dev`, `dump examples/oom-crash-loop/dump`. */
  readonly description: string;
  /** What the `cluster` label of alerts calls it, where somebody said so. */
  readonly name?: string;
  /** Whether it was captured: it shows one moment for ever. Absent: it is live. */
  readonly isRecorded?: boolean;
  get(resource: ClusterResource, namespace: string | null, name: string): Promise<ReadResult<KubernetesObject | null>>;
  list(query: ListQuery): Promise<ReadResult<readonly KubernetesObject[]>>;
  logs(query: LogQuery): Promise<ReadResult<string>>;
  /** What pods or nodes use just now, as PodMetrics and NodeMetrics of metrics.k8s.io say it. Absent: nobody can tell. */
  readonly usage?: (query: UsageQuery) => Promise<ReadResult<readonly KubernetesObject[]>>;
  observedAt(): Promise<Observation>;
  /** Files of this folder that were captured beside the cluster; absent: it is live. */
  readonly beside?: (folder: string) => Promise<readonly CapturedFile[]>;
  /** What people can do so that such reads are answered, in a sentence that names no single object. Absent: nobody knows. */
  readonly remedyFor?: (read: RefusedRead) => string;
}

/** The same cluster, of which each read is handed to `around` before its answer is seen. */
export function withReads(cluster: Cluster, around: <T>(read: Promise<T>) => Promise<T>): Cluster {
  const { usage } = cluster;
  return {
    ...cluster,
    get: (resource, namespace, name) => around(cluster.get(resource, namespace, name)),
    list: (query) => around(cluster.list(query)),
    logs: (query) => around(cluster.logs(query)),
    ...(usage === undefined ? {} : { usage: (query) => around(usage(query)) }),
  };
}

/** Why a run looks at no cluster although there is one. */
export interface ClosedCluster {
  /** `clusterAccess.level of the Workflow is none`. */
  readonly reason: string;
  /** What people can do so that it looks at one. */
  readonly remedy: string;
}

/** What the steps of a run may look at. */
export interface ClusterView {
  /** null = none is configured, or it is closed. */
  readonly cluster: Cluster | null;
  /** null = it may look at what is configured. */
  readonly closed: ClosedCluster | null;
  /** The one namespace of which anything may be read, whatever alerts and steps say: objects, metrics and logs; null = of any. */
  readonly onlyNamespace: string | null;
}

/** An object as other objects refer to it. */
export interface ObjectReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  /** Absent: the object is in none. */
  readonly namespace?: string;
  /** Absent: the object may not be read. */
  readonly uid?: string;
}

/** An Event of events.k8s.io/v1, without what is the same in all of ours. */
export interface NewEvent {
  /** The same for the same statement: what is there already is not made again. */
  readonly name: string;
  readonly regarding: ObjectReference;
  readonly at: Timestamp;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly action: string;
  /** At most {@link mostNoteBytes}. */
  readonly note: string;
  /** Which part of this program says it; at most 128 characters. */
  readonly instance: string;
}

/** What the API server takes, in UTF-8. */
export const mostNoteBytes = 1024;

/** What became of an Event that was to be made. `made` is also one of ours that was there already. */
export type EventAnswer =
  | { readonly kind: 'made'; readonly namespace: string }
  /** Nothing but a person changes that. */
  | { readonly kind: 'refused'; readonly reason: string }
  | {
      readonly kind: 'failed';
      readonly reason: string;
      readonly retryAfterMs: number | null;
      /** It may have been made all the same. */
      readonly ambiguous: boolean;
    };

/** The one thing that may be written to a live cluster: Events about its objects. Throws AppErrors ClusterUnavailable and ResourcesExhausted. */
export interface ClusterEvents {
  /** What the `cluster` label of alerts calls it; null = nobody said. */
  readonly clusterName: string | null;
  /** Events are made in this namespace alone, and on what is in it; null = everywhere. */
  readonly onlyNamespace: string | null;
  /** By its kind in small letters, `pod`; null where there is no such object or kind. One that may not be read is taken to be there. */
  refer(kind: string, namespace: string | null, name: string): Promise<ObjectReference | null>;
  /** Tries once. */
  create(event: NewEvent, limits: { readonly timeoutMs: number; readonly signal: AbortSignal }): Promise<EventAnswer>;
}

/** Who reports the Events that this program makes. */
export const eventReporter = 'punching-fist';

/** Whether an Event says what this program found: it is no news to it, and no evidence. */
export function isOwnEvent({ reportingComponent, reportingController }: KubernetesObject): boolean {
  return (reportingComponent ?? reportingController) === eventReporter;
}

/**
 * Whether this can be the name of a Kubernetes object or namespace (RFC 1123 subdomain, at most 253 characters). Names
 * come from alert labels: what does not pass is never put into a path, a URL or a command.
 */
export function isKubernetesName(text: string): boolean {
  return text.length <= 253 && /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/.test(text) && !text.includes('..');
}
