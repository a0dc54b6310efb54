import { z } from 'zod';
import { objectName as titleOf } from '../../analyzers/define.ts';
import { at, listAt, textAt, timeAt } from '../../analyzers/reading/fields.ts';
import { revisionOf } from '../../analyzers/reading/replicas.ts';
import { rolloutsOf } from '../../analyzers/workloads/rollouts.ts';
import type { ClusterResource, KubernetesObject, ReadResult } from '../../core/cluster.ts';
import { addMs } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';
import type { Reads } from '../../investigation/reads.ts';
import { namespaceOf } from '../policy.ts';
import { defineTool } from './define.ts';
import type { ToolAnswer } from './define.ts';
import { namespace, objectName } from './fields.ts';
import { kindOfResource } from './kinds.ts';
import { moment, momentOf } from './moments.ts';
import { readsOf, unread, withoutCluster } from './unread.ts';

/** How far back is looked where the call does not say. */
const usualWindowMs = 24 * 3_600_000;

/** Objects that people change, beside Deployments, whose replica sets tell what was changed. */
const written: readonly ClusterResource[] = [
  'deployments',
  'statefulsets',
  'daemonsets',
  'cronjobs',
  'configmaps',
  'services',
  'ingresses',
  'networkpolicies',
  'horizontalpodautoscalers',
  'poddisruptionbudgets',
  'resourcequotas',
  'limitranges',
];

const input = z.strictObject({
  namespace,
  name: objectName.optional().describe('Only of the Deployment, or other object, of this name.'),
  since: moment.describe('Since when: 6h (ago), or an RFC 3339 time. Default: 24h.'),
  limit: z.int().min(1).max(100).default(30).describe('Changes at most, the last ones.'),
});

/** What was changed in a namespace. */
export const kubernetesChanges = defineTool({
  name: 'kubernetes_changes',
  description:
    'What was changed in a namespace and when, oldest first: rollouts of Deployments with the fields that differ, and writes of other objects (config maps, Services, network policies) with who wrote them. A cause often came shortly before the alert.',
  input,
  reference: {
    example: { namespace: 'shop', since: '6h' },
    command: 'kubectl get replicasets -n shop --sort-by=.metadata.creationTimestamp',
    bounds: ['100 changes'],
  },
  unavailable: withoutCluster,
  reaches: ({ namespace: place }) => [{ of: 'cluster', resource: 'deployments', namespace: namespaceOf(place) }],
  async run(io, asked): Promise<ToolAnswer> {
    const reads = readsOf(io);
    const place = namespaceOf(asked.namespace);
    const since = momentOf(asked.since, io.now) ?? addMs(io.now, -usualWindowMs);
    const command = `kubectl get replicasets${place === null ? ' -A' : ` -n ${place}`} --sort-by=.metadata.creationTimestamp`;
    const title = `namespace/${place ?? '*'}`;
    const deployments = await reads.list('deployments', place);
    const sets = await reads.list('replicasets', place);
    for (const list of [deployments, sets])
      if (list.kind !== 'ok') return unread(`what was changed in ${title}`, list, command);
    const rollouts = itemsOf(deployments).flatMap((one) => rolloutChanges(one, itemsOf(sets)));
    const writes = (await Promise.all(written.map((of) => writesOf(reads, of, place)))).flat();
    const changes = [...rollouts, ...writes]
      .filter(({ at, name }) => at >= since && (asked.name === undefined || name === asked.name))
      .sort((one, other) => (one.at < other.at ? -1 : 1));
    const evidence = { kind: 'changes', object: title };
    if (changes.length === 0)
      return {
        status: 'no_data',
        text: `nothing that is looked at was changed in ${title} since ${since}.`,
        command,
        evidence,
      };
    const left = changes.length - asked.limit;
    const text = [
      ...(left > 0 ? [`[${left} earlier changes are left out: raise limit, or use name or since]`] : []),
      ...changes.slice(-asked.limit).map(({ at, text: what }) => `${at} ${what}`),
    ];
    return {
      status: 'ok',
      text: text.join('\n'),
      command,
      evidence,
      keepEnd: true,
      narrow: 'use name, since or a smaller limit',
    };
  },
});

const itemsOf = (list: ReadResult<readonly KubernetesObject[]>): readonly KubernetesObject[] =>
  list.kind === 'ok' ? list.value : [];

interface Change {
  readonly at: Timestamp;
  readonly name: string;
  readonly text: string;
}

function rolloutChanges(deployment: KubernetesObject, sets: readonly KubernetesObject[]): readonly Change[] {
  const { namespace: place = null, name } = deployment.metadata;
  const title = titleOf('deployment', place, name);
  return rolloutsOf(deployment, sets).flatMap(({ replicaSet, at: begun, changes }): readonly Change[] => {
    const what = changes.map(({ text }) => text).join('; ') || 'labels or annotations only';
    const why = replicaSet.metadata.annotations?.['kubernetes.io/change-cause'];
    const cause = why === undefined ? '' : ` (change-cause: ${why.replace(/\s+/g, ' ').slice(0, 200)})`;
    const text = `${title} rolled out revision ${revisionOf(replicaSet)} (${replicaSet.metadata.name}): ${what}${cause}`;
    return begun === null ? [] : [{ at: begun, name, text }];
  });
}

/** When somebody last wrote what an object is to be, who, and which parts: its managedFields tell. */
async function writesOf(reads: Reads, resource: ClusterResource, place: string | null): Promise<readonly Change[]> {
  const list = await reads.list(resource, place);
  if (list.kind !== 'ok') return [];
  return list.value.flatMap((object): readonly Change[] => {
    const { namespace: own = null, name } = object.metadata;
    const last = listAt(object, 'metadata', 'managedFields')
      .filter((entry) => textAt(entry, 'subresource') === '')
      .map((entry) => ({ entry, at: timeAt(entry, 'time') }))
      .sort((one, other) => ((one.at ?? '') < (other.at ?? '') ? -1 : 1))
      .at(-1);
    if (last?.at == null) return [];
    const parts = partsOf(last.entry);
    const text = `${titleOf(kindOfResource(resource), own, name)} written by ${textAt(last.entry, 'manager') || 'unknown'}${parts === '' ? '' : `: ${parts}`}`;
    return [{ at: last.at, name, text }];
  });
}

/** Fields that a manager owns, two deep: `spec.replicas, spec.template`. */
function partsOf(entry: unknown): string {
  const below = (value: unknown): readonly string[] =>
    Object.keys(value ?? {}).flatMap((key) => (key.startsWith('f:') ? [key.slice(2)] : []));
  const fields = at(entry, 'fieldsV1');
  const parts = below(fields)
    .filter((field) => field !== 'metadata')
    .flatMap((field) => {
      const deeper = below(at(fields, `f:${field}`));
      return deeper.length === 0 ? [field] : deeper.map((one) => `${field}.${one}`);
    });
  return parts.length > 8 ? `${parts.slice(0, 8).join(', ')}, ...` : parts.join(', ');
}
