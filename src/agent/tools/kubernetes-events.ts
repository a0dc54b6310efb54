import { z } from 'zod';
import { isClusterScopedResource } from '../../analyzers/define.ts';
import type { EventView } from '../../analyzers/define.ts';
import { aboutOf, eventView, isAbout } from '../../analyzers/reading/events.ts';
import { textAt } from '../../analyzers/reading/fields.ts';
import type { KubernetesObject, ReadResult } from '../../core/cluster.ts';
import { commandOf } from '../../investigation/commands.ts';
import type { Reads } from '../../investigation/reads.ts';
import { namespaceOf } from '../policy.ts';
import { defineTool } from './define.ts';
import type { ToolAnswer } from './define.ts';
import { namespace, objectName, resource } from './fields.ts';
import { objectKindOf } from './kinds.ts';
import { moment, momentOf } from './moments.ts';
import { named } from './objects.ts';
import type { NamedObject } from './objects.ts';
import { table } from './table.ts';
import { readsOf, unread, withoutCluster } from './unread.ts';

const input = z.strictObject({
  resource: resource.optional().describe('Kind of the object, with name; absent: all events of the namespace.'),
  name: objectName.optional().describe('Name of the object, with its kind.'),
  namespace,
  warnings: z.boolean().default(false).describe('Only warnings.'),
  since: moment.describe('Only what was seen since: 15m (ago), or an RFC 3339 time.'),
  limit: z.int().min(1).max(200).default(40).describe('Rows at most, the last ones.'),
});

/** What the cluster reported. */
export const kubernetesEvents = defineTool({
  name: 'kubernetes_events',
  description:
    'Events of one object, or of a whole namespace, oldest first: scheduling, pulling, probes, mounts, evictions. The API server forgets them after about an hour.',
  input,
  reference: {
    example: { resource: 'pods', namespace: 'shop', name: 'web-1', warnings: true },
    command: 'kubectl events -n shop --for pod/web-1',
    bounds: ['200 rows'],
  },
  unavailable: withoutCluster,
  reaches: ({ resource: word, namespace: place }) => [
    { of: 'cluster', resource: word ?? 'events', namespace: namespaceOf(place) },
  ],
  async run(io, asked): Promise<ToolAnswer> {
    const { resource: word, name } = asked;
    if ((word === undefined) !== (name === undefined))
      return wrong('resource and name belong together: both, or neither for a whole namespace');
    const object = word === undefined || name === undefined ? null : named({ ...asked, resource: word, name });
    const place = object === null ? namespaceOf(asked.namespace) : object.namespace;
    const title = object?.title ?? `namespace/${place ?? '*'}`;
    const command =
      object === null
        ? commandOf({ kind: 'list', resource: 'events', namespace: place })
        : commandOf({ kind: 'events', of: object.kind, namespace: place, name: object.name });
    const result = await eventsOf(readsOf(io), object, place);
    if (result.kind !== 'ok') return unread(`the events of ${title}`, result, command);
    const since = momentOf(asked.since, io.now);
    const seen = result.value
      .filter(({ type }) => !asked.warnings || type !== 'Normal')
      .filter(({ last }) => since === null || (last !== null && last >= since))
      .sort((one, other) => ((one.last ?? '') < (other.last ?? '') ? -1 : 1));
    const evidence = { kind: 'events', object: title };
    if (seen.length === 0) {
      const of = result.value.length === 0 ? '' : ` that fit, of ${result.value.length}`;
      return { status: 'no_data', text: `no events of ${title}${of}.`, command, evidence };
    }
    const text = [tableOf(seen.slice(-asked.limit), object === null), ...leftOut(seen.length, asked.limit)].join('\n');
    return { status: 'ok', text, command, evidence, keepEnd: true, narrow: 'use warnings, since or a smaller limit' };
  },
});

function wrong(text: string): ToolAnswer {
  return { status: 'error', reason: 'InvalidInput', text, command: null, evidence: null };
}

/** An event with the object that it is about. */
interface SeenEvent extends EventView {
  readonly object: string;
}

async function eventsOf(
  reads: Reads,
  object: NamedObject | null,
  place: string | null,
): Promise<ReadResult<readonly SeenEvent[]>> {
  // Events about what is in no namespace stand in another one, of which nothing else is to be seen.
  const kind = object === null ? null : objectKindOf(object.resource);
  if (object !== null && kind !== null && isClusterScopedResource(object.resource)) {
    const events = await reads.events({ kind, namespace: null, name: object.name });
    return { kind: 'ok', value: events.map((event) => ({ ...event, object: object.title })) };
  }
  const list = await reads.list('events', place);
  if (list.kind !== 'ok') return list;
  const about =
    object === null ? list.value : list.value.filter((event) => isAbout(event, object.kind, object.name, undefined));
  return { kind: 'ok', value: about.map((event) => ({ ...eventView(event), object: aboutText(event) })) };
}

function aboutText(event: KubernetesObject): string {
  const about = aboutOf(event);
  return `${textAt(about, 'kind').toLowerCase()}/${textAt(about, 'name')}`;
}

function tableOf(events: readonly SeenEvent[], withObject: boolean): string {
  const rows = events.map(({ last, type, reason, count, container, object, message }) => [
    last ?? 'unknown time',
    type,
    reason,
    `x${count}`,
    ...(withObject ? [object] : []),
    `${container === '' ? '' : `{${container}} `}${message.replace(/\s+/g, ' ')}`,
  ]);
  return table(['LAST SEEN', 'TYPE', 'REASON', 'COUNT', ...(withObject ? ['OBJECT'] : []), 'MESSAGE'], rows);
}

function leftOut(count: number, limit: number): readonly string[] {
  return count <= limit ? [] : [`[${count - limit} older events are left out: raise limit, or use warnings or since]`];
}
