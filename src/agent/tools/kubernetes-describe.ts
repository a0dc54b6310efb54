import { z } from 'zod';
import type { Target } from '../../analyzers/define.ts';
import { eventsEvidence } from '../../analyzers/reading/events.ts';
import { listAt } from '../../analyzers/reading/fields.ts';
import type { Reads } from '../../investigation/reads.ts';
import { describeObject } from './describe-text.ts';
import { defineTool } from './define.ts';
import type { ToolAnswer } from './define.ts';
import { namespace, objectName, objectReach, resource } from './fields.ts';
import { objectKindOf } from './kinds.ts';
import { named, readObject } from './objects.ts';
import { readsOf, unread, withoutCluster } from './unread.ts';

/** The state of an object, in our own words. */
export const kubernetesDescribe = defineTool({
  name: 'kubernetes_describe',
  description:
    'The state of one object in short: conditions, owner, containers with state, last end, limits, probes and environment, addresses behind a Service, and its events. The first thing to look at.',
  input: z.strictObject({ resource, namespace, name: objectName }),
  reference: {
    example: { resource: 'pods', namespace: 'shop', name: 'web-1' },
    command: 'kubectl describe pod web-1 -n shop',
    bounds: ['values of secret variables and of config maps are masked'],
  },
  unavailable: withoutCluster,
  reaches: (input) => [objectReach(input)],
  async run(io, input): Promise<ToolAnswer> {
    const reads = readsOf(io);
    const object = named(input);
    const kind = objectKindOf(object.resource);
    const found = await readObject(reads, object);
    const place = (found.kind === 'ok' ? found.value?.metadata.namespace : null) ?? object.namespace;
    const command = `kubectl describe ${object.kind} ${object.name}${place === null ? '' : ` -n ${place}`}`;
    if (found.kind !== 'ok') return unread(object.title, found, command);
    const evidence = { kind: 'object', object: object.title };
    if (found.value === null || kind === null)
      return {
        status: 'no_data',
        text: found.value === null ? `${object.title} does not exist.` : 'kubernetes_get shows all of it.',
        command,
        evidence: found.value === null ? evidence : null,
      };
    const target: Target = {
      kind,
      namespace: place,
      name: object.name,
      object: found.value,
      relation: 'alert',
      via: null,
    };
    const text = [
      ...(await describeObject(target)),
      ...(kind === 'service' ? await endpointLines(reads, target) : []),
      ...(await eventLines(reads, target)),
    ];
    return {
      status: 'ok',
      text: text.join('\n'),
      command,
      evidence,
      narrow: 'kubernetes_events has the events, kubernetes_get the fields',
    };
  },
});

async function eventLines(reads: Reads, target: Target): Promise<readonly string[]> {
  const events = await reads.events(target);
  return events.length === 0
    ? ['events: none that could be read']
    : ['events:', eventsEvidence(target, events).excerpt];
}

/** Addresses behind a Service: a Service without any answers nobody. */
async function endpointLines(reads: Reads, { namespace: place, name }: Target): Promise<readonly string[]> {
  const slices = await reads.list('endpointslices', place);
  if (slices.kind !== 'ok') return [`endpoints: could not be read: ${slices.reason}`];
  const own = slices.value.filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === name);
  const endpoints = own.flatMap((slice) => listAt(slice, 'endpoints')) as readonly {
    readonly addresses?: readonly string[];
    readonly conditions?: { readonly ready?: boolean };
    readonly targetRef?: { readonly kind?: string; readonly name?: string };
  }[];
  const lines = endpoints.map(
    ({ addresses = [], conditions, targetRef }) =>
      `  ${addresses.join(',')} ${conditions?.ready === false ? 'not ready' : 'ready'}${targetRef?.name === undefined ? '' : ` (${targetRef.kind?.toLowerCase() ?? ''}/${targetRef.name})`}`,
  );
  return lines.length === 0 ? ['endpoints: none'] : ['endpoints:', ...lines];
}
