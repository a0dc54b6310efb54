import { afterEach, describe, expect, it } from 'vitest';
import { createCleanup } from '../../support/cleanup.ts';
import { createRandom } from '../../support/random.ts';
import { randomLosses } from '../power-loss-disk.ts';
import { record } from '../power-loss-record.ts';
import { explainNoTrace } from '../power-loss-trace.ts';
import { cutPower } from '../power-loss.ts';
import type { PowerCuts } from '../power-loss.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

// The quick form, and what must fail, is test/real/power-loss.test.ts.
describe('a power cut', { skip: process.platform !== 'linux', timeout: 1_200_000 }, () => {
  it('can be replayed on this machine', () => {
    expect(explainNoTrace()).toBeNull();
  });

  it('at 1,000 moments, with many checkpoints, loses nothing that was acknowledged and damages nothing', async () => {
    const all: PowerCuts[] = [];
    for (let seed = 1; sum(all, 'cuts') < 1000; seed++) {
      const random = createRandom(seed);
      const recording = await record(cleanup, { random, notifications: [60, 60, 20], variants: 'checkpoints-often' });
      const found = await cutPower(recording, {
        random,
        choose: ({ at }) =>
          at === 'sync' ? ['nothing-kept', 'all-kept', random.pick(randomLosses), random.pick(randomLosses)] : [],
        serverEvery: 150,
      });
      expect(found).toMatchObject({ lost: [], damaged: [] });
      all.push(found);
    }
    console.log(summary(all));
    expect(sum(all, 'checkpoints')).toBeGreaterThan(50);
  });

  it('of the server as it is, with checkpoints as rare as they are, loses and damages nothing either', async () => {
    const random = createRandom(77);
    const recording = await record(cleanup, { random, notifications: [700, 100], connections: 1 });
    const found = await cutPower(recording, {
      random,
      choose: ({ at, index, ofDatabase }) =>
        ofDatabase ? randomLosses : at === 'sync' && index % 7 === 0 ? ['nothing-kept', random.pick(randomLosses)] : [],
      serverEvery: 100,
    });
    console.log(summary([found]));
    expect(found).toMatchObject({ lost: [], damaged: [] });
    expect(found.checkpoints).toBeGreaterThan(1);
    expect(found.cuts).toBeGreaterThan(100);
  });
});

function sum(all: readonly PowerCuts[], name: 'cuts' | 'images' | 'servers' | 'checkpoints' | 'acknowledged'): number {
  return all.reduce((total, found) => total + found[name], 0);
}

function summary(all: readonly PowerCuts[]): string {
  const names = ['cuts', 'images', 'servers', 'checkpoints', 'acknowledged'] as const;
  return names.map((name) => `${sum(all, name)} ${name}`).join(', ');
}
