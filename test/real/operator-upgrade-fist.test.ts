import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readVersion } from '../../src/lib/version.ts';
import { findStoredProblems, readSnapshot } from '../chaos/checker.ts';
import { sqliteFile } from '../chaos/database.ts';
import { startSenders } from '../chaos/replicas-traffic.ts';
import type { Taker } from '../chaos/replicas-traffic.ts';
import { findApiServer } from '../support/api-server.ts';
import { createCleanup } from '../support/cleanup.ts';
import { startOperatorPod } from '../support/operator-pod.ts';
import type { OperatorPlace, OperatorPod } from '../support/operator-pod.ts';
import { previousVersion } from '../support/previous.ts';
import { freePort, runProcess } from '../support/processes.ts';
import { runFist } from '../support/program.ts';
import { createRandom } from '../support/random.ts';
import { createFlight, namespace, startUpgradeWorld, untilAllEnded, workingObjects } from '../support/upgrade-world.ts';
import type { UpgradeWorld } from '../support/upgrade-world.ts';

// The same without helm: `fist install` of the version before, `fist upgrade` of this one.

const assets = findApiServer();
if (assets === null) console.warn('skipped: API server not found (KUBEBUILDER_ASSETS)');

const cleanup = createCleanup();
afterAll(() => cleanup.run());

describe.skipIf(assets === null)('what fist install of the version before made', () => {
  let world: UpgradeWorld;
  let place: OperatorPlace;
  let pod: OperatorPod;
  const service: Taker = { name: 'the service', url: () => pod.url() };

  beforeAll(async () => {
    world = await startUpgradeWorld(cleanup, assets ?? '');
    const words = ['install', '--namespace', namespace, '--kubeconfig', world.kubeconfig];
    const program = world.programs.get(previousVersion) ?? '';
    const { code, stderr } = await runProcess(process.execPath, [program, ...words], { timeoutMs: 60_000 });
    if (code !== 0) throw new Error(stderr);
    world.apply(...workingObjects(world));
    place = {
      server: world.server,
      namespace,
      workload: 'statefulset/punching-fist',
      programs: world.programs,
      volume: cleanup.temporaryFolder('volume'),
      port: await freePort(),
    };
    pod = await startOperatorPod(cleanup, place);
  });

  test('is upgraded by fist upgrade while alerts come and deliveries wait: nothing is lost', async () => {
    const database = sqliteFile(join(place.volume, 'punching-fist.db'));
    const flight = createFlight(world, database);
    const senders = startSenders([service], world.ledger, { random: createRandom(16), senders: 1, pauseMs: 800 });
    await flight.begin([service], ['delivery']);
    const { code, out, err } = await runFist(['upgrade', '--namespace', namespace, '--kubeconfig', world.kubeconfig]);
    expect(err).toContain('rollout status statefulset/punching-fist');
    expect(code).toBe(0);
    expect(out).toContain(`StatefulSet ${namespace}/punching-fist configured\n`);
    expect(out).not.toContain('deleted');
    await pod.stop();
    pod = await startOperatorPod(cleanup, place);
    expect(pod.version).toBe(readVersion());
    await flight.end();
    await senders.stop();
    await untilAllEnded(database);
    const snapshot = await readSnapshot(database);
    expect([...flight.problems, ...findStoredProblems(world, world.ledger, snapshot)]).toEqual([]);
    expect(snapshot.runs.filter(({ status }) => status === 'failed')).toEqual([]);
  });
});
