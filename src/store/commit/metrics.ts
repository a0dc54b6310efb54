import type { Metrics } from '../../core/metrics.ts';
import type { CommitHooks } from './hooks.ts';

/** Measures each COMMIT, the write to the disk, and how many callers shared it. `monotonic` in milliseconds. */
export function measureCommits(metrics: Metrics, monotonic: () => number): CommitHooks {
  const begunMs = new WeakMap<readonly string[], number>();
  return {
    beforeCommit(names) {
      begunMs.set(names, monotonic());
    },
    afterCommit(names) {
      metrics.observe(
        'fist_store_commit_duration_seconds',
        {},
        (monotonic() - (begunMs.get(names) ?? monotonic())) / 1000,
      );
      metrics.observe('fist_store_commit_callers', {}, names.length);
    },
    conflict(name) {
      metrics.increment('fist_store_conflicts_total', { transaction: name });
    },
  };
}
