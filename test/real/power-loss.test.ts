import { readFileSync } from 'node:fs';
import { zstdDecompressSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { randomLosses } from '../chaos/power-loss-disk.ts';
import { record } from '../chaos/power-loss-record.ts';
import { explainNoTrace } from '../chaos/power-loss-trace.ts';
import { cutPower } from '../chaos/power-loss.ts';
import { createCleanup } from '../support/cleanup.ts';
import { repositoryRoot } from '../support/processes.ts';
import { createRandom } from '../support/random.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const onlyLinux = { skip: process.platform !== 'linux' };

// The long form is test/chaos/long/power-loss.test.ts.
describe('a power cut', onlyLinux, () => {
  it('can be replayed on this machine', () => {
    expect(explainNoTrace()).toBeNull();
  });

  it('loses nothing that was acknowledged and damages nothing', async () => {
    const random = createRandom(5);
    const recording = await record(cleanup, { random, notifications: [18, 15, 6], variants: 'checkpoints-often' });
    const found = await cutPower(recording, {
      random,
      choose: ({ at }) => (at === 'sync' ? ['nothing-kept', random.pick(randomLosses)] : []),
      serverEvery: 60,
    });
    expect(found).toMatchObject({ lost: [], damaged: [] });
    expect(found.cuts).toBeGreaterThanOrEqual(50);
    expect(found.checkpoints).toBeGreaterThan(3);
    expect(found.acknowledged).toBeGreaterThan(39);
  });

  it('while a database of schema version 1 is migrated loses nothing of it', async () => {
    const random = createRandom(9);
    const from = zstdDecompressSync(readFileSync(`${repositoryRoot}test/fixtures/schema-1/schema-1.sqlite.zst`));
    const recording = await record(cleanup, { random, notifications: [0], from });
    const found = await cutPower(recording, {
      random,
      choose: ({ at, index }) => (at === 'sync' && index < 20 ? ['nothing-kept', ...randomLosses] : []),
    });
    expect(found).toMatchObject({ lost: [], damaged: [] });
    expect(found.cuts).toBeGreaterThanOrEqual(3);
  });
});

/** Control runs: without its syncs the same server must be found out, or the test proves nothing. */
describe('a power cut', onlyLinux, () => {
  const cutWithout = async (variant: string) => {
    const random = createRandom(6);
    const recording = await record(cleanup, { random, notifications: [30], variants: `checkpoints-often,${variant}` });
    return cutPower(recording, { random, choose: ({ at }) => (at === 'answer' ? ['nothing-kept', 'sectors'] : []) });
  };

  it('with synchronous=OFF loses acknowledged alerts and damages databases', async () => {
    const { lost, damaged } = await cutWithout('synchronous-off');
    expect(lost.join('\n')).toMatch(/was answered 2xx \d+ times, the store has it 0 times/);
    expect(damaged.join('\n')).toMatch(/malformed/);
  });

  // What docs/guide/operate.md says of it.
  it('with synchronous=NORMAL loses acknowledged alerts and damages nothing', async () => {
    const { lost, damaged } = await cutWithout('synchronous-normal');
    expect(lost.join('\n')).toMatch(/was answered 2xx \d+ times, the store has it 0 times/);
    expect(damaged).toEqual([]);
  });
});
