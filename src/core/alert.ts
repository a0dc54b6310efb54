import type { JsonObject } from './json.ts';
import type { Timestamp } from './time.ts';

/** received = open; triaging = a run started; escalated = the run ended and it still fires; resolved = closed. */
export const alertStatuses = ['received', 'triaging', 'resolved', 'escalated'] as const;
export type AlertStatus = (typeof alertStatuses)[number];

/** Statuses of an alert that fires. */
export const openStatuses = ['received', 'triaging', 'escalated'] as const satisfies readonly AlertStatus[];

export const severities = ['critical', 'warning', 'info'] as const;
export type Severity = (typeof severities)[number];

/** What keeps an episode from starting a run: no Source that can be used, or a policy; in this order they are asked. */
export const muteReasons = [
  'SourceUnavailable',
  'Suspended',
  'OwnAlert',
  'Muted',
  'Maintenance',
  'Cooldown',
  'FlapCap',
  'Grouped',
  'StormGuard',
] as const;
export type MuteReason = (typeof muteReasons)[number];

export type Labels = Readonly<Record<string, string>>;

export type MatcherType = '=' | '!=' | '=~' | '!~';

/** One condition on a label, as Alertmanager writes it: `severity=~"critical|page"`. */
export interface Matcher {
  readonly name: string;
  readonly type: MatcherType;
  readonly value: string;
}

/** One alert of one notification, as a source normalised it. Times are null where the sender gave none (or year 1). */
export interface AlertItem {
  readonly status: 'firing' | 'resolved';
  /** Label `alertname`, or `unknown`. */
  readonly name: string;
  readonly severity: Severity;
  /** The contract's fingerprint: SHA-256 over name and sorted labels, 64 hex digits. */
  readonly fingerprint: string;
  /** The sender's own fingerprint or id. */
  readonly externalId: string | null;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly summary: string | null;
  readonly description: string | null;
  readonly generatorUrl: string | null;
  readonly startsAt: Timestamp | null;
  readonly endsAt: Timestamp | null;
  /** True where a time was more than 10 minutes ahead of ours and was replaced by the time of receipt. */
  readonly skewed: boolean;
  /** When the sender came to say so, of one that says each thing once; absent = it may be what it says again. */
  readonly saidAt?: Timestamp;
}

/** What the fold reads of a stored alert, and what it decides. */
export interface AlertState {
  readonly status: AlertStatus;
  readonly severity: Severity;
  /** 1 for the first firing; each reopening adds one. 0 for a row that was created closed. */
  readonly episode: number;
  readonly receiveCount: number;
  /** S of design 3.2: start of this episode. */
  readonly startsAt: Timestamp | null;
  /** E of design 3.2: end of the last closed episode. */
  readonly endsAt: Timestamp | null;
  readonly skewed: boolean;
  /** When the first notification of this episode came. */
  readonly receivedAt: Timestamp;
  readonly lastReceivedAt: Timestamp;
  /** When the closing notification came (not the time it names); null while open. */
  readonly resolvedAt: Timestamp | null;
  /** True while sinks have been told, by a run, that it fires, and not of its end: also where it is closed because it expired. */
  readonly announced: boolean;
}

/** What intake reads of a stored alert: the fold's state and what the policies ask. */
export interface StoredAlert extends AlertState {
  readonly id: string;
  /** Hash over what may change without a run: annotations, generatorURL, the sender's id, group key. */
  readonly contentHash: string;
  /** The newest source event. */
  readonly sourceId: string | null;
  /** The newest run. */
  readonly workflowId: string | null;
  readonly triageCompletedAt: Timestamp | null;
  /** A policy kept this episode from starting a run; from then on it is decided anew while the alert still fires. */
  readonly mutedUntil: Timestamp | null;
  /** Which policy; null = none. */
  readonly mutedReason: MuteReason | null;
}

/** What the last notification replaces (design 3.2.14), of the alert with this id. */
export interface AlertContent {
  readonly id: string;
  readonly externalId: string | null;
  readonly summary: string | null;
  readonly description: string | null;
  readonly annotations: Labels;
  readonly generatorUrl: string | null;
  readonly groupKey: string | null;
}

/** An `alerts` row: one per identity (namespace, source, fingerprint). */
export interface AlertRecord extends StoredAlert, AlertContent {
  readonly namespace: string;
  /** Name of the Source. */
  readonly source: string;
  readonly fingerprint: string;
  readonly name: string;
  readonly labels: Labels;
  readonly triageStartedAt: Timestamp | null;
  readonly aiAnalysis: JsonObject | null;
  readonly aiConfidence: number | null;
  /** What the newest run says is the cause, in short; empty: its report has none; null: no run, or one without a report. */
  readonly cause: string | null;
  /** Of the run that wrote the last report; null: there is none, or nobody knows (before schema 14). */
  readonly reportNamespace: string | null;
  readonly autoResolved: boolean;
  readonly createdAt: Timestamp;
  readonly updatedAt: Timestamp;
}

/**
 * What filters match: the labels, with the name and the severity where the sender gave them apart from the labels
 * (`POST /alerts`). The labels of the alert itself stay as they came.
 */
export function matchLabels(item: Pick<AlertItem, 'name' | 'severity' | 'labels'>): Labels {
  const { labels } = item;
  if (Object.hasOwn(labels, 'alertname') && Object.hasOwn(labels, 'severity')) return labels;
  return { alertname: item.name, severity: item.severity, ...labels };
}

/** A row of `alert_transitions`: why the status or the episode of an alert changed. */
export interface AlertTransition {
  readonly alertId: string;
  readonly episode: number;
  readonly fromStatus: AlertStatus | null;
  readonly toStatus: AlertStatus;
  /** CamelCase, the same word as in metrics: `Opened`, `Resolved`, `Reopened`, `FiringAgain`, `RunStarted`, `RunEnded`, ... */
  readonly reason: string;
  readonly at: Timestamp;
  readonly sourceEventId: string | null;
}

/** Labels that hold the namespace of what an alert is about, the most telling first; the migrations have the same. */
export const namespaceLabels = [
  'exported_namespace',
  'namespace',
  'kubernetes_namespace',
  'k8s_namespace_name',
  'k8s.namespace.name',
  'kube_namespace',
  'destination_service_namespace',
  'destination_workload_namespace',
  'target_namespace',
] as const;

/** Longer values are no namespaces. */
export const longestNamespace = 253;

/**
 * The last change of an alert: opened, reopened, worse, its investigation begun or ended, resolved. A repeat changes
 * nothing.
 */
export function changedAt(
  alert: Pick<AlertRecord, 'receivedAt' | 'triageStartedAt' | 'triageCompletedAt' | 'resolvedAt'>,
): Timestamp {
  const times = [alert.triageStartedAt, alert.triageCompletedAt, alert.resolvedAt];
  return times.reduce<Timestamp>((last, time) => (time !== null && time > last ? time : last), alert.receivedAt);
}

/**
 * What is known of the cause of an alert. known, inconclusive, failed: what its newest run of this episode says (failed: it
 * ended without a report); running: a run is at work; earlier: a run of an episode before said it, and none of this one has
 * ended; waiting: a run is to come, was put off or waits for its turn; none: there was none; elsewhere: its runs are not all of the
 * one namespace that the reader may look at, so nothing of it is told.
 */
export const causeStates = [
  'known',
  'inconclusive',
  'failed',
  'running',
  'earlier',
  'waiting',
  'none',
  'elsewhere',
] as const;
export type CauseState = (typeof causeStates)[number];

/** What the newest run of an alert says of its cause, and of which episode that is. */
export function causeOf(
  alert: Pick<
    AlertRecord,
    'status' | 'receivedAt' | 'triageStartedAt' | 'triageCompletedAt' | 'mutedReason' | 'workflowId' | 'cause'
  >,
): { readonly cause: string | null; readonly causeState: CauseState } {
  const { status, receivedAt, triageStartedAt, triageCompletedAt, mutedReason, workflowId } = alert;
  const cause = alert.cause === '' ? null : alert.cause;
  if (triageStartedAt !== null && triageStartedAt >= receivedAt) {
    if (triageCompletedAt === null) return { cause: null, causeState: 'running' };
    if (alert.cause === null) return { cause, causeState: 'failed' };
    return { cause, causeState: cause === null ? 'inconclusive' : 'known' };
  }
  if (cause !== null) return { cause, causeState: 'earlier' };
  // Its run ended before it began: the plan was refused, or it was cancelled.
  if (status === 'escalated' && workflowId !== null) return { cause, causeState: 'failed' };
  const isDue = status !== 'resolved' && (mutedReason !== null || workflowId !== null);
  return { cause, causeState: isDue ? 'waiting' : 'none' };
}

/** Labels that name an object, the most telling first: next to a workload, `pod` is often the exporter's own. */
const objectLabels = ['deployment', 'statefulset', 'daemonset', 'job_name', 'pod', 'node', 'instance'] as const;

/** What an alert is about, in short and for people: `shop/web`, `node-1`, or empty. */
export function labelledObject(labels: Labels): string {
  const named = objectLabels.map((name) => labels[name]).find((value) => value !== undefined);
  return [labels['namespace'], named].filter((part) => part !== undefined && part !== '').join('/');
}

/** The same with the name of the alert: `KubePodCrashLooping shop/web`. */
export function labelledTitle({ name, labels }: Pick<AlertRecord, 'name' | 'labels'>): string {
  return `${name} ${labelledObject(labels)}`.trim();
}

/** One text for an identity (design 3.2.1). Names of namespaces and Sources have no `/`. */
export function identityKey(alert: Pick<AlertRecord, 'namespace' | 'source' | 'fingerprint'>): string {
  return `${alert.namespace}/${alert.source}/${alert.fingerprint}`;
}
