import type { Labels } from './alert.ts';
import type { AppError } from './errors.ts';
import type { Timestamp } from './time.ts';

// What an investigation may read beside the cluster. Reads only: no adapter has another way to its server.

/** A moment and what was measured; NaN and infinities as JavaScript has them. */
export type MetricPoint = readonly [epochMs: number, value: number];

/** One series, its points oldest first. */
export interface MetricSeries {
  readonly labels: Labels;
  readonly points: readonly MetricPoint[];
}

export interface MetricAnswer {
  readonly series: readonly MetricSeries[];
  /** How many there were; more than `series` has where some were left out. */
  readonly total: number;
  /** What the server says about its own answer. */
  readonly warnings: readonly string[];
}

export interface MetricRange {
  readonly expression: string;
  readonly from: Timestamp;
  readonly to: Timestamp;
  readonly stepMs: number;
}

/** The reason of the error where recorded metrics hold no answer to what is asked; that is not an answer without series. */
export const notRecorded = 'NotRecorded';

/**
 * Metrics of a server that speaks Prometheus's HTTP API. Throws AppErrors: InvalidInput for what the server refuses to evaluate
 * and for an answer that is too large (reason `TooLarge`); Unauthenticated, Forbidden, Timeout, Unreachable.
 */
export interface MetricsReader {
  /** For people: `Prometheus at http://prometheus:9090`. */
  readonly description: string;
  /** What a person can open, without a slash at its end. */
  readonly url: string;
  /** Why it cannot be asked, where that is known before: the Secret of its token is missing. */
  readonly refusal?: AppError | undefined;
  /** An expression as it is asked here, of some namespaces alone. Throws Forbidden for one that may not be. Absent = each as it is. */
  readonly bind?: (expression: string) => string;
  /** Each series has one point. */
  query(expression: string, at: Timestamp, signal: AbortSignal): Promise<MetricAnswer>;
  queryRange(range: MetricRange, signal: AbortSignal): Promise<MetricAnswer>;
  /** Label sets of the series that a selector (`up{job="x"}`) picks, a few of them. */
  series(selector: string, from: Timestamp, to: Timestamp, signal: AbortSignal): Promise<readonly Labels[]>;
}

export interface LogStream {
  readonly labels: Labels;
  /** Oldest first. */
  readonly lines: readonly (readonly [epochMs: number, text: string])[];
}

export interface LogRange {
  readonly expression: string;
  readonly from: Timestamp;
  readonly to: Timestamp;
  /** Lines at most, the last ones. */
  readonly limit: number;
}

/** A store of logs that speaks Loki's HTTP API. Throws as {@link MetricsReader} does. */
export interface LogReader {
  readonly description: string;
  readonly url: string;
  readonly refusal?: AppError | undefined;
  /** Of an expression that counts, the series; else the lines. */
  query(range: LogRange, signal: AbortSignal): Promise<{ readonly streams: readonly LogStream[] } | MetricAnswer>;
}

/** A text for people on what to do about alerts. */
export interface Runbook {
  /** Its path within the collection, `kubernetes/KubePodCrashLooping.md`. */
  readonly name: string;
  readonly title: string;
  /** Alerts that it says it is for. */
  readonly alerts: readonly string[];
  /** Markdown, bounded. */
  readonly text: string;
}

export interface Runbooks {
  /** For people: `runbooks in /etc/fist/runbooks`. */
  readonly description: string;
  /** All of them. Throws InvalidInput where they cannot be read. */
  all(): Promise<readonly Runbook[]>;
}

/** What a person said of an earlier report, redacted and bounded. */
export interface PastVerdict {
  readonly verdict: 'confirmed' | 'refuted';
  /** What it was, in their words; null = they name none. */
  readonly cause: string | null;
  readonly note: string | null;
  readonly by: string | null;
  readonly at: Timestamp;
}

/**
 * What an earlier report said the cause was, in words of this program alone: no text of alerts, logs or models is in it; and what a
 * person said of it.
 */
export interface PastIncident {
  readonly runId: string;
  readonly alertName: string;
  /** What the alert was about, `pod/shop/web-1`; null where it named nothing. */
  readonly object: string | null;
  readonly at: Timestamp;
  /** Category of a finding, `oom-killed`, and its object; null: the report was inconclusive. */
  readonly cause: { readonly category: string; readonly object: string; readonly confidence: number } | null;
  /** How it is like the alert in question. */
  readonly likeness: 'the same alert' | 'the same rule in the same namespace' | 'the same rule';
  /** null: nobody said anything. */
  readonly verdict: PastVerdict | null;
}

/** One of which a person said something. */
export type JudgedIncident = PastIncident & { readonly verdict: PastVerdict };

/** Alerts that incidents are like. */
export interface LikeAlert {
  readonly name: string;
  readonly fingerprint: string;
  readonly namespace: string | null;
}

export interface PastIncidents {
  /** The newest of the most alike, without those of this run. */
  similar(alert: LikeAlert, limit: number): Promise<readonly PastIncident[]>;
  /** Those of which a person said something, the most alike and then the newest first, without this run. */
  judged(alert: LikeAlert): Promise<readonly JudgedIncident[]>;
}
