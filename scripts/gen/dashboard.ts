/** One graph: title, unit of Grafana, and expressions with their legends. */
type Panel = readonly [
  title: string,
  unit: string,
  ...queries: readonly (readonly [expression: string, legend: string])[],
];

const quantile = (share: number, metric: string, by = ''): string =>
  `histogram_quantile(${share}, sum by (le${by}) (rate(${metric}_bucket[$__rate_interval])))`;

const panels: readonly Panel[] = [
  [
    'Alerts taken in',
    'ops',
    ['sum by (source, result) (rate(fist_alerts_received_total[$__rate_interval]))', '{{source}} {{result}}'],
  ],
  [
    'Requests that were refused',
    'ops',
    ['sum by (source, reason) (rate(fist_webhook_refused_total[$__rate_interval]))', '{{source}} {{reason}}'],
  ],
  [
    'Runs that ended',
    'ops',
    [
      'sum by (workflow, phase) (rate(fist_runs_total{phase=~"succeeded|failed|cancelled"}[$__rate_interval]))',
      '{{workflow}} {{phase}}',
    ],
  ],
  [
    'How long runs take',
    's',
    [quantile(0.5, 'fist_run_duration_seconds'), 'half'],
    [quantile(0.95, 'fist_run_duration_seconds'), '95 %'],
  ],
  [
    'Deliveries',
    'ops',
    ['sum by (sink, result) (rate(fist_sink_deliveries_total[$__rate_interval]))', '{{sink}} {{result}}'],
  ],
  ['Oldest delivery that waits', 's', ['max by (sink) (fist_deliveries_oldest_due_seconds)', '{{sink}}']],
  ['Rows that wait', 'short', ['max by (queue) (fist_queue_depth)', '{{queue}}']],
  [
    'Requests to models',
    'ops',
    ['sum by (model, result) (rate(fist_llm_requests_total[$__rate_interval]))', '{{model}} {{result}}'],
  ],
  ['Tokens', 'short', ['sum by (model, kind) (increase(fist_llm_tokens_total[1h]))', '{{model}} {{kind}}']],
  ['Cost, an hour', 'currencyUSD', ['sum by (model) (increase(fist_llm_cost_dollars_total[1h]))', '{{model}}']],
  [
    'Commits',
    's',
    [quantile(0.5, 'fist_store_commit_duration_seconds'), 'half'],
    [quantile(0.99, 'fist_store_commit_duration_seconds'), '99 %'],
  ],
  ['Objects that are not in use', 'short', ['max by (kind) (fist_resources{ready="false"})', '{{kind}}']],
];

const columns = 3;
const width = 24 / columns;
const height = 8;

/** A dashboard of Grafana over the metrics of docs/reference/metrics.md. */
export function dashboard(): object {
  return {
    title: 'Punching Fist',
    uid: 'punching-fist',
    tags: ['punching-fist'],
    schemaVersion: 39,
    editable: true,
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    templating: { list: [{ name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Prometheus' }] },
    panels: panels.map(([title, unit, ...queries], index) => ({
      id: index + 1,
      title,
      type: 'timeseries',
      datasource: { type: 'prometheus', uid: '${datasource}' },
      gridPos: { x: (index % columns) * width, y: Math.floor(index / columns) * height, w: width, h: height },
      fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
      targets: queries.map(([expr, legendFormat], place) => ({
        refId: String.fromCharCode(65 + place),
        expr,
        legendFormat,
      })),
    })),
  };
}
