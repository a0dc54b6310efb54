import { spawnSync } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import { createCleanup } from '../../support/cleanup.ts';
import { createRandom } from '../../support/random.ts';
import { adviceOf, alertsIn, createStory, harms, isSound, saveCommandIn } from '../damage.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const lives = 5;
/** Alerts after which a harm that nobody noticed was none. A server notices within 5 s, and takes about 1,000 a second. */
const mostUnnoticed = 20_000;

/** So often a checkpoint comes into it as well. */
const program = ['test/chaos/unprotected.ts', 'checkpoints-often'];

// The quick form, and what must fail, is test/chaos/damage.test.ts.
describe.each(harms)('$name under load', ({ harm, isWhole }) => {
  it(`stops writes at ${lives} random moments, and what was acknowledged until then can be saved`, async () => {
    const random = createRandom(lives);
    for (let life = 0; life < lives; life++) {
      const { path, other, server, send, acknowledged } = await createStory(cleanup, program);
      let harmAfter = acknowledged.length + random.between(10, 200);
      const sender = async () => {
        for (let status = 200; status === 200;) {
          ({ status } = await send());
          if (status !== 200 || acknowledged.length < harmAfter) continue;
          // A log that is cut right after a checkpoint lost nothing, and there is nothing to notice: once more, later.
          harmAfter = acknowledged.length + mostUnnoticed;
          harm(path, other);
        }
      };
      await Promise.all(Array.from({ length: 4 }, sender));
      const advice = await adviceOf(server);
      if (isWhole) {
        expect(spawnSync('sh', ['-c', saveCommandIn(advice)]).status).toBe(0);
        const saved = new Set(await alertsIn(`${path}.saved`));
        expect(acknowledged.filter((id) => !saved.has(id))).toEqual([]);
        expect(isSound(`${path}.saved`)).toBe(true);
      }
      expect(server.process.exitStatus()).toBeNull();
      expect((await server.process.stop()).code).toBe(0);
    }
  });
});
