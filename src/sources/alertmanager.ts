import { severities } from '../core/alert.ts';
import type { AlertItem, Labels, Severity } from '../core/alert.ts';
import type { BadItem, UnreadFields } from '../core/event.ts';
import { parseRfc3339 } from '../core/rfc3339.ts';
import type { Timestamp } from '../core/time.ts';
import { isLonger } from '../lib/cut.ts';
import { alertFingerprint, alertmanagerFingerprint, sha256Hex } from '../lib/hash.ts';
import type { Turns } from '../lib/turns.ts';
import { bounds } from './bounds.ts';
import type { ReceiveResult, SourceRequest } from './define.ts';
import { deliveryKeyOf, isObject, parseBody, refuse } from './envelope.ts';
import type { BodyItem } from './envelope.ts';
import { readAnnotations, wrongLabels } from './pairs.ts';
import type { Wrong } from './pairs.ts';

/**
 * Reads a notification of Alertmanager's webhook receiver, format 4 (prometheus/alertmanager: notify/webhook/webhook.go,
 * template/template.go). Unknown fields are accepted and so are missing ones at the top, because versions differ. What
 * makes the whole body unusable is a refusal that names the field; an alert that cannot be used is a bad item. What an
 * alert can do without does not make it bad (decision 15).
 */
export async function receiveAlertmanager(request: SourceRequest, turns: Turns): Promise<ReceiveResult> {
  const parsed = await parseBody(request, turns, 'alerts');
  if (!parsed.ok) return parsed;
  const { value } = parsed;
  const wrong = wrongEnvelope(value);
  if (wrong !== null) return wrong;
  const read = createReading();
  const refused = await parsed.items((item, index) => read.add(item, index));
  if (refused !== null) return refused;
  const { groupKey, receiver, truncatedAlerts } = value;
  return {
    ok: true,
    notification: {
      ...read.taken(),
      groupKey: groupKeyOf(groupKey),
      receiver: typeof receiver === 'string' ? unquoteReceiver(receiver) : null,
      truncatedAlerts: Number.isSafeInteger(truncatedAlerts) ? Math.max(0, Number(truncatedAlerts)) : 0,
      deliveryKey: deliveryKeyOf(request),
      body: parsed.text,
      contentHash: parsed.contentHash,
    },
  };
}

/** The alerts of a notification, as they are read one after the other. */
function createReading() {
  const items: AlertItem[] = [];
  const bad: BadItem[] = [];
  let moreBad = 0;
  let unread: UnreadFields | null = null;
  return {
    add(body: BodyItem, index: number): void {
      const at = `alerts[${index}]`;
      const read = body.ok ? readAlert(body.value) : { field: '', message: body.message };
      if ('message' in read) {
        if (bad.length === bounds.badItems) moreBad += 1;
        else bad.push({ index, field: at + read.field, message: read.message, body: body.text() });
        return;
      }
      items.push(read.item);
      const [first] = read.unread;
      if (first === undefined) return;
      const fields = read.unread.length + (unread?.fields ?? 0);
      unread = { fields, first: unread?.first ?? `${at}${first.field} ${first.message}` };
    },
    taken: () => ({ items, bad, moreBad, unread }),
  };
}

/** A key is repeated in the row of each alert, so a long one is its hash. */
function groupKeyOf(groupKey: unknown): string | null {
  if (typeof groupKey !== 'string' || groupKey === '') return null;
  return isLonger(groupKey, bounds.groupKeyBytes) ? `sha256:${sha256Hex(groupKey)}` : groupKey;
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

interface ReadAlert {
  readonly item: AlertItem;
  readonly unread: readonly Wrong[];
}

function readAlert(alert: unknown): ReadAlert | Wrong {
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
  const item = makeItem(status, labels as Labels, annotations, {
    generatorUrl: readText('.generatorURL', alert['generatorURL'], bounds.valueBytes, unread),
    externalId: readText('.fingerprint', alert['fingerprint'], bounds.externalIdBytes, unread),
    startsAt: startsAt ?? null,
    endsAt: endsAt ?? null,
    skewed: isSkewed || (status === 'resolved' && endsAt === undefined),
  });
  return { item, unread };
}

type Details = Pick<AlertItem, 'generatorUrl' | 'externalId' | 'startsAt' | 'endsAt' | 'skewed'>;

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

/** Null = none given; undefined = not a time: the time of receipt stands for it (design 3.2.3). */
function readTime(field: string, value: unknown, unread: Wrong[]): Timestamp | null | undefined {
  if (value === undefined || value === null) return null;
  const time = typeof value === 'string' ? parseRfc3339(value) : undefined;
  if (time === undefined) unread.push({ field, message: 'must be an RFC 3339 time' });
  return time;
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function readText(field: string, value: unknown, mostBytes: number, unread: Wrong[]): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string' && !isLonger(value, mostBytes)) return textOrNull(value);
  unread.push({ field, message: `must be text of at most ${mostBytes / 1024} KiB` });
  return null;
}
