import { muteReasons } from '../core/alert.ts';
import { foldCategory } from '../core/alert-fold.ts';
import type { IntakeAnswer } from '../core/event.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Log } from '../core/ports.ts';
import type { Arrival } from './facts.ts';
import type { Counts } from './take.ts';

// What is said of a notification once it is committed: to its sender, in metrics and in the log.

/** Reasons that speak of runs; all others are of items. */
const runReasons: ReadonlySet<string> = new Set(['RunCreated', 'WorkflowNotReady', ...muteReasons]);

function runsIn(counts: Counts): number {
  return (counts['RunCreated'] ?? 0) + (counts['WorkflowNotReady'] ?? 0);
}

/** Says that a sender's delivery id was another notification's: neither of runs nor of items. */
const reusedKey = 'DeliveryKeyReused';

/** The answer follows from the stored counts alone, so that it can be given again. */
export function answerOf(counts: Counts): IntakeAnswer {
  const answer = { received: 0, opened: 0, repeated: 0, resolved: 0, ignored: 0 };
  for (const [reason, times] of Object.entries(counts)) {
    if (runReasons.has(reason) || reason === reusedKey) continue;
    answer.received += times;
    answer[foldCategory(reason)] += times;
  }
  return { ...answer, runs: runsIn(counts) };
}

interface ReportTo {
  readonly metrics: Metrics;
  readonly log: Log;
}

/** Counts and logs a notification, or a part of one. */
export function report({ metrics, log }: ReportTo, arrival: Arrival, counts: Counts): void {
  const { source, notification, part } = arrival;
  for (const [reason, times] of Object.entries(counts)) {
    if (reason === reusedKey) metrics.increment('fist_delivery_keys_reused_total', { source: source.name }, times);
    else if (!runReasons.has(reason)) {
      metrics.increment('fist_alerts_received_total', { source: source.name, result: reason }, times);
      if (foldCategory(reason) === 'repeated')
        metrics.increment('fist_alerts_deduplicated_total', { source: source.name }, times);
    } else if (reason === 'RunCreated' || reason === 'WorkflowNotReady') {
      const phase = reason === 'RunCreated' ? 'pending' : 'failed';
      metrics.increment('fist_runs_total', { workflow: source.triggerWorkflow, phase }, times);
    } else {
      metrics.increment('fist_runs_muted_total', { source: source.name, reason }, times);
    }
  }
  const fields = { source: `${source.namespace}/${source.name}`, groupKey: notification.groupKey, ...counts };
  if (part?.isLast !== false) reportWhole({ metrics, log }, arrival, fields);
  if (counts['WorkflowNotReady'] !== undefined)
    log.warn({ ...fields, workflow: source.triggerWorkflow }, 'the Workflow is not ready');
  log.debug(fields, 'notification taken in');
}

/** What a notification has beside its alerts. */
function reportWhole({ metrics, log }: ReportTo, { source, notification }: Arrival, fields: object): void {
  const { bad, unread, truncatedAlerts, deliveryKey } = notification;
  const labels = { source: source.name };
  if (bad.length > 0) metrics.increment('fist_dead_letters_total', { ...labels, reason: 'BadItem' }, bad.length);
  if (unread !== null) {
    metrics.increment('fist_alert_fields_unread_total', labels, unread.fields);
    log.warn({ ...fields, unread }, 'an alert was taken in without a field that could not be read');
  }
  if (truncatedAlerts > 0) {
    metrics.increment('fist_alerts_truncated_total', labels, truncatedAlerts);
    log.warn({ ...fields, truncatedAlerts }, 'the sender left alerts out of its notification');
  }
  if (reusedKey in fields)
    log.warn(
      { ...fields, deliveryKey },
      'the sender gave the Idempotency-Key of another notification; it was taken in as a new one',
    );
}
