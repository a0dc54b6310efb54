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
  poddisruptionbudget: 'poddisruptionbudgets',
  persistentvolume: 'persistentvolumes',
  storageclass: 'storageclasses',
  ingress: 'ingresses',
  resourcequota: 'resourcequotas',
  limitrange: 'limitranges',
  networkpolicy: 'networkpolicies',
  namespace: 'namespaces',
  configmap: 'configmaps',
  /** Objects of kinds that are not read (a Certificate, a HelmRelease): known by the events about them alone. */
  customresource: 'events',
} as const satisfies Record<string, ClusterResource>;
export type ObjectKind = keyof typeof kindResources;

/** Kinds whose objects are in no namespace. */
const clusterScoped: ReadonlySet<ObjectKind> = new Set<ObjectKind>([
  'node',
  'persistentvolume',
  'storageclass',
  'namespace',
]);

export function isClusterScoped(kind: string): boolean {
  return (clusterScoped as ReadonlySet<string>).has(kind);
}

const clusterScopedResources: ReadonlySet<ClusterResource> = new Set(
  [...clusterScoped].map((kind) => kindResources[kind]),
);

/** The same of a resource, `nodes`. */
export function isClusterScopedResource(resource: ClusterResource): boolean {
  return clusterScopedResources.has(resource);
}

/**
 * How the investigation came from one object to the next. `near` is no link: the object only stands in the same place.
 * What only surrounds (`node`, `mounts`, `calls`) answers for a failure where that failure points at it, or nothing else does.
 */
export type Relation =
  | 'alert'
  | 'holds'
  | 'owner'
  | 'owned'
  | 'selects'
  | 'selected by'
  | 'routes to'
  | 'scales'
  | 'node'
  | 'mounts'
  | 'calls'
  | 'points at'
  | 'near';

/** An object that the investigation looks at. */
export interface Target {
  readonly kind: ObjectKind;
  /** null for cluster-scoped kinds. */
  readonly namespace: string | null;
  readonly name: string;
  readonly object: KubernetesObject;
  readonly relation: Relation;
  /** What led here; null for what the alert names, and for what is only near. */
  readonly via: Target | null;
}

/** `pod/shop/web-1`, `node/worker-1`. */
export function objectName(kind: string, namespace: string | null, name: string): string {
  return namespace === null ? `${kind}/${name}` : `${kind}/${namespace}/${name}`;
}

/** The kind of a target as the API writes it, in small letters; of a custom resource its own. */
export function kindOf({ kind, object }: Pick<Target, 'kind'> & { readonly object?: KubernetesObject }): string {
  return kind === 'customresource' ? (object?.kind ?? kind).toLowerCase() : kind;
}

/** {@link objectName} of a target. */
export function nameOf(target: Pick<Target, 'kind' | 'namespace' | 'name' | 'object'>): string {
  return objectName(kindOf(target), target.namespace, target.name);
}

/** What was read of a cluster. */
export type ClusterRead =
  | { readonly kind: 'object'; readonly of: ObjectKind; readonly namespace: string | null; readonly name: string }
  | {
      readonly kind: 'events';
      /** Any kind, in small letters. */ readonly of: string;
      readonly namespace: string | null;
      readonly name: string;
    }
  | {
      readonly kind: 'logs';
      readonly namespace: string;
      readonly pod: string;
      readonly container: string;
      readonly previous: boolean;
      /** Where it is a read that goes further back than the usual one. */
      readonly tailLines?: number;
    }
  | { readonly kind: 'list'; readonly resource: ClusterResource; readonly namespace: string | null };

/** What was read. Evidence points at a read, and counts only where that read was made and answered. */
export type ReadReference =
  | ClusterRead
  /** The object is for people: `pod/shop/web-1`, `metrics`. */
  | { readonly kind: 'metrics'; readonly object: string; readonly command: string };

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

/** An object that a finding itself names as what is behind it: the claim of a scheduler's message, the host of a log line. */
export interface Pointer {
  readonly kind: ObjectKind;
  /** null for cluster-scoped kinds. */
  readonly namespace: string | null;
  readonly name: string;
}

/** When something was so, and what says it. */
export interface Period {
  /** null where nothing says since when. */
  readonly from: Timestamp | null;
  /** null: still so when the evidence was taken. */
  readonly until: Timestamp | null;
  /** `condition Ready`, `event BackOff`, `status of container web`; empty where no time is known. */
  readonly source: string;
}

/** A period of which nothing is known but that it lasts. */
export const lasting: Period = { from: null, until: null, source: '' };

/** What an analyzer hands over; the agent numbers the evidence, ranks and words the result. */
export interface FindingDraft<Name extends string = string> {
  readonly category: Name;
  readonly severity: FindingSeverity;
  /** {@link objectName}. */
  readonly object: string;
  readonly description: string;
  /** One sentence for `root_cause` where this can be the cause; null for a symptom. */
  readonly cause: string | null;
  /** The cluster's own status (or the process's last words) names the cause, nothing is guessed. */
  readonly decisive: boolean;
  readonly when: Period;
  readonly facts: Readonly<Record<string, string>>;
  readonly evidence: readonly EvidenceDraft[];
  /** What is behind it, nearest first: looked at next, and the cause where something is wrong with it. */
  readonly pointers?: readonly Pointer[];
  /** For `recent-change`: what changed. */
  readonly changes?: readonly TemplateChange[];
}

/** What an alert asks. `anything`: it is not known what, so every category of the objects that it names can answer. */
export type Question =
  | 'exits'
  | 'unready'
  | 'job'
  | 'service'
  | 'node'
  | 'claim'
  | 'autoscaler'
  | 'disruption'
  | 'quota'
  | 'namespace'
  | 'volume-filling'
  | 'certificate'
  | 'throttling'
  | 'anything';

/** What one can do. Commands are text: nothing here runs. */
export interface Advice {
  readonly action: string;
  readonly rationale: string;
  readonly risk_level: 'low' | 'medium' | 'high';
  readonly requires_approval: boolean;
  /** The command that takes a change back, where the command alone does not say. */
  readonly undo?: string;
}

/** Where a finding's advice applies. */
export interface Place {
  readonly namespace: string;
  /** The last part of the object's name; the pod where the finding is about one. */
  readonly pod: string;
  readonly container: string;
  /** `deployment/web` where the owner is known, else null. */
  readonly workload: string | null;
}

/** What is known of a kind of finding before one is made. */
export interface Category {
  /** One sentence for the list of findings: what it means. */
  readonly meaning: string;
  /** What happened to its object, in the past tense, as the end of a sentence that begins with the object: `crashed again`. */
  readonly happened: string;
  /** How near to a cause, 0 (a symptom) to 100: what stops or kills a container comes before what follows from that. */
  readonly nearness: number;
  /** The questions of alerts that it can answer, beside `anything`. */
  readonly answers: readonly Question[];
  /** Fields of a pod template whose change can bring it about; null: no rollout can. */
  readonly changes: RegExp | null;
  /** Dropped where another finding about the same object explains its `reason`. */
  readonly givesWay?: true;
  /** Most useful first; what only reads comes before what changes where the cause is in doubt. */
  advice(draft: FindingDraft, place: Place): readonly Advice[];
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
  /** The container that it is about; empty where it is about all of the object. */
  readonly container: string;
  readonly count: number;
  readonly first: Timestamp | null;
  readonly last: Timestamp | null;
}

export interface Analyzer<Name extends string = string> {
  readonly name: string;
  readonly kinds: readonly ObjectKind[];
  /** Reasons of warning events that a finding of this analyzer explains, so that they are not reported again. */
  readonly explains: readonly string[];
  /** Every category that `run` gives. */
  readonly categories: Readonly<Record<Name, Category>>;
  run(io: AnalyzerIo, target: Target): Promise<readonly FindingDraft<NoInfer<Name>>[]>;
}

/** Types an analyzer where it is written: a category without an entry does not compile. */
export function defineAnalyzer<const Name extends string>(analyzer: Analyzer<Name>): Analyzer<Name> {
  return analyzer;
}
