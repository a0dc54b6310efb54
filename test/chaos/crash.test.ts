import { afterEach, describe, expect, it } from 'vitest';
import { createCleanup } from '../support/cleanup.ts';
import { createRandom } from '../support/random.ts';
import { beginStory, dieAfterAnswer, dieAt, dieAtRandom, findProblemsAtTheEnd } from './crash.ts';
import { chaosDatabases, postgresDatabases } from './database.ts';
import { createSandbox } from './sandbox.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

/**
 * Each lane is one database that lives through the deaths of its points, one server process each. The rest is in the long
 * form; on SQLite, test/real/crash.test.ts has each point and more random deaths.
 */
const lanes: readonly (readonly string[])[] = [
  ['before:intake:4', 'after:claim:3', 'after:step-end:5', 'after:delivery-claim:2'],
  ['after:intake:4', 'before:step-end:5', 'before:run-end:2', 'before:delivery-end:2'],
];

// On PostgreSQL what a dead process held is free when its lease has ended: with the real leases a test would wait for a
// minute. The long form, with them, is test/chaos/long/crash.test.ts.
const program = ['test/chaos/unprotected.ts', 'leases-short'];

describe('a server on PostgreSQL that dies', () => {
  it('at every named crash point loses nothing and repeats nothing that was committed', async () => {
    const results = await Promise.all(
      lanes.map(async (points, index) => {
        const story = beginStory(await createSandbox(cleanup, postgresDatabases, program), createRandom(index + 1));
        for (const point of points) await dieAt(story, point);
        return findProblemsAtTheEnd(story);
      }),
    );
    expect(results.flat()).toEqual([]);
  });

  it('at random moments, five times, loses nothing and repeats nothing that was committed', async () => {
    const mix = { fresh: 0.1, changed: 0.3, peoplePauseMs: 200 };
    const story = beginStory(await createSandbox(cleanup, postgresDatabases, program), createRandom(20_261_123));
    for (let kill = 0; kill < 5; kill++) await dieAtRandom(story, { mostAlerts: 60, mix });
    expect(await findProblemsAtTheEnd(story)).toEqual([]);
    expect(story.ledger.answers).toBeGreaterThan(50);
  });
});

/** Control runs: the same test must fail where a protection is missing, or it proves nothing. */
describe.each(chaosDatabases)('a server on $name without its protection', (databases) => {
  const begin = async (variant: string) => {
    const words = ['test/chaos/unprotected.ts', `${variant},leases-short`];
    return beginStory(await createSandbox(cleanup, databases, words), createRandom(3));
  };

  it('that answers before the commit is found out', async () => {
    const story = await begin('acknowledges-early');
    await dieAfterAnswer(story);
    expect(await findProblemsAtTheEnd(story)).toEqual(['early was answered 2xx 1 times, the store has it 0 times']);
  });

  it('that repeats what was committed is found out', async () => {
    const story = await begin('repeats-committed');
    // Nobody cancels the run that has something to repeat.
    await dieAt(story, 'after:run-wait:1', { people: false });
    const problems = await findProblemsAtTheEnd(story);
    expect(problems.join('\n')).toMatch(/was executed after attempt \d+ was committed as done/);
  });
});
