import { severities } from '../../core/alert.ts';
import type { AlertItem, Labels, Severity } from '../../core/alert.ts';
import { parseRfc3339 } from '../../core/rfc3339.ts';
import type { Timestamp } from '../../core/time.ts';
import { isLonger } from '../../lib/cut.ts';
import { alertFingerprint, alertmanagerFingerprint, sha256Hex } from '../../lib/hash.ts';
import { bounds } from '../bounds.ts';
import { isObject } from '../envelope.ts';
import { readAnnotations, wrongLabels } from '../pairs.ts';
import type { Wrong } from '../pairs.ts';
import type { AlertParts, ReadAlert } from './define.ts';

// What all formats share whose alerts look like Alertmanager's.

/**
 * Reads an alert of a notification of Alertmanager or Grafana. What it can do without does not make it bad (decision 15).
 */
export function readAlert(alert: unknown): ReadAlert | Wrong {
  if (!isObject(alert)) return { field: '', message: 'must be an object' };
  const { status, labels } = alert;
  if (status !== 'firing' && status !== 'resolved')
    return { field: '.status', message: 'must be "firing" or "resolved"' };
  const wrong = wrongLabels('.labels', labels);
  if (wrong !== null) return wrong;
  const unread: Wrong[] = [];
  const annotations = readAnnotations(alert['annotations'], unread);
  const startsAt = readTime('.startsAt', alert['startsAt'], unread);
  const isSkewed = startsAt === undefined;
  // Of an alert that fires it says when it would be resolved without further news: nobody asks.
  const endsAt = readTime('.endsAt', alert['endsAt'], unread);
  const item = alertItem({
    status,
    labels: labels as Labels,
    annotations,
    generatorUrl: readText('.generatorURL', alert['generatorURL'], bounds.valueBytes, unread),
    externalId: readText('.fingerprint', alert['fingerprint'], bounds.externalIdBytes, unread),
    startsAt: startsAt ?? null,
    endsAt: endsAt ?? null,
    skewed: isSkewed || (status === 'resolved' && endsAt === undefined),
  });
  return { item, unread };
}

/** An alert by its labels: its name, its severity and who it is follow from them. */
export function alertItem(parts: AlertParts): AlertItem {
  const { status, labels, annotations } = parts;
  const name = labelOf(labels, 'alertname') ?? 'unknown';
  return {
    status,
    name,
    severity: severityOf(labelOf(labels, 'severity')),
    fingerprint: alertFingerprint(name, labels),
    labels,
    annotations,
    summary: labelOf(annotations, 'summary'),
    description: labelOf(annotations, 'description'),
    generatorUrl: parts.generatorUrl,
    externalId: parts.externalId ?? alertmanagerFingerprint(withoutEmpty(labels)),
    startsAt: parts.startsAt,
    endsAt: parts.endsAt,
    skewed: parts.skewed,
  };
}

export function labelOf(labels: Labels, name: string): string | null {
  return Object.hasOwn(labels, name) ? textOrNull(labels[name]) : null;
}

/** The label in lower case; absent or unknown is a warning (contract 5.5). */
export function severityOf(label: string | null): Severity {
  const lower = label?.toLowerCase();
  return severities.find((severity) => severity === lower) ?? 'warning';
}

/** Alertmanager itself drops labels without a value before it computes the fingerprint. */
export function withoutEmpty(labels: Labels): Labels {
  const entries = Object.entries(labels);
  return entries.every(([, value]) => value !== '')
    ? labels
    : Object.fromEntries(entries.filter(([, value]) => value !== ''));
}

/** Null = none given; undefined = not a time: the time of receipt stands for it (design 3.2.3). */
export function readTime(field: string, value: unknown, unread: Wrong[]): Timestamp | null | undefined {
  if (value === undefined || value === null) return null;
  const time = typeof value === 'string' ? parseRfc3339(value) : undefined;
  if (time === undefined) unread.push({ field, message: 'must be an RFC 3339 time' });
  return time;
}

export function textOrNull(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

export function readText(field: string, value: unknown, mostBytes: number, unread: Wrong[]): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string' && !isLonger(value, mostBytes)) return textOrNull(value);
  unread.push({ field, message: `must be text of at most ${mostBytes / 1024} KiB` });
  return null;
}

/** A key is repeated in the row of each alert, so a long one is its hash. */
export function groupKeyOf(groupKey: unknown): string | null {
  if (typeof groupKey !== 'string' || groupKey === '') return null;
  return isLonger(groupKey, bounds.groupKeyBytes) ? `sha256:${sha256Hex(groupKey)}` : groupKey;
}

/** What both senders say of a notification beside its alerts. */
export function correlationOf(value: Readonly<Record<string, unknown>>) {
  const { groupKey, truncatedAlerts } = value;
  return {
    groupKey: groupKeyOf(groupKey),
    truncatedAlerts: Number.isSafeInteger(truncatedAlerts) ? Math.max(0, Number(truncatedAlerts)) : 0,
    deliveryKey: null,
  };
}

/** A value of the sender in a message: short, and only where it is text or a number. */
export function quoted(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number'
    ? JSON.stringify(String(value).slice(0, 40))
    : 'not text';
}
