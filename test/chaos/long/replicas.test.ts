import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { createCleanup } from '../../support/cleanup.ts';
import { createRandom } from '../../support/random.ts';
import { waitFor } from '../../support/wait.ts';
import { countTicks, createWitness, findReplicaProblems, linesOf } from '../replicas-checker.ts';
import { startSenders } from '../replicas-traffic.ts';
import { startReplicas } from '../replicas.ts';
import type { Replica, Replicas } from '../replicas.ts';
import { createLedger } from '../traffic.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const alerts = 10_000;
/** A lease, the sweep for due runs, and what a loaded machine adds. */
const mostTakeoverMs = 35_000;
/** Of readiness, when what was wrong is over: it is held back for five seconds. */
const mostRecoveryMs = 15_000;

// The quick form, and the control runs that must fail, are test/chaos/replicas.test.ts.
describe('three replicas on one PostgreSQL, with their real leases', { timeout: 3_600_000 }, () => {
  it('lose nothing and commit nothing twice while each is killed, stopped and cut off, and PostgreSQL restarts', async () => {
    const random = createRandom(20_261_123);
    const replicas = await startReplicas(cleanup);
    const ledger = createLedger();
    const witness = createWitness(replicas);
    const begunMs = Date.now();
    const traffic = startSenders(replicas.all, ledger, {
      random,
      senders: 8,
      pauseMs: 1000,
      longSteps: { seconds: 10, every: 14 },
    });
    await waitFor('alerts', () => ledger.answers > 200, { timeoutMs: 120_000 });

    const takeovers: number[] = [];
    for (const [index, replica] of replicas.all.entries()) {
      takeovers.push(await killed(replicas, replica));
      await witness.look();
      takeovers.push(await stoodStill(replicas, replica));
      await witness.look();
      await cutOff(replica, index % 2 === 0 ? 'deliver' : 'lose');
      await witness.look();
    }
    for (let restarts = 0; restarts < 8; restarts++) {
      await sleep(random.between(5000, 10_000));
      await replicas.postgres.stop(restarts % 2 === 0 ? 'SIGINT' : 'SIGQUIT');
      await sleep(random.between(0, 2000));
      await replicas.postgres.start();
    }
    for (const replica of replicas.all) await ready(replica);
    await waitFor(`${alerts} alerts`, () => ledger.answers >= alerts, { timeoutMs: 1_200_000, everyMs: 1000 });
    await traffic.stop();

    const problems = await findReplicaProblems(replicas, ledger, witness, 240_000);
    const ticks = [...countTicks(replicas).keys()].filter((tick) => tick.startsWith('minute '));
    const minutes = Math.floor((Date.now() - begunMs) / 60_000);
    const stale = linesOf(replicas, 'run-taken-over').length;
    console.log(
      `${ledger.answers} alerts acknowledged, the slowest after ${Math.round(traffic.slowestMs())} ms; takeovers after ` +
        `${takeovers.map((ms) => Math.round(ms / 1000)).join(', ')} s; ${stale} late workers refused; ` +
        `${ticks.length} ticks in ${minutes} minutes`,
    );
    expect(problems).toEqual([]);
    expect(stale).toBeGreaterThan(0);
    expect(Math.max(...takeovers)).toBeLessThan(mostTakeoverMs);
    // A minute may pass without its tick where PostgreSQL was away, or who had claimed it died.
    expect(ticks.length).toBeGreaterThan(minutes - 4);
  });
});

/** `kill -9`, and a new life when others have taken over. Returns how long that took. */
async function killed(replicas: Replicas, replica: Replica): Promise<number> {
  const held = await waitFor('runs in work', () => someHeldRuns(replicas, replica), { timeoutMs: 120_000 });
  await replica.kill();
  const tookMs = await takenOver(replicas, held);
  await replica.start();
  return tookMs;
}

/** SIGSTOP for a minute, with work in hand. Returns how long the takeover took. */
async function stoodStill(replicas: Replicas, replica: Replica): Promise<number> {
  const freeze = async () => {
    replica.freeze();
    const held = await someHeldRuns(replicas, replica);
    if (held === null) replica.thaw();
    return held;
  };
  const held = await waitFor('runs in work', freeze, { timeoutMs: 120_000, everyMs: 500 });
  const untilMs = performance.now() + 60_000;
  const tookMs = await takenOver(replicas, held);
  await sleep(untilMs - performance.now());
  replica.thaw();
  await ready(replica);
  return tookMs;
}

/** A minute without PostgreSQL. It says so all the time. */
async function cutOff(replica: Replica, held: 'deliver' | 'lose'): Promise<void> {
  replica.proxy.blackHole();
  const untilMs = performance.now() + 60_000;
  const isNotReady = async () => (await replica.readiness()) === 503;
  await waitFor(`${replica.name} to say that it is cut off`, isNotReady, { withinMs: 10_000 });
  while (performance.now() < untilMs) {
    expect(await replica.readiness()).toBe(503);
    await sleep(1000);
  }
  replica.proxy.heal(held);
  await ready(replica);
}

async function ready(replica: Replica): Promise<void> {
  const isReady = async () => (await replica.readiness()) === 200;
  await waitFor(`${replica.name} to be ready again`, isReady, { withinMs: mostRecoveryMs, everyMs: 100 });
}

interface HeldRun {
  readonly id: string;
  readonly fence: number;
}

/** Runs that this replica has in work; null = none at the moment. */
async function someHeldRuns({ sandbox }: Replicas, replica: Replica): Promise<readonly HeldRun[] | null> {
  const rows = await sandbox.database.query(
    `SELECT id, fence FROM workflows WHERE status = 'running' AND lease_owner LIKE '%/${replica.pid()}'`,
  );
  return rows.length === 0 ? null : (rows as unknown as readonly HeldRun[]);
}

/** Milliseconds until each of the runs has ended or is in other hands. */
async function takenOver({ sandbox }: Replicas, held: readonly HeldRun[]): Promise<number> {
  const begunMs = performance.now();
  const before = held.map(({ id, fence }) => `('${id}', ${fence})`).join(', ');
  await waitFor(
    'a takeover',
    async () => {
      const rows = await sandbox.database.query(
        `SELECT w.id FROM workflows w JOIN (VALUES ${before}) AS held (id, fence) ON held.id = w.id
         WHERE w.fence = held.fence AND w.status = 'running' AND w.lease_owner IS NOT NULL`,
      );
      return rows.length === 0;
    },
    { withinMs: 2 * mostTakeoverMs, everyMs: 100 },
  );
  return performance.now() - begunMs;
}
