import type { KubernetesObject } from '../../core/cluster.ts';
import { at, listAt, textAt } from '../reading/fields.ts';
import { quantityOf, quantityText } from '../reading/quantity.ts';
import { matchesLabels } from '../reading/selectors.ts';

/** What a claim asks of a volume. */
export interface Wanted {
  /** Empty: a volume without a class. */
  readonly className: string;
  readonly size: number;
  readonly modes: readonly string[];
  readonly volumeMode: string;
  readonly selector: unknown;
}

const sizeOf = (object: unknown, ...path: readonly string[]): number => quantityOf(textAt(object, ...path)) ?? 0;
const modesOf = (object: KubernetesObject): readonly string[] =>
  listAt(object, 'spec', 'accessModes').filter((mode) => typeof mode === 'string');

/** What a claim asks for, of the class that is meant. */
export function wantedBy(claim: KubernetesObject, className: string): Wanted {
  return {
    className,
    size: sizeOf(claim, 'spec', 'resources', 'requests', 'storage'),
    modes: modesOf(claim),
    volumeMode: textAt(claim, 'spec', 'volumeMode') || 'Filesystem',
    selector: at(claim, 'spec', 'selector'),
  };
}

/** Why a volume does not fit, as a clause about it; null where it does. What is nearest to fitting comes last. */
function misfit(volume: KubernetesObject, claim: KubernetesObject, wanted: Wanted): readonly [number, string] | null {
  const className = textAt(volume, 'spec', 'storageClassName');
  if (className !== wanted.className)
    return [0, className === '' ? 'has no storage class' : `has the storage class ${className}`];
  const holder = textAt(volume, 'spec', 'claimRef', 'name');
  const isOwn =
    holder === claim.metadata.name &&
    (textAt(volume, 'spec', 'claimRef', 'namespace') || claim.metadata.namespace) === claim.metadata.namespace;
  if (holder !== '' && !isOwn) {
    const phase = textAt(volume, 'status', 'phase');
    const claimed = `claim ${textAt(volume, 'spec', 'claimRef', 'namespace')}/${holder}`;
    return [1, phase === 'Released' ? `was used by ${claimed} and is not freed (Released)` : `belongs to ${claimed}`];
  }
  if ((textAt(volume, 'spec', 'volumeMode') || 'Filesystem') !== wanted.volumeMode)
    return [2, `has the volume mode ${textAt(volume, 'spec', 'volumeMode') || 'Filesystem'}, not ${wanted.volumeMode}`];
  const lacking = wanted.modes.filter((mode) => !modesOf(volume).includes(mode));
  if (lacking.length > 0) return [3, `has the access mode ${modesOf(volume).join(', ')}, not ${lacking.join(', ')}`];
  if (wanted.selector !== undefined && !matchesLabels(wanted.selector, volume.metadata.labels ?? {}))
    return [4, 'does not have the labels that the selector of the claim asks for'];
  const size = sizeOf(volume, 'spec', 'capacity', 'storage');
  return size < wanted.size ? [5, `has only ${textAt(volume, 'spec', 'capacity', 'storage')} of storage`] : null;
}

/**
 * Why none of the volumes can be bound to the claim: the reasons of those that are nearest to it, the largest first; null
 * where one fits.
 */
export function misfits(
  volumes: readonly KubernetesObject[],
  claim: KubernetesObject,
  wanted: Wanted,
): { readonly text: string; readonly isSize: boolean } | null {
  const found = volumes.map((volume) => ({ volume, reason: misfit(volume, claim, wanted) }));
  if (found.some(({ reason }) => reason === null)) return null;
  const nearest = Math.max(0, ...found.map(({ reason }) => reason?.[0] ?? 0));
  const told = found
    .filter(({ reason }) => reason?.[0] === nearest)
    .sort(
      (one, other) =>
        sizeOf(other.volume, 'spec', 'capacity', 'storage') - sizeOf(one.volume, 'spec', 'capacity', 'storage'),
    )
    .slice(0, 3)
    .map(({ volume, reason }) => `volume ${volume.metadata.name} ${reason?.[1]}`);
  return { text: told.join(', '), isSize: nearest === 5 };
}

/** `2Gi, ReadWriteOnce`. */
export function wantedText(wanted: Wanted): string {
  return [
    quantityText('storage', wanted.size),
    ...wanted.modes,
    ...(wanted.volumeMode === 'Block' ? ['Block'] : []),
  ].join(', ');
}
