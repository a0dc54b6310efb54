import { toAppError } from '../../core/errors.ts';
import type { AppError } from '../../core/errors.ts';
import type { ActionTaken, Gap } from '../../core/finding.ts';
import type { MetricAnswer, MetricRange, MetricSeries, MetricsReader } from '../../core/readers.ts';
import type { AlertSnapshot } from '../../core/run.ts';
import { objectName } from '../../analyzers/define.ts';
import { toEpochMs, toTimestamp } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';
import { oneLine } from '../../lib/printable.ts';
import { redact } from '../../lib/redact.ts';
import { lookBackMs, readAlertSeries, readPresent, stepOf, usageWindowOf } from './alert-series.ts';
import type { AlertSeries } from './alert-series.ts';
import { failureGap, missingGap, staleGap } from './gaps.ts';
import type { Limit, Measured, Measurements } from './measured.ts';
import { claimsInQuestion, containersInQuestion, isRunning, limitOf, podOf, specLimit } from './subjects.ts';
import type { ClaimInQuestion, ContainerInQuestion, MeasureQuestion } from './subjects.ts';
import { summarize } from './summary.ts';
import { objectOfSeries, rangeCommand } from './text.ts';
import { claimFill, containerLimit, containerThrottling, containerUsage } from './usage.ts';

/** What one investigation asks. */
interface Asking {
  readonly metrics: MetricsReader;
  readonly question: MeasureQuestion;
  /** The clock of the evidence. */
  readonly now: Timestamp;
  readonly window: { readonly from: Timestamp; readonly to: Timestamp };
  readonly signal: AbortSignal;
  readonly gap: (gap: Gap) => void;
}

/**
 * Asks the alert's own expression again, and what the containers and claims in question used, round the time when it began. What
 * cannot be had is a gap, never an error; the signal's reason is thrown.
 */
export async function measure(
  metrics: MetricsReader,
  question: MeasureQuestion,
  now: Timestamp,
  signal: AbortSignal,
): Promise<Measurements> {
  const actions: ActionTaken[] = [];
  const gaps: Gap[] = [];
  const failures: AppError[] = [];
  const asking: Asking = {
    metrics: recordingReader(metrics, now, actions),
    question,
    now,
    window: usageWindowOf(question.alert?.startsAt ?? question.findings[0]?.draft.when.from ?? null, now),
    signal,
    gap: (gap) => void gaps.push(gap),
  };
  const tried = async (work: () => Promise<Measured | null>): Promise<Measured | null> => {
    try {
      return await work();
    } catch (thrown) {
      signal.throwIfAborted();
      failures.push(toAppError(thrown));
      return null;
    }
  };
  const measured = await Promise.all([
    tried(() => ofAlert(asking, question.alert)),
    ...containersInQuestion(question).flatMap((container) => [
      tried(() => ofContainer(asking, 'memory', container)),
      tried(() => ofContainer(asking, 'cpu', container)),
      tried(() => throttlingOf(asking, container)),
    ]),
    ...claimsInQuestion(question).map((claim) => tried(() => ofClaim(asking, claim))),
  ]);
  const [failure] = failures;
  return {
    measured: measured.filter((one) => one !== null),
    actions,
    // Questions are asked at the same time, and answers come as they come.
    gaps: [
      ...(failure === undefined ? [] : [failureGap(metrics, failure)]),
      ...gaps.sort((one, other) => (one.what < other.what ? -1 : 1)),
    ],
  };
}

/** Notes what is asked for. */
function recordingReader(metrics: MetricsReader, at: Timestamp, actions: ActionTaken[]): MetricsReader {
  const noted = async (command: string, ask: () => Promise<MetricAnswer>): Promise<MetricAnswer> => {
    const action = { tool: 'prometheus', command: oneLine(redact(command), 1000), timestamp: at };
    const place = actions.push({ ...action, success: false, output_summary: 'no answer' }) - 1;
    try {
      const answer = await ask();
      actions[place] = { ...action, success: true, output_summary: `${answer.total} series` };
      return answer;
    } catch (thrown) {
      const said = oneLine(redact(toAppError(thrown).message), 200);
      actions[place] = { ...action, success: false, output_summary: said };
      throw thrown;
    }
  };
  return {
    ...metrics,
    query: (expression, moment, signal) =>
      noted(rangeCommand(metrics, { expression, from: moment, to: moment, stepMs: 1000 }), () =>
        metrics.query(expression, moment, signal),
      ),
    queryRange: (range, signal) => noted(rangeCommand(metrics, range), () => metrics.queryRange(range, signal)),
  };
}

/** What the alert measures, in a gap. */
const ownMetric = "the alert's own metric";

async function ofAlert(asking: Asking, alert: AlertSnapshot | null): Promise<Measured | null> {
  const { metrics, now, signal } = asking;
  const found = alert === null ? null : await readAlertSeries(metrics, alert, now, signal);
  if (found === null) return null;
  const title = 'what the alert measures';
  const series = mostMoved(found.series);
  const about = {
    title,
    label: title,
    object: series === null ? null : objectOfSeries([series]),
    container: null,
    target: null,
  };
  if (series === null) {
    const why = found.total === 0 ? 'no series' : `${found.total} series, none of which has the labels of the alert`;
    asking.gap(missingGap(metrics, 'rule', ownMetric, found.range, why));
    return null;
  }
  const kept = keep(asking, { ...about, kind: 'alert', range: found.range, total: found.series.length }, series, {
    comparison: found.comparison,
    source: 'rule',
  });
  return kept === null ? null : { ...kept, now: await present(asking, found, series) };
}

/** What the alert measures at the moment of the evidence; null where that cannot be told. */
async function present({ metrics, now, signal }: Asking, found: AlertSeries, series: MetricSeries) {
  if (found.series.length !== 1) return null;
  return readPresent(metrics, found, series, now, signal).catch(() => {
    signal.throwIfAborted();
    return null;
  });
}

async function ofContainer(
  asking: Asking,
  resource: 'memory' | 'cpu',
  container: ContainerInQuestion,
): Promise<Measured | null> {
  const words = resource === 'memory' ? 'memory' : 'processor time';
  const range = rangeIn(asking, containerUsage(resource, scopeOf(container)));
  const [{ series }, limit] = await Promise.all([
    asking.metrics.queryRange(range, asking.signal),
    limitFor(asking, resource, container),
  ]);
  const about = containerAbout(`${words} of`, container);
  return first(asking, { ...about, kind: resource, range, total: series.length }, series, {
    limit,
    source: 'cadvisor',
    goesOn: isRunning(container),
  });
}

/** The limit by the spec of the pod; where that cannot be read, by kube-state-metrics. */
async function limitFor(
  asking: Asking,
  resource: 'memory' | 'cpu',
  container: ContainerInQuestion,
): Promise<Limit | null> {
  if (container.target !== null) return specLimit(container, resource);
  const range = rangeIn(asking, containerLimit(resource, scopeOf(container)));
  const { series } = await asking.metrics.queryRange(range, asking.signal);
  const value = series[0]?.points.findLast(([, one]) => Number.isFinite(one))?.[1] ?? null;
  if (value === null) {
    const { title } = containerAbout(`the ${resource} limit of`, container);
    asking.gap(missingGap(asking.metrics, 'kube-state-metrics', title, range, 'no series'));
  }
  return limitOf(value, resource);
}

async function throttlingOf(asking: Asking, container: ContainerInQuestion): Promise<Measured | null> {
  // Without a CPU limit there are no periods to be held back in.
  if (container.target !== null && specLimit(container, 'cpu') === null) return null;
  const range = rangeIn(asking, containerThrottling(scopeOf(container)));
  const { series } = await asking.metrics.queryRange(range, asking.signal);
  if (series.length === 0 && container.target === null) return null;
  const about = containerAbout('CPU throttling of', container);
  return first(asking, { ...about, kind: 'throttling', range, total: series.length }, series, {
    limit: specLimit(container, 'cpu'),
    source: 'cadvisor',
    goesOn: isRunning(container),
  });
}

async function ofClaim(asking: Asking, { namespace, name, target, what }: ClaimInQuestion): Promise<Measured | null> {
  const range = rangeIn(asking, claimFill(what, namespace, name));
  const { series } = await asking.metrics.queryRange(range, asking.signal);
  const object = objectName('persistentvolumeclaim', namespace, name);
  const title = what === 'bytes' ? `the used part of ${object}` : `the used part of the inodes of ${object}`;
  const label = what === 'bytes' ? `the used part of claim ${name}` : `the used part of the inodes of claim ${name}`;
  const about = { title, label, object, target, container: null, kind: 'volume', range, total: series.length } as const;
  return first(asking, about, series, { source: 'kubelet' });
}

type About = Pick<Measured, 'title' | 'label' | 'object' | 'target' | 'container' | 'kind' | 'range' | 'total'>;

interface Further {
  readonly comparison?: Measured['comparison'];
  readonly limit?: Limit | null;
  /** Where it would come from. */
  readonly source: Parameters<typeof missingGap>[1];
  /** Whether it should have values to the end. */
  readonly goesOn?: boolean;
}

function first(asking: Asking, about: About, all: readonly MetricSeries[], further: Further): Measured | null {
  const [series] = all;
  if (series !== undefined) return keep(asking, about, series, further);
  asking.gap(missingGap(asking.metrics, further.source, about.title, about.range, 'no series'));
  return null;
}

/** A series that has numbers, with a gap where it ends before it should. */
function keep(asking: Asking, about: About, series: MetricSeries, further: Further): Measured | null {
  const { comparison = null, limit = null, source, goesOn = true } = further;
  const summary = summarize(series.points, comparison);
  const last = series.points.findLast(([, value]) => Number.isFinite(value))?.[0];
  if (summary === null || last === undefined) {
    asking.gap(missingGap(asking.metrics, source, about.title, about.range, 'no number'));
    return null;
  }
  const began = asking.question.alert?.startsAt ?? asking.now;
  if (goesOn && last < Math.min(toEpochMs(began), toEpochMs(about.range.to)) - lookBackMs)
    asking.gap(staleGap(asking.metrics, source, about.title, toTimestamp(last)));
  const command = oneLine(redact(rangeCommand(asking.metrics, about.range)), 1000);
  return { ...about, series, summary, comparison, limit, command, now: null };
}

function rangeIn({ window: { from, to } }: Asking, expression: string): MetricRange {
  return { expression, from, to, stepMs: stepOf(from, to) };
}

function scopeOf({ namespace, pod, name }: ContainerInQuestion) {
  return { namespace, pod, container: name };
}

function containerAbout(
  words: string,
  container: ContainerInQuestion,
): Pick<Measured, 'title' | 'label' | 'object' | 'target' | 'container'> {
  const object = podOf(container);
  const { target, name, pod } = container;
  const title = `${words} container ${name} of ${object}`;
  return { title, label: `${words} ${pod}/${name}`, object, target, container: name };
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
