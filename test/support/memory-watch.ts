import type { ClusterWatch, WatchQuery, WatchSignal } from '../../src/core/watch.ts';

/** A watch whose signals the test sends, to whoever watches at that time. */
export interface MemoryWatch extends ClusterWatch {
  readonly queries: readonly WatchQuery[];
  watchers(): number;
  send(...signals: readonly WatchSignal[]): void;
}

export function createMemoryWatch(): MemoryWatch {
  const queries: WatchQuery[] = [];
  const watchers = new Set<(signals: readonly WatchSignal[]) => void>();
  return {
    queries,
    watchers: () => watchers.size,
    send: (...signals) => watchers.forEach((take) => take(signals)),
    async *watch(query, { signal }) {
      queries.push(query);
      const waiting: WatchSignal[] = [];
      let wake = Promise.withResolvers<void>();
      const take = (signals: readonly WatchSignal[]): void => {
        waiting.push(...signals);
        wake.resolve();
      };
      const end = (): void => wake.resolve();
      signal.addEventListener('abort', end);
      watchers.add(take);
      try {
        while (!signal.aborted) {
          await wake.promise;
          wake = Promise.withResolvers();
          for (let next = waiting.shift(); next !== undefined && !signal.aborted; next = waiting.shift()) yield next;
        }
      } finally {
        watchers.delete(take);
        signal.removeEventListener('abort', end);
      }
    },
  };
}

/** A whole list. */
export function listOf(...objects: Extract<WatchSignal, { kind: 'page' }>['objects']): readonly WatchSignal[] {
  return [{ kind: 'list' }, { kind: 'page', objects }, { kind: 'listed' }, { kind: 'watching' }];
}
