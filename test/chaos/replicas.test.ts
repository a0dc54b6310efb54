import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { createCleanup } from '../support/cleanup.ts';
import { createRandom } from '../support/random.ts';
import { waitFor } from '../support/wait.ts';
import { createWitness, findReplicaProblems } from './replicas-checker.ts';
import { startSenders } from './replicas-traffic.ts';
import { startReplicas } from './replicas.ts';
import type { Replica } from './replicas.ts';
import { createLedger } from './traffic.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

// With leases of three seconds, so that nobody waits for half a minute. The long form, with the real ones and 10,000
// alerts, is test/chaos/long/replicas.test.ts; the control runs that must fail are in test/real/replicas.test.ts.
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
