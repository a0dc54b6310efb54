import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer } from 'vitest/node';
import type { TestSpecification } from 'vitest/node';

/** Those that bring a machine to its limits, or look how long something takes: each has the machine for itself. */
const aloneTests =
  'test/{chaos/{damage,disk-full,overload,replicas,stop},real/{exhausted,flapping,one-alert,postgres-failures,streams,token-flood}}.test.ts';

/** Those with an API server of their own. */
const clusterTests =
  'test/real/{agent-tools,chart,cli-live,crds,first-hour,install-operator,kube-*,kubernetes-source,live,operator*,sink-kubernetes-event,tool-levels}.test.ts';

/** Those that take a minute or more, the longest first: begun last they would go on alone. */
const longTests = [
  'real/crash',
  'chaos/crash',
  'real/command-probes',
  'real/agent-crash',
  'real/docs',
  'real/agent-crash-postgres',
  'real/upgrade-postgres',
  'real/power-loss',
  'real/operator-upgrade',
  'real/kube-commands',
  'real/chart',
  'real/operator-replicas',
  'real/operator-chaos',
  'real/operator-upgrade-postgres',
].map((name) => `/test/${name}.test.ts`);

/** Nobody has run a fresh clone before, so that what takes long is not known from then. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const place = ({ moduleId }: TestSpecification): number => {
      const found = longTests.findIndex((name) => moduleId.endsWith(name));
      return found === -1 ? longTests.length : found;
    };
    return sorted.toSorted((one, other) => place(one) - place(other));
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    // Many tests wait for programs and clocks: more of them at a time than there are cores.
    maxWorkers: availableParallelism() * 2,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'scripts/**/*.test.ts'],
          exclude: ['test/real/**', 'test/chaos/**'],
          testTimeout: 90_000,
          hookTimeout: 90_000,
          pool: 'threads',
          isolate: false,
        },
      },
      {
        test: {
          name: 'real',
          // Real programs, and the quick form of each chaos test.
          include: ['test/real/**/*.test.ts', 'test/chaos/*.test.ts'],
          exclude: [clusterTests, aloneTests],
          sequence: { groupOrder: 1 },
          testTimeout: 300_000,
          hookTimeout: 300_000,
          pool: 'forks',
          maxWorkers: 3,
        },
      },
      {
        test: {
          name: 'real-alone',
          include: [aloneTests],
          sequence: { groupOrder: 3 },
          testTimeout: 300_000,
          hookTimeout: 300_000,
          pool: 'forks',
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'real-cluster',
          include: [clusterTests],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          pool: 'forks',
          maxWorkers: 3,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'chaos',
          include: ['test/chaos/long/**/*.test.ts'],
          testTimeout: 1_800_000,
          hookTimeout: 300_000,
          pool: 'forks',
          fileParallelism: false,
        },
      },
    ],
  },
});
