import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readVersion } from '../../src/lib/version.ts';
import { findStoredProblems, readSnapshot } from '../chaos/checker.ts';
import type { ChaosDatabase } from '../chaos/database.ts';
import { startSenders } from '../chaos/replicas-traffic.ts';
import type { Senders } from '../chaos/replicas-traffic.ts';
import { findApiServer, untilCrdsServed } from '../support/api-server.ts';
import { createCleanup } from '../support/cleanup.ts';
import { startOperatorPod } from '../support/operator-pod.ts';
import type { OperatorPlace, OperatorPod } from '../support/operator-pod.ts';
import { startPostgres } from '../support/postgres.ts';
import { previousChart, previousVersion } from '../support/previous.ts';
import { createRandom } from '../support/random.ts';
import {
  chart,
  createFlight,
  namespace,
  startUpgradeWorld,
  untilAllEnded,
  workingObjects,
  writeValues,
} from '../support/upgrade-world.ts';
import type { Flight, UpgradeWorld } from '../support/upgrade-world.ts';

// Two replicas on PostgreSQL, rolled one after the other as the chart's Deployment says: one more at a time, none less.

const assets = findApiServer();
const hasHelm = assets !== null && spawnSync(join(assets, 'helm'), ['version']).status === 0;
if (!hasHelm) console.warn('skipped: no API server with helm (KUBEBUILDER_ASSETS)');

const cleanup = createCleanup();
afterAll(() => cleanup.run());

describe.skipIf(!hasHelm)('two replicas of the version before, rolled to this one', () => {
  let world: UpgradeWorld;
  let place: OperatorPlace;
  let database: ChaosDatabase;
  let flight: Flight;
  let senders: Senders;
  let values: string;
  /** All that were started; those that end answer nobody any more. */
  const pods: OperatorPod[] = [];

  const alive = (): readonly OperatorPod[] => pods.filter((pod) => pod.url() !== null);
  const working = (): readonly string[] => alive().map(({ version }) => version);

  async function roll(): Promise<void> {
    for (const pod of alive()) {
      pods.push(await startOperatorPod(cleanup, place));
      await pod.stop();
    }
  }

  beforeAll(async () => {
    const postgres = await startPostgres();
    cleanup.defer(() => postgres.remove());
    const url = await postgres.createDatabase();
    const name = new URL(url).pathname.slice(1);
    database = { name: 'PostgreSQL', url, exists: async () => true, query: (sql) => postgres.query(sql, name) };
    world = await startUpgradeWorld(cleanup, assets ?? '');
    world.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'database', namespace }, stringData: { url } });
    values = writeValues(cleanup, world, {
      database: { type: 'postgres', existingSecret: 'database' },
      replicaCount: 2,
    });
    await world.helm('install', 'punching-fist', previousChart, '-f', values);
    await untilCrdsServed(world.server);
    world.apply(...workingObjects(world));
    place = {
      server: world.server,
      namespace,
      workload: 'deployment/punching-fist',
      programs: world.programs,
      volume: cleanup.temporaryFolder('volume'),
    };
    pods.push(await startOperatorPod(cleanup, place), await startOperatorPod(cleanup, place));
    flight = createFlight(world, database);
    senders = startSenders(pods, world.ledger, { random: createRandom(15), senders: 2, pauseMs: 800 });
  });

  test('helm upgrade: both versions work side by side, and somebody takes alerts all the time', async () => {
    expect(working()).toEqual([previousVersion, previousVersion]);
    await flight.begin(pods);
    await world.helm('upgrade', 'punching-fist', chart, '-f', values);
    await roll();
    expect(working()).toEqual([readVersion(), readVersion()]);
    await flight.end();
  });

  test('helm rollback: and back, with runs of this version', async () => {
    await flight.begin(pods);
    await world.helm('rollback', 'punching-fist', '1');
    await roll();
    expect(working()).toEqual([previousVersion, previousVersion]);
    await flight.end();
  });

  test('nothing was lost, and nothing was done twice', async () => {
    await senders.stop();
    await untilAllEnded(database);
    const snapshot = await readSnapshot(database);
    expect([...flight.problems, ...findStoredProblems(world, world.ledger, snapshot)]).toEqual([]);
    expect(snapshot.runs.filter(({ status }) => status === 'failed')).toEqual([]);
    expect(world.commands).toHaveLength(4);
    expect(new Set(world.commands).size).toBe(4);
    expect(world.model.refusals).toEqual([]);
    // There are two, and a third while they change: one that ends leaves somebody who takes it.
    expect(senders.mostRefused()).toBeLessThanOrEqual(2);
  });
});
