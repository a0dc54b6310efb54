import type { KubernetesObject } from './cluster.ts';
import type { AppError } from './errors.ts';
import type { Clock } from './ports.ts';

/** Which objects of a cluster are watched. */
export interface WatchQuery {
  /** Plural name, `pods`; or `plural.version.group` of any other group, `certificates.v1.cert-manager.io`. */
  readonly resource: string;
  /** null = all namespaces, or a cluster-scoped resource. */
  readonly namespace: string | null;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

/**
 * What a watch tells. A list begins with `list`, comes in pages and ends with `listed`: what was not in it is not there any
 * more. It may begin again before it has ended, and comes again every while. `watching`: the server answers. `alive`: nothing was
 * missed until now.
 */
export type WatchSignal =
  | { readonly kind: 'list' }
  | { readonly kind: 'page'; readonly objects: readonly KubernetesObject[] }
  | { readonly kind: 'listed' }
  | { readonly kind: 'watching' }
  | { readonly kind: 'changed'; readonly type: 'added' | 'modified' | 'deleted'; readonly object: KubernetesObject }
  | { readonly kind: 'alive' };

export interface WatchIo {
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly signal: AbortSignal;
  /** Hears each failure, after which it goes on by itself. Awaited. */
  readonly onTrouble: (error: AppError) => Promise<void>;
}

/** The objects of a live cluster as they change. */
export interface ClusterWatch {
  /** Goes on until `signal` is aborted. What is not taken is not read either: it holds one page, or one change, at a time. */
  watch(query: WatchQuery, io: WatchIo): AsyncIterable<WatchSignal>;
}
