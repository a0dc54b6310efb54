import type { OwnerReference } from '../../core/cluster.ts';

/**
 * The object whose template makes the pods of an owner: of a replica set the deployment, whose name it has plus the hash of
 * the template (label `pod-template-hash` of its pods); of others the owner itself.
 */
export function templateOwner(
  { kind, name }: Pick<OwnerReference, 'kind' | 'name'>,
  hash: string | undefined,
): Pick<OwnerReference, 'kind' | 'name'> {
  return kind === 'ReplicaSet' && hash !== undefined && hash !== '' && name.endsWith(`-${hash}`)
    ? { kind: 'Deployment', name: name.slice(0, -hash.length - 1) }
    : { kind, name };
}
