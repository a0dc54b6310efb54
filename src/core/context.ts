import type { JsonObject } from './json.ts';
import type { AlertSnapshot, RunInput } from './run.ts';

/** The alert as JSON with the names that templates and payloads use (Alertmanager's, where it has one). */
export function alertJson(alert: AlertSnapshot): JsonObject {
  return {
    alertname: alert.name,
    status: alert.status,
    severity: alert.severity,
    fingerprint: alert.fingerprint,
    labels: { ...alert.labels },
    annotations: { ...alert.annotations },
    summary: alert.summary ?? '',
    description: alert.description ?? '',
    startsAt: alert.startsAt,
    endsAt: alert.endsAt,
    generatorURL: alert.generatorUrl ?? '',
  };
}

/**
 * Template root `.source`. `.source.data` has all three historical shapes at once: `.source.data.alert.labels.x`,
 * `.source.data.alerts[0].labels.x` and `.source.data.labels.x` (`.source.data.alertname`). Behind the first of `alerts` are others
 * of its group, for which the run answers as well.
 */
export function sourceJson(input: RunInput): JsonObject {
  const { name, namespace, type } = input.source;
  if (input.alert === null) return { name, namespace, type, context: input.context, data: input.data ?? {} };
  const alert = alertJson(input.alert);
  const alerts = [alert, ...(input.group?.others ?? []).map(alertJson)];
  return { name, namespace, type, context: input.context, data: { ...alert, alert, alerts } };
}
