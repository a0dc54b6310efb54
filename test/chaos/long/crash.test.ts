import { afterEach, describe, expect, it } from 'vitest';
import { transactionNames } from '../../../src/core/store.ts';
import { createCleanup } from '../../support/cleanup.ts';
import { createRandom } from '../../support/random.ts';
import { beginStory, dieAt, dieAtRandom, findProblemsAtTheEnd } from '../crash.ts';
import { chaosDatabases } from '../database.ts';
import { createSandbox } from '../sandbox.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

/** Once in a life, when it starts. */
const first = ['recover', 'resources'];
/** Leases of a dead process are known to be dead on SQLite only. */
const onlySqlite = ['recover'];
/** The story has no model and no metrics, and nobody judges its reports. */
const notInStory = ['agent-events', 'model-check', 'verdict', 'namespace-data'];

// The quick form, and what must fail, is test/chaos/crash.test.ts.
describe.each(chaosDatabases)('a server on $name', (databases) => {
  it('that dies before and after every named commit loses nothing and repeats nothing', async () => {
    const random = createRandom(2);
    const program = ['test/chaos/unprotected.ts', 'leases-short,minutes-short'];
    const story = beginStory(await createSandbox(cleanup, databases, program), random);
    for (const name of transactionNames) {
      if (notInStory.includes(name)) continue;
      if (databases.name !== 'SQLite' && onlySqlite.includes(name)) continue;
      const occurrence = first.includes(name) ? 1 : random.between(1, 2);
      for (const when of ['before', 'after'])
        await dieAt(story, `${when}:${name}:${occurrence}`, { slow: name === 'renew' });
    }
    expect(await findProblemsAtTheEnd(story, 300_000)).toEqual([]);
  });

  it('that is killed 200 times over 10,000 alerts loses nothing and repeats nothing', async () => {
    const story = beginStory(await createSandbox(cleanup, databases), createRandom(200));
    let kills = 0;
    // Mostly duplicates, so that the runs of one life do not pile up over many: that would be a test of overload.
    const mix = { fresh: 0.04, changed: 0.12, peoplePauseMs: 500 };
    for (; kills < 200 || story.ledger.answers < 10_000; kills++)
      await dieAtRandom(story, { mostAlerts: 110, connections: 6, mix });
    expect(await findProblemsAtTheEnd(story, 900_000)).toEqual([]);
    const { runs, steps, deliveries } = story.snapshot ?? { runs: [], steps: [], deliveries: [] };
    console.log(
      `${databases.name}: ${kills} kills, ${story.ledger.answers} alerts acknowledged, ${runs.length} runs, ${steps.length} attempts of steps, ${deliveries.length} deliveries`,
    );
  });
});
