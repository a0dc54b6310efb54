import type { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Metrics } from '../core/ports.ts';

interface MetricDescription {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds of a histogram, in its unit. */
  readonly buckets?: readonly number[];
}

const requestSeconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const workSeconds = [0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600];

/** Every metric of the program. Base units; labels hold names of resources, types and reasons, never text of alerts. */
export const metricTable = [
  // intake
  counter('fist_alerts_received_total', 'Alerts of accepted notifications, by what became of them.', [
    'source',
    'result',
  ]),
  counter('fist_alerts_deduplicated_total', 'Alerts that were open already: counted, no new run.', ['source']),
  counter('fist_alerts_truncated_total', 'Alerts that a sender left out of its notifications (max_alerts).', [
    'source',
  ]),
  counter('fist_webhook_refused_total', 'Webhook requests that were not taken, by reason.', ['source', 'reason']),
  counter('fist_dead_letters_total', 'Input that could not be used and was kept.', ['source', 'reason']),
  counter('fist_runs_muted_total', 'Runs that a policy did not let start, by policy.', ['source', 'reason']),
  // runs
  counter('fist_runs_total', 'Runs that reached a phase.', ['workflow', 'phase']),
  histogram(
    'fist_run_duration_seconds',
    'From the start of a run to its end, waits included.',
    ['workflow', 'phase'],
    workSeconds,
  ),
  histogram('fist_step_duration_seconds', 'One attempt of a step.', ['type', 'result'], workSeconds),
  counter(
    'fist_runs_stuck_total',
    'Runs that the auditor found stuck. Overdue: the backlog is longer than a minute; ClockPutBack: a clock was put back; any other reason is a defect.',
    ['reason'],
  ),
  counter('fist_stale_writes_total', 'Results that were not written because another worker had taken the run over.', [
    'kind',
  ]),
  // deliveries
  counter('fist_sink_deliveries_total', 'Delivery attempts, by what came of them.', ['sink', 'result']),
  counter(
    'fist_deliveries_stuck_total',
    'Deliveries that the auditor had to wake. Stays 0 while no clock is put back.',
    ['reason'],
  ),
  histogram('fist_sink_delivery_duration_seconds', 'One attempt to deliver.', ['type'], requestSeconds),
  // server and store
  gauge('fist_queue_depth', 'Rows that wait for a worker, counted up to 10,000.', ['queue']),
  gauge('fist_build_info', 'Always 1; the labels say what runs.', ['version', 'node']),
  counter('fist_http_requests_total', 'HTTP requests, by route template.', ['method', 'route', 'status']),
  histogram(
    'fist_http_request_duration_seconds',
    'From the end of the request headers to the end of the answer.',
    ['route'],
    requestSeconds,
  ),
  counter('fist_http_connections_refused_total', 'Connections beyond the most that are held at a time.', []),
  counter('fist_http_malformed_total', 'Connections that sent no valid HTTP request in time.', ['reason']),
  histogram('fist_store_commit_duration_seconds', 'One COMMIT with all callers that share it.', [], requestSeconds),
  histogram('fist_store_commit_callers', 'Callers that shared a commit.', [], [1, 2, 4, 8, 16, 32, 64, 128, 256]),
  counter('fist_retention_deleted_total', 'Rows that were deleted because of their age or number.', ['table']),
  counter('fist_store_conflicts_total', 'Transactions that were done again because another one was in the way.', [
    'transaction',
  ]),
  counter('fist_ticks_total', 'Work of a minute that this process did for all replicas.', ['name']),
  gauge('fist_resources', 'Sources, Workflows and Sinks of the catalog.', ['kind', 'ready']),
] as const satisfies readonly MetricDescription[];

function counter(name: string, help: string, labels: readonly string[]): MetricDescription {
  return { name, type: 'counter', help, labels };
}

function gauge(name: string, help: string, labels: readonly string[]): MetricDescription {
  return { name, type: 'gauge', help, labels };
}

function histogram(
  name: string,
  help: string,
  labels: readonly string[],
  buckets: readonly number[],
): MetricDescription {
  return { name, type: 'histogram', help, labels, buckets };
}

export interface MetricsOptions {
  readonly version: string;
  /** Told once about each name or label that the table does not hold; the value is dropped. */
  readonly onDefect?: (message: string) => void;
}

/** The {@link Metrics} port, and its exposition. */
export interface MetricsRegistry extends Metrics {
  /** Called before each exposition, to set gauges that are read and not counted. Where it fails, the last values stay. */
  beforeScrape(collect: () => Promise<void>): void;
  /** Prometheus text format. Figures of the process are collected from the first call on. */
  render(): Promise<{ readonly contentType: string; readonly body: string }>;
}

interface Registered {
  readonly labels: readonly string[];
  readonly seen: Set<string>;
  readonly metric: Counter | Gauge | Histogram;
}

/** Label sets of one metric that are kept apart; what comes later is counted under `other`. */
const mostSeries = 1000;

/** Makes a registry of its own with all metrics of {@link metricTable}. */
export async function createMetrics(options: MetricsOptions): Promise<MetricsRegistry> {
  const client = await import('prom-client');
  const registry: Registry = new client.Registry();
  const registered = new Map<string, Registered>();
  for (const { name, type, help, labels, buckets } of metricTable as readonly MetricDescription[]) {
    const configuration = { name, help, labelNames: [...labels], registers: [registry] };
    const metric =
      type === 'counter'
        ? new client.Counter(configuration)
        : type === 'gauge'
          ? new client.Gauge(configuration)
          : new client.Histogram({ ...configuration, buckets: [...(buckets ?? [])] });
    registered.set(name, { labels, seen: new Set(), metric });
  }
  const find = finder(registered, options.onDefect);
  const collectors: (() => Promise<void>)[] = [];
  let hasDefaults = false;
  const metrics: MetricsRegistry = {
    increment(name, labels = {}, by = 1) {
      const found = find(name, labels);
      if (found !== undefined) (found.metric as Counter).inc(found.labels, by);
    },
    observe(name, labels, value) {
      const found = find(name, labels);
      if (found !== undefined) (found.metric as Histogram).observe(found.labels, value);
    },
    set(name, labels, value) {
      const found = find(name, labels);
      if (found !== undefined) (found.metric as Gauge).set(found.labels, value);
    },
    beforeScrape: (collect) => void collectors.push(collect),
    async render() {
      if (!hasDefaults) client.collectDefaultMetrics({ register: registry });
      hasDefaults = true;
      await Promise.allSettled(collectors.map((collect) => collect()));
      return { contentType: registry.contentType, body: await registry.metrics() };
    },
  };
  metrics.set('fist_build_info', { version: options.version, node: process.versions.node }, 1);
  return metrics;
}

/** Finds a metric and bounds the number of its label sets, so that nobody can fill the memory with series. */
function finder(registered: ReadonlyMap<string, Registered>, onDefect: (message: string) => void = () => undefined) {
  const told = new Set<string>();
  function tell(message: string): void {
    if (told.has(message) || told.size > mostSeries) return;
    told.add(message);
    onDefect(message);
  }
  return (name: string, labels: Readonly<Record<string, string>>) => {
    const found = registered.get(name);
    if (found === undefined) {
      tell(`there is no metric ${name}`);
      return undefined;
    }
    const known: Record<string, string> = {};
    let key = '';
    for (const label of found.labels) {
      const value = labels[label] ?? '';
      known[label] = value;
      key += `${value}\u0000`;
    }
    for (const label of Object.keys(labels)) {
      if (!Object.hasOwn(known, label)) tell(`metric ${name} has no label ${label}`);
    }
    if (!found.seen.has(key)) {
      if (found.seen.size < mostSeries) found.seen.add(key);
      else for (const label of found.labels) known[label] = 'other';
    }
    return { metric: found.metric, labels: known };
  };
}
