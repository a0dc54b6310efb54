import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { createCleanup } from '../support/cleanup.ts';
import { createRandom } from '../support/random.ts';
import { waitFor } from '../support/wait.ts';
import { createWitness, findReplicaProblems, linesOf } from './replicas-checker.ts';
import { startSenders } from './replicas-traffic.ts';
import { startReplicas } from './replicas.ts';
import type { Replica } from './replicas.ts';
import { createLedger } from './traffic.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

// With leases of three seconds, so that nobody waits for half a minute. The long form, with the real ones and 10,000
// alerts, is test/chaos/long/replicas.test.ts.
describe('three replicas on one PostgreSQL', { timeout: 180_000 }, () => {
  it('lose nothing and commit nothing twice while one dies, one is cut off, one stands still, and PostgreSQL crashes', async () => {
    const replicas = await startReplicas(cleanup, { variants: 'leases-short' });
    const [killed, cutOff, frozen] = replicas.all as readonly [Replica, Replica, Replica];
    const ledger = createLedger();
    const witness = createWitness(replicas);
    const random = createRandom(7);
    const traffic = startSenders(replicas.all, ledger, {
      random,
      senders: 4,
      pauseMs: 60,
      longSteps: { seconds: 2, every: 7 },
    });
    await waitFor('alerts', () => ledger.answers > 60, { timeoutMs: 60_000 });

    await killed.kill();
    cutOff.proxy.blackHole();
    const saysSo = async () => (await cutOff.readiness()) === 503;
    await waitFor('the replica to say that it is cut off', saysSo, { timeoutMs: 8000 });
    frozen.freeze();
    await killed.start();
    await witness.look();
    await sleep(3000);
    cutOff.proxy.heal('deliver');
    frozen.thaw();
    await sleep(500);

    await replicas.postgres.stop('SIGQUIT');
    await waitFor('a replica to notice', async () => (await killed.readiness()) === 503);
    await replicas.postgres.start();
    const answers = ledger.answers;
    await witness.look();
    for (const replica of replicas.all) {
      await waitFor(`${replica.name} to be ready again`, async () => (await replica.readiness()) === 200);
    }
    await waitFor('more alerts', () => ledger.answers > answers + 60, { timeoutMs: 60_000 });
    await traffic.stop();

    expect(await findReplicaProblems(replicas, ledger, witness)).toEqual([]);
    expect(ledger.answers).toBeGreaterThan(150);
  });
});

/** Control runs: the same checks must fail where a protection is missing, or they prove nothing. */
describe('replicas without their protection', { timeout: 120_000 }, () => {
  it.each([
    ['with fences', 'leases-short', /^$/],
    [
      'without fences',
      'ignores-fences,leases-short',
      /after attempt \d+ succeeded|was executed after|is still running|ended 2 times|was \w+ and is/,
    ],
  ])('%s: what a replica that stood still writes late', async (_, variants, problems) => {
    const replicas = await startReplicas(cleanup, { count: 2, variants });
    const [frozen, other] = replicas.all as readonly [Replica, Replica];
    const ledger = createLedger();
    const witness = createWitness(replicas);
    const traffic = startSenders([frozen], ledger, {
      random: createRandom(5),
      senders: 2,
      pauseMs: 50,
      longSteps: { seconds: 4, every: 7 },
    });
    await waitFor('alerts', () => ledger.answers > 60);
    const { database } = replicas.sandbox;
    // A long step that has just begun: its command ends while nobody looks,
    const begun = await waitFor('a long step in work', async () => {
      const rows = await database.query(
        `SELECT w.id AS run FROM workflow_steps s JOIN workflows w ON w.id = s.workflow_id JOIN alerts a ON a.id = w.alert_id
         WHERE s.status = 'running' AND s.path = '4' AND s.fence = w.fence AND w.lease_owner LIKE '%/${frozen.pid()}'
         AND a.labels->>'seconds' = '4' AND s.started_at > clock_timestamp() - interval '1 second'`,
      );
      return rows[0];
    });
    frozen.freeze();
    // and its result comes when another replica has it in work.
    await waitFor('the takeover', async () => {
      const rows = await database.query(
        `SELECT 1 FROM workflow_steps WHERE workflow_id = '${String(begun['run'])}' AND path = '4' AND attempt > 1 AND status = 'running'`,
      );
      return rows.length > 0;
    });
    frozen.thaw();
    await waitFor('it to go on', async () => (await frozen.readiness()) === 200);
    await traffic.stop();
    expect((await findReplicaProblems(replicas, ledger, witness)).join('\n')).toMatch(problems);
    expect(linesOf(replicas, 'run-taken-over').length).toBeGreaterThan(0);
    expect(other.endedByItself()).toBeNull();
  });

  it('answers before the commit: a replica that dies takes alerts with it', async () => {
    const replicas = await startReplicas(cleanup, { count: 2, variants: 'acknowledges-early,leases-short' });
    const [killed] = replicas.all as readonly [Replica];
    const ledger = createLedger();
    const traffic = startSenders([killed], ledger, { random: createRandom(3), senders: 4, pauseMs: 5 });
    // At once after an answer: its commit is made 30 ms later.
    await waitFor('alerts', () => ledger.answers > 100, { everyMs: 1 });
    await killed.kill();
    await killed.start();
    await traffic.stop();
    const problems = await findReplicaProblems(replicas, ledger, createWitness(replicas));
    expect(problems.join('\n')).toMatch(/was answered 2xx \d+ times, the store has it \d+ times/);
  });
});
