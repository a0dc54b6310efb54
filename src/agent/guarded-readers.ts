import { AppError, toAppError } from '../core/errors.ts';
import type { Gap } from '../core/finding.ts';
import type { LogReader, MetricsReader } from '../core/readers.ts';
import type { AlertSnapshot } from '../core/run.ts';
import type { Timestamp } from '../core/time.ts';
import { readAlertSeries } from '../investigation/metrics/alert-series.ts';
import type { AlertSeries } from '../investigation/metrics/alert-series.ts';
import { metricsResource } from '../investigation/metrics/gaps.ts';
import { oneLine } from '../lib/printable.ts';
import { redact } from '../lib/redact.ts';
import type { Refusal } from './policy.ts';
import { bindPromql, logqlRefusal } from './queries/bind.ts';
import type { BoundQuery, NamespaceScope } from './queries/bind.ts';

/** Metrics of the namespaces that may be read: each expression is bound to them, whoever asks it. */
export interface BoundMetrics extends MetricsReader {
  /** An expression as it is asked. Throws Forbidden, with the policy's reason. */
  bound(expression: string): BoundQuery;
  /** What the alert's own expression says. The report has it without any model, so no more is kept from one. */
  ofAlert(alert: AlertSnapshot, now: Timestamp, signal: AbortSignal): Promise<AlertSeries | null>;
}

/** Logs of the namespaces that may be read. */
export type BoundLogs = LogReader;

/** Where it is noted what could not be asked. */
type NoteGap = (gap: Gap) => void;

/** Metrics as a model may use them. */
export function guardMetrics(metrics: MetricsReader, scope: NamespaceScope, note: NoteGap): BoundMetrics {
  const bound = (expression: string): BoundQuery => allowed(bindPromql(expression, scope));
  const what = `the metrics of ${metrics.description}`;
  const noted = notedBy(what, metricsResource, 'spec.prometheus of the Workflow, or --prometheus', note);
  if (metrics.refusal !== undefined) noted.of(metrics.refusal);
  return {
    ...metrics,
    bound,
    query: (expression, at, signal) => noted.all(async () => metrics.query(bound(expression).expression, at, signal)),
    queryRange: (range, signal) =>
      noted.all(async () => metrics.queryRange({ ...range, expression: bound(range.expression).expression }, signal)),
    series: (selector, from, to, signal) =>
      noted.all(async () => metrics.series(bound(selector).expression, from, to, signal)),
    ofAlert: (alert, now, signal) => noted.all(() => readAlertSeries(metrics, alert, now, signal)),
  };
}

/** Logs as a model may use them. */
export function guardLogs(logs: LogReader, scope: NamespaceScope, note: NoteGap): BoundLogs {
  const what = `the logs of ${logs.description}`;
  const noted = notedBy(what, 'logs', 'spec.loki of the Workflow, or --loki', note);
  if (logs.refusal !== undefined) noted.of(logs.refusal);
  return {
    ...logs,
    query: (range, signal) =>
      noted.all(async () => {
        const refusal = logqlRefusal(range.expression, scope);
        if (refusal !== null) allowed(refusal);
        return logs.query(range, signal);
      }),
  };
}

function allowed(bound: BoundQuery | Refusal): BoundQuery {
  if ('reason' in bound) throw new AppError('Forbidden', bound.message, { reason: bound.reason });
  return bound;
}

/** Codes that say that a server does not answer this program, whatever is asked. */
const unanswered: ReadonlySet<string> = new Set(['SecretMissing', 'Unauthenticated', 'Unreachable', 'Forbidden']);

function notedBy(what: string, resource: string, setting: string, note: NoteGap) {
  const of = ({ code, message, next, reason }: AppError): void => {
    // Not what the policy refused, and not one expression that is wrong or takes too long.
    if (!unanswered.has(code) || (code === 'Forbidden' && reason !== undefined)) return;
    const remedy = oneLine(redact(next ?? `look at ${setting}`), 400);
    note({ what, kind: 'unavailable', reason: oneLine(redact(message), 400), remedy, resource, namespace: null });
  };
  return {
    of,
    async all<T>(work: () => Promise<T>): Promise<T> {
      try {
        return await work();
      } catch (thrown) {
        of(toAppError(thrown));
        throw thrown;
      }
    },
  };
}
