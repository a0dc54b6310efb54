import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { readVersion } from '../../src/lib/version.ts';
import { findStoredProblems, readSnapshot } from '../chaos/checker.ts';
import { sqliteFile } from '../chaos/database.ts';
import type { ChaosDatabase } from '../chaos/database.ts';
import { startSenders } from '../chaos/replicas-traffic.ts';
import type { Senders, Taker } from '../chaos/replicas-traffic.ts';
import { findApiServer } from '../support/api-server.ts';
import { createCleanup } from '../support/cleanup.ts';
import { examplesForCluster } from '../support/cluster-examples.ts';
import { runTestPod, startOperatorPod, tellReady } from '../support/operator-pod.ts';
import type { OperatorPlace, OperatorPod } from '../support/operator-pod.ts';
import { previousChart, previousVersion, unpackPreviousExamples } from '../support/previous.ts';
import { freePort } from '../support/processes.ts';
import { createRandom } from '../support/random.ts';
import { listOf, namespaceObject } from '../support/rights.ts';
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
import { waitFor } from '../support/wait.ts';

// From the version before to this one, and back, while alerts come and runs are in the middle of their work. The test is the kubelet: it
// runs what the pod's template says, on the same volume.

const assets = findApiServer();
const helm = assets === null ? null : join(assets, 'helm');
const hasHelm = helm !== null && spawnSync(helm, ['version']).status === 0;
if (!hasHelm) console.warn('skipped: no API server with helm (KUBEBUILDER_ASSETS)');

const cleanup = createCleanup();
afterAll(() => cleanup.run());

interface Stored {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly generation?: number;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec?: unknown;
  readonly status?: Readonly<Record<string, unknown>>;
}

const ofOurs = 'sources.punchingfist.io,workflows.punchingfist.io,sinks.punchingfist.io';

/** Every field that a CRD keeps, as a path. */
function fieldsOf(schema: unknown, path = ''): readonly string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const { properties = {}, items, additionalProperties } = schema as Readonly<Record<string, unknown>>;
  const deeper = Object.entries(properties as Readonly<Record<string, unknown>>).flatMap(([name, inner]) =>
    fieldsOf(inner, `${path}.${name}`),
  );
  return [path, ...deeper, ...fieldsOf(items, `${path}[]`), ...fieldsOf(additionalProperties, `${path}{}`)];
}

const own = (name: string): string => `${namespace}/${name}`;
const titleOf = ({ kind, metadata }: Stored): string => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`;

describe.skipIf(!hasHelm)('a release of the version before, upgraded while runs are in flight', () => {
  let world: UpgradeWorld;
  let place: OperatorPlace;
  let pod: OperatorPod;
  let database: ChaosDatabase;
  let flight: Flight;
  let senders: Senders;
  let values: string;
  const service: Taker = { name: 'the service', url: () => pod.url() };
  const list = (...words: readonly string[]): readonly Stored[] =>
    (JSON.parse(world.server.kubectl(['get', ...words, '-o', 'json'])) as { items: readonly Stored[] }).items;
  const manifest = async (): Promise<readonly Stored[]> =>
    parseAllDocuments(await world.helm('get', 'manifest', 'punching-fist')).map(
      (document) => document.toJS() as Stored,
    );
  /** Fields by CRD, as they are served. */
  const definitions = (): readonly string[] =>
    list('crd').flatMap(({ metadata, spec }) => {
      const { versions } = spec as { versions: readonly { schema: { openAPIV3Schema: unknown } }[] };
      return versions.flatMap(({ schema }) => fieldsOf(schema.openAPIV3Schema, metadata.name));
    });
  const specs = (): ReadonlyMap<string, unknown> =>
    new Map(list(ofOurs, '-A').map((object) => [titleOf(object), object.spec]));

  async function versionThatAnswers(): Promise<unknown> {
    const answer = await fetch(`${pod.url()}/health`);
    return ((await answer.json()) as { readonly version: string }).version;
  }

  /** As a StatefulSet does: the old pod ends before the new one starts, on the same volume. */
  async function replacePod(how: 'stop' | 'kill'): Promise<void> {
    await pod[how]();
    pod = await startOperatorPod(cleanup, place);
  }

  beforeAll(async () => {
    world = await startUpgradeWorld(cleanup, assets ?? '');
    values = writeValues(cleanup, world, { prometheus: { alertmanager: { enabled: true } } });
    await Promise.all([
      world.helm('install', 'punching-fist', previousChart, '-f', values, '--wait'),
      tellReady(world.server, namespace, 'punching-fist'),
    ]);
    const examples = examplesForCluster(unpackPreviousExamples(cleanup));
    const namespaces = new Set(examples.map(({ metadata }) => metadata.namespace ?? ''));
    world.apply(...[...namespaces].map((name) => namespaceObject(name)));
    world.apply(...examples, ...workingObjects(world));
    place = {
      server: world.server,
      namespace,
      workload: 'statefulset/punching-fist',
      programs: world.programs,
      volume: cleanup.temporaryFolder('volume'),
      port: await freePort(),
    };
    pod = await startOperatorPod(cleanup, place);
    database = sqliteFile(join(place.volume, 'punching-fist.db'));
    flight = createFlight(world, database);
    senders = startSenders([service], world.ledger, { random: createRandom(14), senders: 2, pauseMs: 800 });
  });

  test('helm upgrade: runs at every stage go on, objects and fields stay, nothing of the old release is left', async () => {
    expect(await versionThatAnswers()).toBe(previousVersion);
    await flight.begin([service]);
    const [fields, objects, old] = [definitions(), specs(), await manifest()];
    await world.helm('upgrade', 'punching-fist', chart, '-f', values);
    await replacePod('stop');
    expect(await versionThatAnswers()).toBe(readVersion());
    await flight.end();

    const now = new Set(definitions());
    expect(fields.filter((field) => !now.has(field))).toEqual([]);
    expect(specs()).toEqual(objects);
    // As new ones: of an object that is there, an API server looks only at what changes.
    const items = list(ofOurs, '-A').map(({ apiVersion, kind, metadata, spec }) => ({
      apiVersion,
      kind,
      metadata: { name: `${metadata.name}-again`, namespace: metadata.namespace },
      spec,
    }));
    const again = JSON.stringify(listOf(...items));
    world.server.kubectl(['create', '--dry-run=server', '-f', '-'], again);

    const present = await manifest();
    const wanted = new Set(present.map(titleOf));
    const kinds = [...new Set([...old, ...present].map(({ kind }) => kind))].join(',');
    const labelled = list(kinds, '-A', '-l', 'app.kubernetes.io/instance=punching-fist');
    expect(labelled.map(titleOf).filter((title) => !wanted.has(title))).toEqual([]);
    const versions = labelled.map(({ metadata }) => metadata.labels?.['app.kubernetes.io/version']);
    expect([...new Set(versions)]).toEqual([readVersion()]);
    expect(labelled.length).toBeGreaterThan(18);
  });

  test('helm rollback: the version before goes on with what this one left', async () => {
    await flight.begin([service]);
    const before = specs();
    await world.helm('rollback', 'punching-fist', '1');
    await replacePod('stop');
    expect(await versionThatAnswers()).toBe(previousVersion);
    await flight.end();
    // The first revision of that version brought the CRDs, and so does not know what the chart made after them.
    const gone = [...before.keys()].filter((title) => !specs().has(title));
    expect(gone).toEqual([
      `Source ${own('alertmanager')}`,
      `Workflow ${own('default-investigation')}`,
      `Sink ${own('stdout')}`,
    ]);
  });

  test('the pod is killed in place of a stop', async () => {
    await flight.begin([service]);
    await world.helm('upgrade', 'punching-fist', chart, '--reuse-values');
    await replacePod('kill');
    expect(await versionThatAnswers()).toBe(readVersion());
    await flight.end();
  });

  test('every alert that was taken has its run, every run one end, every report its delivery, and the objects say so', async () => {
    await senders.stop();
    await untilAllEnded(database);
    const snapshot = await readSnapshot(database);
    expect([...flight.problems, ...findStoredProblems(world, world.ledger, snapshot)]).toEqual([]);
    expect(snapshot.runs.filter(({ status }) => status === 'failed')).toEqual([]);
    // Each command ran once, in a Job that whoever came next took over; each model gave its answers to somebody.
    expect(world.commands).toHaveLength(6);
    expect(new Set(world.commands).size).toBe(6);
    expect(world.model.refusals).toEqual([]);
    const sent = snapshot.deliveries.filter(({ status }) => status === 'sent').length;
    const isTold = ({ metadata, status = {} }: Stored): boolean =>
      status['observedGeneration'] === metadata.generation &&
      status['ready'] === true &&
      (metadata.name !== 'out' || status['messagesSent'] === sent);
    await waitFor('the statuses', () => list(ofOurs, '-n', namespace).every(isTold), {
      timeoutMs: 40_000,
      everyMs: 500,
      explain: () => JSON.stringify(list(ofOurs, '-n', namespace).filter((one) => !isTold(one))),
    });
  });

  test('helm test: an alert goes from a Source to a Sink, and nothing of it stays', async () => {
    const [printed] = await Promise.all([
      runTestPod(place, 'punching-fist-test', pod.url() ?? ''),
      world.helm('test', 'punching-fist'),
    ]);
    expect(printed).toMatch(/run\/\S+ succeeded\ndelivery\/\S+ sent, Sink punching-fist-test\n/);
    const alerts = await database.query("SELECT status FROM alerts WHERE alert_name = 'TestAlert'");
    expect(alerts).toEqual([{ status: 'resolved' }]);
    expect(list(ofOurs, '-n', namespace).filter(({ metadata }) => metadata.name.endsWith('-test'))).toEqual([]);
  });
});
