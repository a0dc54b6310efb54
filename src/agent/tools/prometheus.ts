import { shellWord } from '../../lib/shell-word.ts';
import type { Labels } from '../../core/alert.ts';
import { AppError } from '../../core/errors.ts';
import type { MetricsReader } from '../../core/readers.ts';
import type { BoundMetrics } from '../guarded-readers.ts';
import type { BoundQuery } from '../queries/bind.ts';
import { addMs } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';
import type { ToolAnswer, ToolWorld } from './define.ts';

// What both Prometheus tools share.

const noMetrics = 'no Prometheus is configured';

/** Why no tool of metrics can be offered; null = they can. */
export function withoutMetrics({ metrics }: Pick<ToolWorld, 'metrics'>): string | null {
  return metrics === null ? noMetrics : (metrics.refusal?.message ?? null);
}

/** The metrics of a tool that is offered. */
export function metricsOf({ metrics }: Pick<ToolWorld, 'metrics'>): BoundMetrics {
  if (metrics === null) throw new AppError('InvalidInput', noMetrics);
  return metrics;
}

/** What is said of an expression that was asked for fewer namespaces than it names. */
export function notesOfBound({ isNarrowed }: Pick<BoundQuery, 'isNarrowed'>): readonly string[] {
  return isNarrowed
    ? ['[only series of the namespaces that may be read here were asked for, as the command says]']
    : [];
}

export const howToNarrow = 'use topk(10, ...), sum by (...) or a narrower selector';

export function instantCommand({ url }: MetricsReader, expression: string, at: Timestamp): string {
  return `promtool query instant --time=${at} ${shellWord(url)} ${shellWord(expression)}`;
}

/** The answer where a server's answer is too large; other errors are thrown on. */
export function tooLarge(thrown: unknown, command: string): ToolAnswer {
  if (!(thrown instanceof AppError) || thrown.reason !== 'TooLarge') throw thrown;
  return { status: 'error', reason: 'TooLarge', text: `${thrown.message}; ${howToNarrow}`, command, evidence: null };
}

/** Metric names of an expression that are looked up where it gives nothing. */
const mostNames = 2;
const lookBackMs = 3_600_000;

/** What there is of the metrics that an expression names: nothing at all, or series with other labels. */
export async function whatThereIs(
  metrics: MetricsReader,
  expression: string,
  at: Timestamp,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const names = namesIn(expression).slice(0, mostNames);
  return Promise.all(
    names.map(async (name) => {
      const found = await metrics.series(name, addMs(at, -lookBackMs), at, signal).catch(() => null);
      if (found === null) return `what there is of ${name} could not be asked`;
      if (found.length === 0) return `there was no series of ${name} in the hour before`;
      return `${name} has series, with labels ${labelNames(found)}; none fits what was asked`;
    }),
  );
}

/** Names before a brace or a bracket, or the whole expression. */
function namesIn(expression: string): readonly string[] {
  if (/^[A-Za-z_:][\w:]*$/.test(expression.trim())) return [expression.trim()];
  const named = [...expression.matchAll(/([A-Za-z_:][\w:]*)\s*[{[]/g)].map(([, name = '']) => name);
  return [...new Set(named)].filter((name) => !/^(?:by|without|on|ignoring|offset)$/.test(name));
}

/** `namespace (shop, web), pod (12 values)`. */
function labelNames(found: readonly Labels[]): string {
  const values = new Map<string, Set<string>>();
  for (const labels of found)
    for (const [name, value] of Object.entries(labels))
      if (name !== '__name__') values.set(name, (values.get(name) ?? new Set()).add(value));
  const texts = [...values].map(
    ([name, all]) => `${name} (${all.size <= 4 ? [...all].join(', ') : `${all.size} values`})`,
  );
  return texts.join(', ') || 'none';
}
