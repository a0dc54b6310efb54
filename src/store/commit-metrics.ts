import type { Metrics } from '../core/ports.ts';
import type { CommitHooks } from './commit-hooks.ts';

/** Measures each COMMIT, the write to the disk, and how many callers shared it. `monotonic` in milliseconds. */
export function measureCommits(metrics: Metrics, monotonic: () => number): CommitHooks {
  let begunMs = 0;
  return {
    beforeCommit() {
      begunMs = monotonic();
    },
    afterCommit(names) {
      metrics.observe('fist_store_commit_duration_seconds', {}, (monotonic() - begunMs) / 1000);
      metrics.observe('fist_store_commit_callers', {}, names.length);
    },
  };
}
