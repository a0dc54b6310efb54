import { z } from 'zod';
import { listAt, textAt } from '../../analyzers/reading/fields.ts';
import { containersOf } from '../../analyzers/pods/pod-status.ts';
import { quantityOf, quantityText } from '../../analyzers/reading/quantity.ts';
import type { KubernetesObject, ReadResult } from '../../core/cluster.ts';
import { containerUsage } from '../../investigation/metrics/usage.ts';
import { namespaceOf } from '../policy.ts';
import { defineTool } from './define.ts';
import type { ToolAnswer, ToolIo, ToolWorld } from './define.ts';
import { namespace, objectName } from './fields.ts';
import { instantCommand, metricsOf, withoutMetrics } from './prometheus.ts';
import { table } from './table.ts';
import { readsOf, withoutCluster } from './unread.ts';

/** Rows that are shown. */
const mostRows = 40;

const input = z.strictObject({
  namespace,
  pod: objectName.optional().describe('Only this pod.'),
  resource: z.enum(['memory', 'cpu']).default('memory').describe('What is compared.'),
  of: z
    .enum(['pods', 'nodes'])
    .default('pods')
    .describe('nodes: what all of each node use, without namespace and pod.'),
});
type Input = z.output<typeof input>;

/** What containers, or nodes, use just now, and how much of what they may. */
export const kubernetesTop = defineTool({
  name: 'kubernetes_top',
  description:
    'Memory and processor time that the containers of a namespace, of one pod, or the nodes use now, each with its limit, most of the limit first. For how it went over time use prometheus_query_range.',
  input,
  reference: {
    example: { namespace: 'shop', resource: 'memory' },
    command: 'kubectl top pods -n shop --containers',
    bounds: [`${mostRows} rows`, 'asked of metrics.k8s.io, and of Prometheus where that says nothing of the pods'],
  },
  unavailable: (world) => withoutCluster(world) ?? withoutMeasurements(world),
  reaches: ({ namespace: place, of }) => [
    { of: 'cluster', resource: of, namespace: of === 'nodes' ? null : namespaceOf(place) },
    { of: 'metrics', expression: null },
  ],
  run: (io, asked): Promise<ToolAnswer> => (asked.of === 'nodes' ? topOfNodes(io, asked) : topOfPods(io, asked)),
});

function withoutMeasurements(world: ToolWorld): string | null {
  if (world.reads?.usage !== undefined || withoutMetrics(world) === null) return null;
  return 'neither metrics.k8s.io nor Prometheus can be asked';
}

/** What one container, or a node, uses. */
interface Use {
  readonly namespace: string;
  readonly object: string;
  readonly container: string;
  readonly used: number;
}

/** Uses as a source has them, and the command that shows them; a reason where it has none. */
type Measured =
  | { readonly uses: readonly Use[]; readonly command: string }
  | { readonly refusal: Exclude<ReadResult<never>, { kind: 'ok' }>; readonly command: string };

async function topOfPods(io: ToolIo, { namespace: place, pod, resource }: Input): Promise<ToolAnswer> {
  const where = namespaceOf(place);
  const title = pod === undefined || where === null ? `namespace/${where ?? '*'}` : `pod/${where}/${pod}`;
  const asked = { where, pod: pod ?? null, resource };
  const served = await ofMetricsApi(io, asked);
  const isServed = 'uses' in served && served.uses.length > 0;
  const measured = isServed || withoutMetrics(io) !== null ? served : await ofPrometheus(io, asked);
  const evidence = { kind: 'metrics', object: title };
  if ('refusal' in measured) return unmeasured(title, measured.refusal, measured.command);
  const { uses, command } = measured;
  if (uses.length === 0) return { status: 'no_data', text: `no measurements of ${title}.`, command, evidence };
  const pods = await readsOf(io).list('pods', where);
  const limits = limitsOf(pods.kind === 'ok' ? pods.value : [], resource);
  const rows = rowsOf(uses, (use) => limits.get(keyOf(use)) ?? null, resource);
  return shown(['NAMESPACE', 'POD', 'CONTAINER', resource.toUpperCase(), 'LIMIT', 'OF LIMIT'], rows, {
    command,
    evidence,
  });
}

interface AskedPods {
  readonly where: string | null;
  readonly pod: string | null;
  readonly resource: 'memory' | 'cpu';
}

async function ofMetricsApi(io: ToolIo, { where, pod, resource }: AskedPods): Promise<Measured> {
  const place = where === null ? '-A' : `-n ${where}`;
  const command = `kubectl top ${pod === null ? 'pods' : `pod ${pod}`} ${place} --containers`;
  const found = await usage(io, 'pods', where);
  if (found.kind !== 'ok') return { refusal: found, command };
  const uses = found.value
    .filter(({ metadata }) => pod === null || metadata.name === pod)
    .flatMap((object) =>
      listAt(object, 'containers').flatMap((container): readonly Use[] => {
        const used = quantityOf(textAt(container, 'usage', resource));
        const { namespace: own = '-', name } = object.metadata;
        return used === null ? [] : [{ namespace: own, object: name, container: textAt(container, 'name'), used }];
      }),
    );
  return { uses, command };
}

async function usage(
  io: ToolIo,
  of: 'pods' | 'nodes',
  where: string | null,
): Promise<ReadResult<readonly KubernetesObject[]>> {
  const reads = readsOf(io);
  if (reads.usage === undefined) return { kind: 'not_captured', reason: 'metrics.k8s.io cannot be asked here' };
  return reads.usage({ of, namespace: where });
}

async function ofPrometheus(io: ToolIo, { where, pod, resource }: AskedPods): Promise<Measured> {
  const metrics = metricsOf(io);
  const expression = containerUsage(resource, { namespace: where, pod, container: null });
  const command = instantCommand(metrics, expression, io.now);
  const { series } = await metrics.query(expression, io.now, io.signal);
  const uses = series.map(({ labels, points }) => ({
    namespace: labels['namespace'] ?? '-',
    object: labels['pod'] ?? '-',
    container: labels['container'] ?? '-',
    used: points.at(-1)?.[1] ?? 0,
  }));
  return { uses, command };
}

async function topOfNodes(io: ToolIo, { resource }: Input): Promise<ToolAnswer> {
  const command = 'kubectl top nodes';
  const found = await usage(io, 'nodes', null);
  if (found.kind !== 'ok') return unmeasured('nodes', found, command);
  const uses = found.value.flatMap((object): readonly Use[] => {
    const used = quantityOf(textAt(object, 'usage', resource));
    return used === null ? [] : [{ namespace: '', object: object.metadata.name, container: '', used }];
  });
  const evidence = { kind: 'metrics', object: 'nodes' };
  if (uses.length === 0) return { status: 'no_data', text: 'no measurements of nodes.', command, evidence };
  const nodes = await readsOf(io).list('nodes', null);
  const most = new Map(
    (nodes.kind === 'ok' ? nodes.value : []).map((node) => [
      node.metadata.name,
      quantityOf(textAt(node, 'status', 'allocatable', resource)),
    ]),
  );
  const rows = rowsOf(uses, ({ object }) => most.get(object) ?? null, resource).map(([, ...cells]) =>
    cells.toSpliced(1, 1),
  );
  return shown(['NODE', resource.toUpperCase(), 'ALLOCATABLE', 'OF IT'], rows, { command, evidence });
}

/** That nothing measures is no fault of the question, so the model need not try again. */
function unmeasured(
  title: string,
  { kind, reason }: Exclude<ReadResult<never>, { kind: 'ok' }>,
  command: string,
): ToolAnswer {
  const rule =
    'allow it: a ClusterRole with the rule {apiGroups: ["metrics.k8s.io"], resources: ["pods", "nodes"], verbs: ["get", "list"]}';
  if (kind === 'forbidden')
    return { status: 'error', reason: 'Forbidden', text: `${reason}; ${rule}`, command, evidence: null };
  return { status: 'no_data', text: `nothing says what is used by ${title}: ${reason}.`, command, evidence: null };
}

function shown(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  rest: Pick<ToolAnswer, 'command' | 'evidence'>,
): ToolAnswer {
  const text = [
    table(headings, rows.slice(0, mostRows)),
    ...(rows.length > mostRows ? [`[${rows.length - mostRows} more: name a pod]`] : []),
  ];
  return { status: 'ok', text: text.join('\n'), ...rest, narrow: 'name a pod' };
}

function rowsOf(
  uses: readonly Use[],
  mostOf: (use: Use) => number | null,
  resource: 'memory' | 'cpu',
): readonly (readonly string[])[] {
  return uses
    .map((use) => {
      const limit = mostOf(use);
      return { use, limit, part: limit === null || limit === 0 ? -1 : use.used / limit };
    })
    .sort((one, other) => other.part - one.part || other.use.used - one.use.used)
    .map(({ use: { namespace: place, object, container, used }, limit, part }) => [
      place,
      object,
      container,
      quantityText(resource, used),
      limit === null ? 'none' : quantityText(resource, limit),
      part < 0 ? '-' : `${Math.round(part * 100)}%`,
    ]);
}

function limitsOf(pods: readonly KubernetesObject[], resource: 'memory' | 'cpu'): ReadonlyMap<string, number | null> {
  return new Map(
    pods.flatMap((pod) =>
      containersOf(pod).map(({ name, limits }) => [
        keyOf({ namespace: pod.metadata.namespace ?? '-', object: pod.metadata.name, container: name }),
        quantityOf(limits[resource] ?? ''),
      ]),
    ),
  );
}

function keyOf({ namespace: place, object, container }: Pick<Use, 'namespace' | 'object' | 'container'>): string {
  return `${place}/${object}/${container}`;
}
