import { describe, expect, test } from 'vitest';
import { createFakeClock } from '../../../test/support/clock.ts';
import { branchesOf, createEngineWorld, planOf, step } from '../../../test/support/engine.ts';
import type { Deed } from '../../../test/support/engine.ts';
import { createRandom } from '../../../test/support/random.ts';
import type { Random } from '../../../test/support/random.ts';
import { isFinal } from '../../core/run.ts';
import type { Store, TransactionName } from '../../core/store.ts';
import { openSqliteStore } from '../../store/sqlite/store.ts';
import { createControl } from '../control.ts';
import { releaseDeadLeases } from '../driver.ts';
import { succeeded } from '../steps/define.ts';
import { silentLog } from '../../lib/silent-log.ts';

type Moment = `${'before' | 'after'}:${TransactionName}` | 'in:step';

/** A process that dies: from then on it reaches the store no more. */
interface Mortal {
  readonly store: Store;
  isDead(): boolean;
  /** Dies here if it was decided so. */
  reach(moment: Moment): void;
}

function mortal(store: Store, dies: (moment: Moment) => boolean): Mortal {
  let dead = false;
  function reach(moment: Moment): void {
    if (!dead && dies(moment)) dead = true;
    if (dead) throw new Error(`the process is dead (${moment})`);
  }
  return {
    isDead: () => dead,
    reach,
    store: {
      ...store,
      async transaction(name, work) {
        if (dead) throw new Error('the process is dead');
        const result = await store.transaction(name, async (tx) => {
          const value = await work(tx);
          reach(`before:${name}`);
          return value;
        });
        reach(`after:${name}`);
        return result;
      },
    },
  };
}

const retry = { limit: 2, backoffMs: 1000, maxBackoffMs: 2000 };
const plan = planOf(
  [
    step('look'),
    step('ask', {
      type: 'conditional',
      config: { condition: 'yes' },
      branches: branchesOf(['then', step('fix', { retry })]),
    }),
    step('shaky', { retry }),
    step('hopeless', { continueOnError: true }),
    step('last'),
  ],
  { sinks: ['chat', 'out'], maxConcurrent: 3, outputs: [{ name: 'look', value: '{{ .steps.look.result.attempt }}' }] },
);

/** Lives until every run has ended; the database is the only thing that the lives share. Returns what went wrong. */
async function story(random: Random, dies: (moment: Moment, life: number) => boolean): Promise<readonly string[]> {
  const clock = createFakeClock();
  const store = openSqliteStore({ path: ':memory:' });
  const executed: { readonly key: string; readonly attempt: number; readonly committed: boolean }[] = [];
  const problems: string[] = [];
  const seed = createEngineWorld({ store, clock, sinks: [] });
  const ids: string[] = [];
  for (let index = 0; index < 4; index += 1) {
    const alert = await seed.addAlert();
    ids.push(await seed.addRun(plan, {}, alert), await seed.addRun(plan, { episode: 2 }, alert));
  }
  const cancelled = ids[3] ?? '';
  for (let life = 0; ; life += 1) {
    if (life > 400) return ['not every run ended within 400 lives'];
    const process = mortal(store, (moment) => dies(moment, life));
    const deed: Deed = async (io) => {
      const rows = await store.read.runs.steps(io.runId);
      const committed = rows.some((row) => row.path === io.path && row.status === 'succeeded');
      executed.push({ key: `${io.runId}/${io.path}`, attempt: io.attempt, committed });
      await new Promise((resolve) => setImmediate(resolve));
      process.reach('in:step');
      const fails = io.name === 'hopeless' || (io.name === 'shaky' && io.attempt === 1);
      const result = { attempt: io.attempt };
      return fails
        ? { ok: false, code: 'CommandFailed', message: 'exit code 1', retryable: true, result, evidence: [] }
        : succeeded(result);
    };
    const deeds = { look: deed, fix: deed, shaky: deed, hopeless: deed, last: deed };
    const world = createEngineWorld({
      store: process.store,
      clock,
      deeds,
      sinks: [{ name: 'chat', sendStarted: true }],
    });
    const never = new AbortController().signal;
    const ignoreDeath = (error: Error): void => {
      if (!process.isDead()) problems.push(`life ${life}: ${error.message}`);
    };
    await releaseDeadLeases(process.store, clock).catch(ignoreDeath);
    for (let round = 0; round < 60 && !process.isDead(); round += 1) {
      const due = await store.read.runs.due(new Date(clock.now()).toISOString(), 100);
      await Promise.all(due.map((id) => world.engine.advance(id, never).catch(ignoreDeath)));
      if (round === 1 && life % 3 === 0) {
        const control = createControl({
          store: process.store,
          clock,
          log: silentLog,
          metrics: { increment: () => undefined },
          catalog: { current: () => ({}) as never },
        });
        await control.cancel(cancelled, 'enough').catch(() => undefined);
      }
      await clock.advance(random.between(100, 1500));
      const runs = await Promise.all(ids.map((id) => store.read.runs.find(id)));
      if (runs.every((run) => run !== undefined && isFinal(run.status))) {
        problems.push(...(await check(store, ids, executed)));
        await store.close();
        return problems;
      }
    }
  }
}

async function check(
  store: Store,
  ids: readonly string[],
  executed: readonly { readonly key: string; readonly attempt: number; readonly committed: boolean }[],
): Promise<readonly string[]> {
  const problems = executed
    .filter((entry) => entry.committed)
    .map((entry) => `${entry.key} ran again after its success was committed`);
  for (const id of ids) {
    const run = await store.read.runs.find(id);
    const rows = await store.read.runs.steps(id);
    if (rows.some((row) => row.status === 'running')) problems.push(`${id} ended with a running row`);
    const paths = new Set(rows.map((row) => row.path));
    for (const path of paths) {
      const own = rows.filter((row) => row.path === path);
      if (own.filter((row) => row.status === 'succeeded').length > 1) problems.push(`${id}/${path} succeeded twice`);
      const attempts = executed.filter((entry) => entry.key === `${id}/${path}`).map((entry) => entry.attempt);
      if (new Set(attempts).size !== attempts.length) problems.push(`${id}/${path} ran one attempt twice`);
    }
    for (const entry of executed.filter((entry) => entry.key.startsWith(id))) {
      const known = rows.some((row) => `${id}/${row.path}` === entry.key && row.attempt === entry.attempt);
      if (!known) problems.push(`${entry.key}#${entry.attempt} ran without a row`);
    }
    const wanted = run?.startedAt === null ? [] : ['run-finished chat', 'run-finished out', 'run-started chat'];
    const { items } = await store.read.lists.deliveries({ limit: 50, runId: id });
    const told = items.map((delivery) => `${delivery.event} ${delivery.sinkName}`).sort();
    if (JSON.stringify(told) !== JSON.stringify(wanted))
      problems.push(`${id} ${run?.status} announced ${told.join(', ')}`);
    if (run?.status === 'failed' && run.errorCode !== 'CrashLoop') problems.push(`${id} failed: ${run.error}`);
  }
  const orphans = await store.transaction('audit', (tx) => tx.runs.freeOrphanSlots('2027-01-01T00:00:00.000Z'));
  if (orphans > 0) problems.push(`${orphans} slots without a holder`);
  return problems;
}

const engineTransactions = ['claim', 'step-start', 'step-end', 'run-wait', 'run-end', 'cancel', 'recover'] as const;

describe('crashes', () => {
  const points = engineTransactions.flatMap((name) => [`before:${name}`, `after:${name}`] as const);
  test.each([...points, 'in:step'] as Moment[])(
    'at %s, several times, every run ends and no committed success repeats',
    async (point) => {
      let hits = 0;
      const problems = await story(createRandom(1), (moment, life) => {
        const hit = moment === point && life < 4;
        if (hit) hits += 1;
        return hit;
      });
      expect(problems).toEqual([]);
      expect(hits).toBeGreaterThan(0);
    },
  );

  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])(
    'at random moments (seed %i), every run ends and no committed success repeats',
    async (seed) => {
      const random = createRandom(seed);
      let crashes = 0;
      const problems = await story(random, (_, life) => {
        const hit = life < 60 && random.next() < 0.06;
        if (hit) crashes += 1;
        return hit;
      });
      expect(problems).toEqual([]);
      expect(crashes).toBeGreaterThan(3);
    },
  );
});
