import type { KubernetesObject } from '../../core/cluster.ts';
import type { Timestamp } from '../../core/time.ts';

/** Makes alerts of what a watch tells. */
export interface Watcher {
  /** A list begins. */
  readonly listing: () => void;
  /** An object of it. `passed`: what happened until then was told before. */
  readonly listed: (object: KubernetesObject, passed: Timestamp, nowMs: number) => void;
  /** What was not in it is not there. */
  readonly endOfList: (nowMs: number) => void;
  readonly changed: (type: 'added' | 'modified' | 'deleted', object: KubernetesObject, nowMs: number) => void;
  /** From time to time; until `aliveMs` nothing was missed. */
  readonly judge: (aliveMs: number) => void;
  /** Where a Source begins that was never here: what happened before is no news. */
  readonly firstPassed: (nowMs: number) => Timestamp;
}
