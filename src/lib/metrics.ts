import type { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { metricTable } from '../core/metrics.ts';
import type { Metrics } from '../core/metrics.ts';
import { eventLoopTurns } from './turns.ts';

export interface MetricsOptions {
  readonly version: string;
}

/** The {@link Metrics} port, and its exposition. */
export interface MetricsRegistry extends Metrics {
  /** Called before each exposition, to set gauges that are read and not counted. Where it fails, the last values stay. */
  beforeScrape(collect: () => Promise<void>): void;
  /** Prometheus text format. Figures of the process are collected from the first call on. */
  render(): Promise<{ readonly contentType: string; readonly body: string }>;
}

interface Registered<Metric> {
  readonly metric: Metric;
  /** Labels as they are counted: bounded in number, so that nobody can fill the memory with series. */
  bound(labels: Readonly<Record<string, string>>): Record<string, string>;
}

/** Label sets of one metric that are kept apart; of what comes later the name that users gave is `other`. */
const mostSeries = 1000;

/** Makes a registry of its own with all metrics of {@link metricTable}. */
export async function createMetrics(options: MetricsOptions): Promise<MetricsRegistry> {
  const client = await import('prom-client');
  const registry: Registry = new client.Registry();
  const counters = new Map<string, Registered<Counter>>();
  const gauges = new Map<string, Registered<Gauge>>();
  const histograms = new Map<string, Registered<Histogram>>();
  for (const [name, description] of Object.entries(metricTable)) {
    const { type, help, labels } = description;
    const configuration = { name, help, labelNames: [...labels], registers: [registry] };
    const bound = createBound('named' in description ? description.named : null);
    if (type === 'counter') counters.set(name, { metric: new client.Counter(configuration), bound });
    else if (type === 'gauge') gauges.set(name, { metric: new client.Gauge(configuration), bound });
    else {
      const metric = new client.Histogram({ ...configuration, buckets: [...description.buckets] });
      histograms.set(name, { metric, bound });
    }
  }
  const collectors: (() => Promise<void>)[] = [];
  let hasDefaults = false;
  const metrics: MetricsRegistry = {
    increment(name, labels, by = 1) {
      const found = counters.get(name);
      found?.metric.inc(found.bound(labels), by);
    },
    observe(name, labels, value) {
      const found = histograms.get(name);
      found?.metric.observe(found.bound(labels), value);
    },
    set(name, labels, value) {
      const found = gauges.get(name);
      found?.metric.set(found.bound(labels), value);
    },
    beforeScrape: (collect) => void collectors.push(collect),
    async render() {
      if (!hasDefaults) client.collectDefaultMetrics({ register: registry });
      hasDefaults = true;
      await Promise.allSettled(collectors.map((collect) => collect()));
      return { contentType: registry.contentType, body: await expose(registry) };
    },
  };
  metrics.set('fist_build_info', { version: options.version, node: process.versions.node }, 1);
  return metrics;
}

/** What `registry.metrics()` gives, metric by metric: with all series that are kept apart it takes a tenth of a second. */
async function expose(registry: Registry): Promise<string> {
  const parts: string[] = [];
  for (const { name } of registry.getMetricsAsArray()) {
    if (eventLoopTurns.isOver()) await eventLoopTurns.next();
    parts.push(await registry.getSingleMetricAsString(name));
  }
  return `${parts.join('\n\n')}\n`;
}

/** A metric without such a label has a series for each reason, type and route, which are few. */
function createBound(named: string | null): Registered<unknown>['bound'] {
  if (named === null) return (labels) => labels;
  const seen = new Set<string>();
  return (labels) => {
    const key = Object.values(labels).join('\u0000');
    if (seen.has(key)) return labels;
    if (seen.size >= mostSeries) return { ...labels, [named]: 'other' };
    seen.add(key);
    return labels;
  };
}
