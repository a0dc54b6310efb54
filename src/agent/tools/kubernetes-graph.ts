import { z } from 'zod';
import { nameOf } from '../../analyzers/define.ts';
import type { Target } from '../../analyzers/define.ts';
import { createGraph } from '../../investigation/graph.ts';
import { followLinks } from '../../investigation/links.ts';
import { kindOfResource, objectKindOf } from './kinds.ts';
import { rowsOf } from './columns.ts';
import { defineTool } from './define.ts';
import type { ToolAnswer, ToolIo } from './define.ts';
import { namespace, objectName, objectReach, resource } from './fields.ts';
import { named, readObject } from './objects.ts';
import { kindResources } from '../../analyzers/define.ts';
import { readsOf, unread, withoutCluster } from './unread.ts';

/** Objects that are shown: beyond that a list says more. */
const mostObjects = 30;

/** What is linked to an object. */
export const kubernetesGraph = defineTool({
  name: 'kubernetes_graph',
  description:
    'The objects that are linked to one object, each with its state: owners, pods, Services that pick it, claims, the node where it matters, Services that its environment names. Use it to find the way from a symptom to what is at fault.',
  input: z.strictObject({ resource, namespace, name: objectName }),
  reference: {
    example: { resource: 'pods', namespace: 'shop', name: 'web-1' },
    command: 'kubectl get pod,replicaset -n shop',
    bounds: [`${mostObjects} objects`],
  },
  unavailable: withoutCluster,
  reaches: (input) => [objectReach(input)],
  async run(io, input): Promise<ToolAnswer> {
    const reads = readsOf(io);
    const object = named(input);
    const kind = objectKindOf(object.resource);
    const found = await readObject(reads, object);
    if (found.kind !== 'ok') return unread(object.title, found, null);
    const evidence = { kind: 'graph', object: object.title };
    if (found.value === null)
      return { status: 'no_data', text: `${object.title} does not exist.`, command: null, evidence };
    const graph = createGraph(mostObjects);
    if (kind !== null) graph.add(kind, found.value, 'alert', null);
    await followLinks(reads, graph, ['anything']);
    const targets = graph.targets();
    const root = targets[0];
    if (root === undefined || targets.length === 1)
      return {
        status: 'no_data',
        text: `nothing that is looked at is linked to ${object.title}.`,
        command: null,
        evidence,
      };
    const lines = treeOf(root, targets, io);
    return {
      status: 'ok',
      text: lines.join('\n'),
      command: commandOf(targets),
      evidence,
      narrow: 'ask for an object further down',
    };
  },
});

function treeOf(root: Target, targets: readonly Target[], io: ToolIo, depth = 0): readonly string[] {
  const below = targets.filter(({ via }) => via === root);
  const how = depth === 0 ? '' : `${root.relation}: `;
  return [
    `${'  '.repeat(depth)}${how}${nameOf(root)}${stateOf(root, io)}`,
    ...below.flatMap((target) => treeOf(target, targets, io, depth + 1)),
  ];
}

/** Its columns in a list, on one line. */
function stateOf({ kind, object }: Target, { now }: ToolIo): string {
  if (kind === 'customresource') return '';
  const { headings, rows } = rowsOf(kindResources[kind], [object], now, false);
  const cells = headings.slice(1).map((heading, index) => `${heading.toLowerCase()} ${rows[0]?.[index + 1] ?? '-'}`);
  return `  (${cells.join(', ')})`;
}

/** The command that lists the same kinds. */
function commandOf(targets: readonly Target[]): string {
  const [first] = targets;
  const kinds = [...new Set(targets.map(({ kind }) => kindResources[kind]))].map(kindOfResource);
  return `kubectl get ${kinds.join(',')}${first?.namespace == null ? ' -A' : ` -n ${first.namespace}`}`;
}
