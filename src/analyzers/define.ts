import type { ClusterResource, KubernetesObject, LogQuery, ReadResult } from '../core/cluster.ts';
import type { FindingSeverity } from '../core/finding.ts';
import type { Timestamp } from '../core/time.ts';

/** Kinds of objects that analyzers look at, as in `kubectl get`, with the resource that holds them. */
export const kindResources = {
  pod: 'pods',
  deployment: 'deployments',
  replicaset: 'replicasets',
  statefulset: 'statefulsets',
  daemonset: 'daemonsets',
  job: 'jobs',
  cronjob: 'cronjobs',
  node: 'nodes',
  service: 'services',
  persistentvolumeclaim: 'persistentvolumeclaims',
  horizontalpodautoscaler: 'horizontalpodautoscalers',
  configmap: 'configmaps',
} as const satisfies Record<string, ClusterResource>;
export type ObjectKind = keyof typeof kindResources;

/** An object that the investigation looks at. */
export interface Target {
  readonly kind: ObjectKind;
  /** null for cluster-scoped kinds. */
  readonly namespace: string | null;
  readonly name: string;
  readonly object: KubernetesObject;
  /** Named by the alert, above it, below it, or found near it. */
  readonly relation: 'alert' | 'owner' | 'owned' | 'near';
}

/** `pod/shop/web-1`, `node/worker-1`. */
export function objectName(kind: string, namespace: string | null, name: string): string {
  return namespace === null ? `${kind}/${name}` : `${kind}/${namespace}/${name}`;
}

/** What was read. Evidence points at a read, and counts only where that read was made and answered. */
export type ReadReference =
  | { readonly kind: 'object'; readonly of: ObjectKind; readonly namespace: string | null; readonly name: string }
  | { readonly kind: 'events'; readonly of: ObjectKind; readonly namespace: string | null; readonly name: string }
  | {
      readonly kind: 'logs';
      readonly namespace: string;
      readonly pod: string;
      readonly container: string;
      readonly previous: boolean;
    }
  | { readonly kind: 'list'; readonly resource: ClusterResource; readonly namespace: string | null };

export interface EvidenceDraft {
  readonly read: ReadReference;
  /** The part that matters. The recorder redacts and bounds it. */
  readonly excerpt: string;
}

/** A field of a pod template that a rollout changed. */
export interface TemplateChange {
  /** Empty for the pod's own fields. */
  readonly container: string;
  /** `image`, `memory limit`, `environment`, `command`, `readiness probe`, ... */
  readonly field: string;
  /** For people: `memory limit of container checkout from 512Mi to 256Mi`. */
  readonly text: string;
}

/** What an analyzer hands over; the agent numbers the evidence, ranks and words the result. */
export interface FindingDraft {
  readonly category: string;
  readonly severity: FindingSeverity;
  /** {@link objectName}. */
  readonly object: string;
  readonly description: string;
  /** One sentence for `root_cause` where this can be the cause; null for a symptom. */
  readonly cause: string | null;
  /** The cluster's own status (or the process's last words) names the cause, nothing is guessed. */
  readonly decisive: boolean;
  readonly facts: Readonly<Record<string, string>>;
  readonly evidence: readonly EvidenceDraft[];
  /** For `recent-change`: what changed. */
  readonly changes?: readonly TemplateChange[];
}

/** Events about one object, or everything else that can be read. Reads are cached: asking twice costs nothing. */
export interface AnalyzerIo {
  /** The clock of the evidence. */
  readonly now: Timestamp;
  get(kind: ObjectKind, namespace: string | null, name: string): Promise<ReadResult<KubernetesObject | null>>;
  list(resource: ClusterResource, namespace: string | null): Promise<ReadResult<readonly KubernetesObject[]>>;
  /** Redacted. */
  logs(query: LogQuery): Promise<ReadResult<string>>;
  /** Events about this object, oldest first; empty where none could be read. */
  events(
    target: Pick<Target, 'kind' | 'namespace' | 'name'> & { readonly object?: KubernetesObject },
  ): Promise<readonly EventView[]>;
}

/** An event as it matters here: core/v1 and events.k8s.io shapes alike. */
export interface EventView {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly count: number;
  readonly first: Timestamp | null;
  readonly last: Timestamp | null;
}

export interface Analyzer {
  readonly name: string;
  readonly kinds: readonly ObjectKind[];
  /** Reasons of warning events that a finding of this analyzer explains, so that they are not reported again. */
  readonly explains: readonly string[];
  run(io: AnalyzerIo, target: Target): Promise<readonly FindingDraft[]>;
}

/** Types an analyzer where it is written. */
export function defineAnalyzer(analyzer: Analyzer): Analyzer {
  return analyzer;
}
