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
  observedAt(): Promise<Observation>;
  /** What people can do so that such reads are answered, in a sentence that names no single object. Absent: nobody knows. */
  readonly remedyFor?: (read: RefusedRead) => string;
}

/**
 * Whether this can be the name of a Kubernetes object or namespace (RFC 1123 subdomain, at most 253 characters). Names
 * come from alert labels: what does not pass is never put into a path, a URL or a command.
 */
export function isKubernetesName(text: string): boolean {
  return text.length <= 253 && /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/.test(text) && !text.includes('..');
}
