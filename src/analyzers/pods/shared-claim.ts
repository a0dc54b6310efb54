import type { AnalyzerIo, Target } from '../define.ts';
import { claimsOf } from '../reading/claims.ts';
import { textAt } from '../reading/fields.ts';

/** Who else has the data of a pod, where a lock on it is held: the pods that mount the same claim; empty where none does. */
export async function claimHolders(io: AnalyzerIo, { namespace, name, object }: Target): Promise<string> {
  const own = claimsOf(object).map(({ claim }) => claim);
  if (own.length === 0) return '';
  const pods = await io.list('pods', namespace);
  if (pods.kind !== 'ok') return '';
  const holders = pods.value.flatMap((pod) => {
    const shared = claimsOf(pod).find(({ claim }) => own.includes(claim))?.claim;
    const isOver = ['Succeeded', 'Failed'].includes(textAt(pod, 'status', 'phase'));
    return pod.metadata.name === name || shared === undefined || isOver ? [] : [{ pod, shared }];
  });
  return holders
    .slice(0, 2)
    .map(({ pod, shared }) => {
      const state = pod.metadata.deletionTimestamp === undefined ? textAt(pod, 'status', 'phase') : 'Terminating';
      return ` Pod ${pod.metadata.name} (${state}) mounts the same claim ${shared}.`;
    })
    .join('');
}
