import { isClusterScopedResource, kindResources } from '../analyzers/define.ts';
import type { ClusterResource, ReadResult } from '../core/cluster.ts';
import type { Reads } from '../investigation/reads.ts';
import { refusalOf } from './policy.ts';
import type { Scope } from './policy.ts';

/**
 * The investigation's view of the cluster as a model may use it: every read passes the policy, whatever asks for it (a tool, an
 * analyzer, a link). A list over all namespaces has only what stands in those that may be read.
 */
export function guardReads(reads: Reads, scope: Scope): Reads {
  const refused = (
    resource: ClusterResource,
    namespace: string | null,
  ): Extract<ReadResult<never>, { reason: string }> | null => {
    const refusal = refusalOf({ of: 'cluster', resource, namespace }, scope);
    return refusal === null ? null : { kind: 'forbidden', reason: refusal.message };
  };
  return {
    ...reads,
    get: async (kind, namespace, name) =>
      refused(kindResources[kind], namespace) ?? (await reads.get(kind, namespace, name)),
    async list(resource, namespace) {
      const isOfAll = namespace === null && !isClusterScopedResource(resource) && !scope.isClusterWide;
      if (!isOfAll) return refused(resource, namespace) ?? (await reads.list(resource, namespace));
      const all = await reads.list(resource, null);
      if (all.kind !== 'ok') return all;
      const value = all.value.filter(({ metadata }) => scope.namespaces.has(metadata.namespace ?? ''));
      return { kind: 'ok', value, isPartial: true };
    },
    logs: async (query) => refused('pods', query.namespace) ?? (await reads.logs(query)),
    events: async (target) =>
      refused(kindResources[target.kind], target.namespace) === null ? await reads.events(target) : [],
    ...(reads.usage === undefined ? {} : { usage: guardUsage(reads.usage, scope) }),
    listed: (kind, namespace, name) =>
      refused(kindResources[kind], namespace) === null ? reads.listed(kind, namespace, name) : null,
  };
}

function guardUsage(usage: NonNullable<Reads['usage']>, scope: Scope): NonNullable<Reads['usage']> {
  return async ({ of, namespace }) => {
    const refusal = refusalOf({ of: 'cluster', resource: of, namespace }, scope);
    return refusal === null ? usage({ of, namespace }) : { kind: 'forbidden', reason: refusal.message };
  };
}
