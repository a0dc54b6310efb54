import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Those with an API server of their own: they wait for others more than they work, so two at a time. */
const clusterTests =
  'test/real/{agent-tools,chart,cli-live,crds,first-hour,install-operator,kube-*,kubernetes-source,live,operator*,sink-kubernetes-event,tool-levels}.test.ts';

export default defineConfig({
  test: {
    // Many tests wait for programs and clocks: more of them at a time than there are cores.
    maxWorkers: availableParallelism() * 2,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'scripts/**/*.test.ts'],
          exclude: ['test/real/**', 'test/chaos/**'],
          testTimeout: 30_000,
          hookTimeout: 30_000,
          pool: 'threads',
          isolate: false,
        },
      },
      {
        test: {
          name: 'real',
          // Real programs, and the quick form of each chaos test.
          include: ['test/real/**/*.test.ts', 'test/chaos/*.test.ts'],
          exclude: [clusterTests],
          sequence: { groupOrder: 1 },
          testTimeout: 300_000,
          hookTimeout: 120_000,
          pool: 'forks',
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'real-cluster',
          include: [clusterTests],
          testTimeout: 300_000,
          hookTimeout: 120_000,
          pool: 'forks',
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'chaos',
          include: ['test/chaos/long/**/*.test.ts'],
          testTimeout: 1_800_000,
          hookTimeout: 120_000,
          pool: 'forks',
          fileParallelism: false,
        },
      },
    ],
  },
});
