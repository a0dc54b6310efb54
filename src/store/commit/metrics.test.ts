import { expect, it } from 'vitest';
import { measureCommits } from './metrics.ts';

it('measures each commit in seconds, and its callers', () => {
  const seen: unknown[] = [];
  let now = 100;
  const metrics = {
    increment: () => undefined,
    set: () => undefined,
    observe: (name: string, _labels: object, value: number) => void seen.push([name, value]),
  };
  const hooks = measureCommits(metrics, () => now);
  const names = ['intake', 'claim'] as const;
  const others = ['renew'] as const;
  hooks.beforeCommit?.(names);
  now += 15;
  hooks.beforeCommit?.(others);
  now += 10;
  hooks.afterCommit?.(names);
  hooks.afterCommit?.(others);
  expect(seen).toEqual([
    ['fist_store_commit_duration_seconds', 0.025],
    ['fist_store_commit_callers', 2],
    ['fist_store_commit_duration_seconds', 0.01],
    ['fist_store_commit_callers', 1],
  ]);
});
