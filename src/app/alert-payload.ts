import type { AlertItem } from '../core/alert.ts';
import { AppError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { toTimestamp } from '../core/time.ts';
import { noTurns } from '../lib/turns.ts';
import { api } from '../sources/api.ts';
import type { SourceDefinition } from '../sources/define.ts';
import { webhook } from '../sources/webhook.ts';

/**
 * The alerts of a file, whatever wrote it: a notification of Alertmanager (`{"alerts": [...]}`), its API v2 and `amtool -o json`
 * (a list), `/api/v1/alerts` of Prometheus (`{"data": {"alerts": [...]}}`), one alert with `labels`, or an alert of `POST /alerts`.
 * Throws InvalidInput.
 */
export function readAlerts(payload: string): Promise<readonly AlertItem[]> {
  const value = parse(payload);
  const list = alertsIn(value);
  if (list === null) return receive(api, payload, {});
  if ('version' in value && 'alerts' in value) return receive(webhook, payload, { path: 'alerts' });
  const body = JSON.stringify({ version: '4', alerts: list.map(asNotified) });
  return receive(webhook, body, { path: 'alerts', format: 'alertmanager' });
}

/** The alerts in their list; null where it is an alert of `POST /alerts`. */
function alertsIn(value: readonly unknown[] | Readonly<Record<string, unknown>>): readonly unknown[] | null {
  if (Array.isArray(value)) return value as readonly unknown[];
  const { alerts, data, labels, alert_name: own } = value as Readonly<Record<string, unknown>>;
  if (Array.isArray(alerts)) return alerts as readonly unknown[];
  const inner = typeof data === 'object' && data !== null ? (data as { alerts?: unknown }).alerts : undefined;
  if (Array.isArray(inner)) return inner as readonly unknown[];
  if (Array.isArray(data)) return data as readonly unknown[];
  return typeof labels === 'object' && own === undefined ? [value] : null;
}

/**
 * An alert in the form of a notification. API v2 says `status: {state: active | suppressed | unprocessed}`, Prometheus
 * `state: firing | pending` and `activeAt`: both list only what has not ended.
 */
function asNotified(alert: unknown): unknown {
  if (typeof alert !== 'object' || alert === null) return alert;
  const { status, activeAt, startsAt, ...rest } = alert as Readonly<Record<string, unknown>>;
  const said = status === 'resolved' || status === 'firing' ? status : 'firing';
  const since = startsAt ?? activeAt;
  // The end of a firing alert in API v2 is when it would be taken for resolved.
  const { endsAt, ...open } = rest;
  return {
    ...(said === 'resolved' ? { ...open, endsAt } : open),
    status: said,
    ...(since === undefined ? {} : { startsAt: since }),
  };
}

function parse(payload: string): readonly unknown[] | Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(payload);
    if (typeof value === 'object' && value !== null) return value as Readonly<Record<string, unknown>>;
  } catch (cause) {
    throw new AppError('InvalidInput', `the alert is not JSON: ${(cause as Error).message}`, {
      cause,
      field: '--alert',
    });
  }
  throw new AppError('InvalidInput', 'the alert is neither a JSON object nor a list', { field: '--alert' });
}

async function receive(source: SourceDefinition, body: string, config: JsonObject): Promise<readonly AlertItem[]> {
  const { settings } = source.compile(config);
  const request = { body, headers: {}, receivedAt: toTimestamp(Date.now()) };
  const received = await source.receive?.(request, noTurns, settings);
  if (received === undefined || !received.ok)
    throw new AppError('InvalidInput', `the alert cannot be used: ${received?.message}`, {
      field: received?.field || '--alert',
    });
  const [bad] = received.notification.bad;
  if (bad !== undefined) throw new AppError('InvalidInput', bad.message, { field: bad.field });
  if (received.notification.items.length === 0)
    throw new AppError('InvalidInput', 'the payload has no alerts', { field: 'alerts' });
  return received.notification.items;
}
