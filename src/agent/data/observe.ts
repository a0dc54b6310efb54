import type { Labels } from '../../core/alert.ts';
import type { DataKind } from '../../core/namespace-data.ts';
import type { LogReader, MetricsReader } from '../../core/readers.ts';
import { logqlSelectors } from '../queries/logql.ts';
import { promqlSelectors } from '../queries/promql.ts';
import { isNamespaceName, namedNamespaces, namespaceLabels } from '../queries/selector.ts';
import type { Selector } from '../queries/selector.ts';

/** What the answers of one step say of namespaces. */
export interface DataObserver {
  metrics(reader: MetricsReader): MetricsReader;
  logs(reader: LogReader): LogReader;
  /** Namespaces of which a server gave something. */
  found(): readonly Observed[];
  /** Namespaces of which it was asked for something and gave nothing. There may be other data of them. */
  missed(): readonly Observed[];
}

export interface Observed {
  readonly kind: DataKind;
  readonly server: string;
  readonly namespace: string;
}

/** Functions that answer where there is nothing. */
const ofNothing = /\b(?:absent|absent_over_time|vector)\s*\(/;

/** Listens to what is asked and answered, whoever asks. An error says nothing. */
export function createDataObserver(): DataObserver {
  const given = new Map<string, Observed>();
  const asked = new Map<string, Observed>();
  const note = (into: Map<string, Observed>, observed: Observed): void => {
    if (isNamespaceName(observed.namespace)) into.set(JSON.stringify(observed), observed);
  };

  function answered(kind: DataKind, server: string, expression: string, all: readonly Labels[], isAny: boolean): void {
    if (ofNothing.test(expression)) return;
    const named = namespacesIn(kind, expression);
    for (const namespace of named) note(asked, { kind, server, namespace });
    for (const labels of all)
      for (const label of namespaceLabels)
        if (labels[label] !== undefined) note(given, { kind, server, namespace: labels[label] });
    // A sum has no labels: where all of it is of one namespace, so is the answer.
    const [only] = named;
    if (isAny && named.length === 1 && only !== undefined) note(given, { kind, server, namespace: only });
  }

  return {
    metrics: (reader) => {
      const { url } = reader;
      return {
        ...reader,
        async query(expression, at, signal) {
          const answer = await reader.query(expression, at, signal);
          answered(
            'metrics',
            url,
            expression,
            answer.series.map(({ labels }) => labels),
            answer.series.length > 0,
          );
          return answer;
        },
        async queryRange(range, signal) {
          const answer = await reader.queryRange(range, signal);
          answered(
            'metrics',
            url,
            range.expression,
            answer.series.map(({ labels }) => labels),
            answer.series.length > 0,
          );
          return answer;
        },
        async series(selector, from, to, signal) {
          const found = await reader.series(selector, from, to, signal);
          answered('metrics', url, selector, found, found.length > 0);
          return found;
        },
      };
    },
    logs: (reader) => ({
      ...reader,
      async query(range, signal) {
        const answer = await reader.query(range, signal);
        const labels = ('streams' in answer ? answer.streams : answer.series).map((one) => one.labels);
        answered('logs', reader.url, range.expression, labels, labels.length > 0);
        return answer;
      },
    }),
    found: () => [...given.values()],
    missed: () => [...asked].flatMap(([key, one]) => (given.has(key) ? [] : [one])),
  };
}

/** What an expression names in full; nothing where it is not understood. */
function namespacesIn(kind: DataKind, expression: string): readonly string[] {
  const selectors: readonly Selector[] | { readonly problem: string } =
    kind === 'logs' ? logqlSelectors(expression) : promqlSelectors(expression);
  return 'problem' in selectors ? [] : [...new Set(selectors.flatMap((one) => namedNamespaces(one)))];
}
