import type { NamespaceData } from '../../core/namespace-data.ts';
import type { LogReader, MetricsReader } from '../../core/readers.ts';
import { addMs } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';
import { namespaceLabels } from '../queries/selector.ts';
import type { DataObserver, Observed } from './observe.ts';

/** Who can be asked for anything at all. */
interface Askable {
  readonly metrics: MetricsReader | null;
  readonly logs: LogReader | null;
}

/** Namespaces of which one step finds out whether there is anything. */
const mostAsked = 5;
/** Prometheus keeps what it no longer scrapes for five minutes, and logs of a quiet program are hours apart. */
const metricsBackMs = 3_600_000;
const logsBackMs = 24 * 3_600_000;
/** A row that says the same is not written again so soon. */
const writeAgainMs = 3_600_000;

/** All labels that selectors are understood by, but for those that a selector takes in quotes only, or not at all. */
const labels: readonly string[] = [...namespaceLabels].filter((label) => !label.includes('.'));

/**
 * What a step has learned, as rows to keep. That one question found nothing proves nothing: a namespace of which nothing was found is
 * asked for anything at all, and only an answer to that counts; an error never does. What is known already, and is not old, is neither
 * asked nor given again.
 */
export async function learnedData(
  observer: Pick<DataObserver, 'found' | 'missed'>,
  readers: Askable,
  known: readonly NamespaceData[],
  now: Timestamp,
  signal: AbortSignal,
): Promise<readonly NamespaceData[]> {
  const knownOf = (one: Observed): NamespaceData | undefined =>
    known.find(
      ({ kind, server, namespace }) => kind === one.kind && server === one.server && namespace === one.namespace,
    );
  const found = observer
    .found()
    .filter((one) => {
      const row = knownOf(one);
      return row?.found !== true || Date.parse(now) - Date.parse(row.at) > writeAgainMs;
    })
    .map((one) => ({ ...one, found: true, at: now }));
  const asked = observer.missed().filter((one) => knownOf(one) === undefined);
  const answers = await Promise.all(
    asked.slice(0, mostAsked).map(async (one) => {
      const isThere = await hasAny(one, readers, now, signal).catch(() => null);
      return isThere === null ? [] : [{ ...one, found: isThere, at: now }];
    }),
  );
  return [...found, ...answers.flat()];
}

/** Whether a server has anything of a namespace; null = nobody can say. Rejects where it does not answer. */
async function hasAny(
  { kind, namespace }: Observed,
  { metrics, logs }: Askable,
  now: Timestamp,
  signal: AbortSignal,
): Promise<boolean | null> {
  if (kind === 'metrics' && metrics !== null) {
    for (const label of labels) {
      const series = await metrics.series(`{${label}="${namespace}"}`, addMs(now, -metricsBackMs), now, signal);
      if (series.length > 0) return true;
    }
    return false;
  }
  if (kind === 'logs' && logs !== null) {
    for (const label of labels) {
      const range = { expression: `{${label}="${namespace}"}`, from: addMs(now, -logsBackMs), to: now, limit: 1 };
      const answer = await logs.query(range, signal);
      if (('streams' in answer ? answer.streams : answer.series).length > 0) return true;
    }
    return false;
  }
  return null;
}
