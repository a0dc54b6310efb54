import { labelledObject } from '../core/alert.ts';
import type { AgentResult } from '../core/finding.ts';
import type { JsonObject, JsonValue } from '../core/json.ts';
import { durationText, toEpochMs } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';
import { oneLine } from '../lib/printable.ts';

/** What the first line of a report says. */
export interface ReportHead {
  /** null: nobody was alerted, an object was asked about. */
  readonly status: 'firing' | 'resolved' | null;
  readonly severity: string;
  readonly name: string;
  /** `pod/shop/web-1`; empty where nothing is known. */
  readonly object: string;
  readonly cluster: string | null;
  readonly startsAt: Timestamp | null;
  readonly endsAt: Timestamp | null;
}

/** The head of a report, with the alert as it was when it was looked at, or as it stands now. */
export function headOf(report: AgentResult, alert: JsonObject | null = report.alert): ReportHead {
  return { ...alertHead(alert), object: report.object ?? labelsObject(alert), cluster: report.cluster };
}

/** The head where there is no report: what the labels of the alert say by themselves. */
export function alertHead(alert: JsonObject | null): ReportHead {
  const labels = alert === null ? {} : labelsOf(alert);
  return {
    status: alert === null ? null : alert['status'] === 'resolved' ? 'resolved' : 'firing',
    severity: textOf(alert?.['severity']),
    name: textOf(alert?.['alertname']),
    object: labelsObject(alert),
    cluster: labels['cluster'] ?? null,
    startsAt: timeOf(alert?.['startsAt']),
    endsAt: timeOf(alert?.['endsAt']),
  };
}

/**
 * The moment up to which an alert is said to fire: that of what was read, or `now` where it began only after that (the
 * cluster is a recorded one) or nothing was read.
 */
export function momentOf({ startsAt }: ReportHead, observedAt: Timestamp | null, now: Timestamp): Timestamp {
  if (observedAt === null) return now;
  return startsAt !== null && toEpochMs(startsAt) > toEpochMs(observedAt) ? now : observedAt;
}

/** `FIRING critical KubePodCrashLooping pod/shop/web-1 for 12m · cluster prod-eu`. */
export function headLine(head: ReportHead, now: Timestamp): string {
  const { status, severity, name, object, cluster } = head;
  const said =
    status === null
      ? ['LOOKED AT', object]
      : [status === 'firing' ? 'FIRING' : 'RESOLVED', severity, name, object, lasting(head, now)];
  const place = cluster === null || cluster === '' ? '' : ` · cluster ${cluster}`;
  return oneLine(`${said.filter((part) => part !== '').join(' ')}${place}`, 600);
}

function lasting({ status, startsAt, endsAt }: ReportHead, now: Timestamp): string {
  const until = status === 'resolved' ? endsAt : now;
  if (startsAt === null || until === null) return '';
  const span = durationText(Math.max(0, toEpochMs(until) - toEpochMs(startsAt)));
  return `${status === 'resolved' ? 'after' : 'for'} ${span}`;
}

function labelsObject(alert: JsonObject | null): string {
  return alert === null ? '' : labelledObject(labelsOf(alert));
}

function labelsOf(alert: JsonObject): Readonly<Record<string, string>> {
  const { labels } = alert;
  if (labels === null || typeof labels !== 'object' || Array.isArray(labels)) return {};
  return Object.fromEntries(
    Object.entries(labels).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  );
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

function timeOf(value: JsonValue | undefined): Timestamp | null {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value)) ? value : null;
}
