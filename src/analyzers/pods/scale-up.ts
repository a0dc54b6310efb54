import { plural } from '../../lib/words.ts';
import type { EventView } from '../define.ts';
import { quote } from '../reading/quote.ts';

/** Why no node is added for a pod that no node takes. */
interface NoScaleUp {
  /** A sentence. */
  readonly text: string;
  /** What can be done about it. */
  readonly remedy: string;
}

/** Words of the Cluster Autoscaler, of its managed forms, and of Karpenter. */
const limits: readonly (readonly [RegExp, (found: RegExpExecArray) => NoScaleUp])[] = [
  [
    /(\d+) max (?:node group size|limit) reached/,
    ([, count = '1']) => ({
      text: `The autoscaler adds no node: ${plural(Number(count), 'node group')} ${count === '1' ? 'is at its' : 'are at their'} maximum size.`,
      remedy: 'Raise the maximum size of a node group whose nodes fit the pod',
    }),
  ],
  [
    /max cluster (\w[\w, ]{1,60}?) limits? reached/,
    ([, resources = '']) => ({
      text: `The autoscaler adds no node: the cluster is at its limit of ${resources}.`,
      remedy: `Raise the limit of ${resources} that the autoscaler has for the whole cluster`,
    }),
  ],
  [
    /(\d+) in backoff after failed scale-up/,
    ([, count = '1']) => ({
      text: `The autoscaler adds no node: it waits after a failed attempt to add one to ${plural(Number(count), 'node group')}.`,
      remedy:
        'Look up in the log of the autoscaler why the last attempt failed (quota, capacity, addresses), and mend that',
    }),
  ],
  [
    /exceed(?:s|ed)? limits for (?:nodepool|provisioner):? "?([\w.-]{1,63})/,
    ([, pool = '']) => ({
      text: `Karpenter adds no node: node pool ${quote(pool, 63)} is at its limits.`,
      remedy: `Raise the limits of node pool ${quote(pool, 63)}`,
    }),
  ],
];

/** What the autoscaler said last of a pod, where that is a limit of its own; null where it adds a node, or says nothing of it. */
export function noScaleUp(events: readonly EventView[]): NoScaleUp | null {
  const told = events.filter(({ reason }) =>
    ['NotTriggerScaleUp', 'TriggeredScaleUp', 'FailedScheduling', 'Nominated'].includes(reason),
  );
  for (const { reason, message } of told.toReversed()) {
    if (reason === 'TriggeredScaleUp' || reason === 'Nominated') return null;
    for (const [pattern, words] of limits) {
      const found = pattern.exec(message);
      if (found !== null) return words(found);
    }
  }
  return null;
}
