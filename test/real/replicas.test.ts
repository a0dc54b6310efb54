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
      longSteps: { seconds: 2, every: 7 },
    });
    await waitFor('alerts', () => ledger.answers > 60);
    const { database } = replicas.sandbox;
    // A long step that has just begun: its command ends while nobody looks,
    const begun = await waitFor('a long step in work', async () => {
      const rows = await database.query(
        `SELECT w.id AS run FROM workflow_steps s JOIN workflows w ON w.id = s.workflow_id JOIN alerts a ON a.id = w.alert_id
         WHERE s.status = 'running' AND s.path = '4' AND s.fence = w.fence AND w.lease_owner LIKE '%/${frozen.pid()}'
         AND a.labels->>'seconds' = '2' AND s.started_at > clock_timestamp() - interval '1 second'`,
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
