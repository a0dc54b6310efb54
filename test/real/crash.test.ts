import { afterEach, describe, expect, it } from 'vitest';
import { transactionNames } from '../../src/core/store.ts';
import type { TransactionName } from '../../src/core/store.ts';
import { beginStory, dieAt, dieAtRandom, findProblemsAtTheEnd, stopGracefully } from '../chaos/crash.ts';
import { createSandbox } from '../chaos/sandbox.ts';
import { createCleanup } from '../support/cleanup.ts';
import { createRandom } from '../support/random.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

/** A renewal needs a long step, events of an agent and a check a model, a verdict a report, and what is learned metrics. */
const left: readonly string[] = ['renew', 'agent-events', 'model-check', 'verdict', 'namespace-data'];
const names = transactionNames.filter((name) => !left.includes(name));

/** Of these not the first but a later one, when there is something to lose. */
const later: Readonly<Partial<Record<TransactionName, number>>> = {
  intake: 4,
  claim: 3,
  'step-start': 2,
  'step-process': 2,
  'step-end': 5,
  'run-end': 2,
  'run-wait': 2,
  'delivery-claim': 2,
  'delivery-end': 2,
};

describe('a server that dies at a crash point', () => {
  it.each(names.flatMap((name) => ['before', 'after'].map((moment) => `${moment}:${name}:${later[name] ?? 1}`)))(
    '%s, and is started once more',
    async (point) => {
      const story = beginStory(await createSandbox(cleanup), createRandom(7));
      await dieAt(story, point);
      expect(await findProblemsAtTheEnd(story)).toEqual([]);
    },
  );

  it.each(['before:renew:1', 'after:renew:1'])('%s, in the middle of a long step', async (point) => {
    const story = beginStory(await createSandbox(cleanup), createRandom(8));
    await dieAt(story, point, { slow: true, timeoutMs: 90_000 });
    expect(await findProblemsAtTheEnd(story)).toEqual([]);
  });
});

describe('a server that is killed', () => {
  it('50 times at random moments loses nothing and repeats nothing that was committed', async () => {
    const story = beginStory(await createSandbox(cleanup), createRandom(50));
    for (let kill = 0; kill < 50; kill++) await dieAtRandom(story);
    expect(await findProblemsAtTheEnd(story)).toEqual([]);
    expect(story.ledger.answers).toBeGreaterThan(500);
  });

  it('and stopped gracefully in turns, under load, does not either', async () => {
    const story = beginStory(await createSandbox(cleanup), createRandom(10));
    for (let round = 0; round < 5; round++) {
      await stopGracefully(story);
      await dieAtRandom(story);
    }
    expect(await findProblemsAtTheEnd(story)).toEqual([]);
  });
});
