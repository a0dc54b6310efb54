import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CatalogSource } from '../../src/core/catalog.ts';
import { AppError } from '../../src/core/errors.ts';
import type { SourceDefinition } from '../../src/sources/define.ts';
import type { RunningSourcesOptions } from '../../src/sources/running.ts';
import { contractStores } from '../contract/stores.ts';
import { createCleanup } from './cleanup.ts';
import type { Cleanup } from './cleanup.ts';
import { createFakeClock } from './clock.ts';
import type { FakeClock } from './clock.ts';
import { createSourceWorld } from './sources.ts';
import type { SourceWorld } from './sources.ts';
import { waitFor } from './wait.ts';

/** What a Source looks at. */
export interface Watched {
  source(changes?: Partial<CatalogSource>): CatalogSource;
  /** What each replica has of its own. */
  replica?(): Partial<RunningSourcesOptions>;
  /** One thing more of which the Source is to tell: one run. */
  happen(): void | Promise<void>;
  /** What is looked at says again what is the case; a sender, what nobody has acknowledged. */
  repeat?(): void;
  /** Whether it has told that the store takes nothing. Default: in its status. */
  toldOfStore?(): boolean;
}

export interface SourceSuite {
  readonly definition: SourceDefinition;
  /** Time that passes between two looks of the test. Milliseconds; what the Source does takes a few of them. */
  readonly stepMs: number;
  start(cleanup: Cleanup, world: SourceWorld): Promise<Watched>;
}

const start = '2026-03-01T11:59:00.000Z';

/** The same for each Source that looks by itself. What it makes of what it sees is for its own test. */
export function testSource(suite: SourceSuite): void {
  const { definition, stepMs } = suite;
  describe.each(contractStores)(`${definition.type}: every Source that looks by itself, on $name`, ({ open }) => {
    const cleanup = createCleanup();
    let clock: FakeClock;
    let world: SourceWorld;
    let watched: Watched;

    beforeEach(async () => {
      clock = createFakeClock(start);
      const opened = await open({ clock });
      cleanup.defer(() => opened.close());
      world = createSourceWorld(opened.store, clock, [definition]);
      watched = await suite.start(cleanup, world);
      cleanup.defer(() => world.stop());
      world.sources = [watched.source()];
    });
    afterEach(() => cleanup.run());

    const begin = (options: Partial<RunningSourcesOptions> = {}) => world.start({ ...watched.replica?.(), ...options });
    async function step(): Promise<void> {
      watched.repeat?.();
      await clock.advance(stepMs);
    }
    async function steps(count: number): Promise<void> {
      for (let taken = 0; taken < count; taken += 1) await step();
    }
    const until = (what: string, isSo: () => boolean | Promise<boolean>) =>
      waitFor(
        what,
        async () => {
          if (await isSo()) return true;
          await step();
          return false;
        },
        { explain: () => JSON.stringify([...world.counted]) },
      );
    /** As many as there are some time after there are so many. */
    async function runsFrom(least: number): Promise<number> {
      await until(`${least} runs`, async () => (await world.runs()).length >= least);
      await steps(3);
      return (await world.runs()).length;
    }
    const name = () => watched.source().name;

    test('what happens is told once, by its name, and nothing is wrong', async () => {
      begin({ isAlone: true });
      await clock.advance(0);
      await watched.happen();
      expect(await runsFrom(1)).toBe(1);
      expect((await world.runs())[0]?.triggerSource).toBe(`default/${name()}`);
      const events = (await world.events()).filter(({ workflowTriggered }) => workflowTriggered !== null);
      expect(events).toMatchObject([{ sourceName: name(), sourceType: definition.type, receiveCount: 1 }]);
      await until('all to be well', async () => (await world.problem(name())) === null);
      expect(world.warned).toEqual([]);
    });

    test('of three replicas one tells, and when they have ended another goes on', async () => {
      const replicas = [begin(), begin(), begin()];
      await clock.advance(0);
      await watched.happen();
      expect(await runsFrom(1)).toBe(1);
      await Promise.all(replicas.map((replica) => replica.stop()));
      begin();
      await clock.advance(0);
      await watched.happen();
      expect(await runsFrom(2)).toBe(2);
    });

    test('a store that takes nothing is told of; what happened meanwhile comes once, when it takes again', async () => {
      let isAway = true;
      const refuse = () => Promise.reject(new AppError('StoreUnavailable', 'the database is away'));
      const intake: typeof world.intake = {
        ...world.intake,
        accept: (...told) => (isAway ? refuse() : world.intake.accept(...told)),
        request: (...told) => (isAway ? refuse() : world.intake.request(...told)),
      };
      begin({ isAlone: true, intake });
      await clock.advance(0);
      await watched.happen();
      await until('the trouble', async () => {
        if (watched.toldOfStore !== undefined) return watched.toldOfStore();
        return (await world.problem(name()))?.includes('StoreUnavailable: the database is away') === true;
      });
      expect(await world.runs()).toEqual([]);
      isAway = false;
      expect(await runsFrom(1)).toBe(1);
      await until('the end of the trouble', async () => (await world.problem(name())) === null);
    });

    test('suspended: what it sees is stored, and starts nothing', async () => {
      world.sources = [watched.source({ suspend: true })];
      begin({ isAlone: true });
      await clock.advance(0);
      await watched.happen();
      await until('an event', async () => (await world.events()).length > 0);
      await steps(3);
      expect(await world.runs()).toEqual([]);
      expect(world.counted.get(`fist_runs_muted_total ${name()} Suspended`)).toBe(1);
    });

    test('gone from the catalog it tells nothing more, and back in it it goes on', async () => {
      begin({ isAlone: true });
      await clock.advance(0);
      await watched.happen();
      expect(await runsFrom(1)).toBe(1);
      world.sources = [];
      await steps(3);
      await watched.happen();
      await steps(3);
      expect(await world.runs()).toHaveLength(1);
      world.sources = [watched.source()];
      await steps(3);
      await watched.happen();
      await until('the next run', async () => (await world.runs()).length > 1);
    });

    test('its end leaves nothing that waits', async () => {
      const running = begin({ isAlone: true });
      await clock.advance(0);
      await watched.happen();
      expect(await runsFrom(1)).toBe(1);
      await running.stop();
      expect(clock.sleeping()).toBe(0);
      await watched.happen();
      await steps(3);
      expect(await world.runs()).toHaveLength(1);
    });
  });
}
