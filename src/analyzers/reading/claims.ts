import type { KubernetesObject } from '../../core/cluster.ts';
import { at, listAt, textAt } from './fields.ts';

/** A volume of a pod that is a claim. */
interface ClaimedVolume {
  readonly volume: string;
  readonly claim: string;
}

/** The claims of a pod: those that it names, and those that are made for its ephemeral volumes (`POD-VOLUME`). */
export function claimsOf(pod: KubernetesObject): readonly ClaimedVolume[] {
  return listAt(pod, 'spec', 'volumes').flatMap((one): readonly ClaimedVolume[] => {
    const volume = textAt(one, 'name');
    const named = textAt(one, 'persistentVolumeClaim', 'claimName');
    const claim = named !== '' || at(one, 'ephemeral') === undefined ? named : `${pod.metadata.name}-${volume}`;
    return claim === '' ? [] : [{ volume, claim }];
  });
}

/** Whether a pod uses a claim. */
export function usesClaim(pod: KubernetesObject, name: string): boolean {
  return claimsOf(pod).some(({ claim }) => claim === name);
}
