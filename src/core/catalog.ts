import type { Labels } from './alert.ts';
import type { CatalogAuthentication } from './authentication.ts';
import type { JsonObject } from './json.ts';
import type { Plan } from './plan.ts';

/** A status condition, as Kubernetes writes it. */
export interface Condition {
  /** `Ready`, `Insecure`, `PathConflict`, ... */
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  /** CamelCase. */
  readonly reason: string;
  readonly message: string;
}

/** `name[/key]` of a Secret, taken apart. The default key is `token`. */
export interface SecretReference {
  readonly name: string;
  readonly key: string;
}

export interface CatalogObject {
  readonly namespace: string;
  readonly name: string;
  readonly type: string;
  readonly ready: boolean;
  readonly conditions: readonly Condition[];
  /** File and line where it was declared, for messages. Empty where it came from the API server. */
  readonly origin: string;
}

/** Why the labels of an alert, or the time, keep it from a run. */
export interface LabelMute {
  readonly reason: 'OwnAlert' | 'Muted' | 'Maintenance';
  readonly message: string;
  /** When that ends; null = it does not by itself. Milliseconds since the epoch. */
  readonly untilMs: number | null;
}

/** How many requests a Source takes in, in each process. */
export interface RateLimit {
  /** On average. */
  readonly requestsPerMinute: number;
  /** At once, after a pause. */
  readonly burst: number;
}

/** Which alerts of a Source have one run together. */
export interface Grouping {
  /** Alerts with the same values of these labels are one group; in order, none twice. */
  readonly labels: readonly string[];
  /** A run waits so long after the first alert of its group for others. Milliseconds. */
  readonly waitMs: number;
  /** So long after a run of a group was made the next one may be. Milliseconds. */
  readonly intervalMs: number;
}

/** A Source, compiled. */
export interface CatalogSource extends CatalogObject {
  /** What the source type's own schema accepted. */
  readonly config: JsonObject;
  /** Normalised webhook path without leading `/` and `webhook/`; null for other types, and where it is another Source's. */
  readonly path: string | null;
  /**
   * Where it is served, first the one that no other namespace can have: `/webhook/@shop/alerts`, `/webhook/alerts`. Where its spec cannot
   * be used (`path` is null) nothing is taken there, and nobody else has them.
   */
  readonly addresses: readonly string[];
  /** Null where the Source says nothing of it. */
  readonly authentication: CatalogAuthentication | null;
  /** Of the bodies that it takes, without parameters, in lower case. */
  readonly mediaTypes: readonly string[];
  /** What may stand behind its path, `/api/v2/alerts`. */
  readonly subpaths: readonly string[];
  /** What its type made of the config for itself; only the type knows what it is. */
  readonly settings: unknown;
  /** The pure filter chain over an alert's labels; returns the reason of a refusal, or null. */
  readonly accepts: (labels: Labels) => { readonly reason: string; readonly message: string } | null;
  /** Its name, or `namespace/name` where it is of another namespace (access.ts); empty: none. */
  readonly triggerWorkflow: string;
  readonly context: JsonObject;
  /** Whether its muteMatchers or a maintenance window keep an alert with these labels from a run. Pure. */
  readonly mutes: (labels: Labels, nowMs: number) => LabelMute | null;
  /** Open alerts not received for so long are resolved; 0 = never. Milliseconds. */
  readonly expireAfterMs: number;
  /** After a run ended, no new run of the same alert for so long; 0 = off. Milliseconds. */
  readonly cooldownMs: number;
  /** Runs of one alert per hour at most; 0 = no cap. */
  readonly flapCapPerHour: number;
  /** New runs of this Source per minute at most (storm guard); 0 = no cap. */
  readonly stormCapPerMinute: number;
  /** null = each alert has its own run. */
  readonly grouping: Grouping | null;
  /** Requests beyond it are answered 503; null = no limit of its own. */
  readonly rateLimit: RateLimit | null;
  /** True: alerts are stored, nothing runs until it is false again. */
  readonly suspend: boolean;
  /** True: it vanished from the resources a moment ago. Its senders are answered 503, so that they keep their alerts. */
  readonly leaving?: boolean;
}

/** The duty whose time is how far a Source that runs by itself has got. */
export function sourceDuty({ namespace, name }: Pick<CatalogSource, 'namespace' | 'name'>): string {
  return `source ${namespace}/${name}`;
}

/** A Workflow, compiled. `plan` is null where it is invalid. */
export interface CatalogWorkflow extends CatalogObject {
  /** Other namespaces whose Sources and Sinks may start it; `*` = all. */
  readonly accessFrom: readonly string[];
  readonly plan: Plan | null;
  readonly planHash: string | null;
}

/** What a Sink takes at a time, from all replicas together. */
export interface SinkLimits {
  readonly maxConcurrent: number;
  /** null = no limit. */
  readonly ratePerMinute: number | null;
}

/** Also for deliveries whose Sink is gone. */
export const defaultSinkLimits: SinkLimits = { maxConcurrent: 4, ratePerMinute: null };

/** How long a delivery is tried; also for those whose Sink is gone. */
export const defaultRetryForMs = 24 * 3_600_000;

/** How long other alerts with the cause of a report are told in short. */
export const defaultSameCauseForMs = 3_600_000;

/** A Sink, compiled. */
export interface CatalogSink extends CatalogObject {
  /** Other namespaces whose Workflows may tell it something; `*` = all. */
  readonly accessFrom: readonly string[];
  readonly config: JsonObject;
  /** A condition over the event context; null = always. */
  readonly condition: string | null;
  /** Whether alert-resolved deliveries are wanted. */
  readonly sendResolved: boolean;
  /** Whether run-started deliveries are wanted. */
  readonly sendStarted: boolean;
  readonly limits: SinkLimits;
  /** How long a delivery is tried, since it was due first. */
  readonly retryForMs: number;
  /** For so long after a report other alerts with the same cause are told in short; 0 = each has its report. */
  readonly sameCauseForMs: number;
}

/** The compiled resources of one moment. A reload swaps a whole catalog. */
export interface Catalog {
  /** Counts reloads, from 1. */
  readonly generation: number;
  readonly sources: readonly CatalogSource[];
  readonly workflows: readonly CatalogWorkflow[];
  readonly sinks: readonly CatalogSink[];
  /** One that keeps the path and takes nothing there, because it cannot be used, has no `path`. */
  sourceByPath(path: string): CatalogSource | undefined;
  source(namespace: string, name: string): CatalogSource | undefined;
  workflow(namespace: string, name: string): CatalogWorkflow | undefined;
  sink(namespace: string, name: string): CatalogSink | undefined;
}
