import { accessSync, constants, existsSync, globSync, statSync, statfsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { toAppError } from '../core/errors.ts';
import type { HttpClient } from '../core/ports.ts';
import { durationText } from '../core/time.ts';
import type { WatchedResource } from '../resources/watched.ts';
import { readAlertmanager } from './alertmanager.ts';
import { planConnection, readConfiguration } from './alertmanager-config.ts';
import type { Destination } from './alertmanager-config.ts';
import { resultsAbout } from './check-result.ts';
import type { CheckResult, ResultsAbout } from './check-result.ts';
import type { ClusterOptions } from './options.ts';
import { isPostgresUrl, tokenFileOf } from './store.ts';

const cluster = resultsAbout('cluster');
const alertmanager = resultsAbout('alertmanager');
const machine = resultsAbout('machine');

/** Clocks that are further apart put alerts and evidence into a wrong order. */
const mostSkewMs = 30_000;
const gibibyte = 1024 ** 3;
const leastFreeBytes = gibibyte;

/** Access to a cluster, permission by permission, with those of Sources that watch and Sinks that make Events; or whether what was captured of one can be read. */
export async function checkCluster(
  options: ClusterOptions,
  namespace: string | null,
  nowMs: () => number,
  watched: readonly WatchedResource[] = [],
  eventSinks: readonly string[] = [],
): Promise<readonly CheckResult[]> {
  try {
    if (options.dump !== null) {
      const { openDump } = await import('../kube/dump/dump.ts');
      const dump = await openDump(options.dump);
      await dump.close();
      return [cluster.ok(`${dump.description} can be read`)];
    }
    if (options.context === null && options.kubeconfig === null)
      return [cluster.skipped('no cluster was named', '--context NAME, or --dump PATH')];
    return await checkLive(options, namespace, nowMs, watched, eventSinks);
  } catch (thrown) {
    const { message, next } = toAppError(thrown);
    return [cluster.failed(message, next ?? 'kubectl cluster-info')];
  }
}

async function checkLive(
  { kubeconfig, context }: ClusterOptions,
  namespace: string | null,
  nowMs: () => number,
  watched: readonly WatchedResource[],
  eventSinks: readonly string[],
): Promise<readonly CheckResult[]> {
  const { connectKube } = await import('../kube/connection/client.ts');
  const { eventRemedy, readPermissions, readWatchPermissions } = await import('../kube/accounts/permissions.ts');
  const client = await connectKube({
    ...(kubeconfig === null ? {} : { kubeconfig }),
    ...(context === null ? {} : { context }),
  });
  try {
    const { user, permissions, serverMs } = await readPermissions(client, namespace);
    const watches = await readWatchPermissions(client, watched);
    const eventRule = eventSinks.length === 0 ? null : await eventRemedy(client, namespace);
    const who = user === null ? '' : ` as ${user}`;
    return [
      cluster.ok(`${client.server} answers${who}, ${client.description}`),
      ...permissions.map(({ resource, purpose, missing, remedy }) =>
        remedy === null
          ? cluster.ok(`${resource}: ${purpose}`)
          : cluster.failed(`${resource}: may not ${missing.join(', ')}; for ${purpose}`, remedy),
      ),
      ...watched.map(({ source, resource }, place) => {
        const { missing = [], remedy = null } = watches[place] ?? {};
        return remedy === null
          ? cluster.ok(`${resource}: watched by ${source}`)
          : cluster.failed(`${resource}: may not ${missing.join(', ')}; ${source} watches them`, remedy);
      }),
      ...eventSinks.map((sink) =>
        eventRule === null
          ? cluster.ok(`events: made by ${sink}`)
          : cluster.failed(`events: may not create; ${sink} makes them`, eventRule),
      ),
      ...clock(cluster, serverMs, nowMs(), 'the API server'),
    ];
  } finally {
    await client.close();
  }
}

/** Whether an Alertmanager answers and sends its alerts to `destination`. */
export async function checkAlertmanager(
  http: HttpClient,
  url: string,
  destination: Destination,
  nowMs: () => number,
): Promise<readonly CheckResult[]> {
  const connect = `fist connect alertmanager --url ${url}`;
  try {
    const { version, configuration, clockMs } = await readAlertmanager(http, url);
    const connection = planConnection(readConfiguration(configuration, 'what it runs with'), destination);
    const { receiver, isRouted, warnings } = connection;
    const lacks = receiver === null ? 'no receiver' : `no route that leads to receiver ${receiver}`;
    return [
      alertmanager.ok(`${url} answers: Alertmanager ${version}`),
      receiver !== null && isRouted
        ? alertmanager.ok(`receiver ${receiver} sends to ${destination.url}`)
        : alertmanager.failed(`it has ${lacks} that sends to ${destination.url}`, connect),
      ...warnings.map((warning) => alertmanager.failed(warning, connect)),
      ...clock(alertmanager, clockMs, nowMs(), 'Alertmanager'),
    ];
  } catch (thrown) {
    const { message, next } = toAppError(thrown);
    return [alertmanager.failed(message, next ?? `curl -i ${url}/-/ready`)];
  }
}

function clock(results: ResultsAbout, theirsMs: number | null, oursMs: number, whose: string): readonly CheckResult[] {
  if (theirsMs === null) return [];
  const skewMs = oursMs - theirsMs;
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  // Their header has whole seconds.
  if (seconds <= 1) return [results.ok(`its clock and this one agree`)];
  const text = `the clock of ${whose} is ${durationText(Math.abs(skewMs))} ${skewMs > 0 ? 'behind' : 'ahead of'} this one`;
  return [Math.abs(skewMs) <= mostSkewMs ? results.ok(text) : results.failed(text, 'timedatectl status (NTP) on both')];
}

/** The folder of the database, its space, and who may read the tokens. */
export function checkMachine(database: string, secretsDirectory: string | null): readonly CheckResult[] {
  const tokens = [
    ...(isPostgresUrl(database) ? [] : [tokenFileOf(database)]),
    ...(secretsDirectory === null
      ? []
      : globSync('**/*', { cwd: secretsDirectory }).map((name) => join(secretsDirectory, name))),
  ].filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true);
  return [
    ...(isPostgresUrl(database)
      ? [machine.skipped('the database is a PostgreSQL', 'fist db status')]
      : checkFolder(dirname(resolve(database)))),
    ...(process.platform === 'win32' ? [] : tokens.map(checkToken)),
  ];
}

function checkFolder(folder: string): readonly CheckResult[] {
  let there = folder;
  while (!existsSync(there)) there = dirname(there);
  const { bavail, bsize } = statfsSync(there);
  const freeBytes = bavail * bsize;
  const room = `${(freeBytes / gibibyte).toFixed(1)} GiB`;
  return [
    isWritable(there)
      ? machine.ok(`${folder} can be written to${there === folder ? '' : ' once it is made'}`)
      : machine.failed(`${there} cannot be written to`, `chown or chmod ${there}, or --db PATH elsewhere`),
    freeBytes >= leastFreeBytes
      ? machine.ok(`${room} free for the database`)
      : machine.failed(`only ${room} free for the database`, 'make room: at least 1 GiB, usually 4 GiB'),
  ];
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function checkToken(file: string): CheckResult {
  const mode = (statSync(file).mode & 0o777).toString(8).padStart(4, '0');
  return mode.endsWith('00')
    ? machine.ok(`${file}: only its owner may read it (${mode})`)
    : machine.failed(`${file}: others may read it (${mode})`, `chmod 0600 ${file}`);
}
