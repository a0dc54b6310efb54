import { z } from 'zod';
import { containersOf } from '../../analyzers/pods/pod-status.ts';
import { quantityOf, quantityText } from '../../analyzers/reading/quantity.ts';
import type { Labels } from '../../core/alert.ts';
import type { KubernetesObject } from '../../core/cluster.ts';
import type { MetricAnswer } from '../../core/readers.ts';
import { containerUsage } from '../../investigation/metrics/usage.ts';
import { namespaceOf } from '../policy.ts';
import { defineTool } from './define.ts';
import type { ToolAnswer } from './define.ts';
import { namespace, objectName } from './fields.ts';
import { metricsOf, withoutMetrics } from './prometheus.ts';
import { table } from './table.ts';
import { instantCommand } from './prometheus.ts';
import { readsOf, withoutCluster } from './unread.ts';

/** Rows that are shown. */
const mostRows = 40;

/** What containers use just now, and how much of what they may. */
export const kubernetesTop = defineTool({
  name: 'kubernetes_top',
  description:
    'Memory and processor time that the containers of a namespace, or of one pod, use now, each with its limit, most of the limit first. For how it went over time use prometheus_query_range.',
  input: z.strictObject({
    namespace,
    pod: objectName.optional().describe('Only this pod.'),
    resource: z.enum(['memory', 'cpu']).default('memory').describe('What is compared.'),
  }),
  reference: {
    example: { namespace: 'shop', resource: 'memory' },
    command: `promtool query instant --time=2026-01-01T12:00:00.000Z http://prometheus:9090 'max by (namespace, pod, container) (container_memory_working_set_bytes{namespace="shop",container!="",container!="POD"})'`,
    bounds: [`${mostRows} rows`],
  },
  data: { kind: 'metrics', isLearned: true },
  unavailable: (world) => withoutCluster(world) ?? withoutMetrics(world),
  reaches: ({ namespace: place }) => [
    { of: 'cluster', resource: 'pods', namespace: namespaceOf(place) },
    { of: 'metrics', expression: null },
  ],
  async run(io, { namespace: place, pod, resource }): Promise<ToolAnswer> {
    const metrics = metricsOf(io);
    const where = namespaceOf(place);
    const expression = containerUsage(resource, { namespace: where, pod: pod ?? null, container: null });
    const command = instantCommand(metrics, expression, io.now);
    const answer = await metrics.query(expression, io.now, io.signal);
    const title = pod === undefined || where === null ? `namespace/${where ?? '*'}` : `pod/${where}/${pod}`;
    const evidence = { kind: 'metrics', object: title };
    if (answer.series.length === 0)
      return { status: 'no_data', text: `no measurements of ${title} (${expression}).`, command, evidence };
    const pods = await readsOf(io).list('pods', where);
    const rows = rowsOf(answer, pods.kind === 'ok' ? pods.value : [], resource);
    const text = [
      table(['NAMESPACE', 'POD', 'CONTAINER', resource.toUpperCase(), 'LIMIT', 'OF LIMIT'], rows.slice(0, mostRows)),
      ...(rows.length > mostRows ? [`[${rows.length - mostRows} more: name a pod]`] : []),
    ];
    return { status: 'ok', text: text.join('\n'), command, evidence, narrow: 'name a pod' };
  },
});

function rowsOf(
  { series }: MetricAnswer,
  pods: readonly KubernetesObject[],
  resource: 'memory' | 'cpu',
): readonly (readonly string[])[] {
  return series
    .map(({ labels, points }) => {
      const used = points.at(-1)?.[1] ?? 0;
      const limit = limitOf(labels, pods, resource);
      return { labels, used, limit, part: limit === null ? -1 : used / limit };
    })
    .sort((one, other) => other.part - one.part || other.used - one.used)
    .map(({ labels, used, limit, part }) => [
      labels['namespace'] ?? '-',
      labels['pod'] ?? '-',
      labels['container'] ?? '-',
      quantityText(resource, used),
      limit === null ? 'none' : quantityText(resource, limit),
      limit === null ? '-' : `${Math.round(part * 100)}%`,
    ]);
}

function limitOf(labels: Labels, pods: readonly KubernetesObject[], resource: 'memory' | 'cpu'): number | null {
  const pod = pods.find(
    ({ metadata }) => metadata.name === labels['pod'] && metadata.namespace === labels['namespace'],
  );
  const container = pod === undefined ? undefined : containersOf(pod).find(({ name }) => name === labels['container']);
  return quantityOf(container?.limits[resource] ?? '');
}
