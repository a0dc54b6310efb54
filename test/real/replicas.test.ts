import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { createWitness, findReplicaProblems, linesOf } from '../chaos/replicas-checker.ts';
import { startSenders } from '../chaos/replicas-traffic.ts';
import { startReplicas } from '../chaos/replicas.ts';
import type { Replica } from '../chaos/replicas.ts';
import { createLedger } from '../chaos/traffic.ts';
import { createCleanup } from '../support/cleanup.ts';
import { createRandom } from '../support/random.ts';
import { waitFor } from '../support/wait.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

/** Control runs: the same checks must fail where a protection is missing, or they prove nothing. */
describe('replicas without their protection', { timeout: 120_000 }, () => {
  it.each([
    ['with fences', 'leases-short', /^$/],
    ['without fences', 'ignores-fences,leases-short', /after attempt \d+ succeeded|was executed after|ended 2 times/],
  ])('%s: what a replica that stood still writes late', async (_, variants, problems) => {
    const replicas = await startReplicas(cleanup, { count: 2, variants });
    const [frozen, other] = replicas.all as readonly [Replica, Replica];
    const ledger = createLedger();
    const witness = createWitness(replicas);
    const traffic = startSenders([frozen], ledger, {
      random: createRandom(5),
      senders: 2,
      pauseMs: 50,
      longSteps: { seconds: 2, every: 7 },
    });
    await waitFor('alerts', () => ledger.answers > 60);
    const steps = () =>
      replicas.sandbox.database.query(
        `SELECT 1 FROM workflow_steps s JOIN workflows w ON w.id = s.workflow_id
         WHERE s.status = 'running' AND s.path = '3' AND s.fence = w.fence AND w.lease_owner LIKE '%/${frozen.pid()}'`,
      );
    await waitFor('a step in work', async () => (await steps()).length > 0);
    frozen.freeze();
    // Its commands end, its leases too; the other does the work.
    await sleep(6000);
    frozen.thaw();
    await waitFor('it to go on', async () => (await frozen.readiness()) === 200);
    await traffic.stop();
    expect((await findReplicaProblems(replicas, ledger, witness)).join('\n')).toMatch(problems);
    expect(linesOf(replicas, 'run-taken-over').length).toBeGreaterThan(0);
    expect(other.endedByItself()).toBeNull();
  });

  it('answers before the commit: PostgreSQL that crashes takes alerts with it', async () => {
    const replicas = await startReplicas(cleanup, { count: 2, variants: 'acknowledges-early,leases-short' });
    const ledger = createLedger();
    const traffic = startSenders(replicas.all, ledger, { random: createRandom(3), senders: 8, pauseMs: 5 });
    await waitFor('alerts', () => ledger.answers > 100);
    await replicas.postgres.stop('SIGQUIT');
    await replicas.postgres.start();
    await traffic.stop();
    const problems = await findReplicaProblems(replicas, ledger, createWitness(replicas));
    expect(problems.join('\n')).toMatch(/was answered 2xx \d+ times, the store has it \d+ times/);
  });
});
