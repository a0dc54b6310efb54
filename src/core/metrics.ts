// What this program counts and measures: names, labels and units, for the registry and for the reference.

interface MetricDescription {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  /** The label whose values are names that users give, so that nobody knows how many there will be. */
  readonly named?: string;
  /** Upper bounds of a histogram, in its unit. */
  readonly buckets?: readonly number[];
}

const requestSeconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;
const workSeconds = [0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600] as const;

/** Every metric of the program. Base units; labels hold names of resources, types and reasons, never text of alerts. */
export const metricTable = {
  // intake
  fist_alerts_received_total: {
    type: 'counter',
    help: 'Alerts of accepted notifications, by what became of them.',
    labels: ['source', 'result'],
    named: 'source',
  },
  fist_alerts_deduplicated_total: {
    type: 'counter',
    help: 'Alerts that were open already: counted, no new run.',
    labels: ['source'],
    named: 'source',
  },
  fist_alerts_truncated_total: {
    type: 'counter',
    help: 'Alerts that a sender left out of its notifications (max_alerts).',
    labels: ['source'],
    named: 'source',
  },
  fist_alert_fields_unread_total: {
    type: 'counter',
    help: 'Fields that an alert was taken in without, because they could not be read.',
    labels: ['source'],
    named: 'source',
  },
  fist_delivery_keys_reused_total: {
    type: 'counter',
    help: 'Notifications with the Idempotency-Key of another one: taken in as new ones.',
    labels: ['source'],
    named: 'source',
  },
  fist_webhook_refused_total: {
    type: 'counter',
    help: 'Webhook requests that were not taken, by reason.',
    labels: ['source', 'reason'],
    named: 'source',
  },
  fist_dead_letters_total: {
    type: 'counter',
    help: 'Input that could not be used and was kept.',
    labels: ['source', 'reason'],
    named: 'source',
  },
  fist_runs_muted_total: {
    type: 'counter',
    help: 'Runs that a policy did not let start, by policy.',
    labels: ['source', 'reason'],
    named: 'source',
  },
  fist_source_failures_total: {
    type: 'counter',
    help: 'Times that a Source that runs by itself (a schedule, a watch) had to begin again, by reason.',
    labels: ['source', 'reason'],
    named: 'source',
  },
  fist_ticks_missed_total: {
    type: 'counter',
    help: 'Ticks of schedules that started no run, because the server was away when they were due.',
    labels: ['source'],
    named: 'source',
  },
  fist_chat_messages_total: {
    type: 'counter',
    help: 'Messages of chats, by what became of them: run, answer, or why nothing did.',
    labels: ['source', 'outcome'],
    named: 'source',
  },
  // runs
  fist_runs_total: {
    type: 'counter',
    help: 'Runs that reached a phase.',
    labels: ['workflow', 'phase'],
    named: 'workflow',
  },
  fist_run_duration_seconds: {
    type: 'histogram',
    help: 'From the start of a run to its end, waits included.',
    labels: ['workflow', 'phase'],
    named: 'workflow',
    buckets: workSeconds,
  },
  fist_step_duration_seconds: {
    type: 'histogram',
    help: 'One attempt of a step.',
    labels: ['type', 'result'],
    buckets: workSeconds,
  },
  fist_runs_stuck_total: {
    type: 'counter',
    help: 'Runs that the auditor found stuck. Overdue: the backlog is longer than a minute; ClockPutBack: a clock was put back; any other reason is a defect.',
    labels: ['reason'],
  },
  fist_stale_writes_total: {
    type: 'counter',
    help: 'Results that were not written because another worker had taken the run over.',
    labels: ['kind'],
  },
  fist_run_verdicts_total: {
    type: 'counter',
    help: 'What people said of the causes of reports, each time they said it, by the category of the cause; none: the report stated none, and they told what it was.',
    labels: ['verdict', 'category'],
    named: 'category',
  },
  // models
  fist_llm_requests_total: {
    type: 'counter',
    help: 'Requests to models, by what came of them: answered, or the reason of the failure.',
    labels: ['provider', 'model', 'result'],
    named: 'model',
  },
  fist_llm_tokens_total: {
    type: 'counter',
    help: 'Tokens of requests to models: input, cache_read, cache_write, output; unknown: charged for a request of which nobody knows what it used.',
    labels: ['provider', 'model', 'kind'],
    named: 'model',
  },
  fist_llm_cost_dollars_total: {
    type: 'counter',
    help: 'What requests to models cost by the price table, in dollars.',
    labels: ['provider', 'model'],
    named: 'model',
  },
  fist_agent_conversations_total: {
    type: 'counter',
    help: 'Conversations with models, by how they ended: concluded, reused (the answer of an earlier run), BudgetExceeded, ModelUnavailable, ...',
    labels: ['ended'],
  },
  fist_agent_tool_calls_total: {
    type: 'counter',
    help: 'Calls of tools by models, by what came of them. A tool that there is not is counted as unknown.',
    labels: ['tool', 'status'],
    named: 'tool',
  },
  fist_traces_total: {
    type: 'counter',
    help: 'Traces of runs with a model, by what came of them: sent, partly (the collector rejected some of it), refused, unreachable, left-out (more runs ended than could be sent), unreadable.',
    labels: ['result'],
  },
  // deliveries
  fist_sink_deliveries_total: {
    type: 'counter',
    help: 'Delivery attempts, by what came of them.',
    labels: ['sink', 'result'],
    named: 'sink',
  },
  fist_deliveries_stuck_total: {
    type: 'counter',
    help: 'Deliveries that the auditor had to wake. Stays 0 while no clock is put back.',
    labels: ['reason'],
  },
  fist_deliveries_oldest_due_seconds: {
    type: 'gauge',
    help: 'Since when the oldest delivery that has not ended is due, by Sink. Sinks beyond the 1,000 oldest deliveries are left out.',
    labels: ['sink'],
    named: 'sink',
  },
  fist_sink_delivery_duration_seconds: {
    type: 'histogram',
    help: 'One attempt to deliver.',
    labels: ['type'],
    buckets: requestSeconds,
  },
  // server and store
  fist_queue_depth: { type: 'gauge', help: 'Rows that wait for a worker, counted up to 10,000.', labels: ['queue'] },
  fist_event_loop_delay_seconds: {
    type: 'histogram',
    help: 'How much later than asked the event loop came to a timer that asks every 10 ms. What takes long here makes everybody wait.',
    labels: [],
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
  },
  fist_build_info: { type: 'gauge', help: 'Always 1; the labels say what runs.', labels: ['version', 'node'] },
  fist_http_requests_total: {
    type: 'counter',
    help: 'HTTP requests, by route template.',
    labels: ['method', 'route', 'status'],
  },
  fist_mcp_calls_total: {
    type: 'counter',
    help: 'Calls of tools by assistants at `/mcp`: `ok`, or the code of the error.',
    labels: ['tool', 'outcome'],
    named: 'tool',
  },
  fist_http_request_duration_seconds: {
    type: 'histogram',
    help: 'From the end of the request headers to the end of the answer.',
    labels: ['route'],
    buckets: requestSeconds,
  },
  fist_http_connections_refused_total: {
    type: 'counter',
    help: 'Connections beyond the most that are held at a time.',
    labels: [],
  },
  fist_http_connections_displaced_total: {
    type: 'counter',
    help: 'Connections without a request in work that made room for others.',
    labels: [],
  },
  fist_stream_clients: {
    type: 'gauge',
    help: 'Who listens to the stream of changes.',
    labels: [],
  },
  fist_http_malformed_total: {
    type: 'counter',
    help: 'Connections that sent no valid HTTP request in time.',
    labels: ['reason'],
  },
  fist_store_commit_duration_seconds: {
    type: 'histogram',
    help: 'One COMMIT with all callers that share it.',
    labels: [],
    buckets: requestSeconds,
  },
  fist_store_commit_callers: {
    type: 'histogram',
    help: 'Callers that shared a commit.',
    labels: [],
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
  },
  fist_retention_deleted_total: {
    type: 'counter',
    help: 'Rows that were deleted because of their age or number.',
    labels: ['table'],
  },
  fist_store_conflicts_total: {
    type: 'counter',
    help: 'Transactions that were done again because another one was in the way.',
    labels: ['transaction'],
  },
  fist_ticks_total: {
    type: 'counter',
    help: 'Work of a minute that this process did for all replicas.',
    labels: ['name'],
  },
  fist_resources: { type: 'gauge', help: 'Sources, Workflows and Sinks of the catalog.', labels: ['kind', 'ready'] },
  // operator
  fist_leader: {
    type: 'gauge',
    help: '1 where this replica writes what became of the objects of its cluster, else 0; only of an operator.',
    labels: [],
  },
  fist_reconcile_duration_seconds: {
    type: 'histogram',
    help: 'One look at an object of the cluster, with the write of its status where it has changed.',
    labels: ['kind', 'result'],
    buckets: requestSeconds,
  },
  fist_events_lost_total: {
    type: 'counter',
    help: 'Events about objects that were not told, by reason.',
    labels: ['reason'],
  },
} as const satisfies Readonly<Record<string, MetricDescription>>;

type Table = typeof metricTable;

/** Names of the metrics of one type. */
export type MetricName<Type extends MetricDescription['type']> = {
  [Name in keyof Table]: Table[Name]['type'] extends Type ? Name : never;
}[keyof Table];

/** All labels of a metric. */
export type MetricLabels<Name extends keyof Table> = Readonly<Record<Table[Name]['labels'][number], string>>;

/** Counters, gauges and histograms of {@link metricTable}: another name or label does not compile. */
export interface Metrics {
  /** `by` = 1 where absent. */
  increment<Name extends MetricName<'counter'>>(name: Name, labels: MetricLabels<Name>, by?: number): void;
  observe<Name extends MetricName<'histogram'>>(name: Name, labels: MetricLabels<Name>, value: number): void;
  set<Name extends MetricName<'gauge'>>(name: Name, labels: MetricLabels<Name>, value: number): void;
}
