import { containersOf } from '../../analyzers/pods/pod-status.ts';
import { quantityOf, quantityText } from '../../analyzers/reading/quantity.ts';
import type { Target } from '../../analyzers/define.ts';
import { objectName } from '../../analyzers/define.ts';
import { toAppError } from '../../core/errors.ts';
import type { AppError } from '../../core/errors.ts';
import type { ActionTaken, Gap } from '../../core/finding.ts';
import type { MetricRange, MetricSeries, MetricsReader } from '../../core/readers.ts';
import type { AlertSnapshot } from '../../core/run.ts';
import type { Timestamp } from '../../core/time.ts';
import { oneLine } from '../../lib/printable.ts';
import { redact } from '../../lib/redact.ts';
import type { RankedFinding } from '../findings.ts';
import { readAlertSeries, stepOf, windowOf } from './alert-series.ts';
import type { Comparison } from './expression.ts';
import { objectOfSeries, rangeCommand } from './text.ts';
import { containerUsage } from './usage.ts';

/** What an amount is measured against. */
export interface Limit {
  readonly value: number;
  /** `256Mi`. */
  readonly text: string;
}

/** One thing that was measured, before it is numbered and worded. */
export interface Measured {
  /** `what the alert measures`, `memory of container app of pod/shop/web-1`. */
  readonly title: string;
  /** What it is about; null where the series name nothing. */
  readonly object: string | null;
  readonly kind: 'alert' | 'memory' | 'cpu';
  readonly range: MetricRange;
  /** The one that moved most. */
  readonly series: MetricSeries;
  /** How many fit. */
  readonly total: number;
  readonly comparison: Comparison | null;
  readonly limit: Limit | null;
  readonly command: string;
}

/** What metrics say round an alert, and what was asked for it. */
export interface Measurements {
  readonly measured: readonly Measured[];
  readonly actions: readonly ActionTaken[];
  readonly gaps: readonly Gap[];
}

export const nothingMeasured: Measurements = { measured: [], actions: [], gaps: [] };

/** Containers whose memory and processor time are looked at. */
const mostContainers = 2;

export interface MeasureQuestion {
  readonly alert: AlertSnapshot | null;
  /** What the analyzers found, the most telling first. */
  readonly findings: readonly RankedFinding[];
  /** Objects that are linked to the alert. */
  readonly targets: readonly Target[];
  /** The clock of the evidence. */
  readonly now: Timestamp;
}

/**
 * Asks the alert's own expression again, and what the containers in question used, round the time when it began. What cannot be
 * had is a gap, never an error; the signal's reason is thrown.
 */
export async function measure(
  metrics: MetricsReader,
  question: MeasureQuestion,
  signal: AbortSignal,
): Promise<Measurements> {
  const { alert, now } = question;
  const actions: ActionTaken[] = [];
  const failures: AppError[] = [];
  const recorded = recordingReader(metrics, now, actions);
  const tried = async (work: () => Promise<Measured | null>): Promise<Measured | null> => {
    try {
      return await work();
    } catch (thrown) {
      signal.throwIfAborted();
      failures.push(toAppError(thrown));
      return null;
    }
  };
  const containers = containersInQuestion(question);
  const measured = await Promise.all([
    tried(() => ofAlert(recorded, alert, now, signal)),
    ...containers.flatMap((container) => [
      tried(() => ofContainer(recorded, 'memory', container, question, signal)),
      tried(() => ofContainer(recorded, 'cpu', container, question, signal)),
    ]),
  ]);
  const [failure] = failures;
  return {
    measured: measured.filter((one) => one !== null),
    actions,
    gaps: failure === undefined ? [] : [gapOf(metrics, failure)],
  };
}

/** Notes what is asked for. */
function recordingReader(metrics: MetricsReader, at: Timestamp, actions: ActionTaken[]): MetricsReader {
  return {
    ...metrics,
    async queryRange(range, signal) {
      const action = { tool: 'prometheus', command: shownCommand(metrics, range), timestamp: at };
      const place = actions.push({ ...action, success: false, output_summary: 'no answer' }) - 1;
      try {
        const answer = await metrics.queryRange(range, signal);
        actions[place] = { ...action, success: true, output_summary: `${answer.total} series` };
        return answer;
      } catch (thrown) {
        actions[place] = {
          ...action,
          success: false,
          output_summary: oneLine(redact(toAppError(thrown).message), 200),
        };
        throw thrown;
      }
    },
  };
}

function shownCommand(metrics: MetricsReader, range: MetricRange): string {
  return oneLine(redact(rangeCommand(metrics, range)), 1000);
}

function gapOf({ description }: MetricsReader, { message, next }: AppError): Gap {
  return {
    what: `the metrics of ${description}`,
    kind: 'unavailable',
    reason: oneLine(redact(message)),
    remedy: oneLine(
      redact(next ?? 'let this program reach Prometheus: --prometheus URL, or spec.prometheus of the Workflow'),
    ),
    resource: metricsResource,
    namespace: null,
  };
}

/** What a gap of metrics names in place of a resource of the cluster. */
export const metricsResource = 'metrics';

async function ofAlert(
  metrics: MetricsReader,
  alert: AlertSnapshot | null,
  now: Timestamp,
  signal: AbortSignal,
): Promise<Measured | null> {
  const found = alert === null ? null : await readAlertSeries(metrics, alert, now, signal);
  const series = found === null ? null : mostMoved(found.series);
  if (found === null || series === null) return null;
  return {
    title: 'what the alert measures',
    object: objectOfSeries([series]),
    kind: 'alert',
    range: found.range,
    series,
    total: found.series.length,
    comparison: found.comparison,
    limit: null,
    command: shownCommand(metrics, found.range),
  };
}

/** A container whose use is looked at. */
interface ContainerInQuestion {
  readonly target: Target;
  readonly name: string;
}

/** Of the findings about pods those containers, else the alert's own pod with its first container. */
function containersInQuestion({ findings, targets }: MeasureQuestion): readonly ContainerInQuestion[] {
  const found = findings.flatMap(({ draft, target }): readonly ContainerInQuestion[] => {
    const name = draft.facts['container'];
    return target.kind === 'pod' && name !== undefined ? [{ target, name }] : [];
  });
  const named = targets
    .filter(({ kind, relation }) => kind === 'pod' && relation === 'alert')
    .flatMap((target) => {
      const [first] = containersOf(target.object).filter(({ init }) => !init);
      return first === undefined ? [] : [{ target, name: first.name }];
    });
  const all = found.length > 0 ? found : named;
  const keyOf = ({ target, name }: ContainerInQuestion): string => `${target.namespace}/${target.name}/${name}`;
  return all
    .filter((one, index) => all.findIndex((other) => keyOf(other) === keyOf(one)) === index)
    .slice(0, mostContainers);
}

async function ofContainer(
  metrics: MetricsReader,
  resource: 'memory' | 'cpu',
  { target, name }: ContainerInQuestion,
  { alert, findings, now }: MeasureQuestion,
  signal: AbortSignal,
): Promise<Measured | null> {
  const began = alert?.startsAt ?? findings[0]?.draft.when.from ?? null;
  const { from, to } = windowOf(began, now);
  const scope = { namespace: target.namespace, pod: target.name, container: name };
  const range: MetricRange = { expression: containerUsage(resource, scope), from, to, stepMs: stepOf(from, to) };
  const { series } = await metrics.queryRange(range, signal);
  const [one] = series;
  if (one === undefined) return null;
  const object = objectName('pod', target.namespace, target.name);
  return {
    title: `${resource === 'memory' ? 'memory' : 'processor time'} of container ${name} of ${object}`,
    object,
    kind: resource,
    range,
    series: one,
    total: series.length,
    comparison: null,
    limit: limitOf(target, name, resource),
    command: shownCommand(metrics, range),
  };
}

function limitOf(target: Target, name: string, resource: 'memory' | 'cpu'): Limit | null {
  const container = containersOf(target.object).find((one) => one.name === name);
  const value = quantityOf(container?.limits[resource] ?? '');
  return value === null || value === 0 ? null : { value, text: quantityText(resource, value) };
}

function mostMoved(series: readonly MetricSeries[]): MetricSeries | null {
  const moved = ({ points }: MetricSeries): number => {
    const values = points.map(([, value]) => value).filter(Number.isFinite);
    return values.length === 0 ? -1 : Math.max(...values) - Math.min(...values);
  };
  return series.reduce<MetricSeries | null>(
    (most, one) => (most === null || moved(one) > moved(most) ? one : most),
    null,
  );
}
