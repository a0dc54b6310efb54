import { z } from 'zod';
import { podTrouble } from '../../analyzers/pods/pod-status.ts';
import { isClusterScopedResource } from '../../analyzers/define.ts';
import type { ClusterResource, KubernetesObject } from '../../core/cluster.ts';
import { commandOf } from '../../investigation/commands.ts';
import { worstFirst } from '../../investigation/links.ts';
import { shellWord } from '../../lib/shell-word.ts';
import { namespaceOf } from '../policy.ts';
import { rowsOf } from './columns.ts';
import { defineTool } from './define.ts';
import { namespace, objectReach, resource } from './fields.ts';
import { resourceOf } from './kinds.ts';
import { table } from './table.ts';
import { readsOf, unread, withoutCluster } from './unread.ts';

const label = '[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?';

/** Objects of a kind, a row each. */
export const kubernetesList = defineTool({
  name: 'kubernetes_list',
  description:
    'Objects of one kind in one namespace as a table: state, restarts, node, images, whatever the kind has. Pods come with those in trouble first. For events of one object use kubernetes_events.',
  input: z.strictObject({
    resource,
    namespace,
    selector: z
      .string()
      .max(500)
      .regex(new RegExp(`^${label}=(?:${label})?(?:,${label}=(?:${label})?)*$`), 'must be labels: app=web,tier=front')
      .optional()
      .describe('Only objects with these labels: app=web,tier=front.'),
    contains: z.string().min(1).max(100).optional().describe('Only objects whose name holds this text.'),
    limit: z.int().min(1).max(200).default(50).describe('Rows at most.'),
  }),
  reference: {
    example: { resource: 'pods', namespace: 'shop', selector: 'app=web' },
    command: 'kubectl get pods -n shop -l app=web',
    bounds: ['200 rows'],
  },
  unavailable: withoutCluster,
  reaches: (input) => [objectReach(input)],
  async run(io, input) {
    const reads = readsOf(io);
    const of = resourceOf(input.resource) ?? 'pods';
    const place = isClusterScopedResource(of) ? null : namespaceOf(input.namespace);
    const command = listCommand(of, place, input);
    const where = place === null ? '' : ` in namespace ${place}`;
    const result = await reads.list(of, place);
    if (result.kind !== 'ok') return unread(`the ${of}${where}`, result, command);
    const fitting = result.value.filter((object) => fits(object, input));
    const evidence = { kind: 'list', object: `${of}/${place ?? '*'}` };
    const partial = result.isPartial === true ? ' There may be more: not all could be looked at.' : '';
    if (fitting.length === 0) {
      const asked = input.selector !== undefined || input.contains !== undefined;
      const text = `no ${of}${where}${asked ? ` that fit, of ${result.value.length}` : ''}.${partial}`;
      return { status: 'no_data', text, command, evidence };
    }
    const sorted = of === 'pods' ? worstFirst(fitting) : [...fitting].sort(byName);
    const { headings, rows } = rowsOf(
      of,
      sorted.slice(0, input.limit),
      io.now,
      place === null && !isClusterScopedResource(of),
    );
    const text = [
      `${countText(of, fitting)}${where}, as of ${io.now}.${partial}`,
      table(headings, rows),
      ...leftOut(fitting.length, input.limit),
    ];
    return {
      status: 'ok',
      text: text.join('\n'),
      command,
      evidence,
      narrow: 'use selector, contains or a smaller limit',
    };
  },
});

function fits(
  { metadata }: KubernetesObject,
  input: { readonly selector?: string | undefined; readonly contains?: string | undefined },
): boolean {
  const wanted = (input.selector ?? '').split(',').filter((one) => one !== '');
  const hasLabels = wanted.every((pair) => {
    const [name = '', value = ''] = pair.split('=');
    return metadata.labels?.[name] === value;
  });
  return hasLabels && metadata.name.includes(input.contains ?? '');
}

function byName(one: KubernetesObject, other: KubernetesObject): number {
  return one.metadata.name < other.metadata.name ? -1 : 1;
}

function countText(resource: ClusterResource, objects: readonly KubernetesObject[]): string {
  const unwell = resource === 'pods' ? objects.filter((pod) => podTrouble(pod) > 0).length : 0;
  return `${objects.length} ${resource}${unwell === 0 ? '' : ` (${unwell} not well)`}`;
}

function leftOut(count: number, limit: number): readonly string[] {
  return count <= limit ? [] : [`[${count - limit} more: use selector or contains]`];
}

function listCommand(
  of: ClusterResource,
  place: string | null,
  { selector, contains }: { readonly selector?: string | undefined; readonly contains?: string | undefined },
): string {
  const list = commandOf({ kind: 'list', resource: of, namespace: place });
  return `${list}${selector === undefined ? '' : ` -l ${shellWord(selector)}`}${contains === undefined ? '' : ` | grep -F -e ${shellWord(contains)}`}`;
}
