import { afterEach, describe, expect, it } from 'vitest';
import { createCleanup } from '../support/cleanup.ts';
import { createRandom } from '../support/random.ts';
import { beginStory, dieAt, dieAtRandom, findProblemsAtTheEnd } from './crash.ts';
import { createSandbox } from './sandbox.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

/** Each lane is one database that lives through the deaths of its points, one server process each. */
const lanes = [
  [
    'before:intake:4',
    'after:claim:3',
    'before:step-start:2',
    'after:step-end:5',
    'before:run-end:2',
    'after:delivery-claim:2',
    'after:cancel:1',
  ],
  [
    'after:intake:4',
    'before:claim:3',
    'after:step-start:2',
    'before:step-end:5',
    'after:run-end:2',
    'before:delivery-claim:2',
    'before:retry:1',
  ],
  [
    'before:step-process:2',
    'before:run-wait:2',
    'after:run-wait:2',
    'before:delivery-end:2',
    'after:delivery-end:2',
    'before:cancel:1',
    'after:retry:1',
  ],
] as const;

describe('a server that dies', { timeout: 120_000 }, () => {
  it('at every named crash point loses nothing and repeats nothing that was committed', async () => {
    const results = await Promise.all(
      lanes.map(async (points, index) => {
        const story = beginStory(await createSandbox(cleanup), createRandom(index + 1));
        for (const point of points) await dieAt(story, point);
        return findProblemsAtTheEnd(story);
      }),
    );
    expect(results.flat()).toEqual([]);
  });

  it('at random moments, five times, loses nothing and repeats nothing that was committed', async () => {
    const story = beginStory(await createSandbox(cleanup), createRandom(20_261_123));
    for (let kill = 0; kill < 5; kill++) await dieAtRandom(story);
    expect(await findProblemsAtTheEnd(story)).toEqual([]);
    expect(story.ledger.acknowledged.size).toBeGreaterThan(5);
  });
});

/** Control runs: the same test must fail where a protection is missing, or it proves nothing. */
describe('a server without its protection', { timeout: 120_000 }, () => {
  it.each([
    ['acknowledges-early', 'before:intake:3', /was answered 2xx \d+ times, the store has it \d+ times/],
    ['repeats-committed', 'after:run-wait:1', /was executed after attempt \d+ was committed as done/],
  ])('(%s) is found out', async (variant, crashAt, problem) => {
    const story = beginStory(await createSandbox(cleanup, ['test/chaos/unprotected.ts', variant]), createRandom(3));
    await dieAt(story, crashAt);
    expect((await findProblemsAtTheEnd(story)).join('\n')).toMatch(problem);
  });
});
