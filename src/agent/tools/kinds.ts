import { kindResources } from '../../analyzers/define.ts';
import type { ObjectKind } from '../../analyzers/define.ts';
import type { ClusterResource } from '../../core/cluster.ts';
import { kindOfWord } from '../../investigation/kind-words.ts';

/** Resources that have no kind of their own among what analyzers look at. */
const others: Readonly<Record<string, ClusterResource>> = {
  event: 'events',
  events: 'events',
  ev: 'events',
  endpointslice: 'endpointslices',
  endpointslices: 'endpointslices',
};

/** All that a model may read, as in `kubectl get`. */
export const readableResources: readonly ClusterResource[] = [
  ...new Set<ClusterResource>([...Object.values(kindResources), ...Object.values(others)]),
].sort();

/** The resource that a word of `kubectl` names (`po`, `Pod`, `deployments.apps`); null where it names none that is read. */
export function resourceOf(word: string): ClusterResource | null {
  const kind = kindOfWord(word);
  if (kind !== null) return kindResources[kind];
  const name = word.trim().toLowerCase();
  return Object.hasOwn(others, name) ? (others[name] ?? null) : null;
}

/** The kind of the objects of a resource, in small letters: `pod`. */
export function kindOfResource(resource: ClusterResource): string {
  if (resource === 'events') return 'event';
  return objectKindOf(resource) ?? 'endpointslice';
}

/** Of resources whose objects are read one by one. */
export function objectKindOf(resource: ClusterResource): ObjectKind | null {
  if (resource === 'events') return null;
  const found = Object.entries(kindResources).find(([, name]) => name === resource);
  return (found?.[0] as ObjectKind | undefined) ?? null;
}
