import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { createCleanup } from '../support/cleanup.ts';
import { isAlive } from '../support/processes.ts';
import { createRandom } from '../support/random.ts';
import { waitFor } from '../support/wait.ts';
import { createWitness, findReplicaProblems } from './replicas-checker.ts';
import { sendAlert, startSenders } from './replicas-traffic.ts';
import { startReplicas } from './replicas.ts';
import type { Replica, Replicas } from './replicas.ts';
import { createLedger } from './traffic.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

// With leases of three seconds, so that nobody waits for half a minute. The long form, with the real ones and 10,000
// alerts, is test/chaos/long/replicas.test.ts.
describe('three replicas on one PostgreSQL', () => {
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
    await waitFor('the replica to say that it is cut off', saysSo, { withinMs: 8000 });
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
describe('replicas without their protection', () => {
  it.each([
    ['with fences', 'leases-short', 'refused'],
    ['without fences', 'ignores-fences,leases-short', 'written'],
  ])('%s: what a replica that stood still writes late', async (_, variants, expected) => {
    const replicas = await startReplicas(cleanup, { count: 2, variants });
    const { all, sandbox } = replicas;
    const ledger = createLedger();
    const witness = createWitness(replicas);
    const traffic = startSenders(all, ledger, {
      random: createRandom(5),
      senders: 2,
      pauseMs: 50,
      longSteps: { seconds: 2, every: 7 },
    });
    await waitFor('alerts', () => ledger.answers > 60, { timeoutMs: 60_000 });

    await sendAlert(all, ledger, 'gated', { gate: 'yes' });
    const { run, attempt, pid, holder: frozen } = await freezeAtGate(replicas);
    // Its command ends while nobody looks,
    sandbox.openGate(run, attempt);
    await waitFor('its command to end', () => !isAlive(pid), { timeoutMs: 60_000 });
    for (const other of all) if (other !== frozen) other.thaw();
    const isTakenOver = async () => ((await atGate(replicas))?.attempt ?? 0) > attempt;
    await waitFor('the takeover', isTakenOver, { timeoutMs: 60_000, everyMs: 100 });
    await witness.look();
    // and its result comes when another replica has the run in work.
    frozen.thaw();
    const late = await waitFor('the late result', () => lateResult(replicas, frozen, run, attempt), {
      timeoutMs: 60_000,
    });
    sandbox.openGate(run);
    await traffic.stop();

    expect(late).toBe(expected);
    const problems = await findReplicaProblems(replicas, ledger, witness);
    if (expected === 'refused') expect(problems).toEqual([]);
    else
      expect(problems).toEqual(
        expect.arrayContaining([
          `step ${run} 4 ${attempt} was failed and is succeeded`,
          `step ${run} 4 is still running`,
          `${run} 4 has attempt ${attempt + 1} after attempt ${attempt} succeeded`,
          `${run} 4 ${attempt + 1} was executed after attempt ${attempt} was committed as done`,
        ]),
      );
  });

  it('answers before the commit: a replica that dies takes alerts with it', async () => {
    const replicas = await startReplicas(cleanup, { count: 2, variants: 'acknowledges-early,leases-short' });
    const [killed] = replicas.all as readonly [Replica];
    const ledger = createLedger();
    await sendAlert([killed], ledger, 'early');
    await killed.kill();
    await killed.start();
    const problems = await findReplicaProblems(replicas, ledger, createWitness(replicas));
    expect(problems).toEqual(['early was answered 2xx 1 times, the store has it 0 times']);
  });
});

/** An attempt in work that waits for its gate. */
interface GatedAttempt {
  readonly run: string;
  readonly attempt: number;
  /** Of its command. */
  readonly pid: number;
  readonly holder: Replica;
}

/** Null: none is there. */
async function atGate({ sandbox, all }: Replicas): Promise<GatedAttempt | null> {
  const [row] = await sandbox.database.query(
    `SELECT w.id AS run, s.attempt, s.process->>'pid' AS pid, w.lease_owner AS owner
     FROM workflow_steps s JOIN workflows w ON w.id = s.workflow_id JOIN alerts a ON a.id = w.alert_id
     WHERE a.labels->>'gate' = 'yes' AND s.path = '4' AND s.status = 'running' AND s.fence = w.fence`,
  );
  if (row === undefined) return null;
  const { run, attempt, pid, owner } = row as Record<'run' | 'attempt' | 'pid' | 'owner', unknown>;
  const holder = all.find((replica) => String(owner).endsWith(`/${replica.pid()}`));
  const isBegun = readFileSync(sandbox.executions, 'utf8').includes(`${String(run)} 4 ${String(attempt)}\n`);
  return holder === undefined || !isBegun
    ? null
    : { run: String(run), attempt: Number(attempt), pid: Number(pid), holder };
}

/** Stops all replicas while an attempt is at its gate: what is seen then is so until one of them goes on. */
function freezeAtGate(replicas: Replicas): Promise<GatedAttempt> {
  const freeze = async (): Promise<GatedAttempt | null> => {
    if ((await atGate(replicas)) === null) return null;
    for (const replica of replicas.all) replica.freeze();
    const found = await atGate(replicas);
    if (found === null) for (const replica of replicas.all) replica.thaw();
    return found;
  };
  return waitFor('an attempt at its gate', freeze, { timeoutMs: 60_000, everyMs: 100 });
}

/** What became of the result of an attempt that another replica had taken over; null = it has not come yet. */
async function lateResult(
  { sandbox }: Replicas,
  late: Replica,
  run: string,
  attempt: number,
): Promise<'refused' | 'written' | null> {
  const isRefusal = (line: Readonly<Record<string, unknown>>) =>
    line['message'] === 'run-taken-over' && line['run'] === run;
  if (late.log().some(isRefusal)) return 'refused';
  const rows = await sandbox.database.query(
    `SELECT 1 FROM workflow_steps WHERE workflow_id = '${run}' AND path = '4' AND attempt = ${attempt} AND status = 'succeeded'`,
  );
  return rows.length > 0 ? 'written' : null;
}
