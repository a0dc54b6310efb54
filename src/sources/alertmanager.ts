import { severities } from '../core/alert.ts';
import type { AlertItem, Labels, Severity } from '../core/alert.ts';
import type { BadItem } from '../core/event.ts';
import { parseRfc3339 } from '../core/rfc3339.ts';
import type { Timestamp } from '../core/time.ts';
import { alertFingerprint, alertmanagerFingerprint } from '../lib/hash.ts';
import type { ReceiveResult, SourceRequest } from './define.ts';
import { deliveryKeyOf, isObject, parseBody, refuse } from './envelope.ts';

/**
 * Reads a notification of Alertmanager's webhook receiver, format 4 (prometheus/alertmanager: notify/webhook/webhook.go,
 * template/template.go). Unknown fields are accepted and so are missing ones at the top, because versions differ. What
 * makes the whole body unusable is a refusal that names the field; an alert that cannot be used is a bad item.
 */
export function receiveAlertmanager(request: SourceRequest): ReceiveResult {
  const parsed = parseBody(request.body);
  if (!parsed.ok) return parsed;
  const { text, value } = parsed;
  const wrong = wrongEnvelope(value);
  if (wrong !== null) return wrong;
  const items: AlertItem[] = [];
  const bad: BadItem[] = [];
  for (const [index, alert] of (value['alerts'] as readonly unknown[]).entries()) {
    const read = readAlert(alert);
    if ('item' in read) items.push(read.item);
    else
      bad.push({ index, field: `alerts[${index}]${read.field}`, message: read.message, body: JSON.stringify(alert) });
  }
  const { groupKey, receiver, truncatedAlerts } = value;
  return {
    ok: true,
    notification: {
      items,
      bad,
      groupKey: typeof groupKey === 'string' && groupKey !== '' ? groupKey : null,
      receiver: typeof receiver === 'string' ? unquoteReceiver(receiver) : null,
      truncatedAlerts: Number.isSafeInteger(truncatedAlerts) ? Math.max(0, Number(truncatedAlerts)) : 0,
      deliveryKey: deliveryKeyOf(request),
      body: text,
    },
  };
}

function wrongEnvelope(value: Readonly<Record<string, unknown>>): ReceiveResult | null {
  const { version, alerts } = value;
  if (version !== undefined && version !== '4' && version !== 4) {
    const sender = 'orgId' in value || 'title' in value ? ', as Grafana sends it' : '';
    return refuse(
      'version',
      `is ${quoted(version)}${sender}; this Source takes Alertmanager's webhook format, version "4"`,
    );
  }
  if (alerts === undefined)
    return refuse('alerts', 'is missing; this Source takes Alertmanager\'s webhook format, version "4"');
  return Array.isArray(alerts) ? null : refuse('alerts', 'must be a list');
}

function quoted(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number'
    ? JSON.stringify(String(value).slice(0, 40))
    : 'not text';
}

/** Alertmanager quotes the receiver's name for regular expressions (Go's regexp.QuoteMeta): `a.b` arrives as `a\.b`. */
function unquoteReceiver(receiver: string): string {
  if (!receiver.includes('\\')) return receiver;
  return receiver.replaceAll(/\\([\\.+*?()|[\]{}^$])/g, '$1');
}

/** Why an alert cannot be used; `field` begins with a dot, or is empty for the alert as a whole. */
interface Unusable {
  readonly field: string;
  readonly message: string;
}

function readAlert(alert: unknown): { readonly item: AlertItem } | Unusable {
  if (!isObject(alert)) return { field: '', message: 'must be an object' };
  const { status, labels, generatorURL, fingerprint } = alert;
  if (status !== 'firing' && status !== 'resolved')
    return { field: '.status', message: 'must be "firing" or "resolved"' };
  const annotations = alert['annotations'] ?? {};
  const wrong =
    wrongTexts('.labels', labels) ??
    wrongTexts('.annotations', annotations) ??
    wrongText('.generatorURL', generatorURL) ??
    wrongText('.fingerprint', fingerprint);
  if (wrong !== null) return wrong;
  const startsAt = readTime(alert['startsAt']);
  if (startsAt === undefined) return { field: '.startsAt', message: 'must be an RFC 3339 time' };
  const endsAt = readTime(alert['endsAt']);
  if (endsAt === undefined) return { field: '.endsAt', message: 'must be an RFC 3339 time' };
  return {
    item: makeItem(status, labels as Labels, annotations as Labels, {
      generatorUrl: textOrNull(generatorURL),
      externalId: textOrNull(fingerprint),
      startsAt,
      endsAt,
    }),
  };
}

type Details = Pick<AlertItem, 'generatorUrl' | 'externalId' | 'startsAt' | 'endsAt'>;

function makeItem(status: AlertItem['status'], labels: Labels, annotations: Labels, details: Details): AlertItem {
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
    ...details,
    externalId: details.externalId ?? alertmanagerFingerprint(withoutEmpty(labels)),
    skewed: false,
  };
}

function labelOf(labels: Labels, name: string): string | null {
  return Object.hasOwn(labels, name) ? textOrNull(labels[name]) : null;
}

/** The label in lower case; absent or unknown is a warning (contract 5.5). */
function severityOf(label: string | null): Severity {
  const lower = label?.toLowerCase();
  return severities.find((severity) => severity === lower) ?? 'warning';
}

/** Alertmanager itself drops labels without a value before it computes the fingerprint. */
function withoutEmpty(labels: Labels): Labels {
  const entries = Object.entries(labels);
  return entries.every(([, value]) => value !== '')
    ? labels
    : Object.fromEntries(entries.filter(([, value]) => value !== ''));
}

/** Null = none given; undefined = not a time. */
function readTime(value: unknown): Timestamp | null | undefined {
  if (value === undefined || value === null) return null;
  return typeof value === 'string' ? parseRfc3339(value) : undefined;
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function wrongText(field: string, value: unknown): Unusable | null {
  return value === undefined || value === null || typeof value === 'string' ? null : { field, message: 'must be text' };
}

/** The wrong member of what should be an object with text values, or null. */
export function wrongTexts(field: string, value: unknown): Unusable | null {
  if (!isObject(value)) return { field, message: 'must be an object with text values' };
  for (const name of Object.keys(value)) {
    if (typeof value[name] !== 'string')
      return { field: `${field}[${JSON.stringify(name.slice(0, 80))}]`, message: 'must be text' };
  }
  return null;
}
