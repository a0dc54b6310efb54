import { expect, it } from 'vitest';
import { measureCommits } from './commit-metrics.ts';

it('measures each commit in seconds, and its callers', () => {
  const seen: unknown[] = [];
  let now = 100;
  const metrics = {
    increment: () => undefined,
    set: () => undefined,
    observe: (name: string, _labels: object, value: number) => void seen.push([name, value]),
  };
  const hooks = measureCommits(metrics, () => now);
  hooks.beforeCommit?.(['intake', 'claim']);
  now += 25;
  hooks.afterCommit?.(['intake', 'claim']);
  expect(seen).toEqual([
    ['fist_store_commit_duration_seconds', 0.025],
    ['fist_store_commit_callers', 2],
  ]);
});
