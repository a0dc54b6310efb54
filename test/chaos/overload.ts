import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Cleanup } from '../support/cleanup.ts';
import { repositoryRoot, runProcess } from '../support/processes.ts';
import { spawnServer, whenReady } from '../support/server.ts';
import type { TestServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';
import { countUnfinished } from './checker.ts';
import { sqliteFile } from './database.ts';
import type { ChaosDatabase } from './database.ts';
import type { LoadPlan, LoadReport } from './overload-client.ts';

export interface OverloadOptions {
  /** How long the sustainable rate is looked for. */
  readonly warmUpSeconds: number;
  /** How long ten times as much is sent. */
  readonly seconds: number;
  /** No longer than to the first request that is broken off. */
  readonly untilBroken?: boolean;
  /** How long the queue is watched afterwards. */
  readonly drainSeconds: number;
  /** Default the program itself; started as bin/fist.js does. */
  readonly program?: string;
}

/** What was seen while ten times the sustainable rate came in. */
export interface OverloadReport {
  /** Alerts a second that were acknowledged to senders who wait for each answer. */
  readonly sustainable: number;
  readonly load: LoadReport;
  /** Rows that were not there before. */
  readonly stored: number;
  /** `fist_webhook_refused_total`. */
  readonly refused: number;
  readonly refusedByReason: Readonly<Record<string, number>>;
  readonly probes: number;
  /** Health checks that were not answered, or wrongly. */
  readonly lostProbes: readonly string[];
  readonly slowestProbeMs: number;
  readonly mostResidentBytes: number;
  /** From the end of the load to the end of the last run; null = it was not seen. */
  readonly drainSeconds: number | null;
  readonly exitCode: number | null;
}

const times = 10;
const alertsPerBody = 20;
const senders = 16;
/** Below the 2,048 connections of a server: those beyond are closed, however fast it is. */
const mostWaiting = 1800;
const probeEveryMs = 100;
const probeTimeoutMs = 20_000;

export async function overload(cleanup: Cleanup, options: OverloadOptions): Promise<OverloadReport> {
  const folder = cleanup.temporaryFolder('overload');
  const resources = join(folder, 'resources');
  mkdirSync(resources);
  writeFileSync(join(resources, 'resources.yaml'), resourcesYaml);
  const database = sqliteFile(join(folder, 'fist.db'));
  const process = spawnServer({
    resources,
    database: database.url,
    program: [...readNodeOptions(), options.program ?? 'src/main.ts'],
  });
  cleanup.defer(() => process.kill());
  const server = await whenReady(process, database.url);

  const plan = { port: Number(new URL(server.url).port), path: '/webhook/overload', alertsPerBody };
  const warmUp = await sendLoad({ ...plan, name: 'warm-up', seconds: options.warmUpSeconds, senders });
  const sustainable = warmUp.acceptedAlerts / options.warmUpSeconds;
  await waitFor('the warm-up to end', () => isDrained(database), { timeoutMs: 120_000, everyMs: 100 });

  const before = await countAlerts(database);
  const watch = watchServer(server);
  const perSecond = (times * sustainable) / alertsPerBody;
  const { seconds, untilBroken = false } = options;
  const bounds = untilBroken ? { untilBroken } : { mostWaiting };
  const load = await sendLoad({ ...plan, name: 'burst', seconds, perSecond, ...bounds });
  const endedAt = performance.now();
  const waiting = { withinMs: options.drainSeconds * 1000, everyMs: 100 };
  const wasSeen = await waitFor('every run to end', () => isDrained(database), waiting).catch(() => false);
  const drainSeconds = wasSeen ? (performance.now() - endedAt) / 1000 : null;
  const watched = await watch.stop();
  const stored = (await countAlerts(database)) - before;
  const refusedByReason = await readRefusals(server);
  const { code } = await process.stop(30_000);
  return {
    sustainable,
    load,
    stored,
    refused: Object.values(refusedByReason).reduce((sum, count) => sum + count, 0),
    refusedByReason,
    ...watched,
    drainSeconds,
    exitCode: code,
  };
}

/** What must not depend on how fast the machine is, in words; empty = all promises were kept. */
export function overloadProblems(
  report: OverloadReport,
  limits: { readonly probeMs: number; readonly residentBytes: number },
): readonly string[] {
  const { load, stored, refused } = report;
  const { 200: accepted = 0, 503: unavailable = 0, ...others } = load.statuses;
  const megabytes = (bytes: number) => `${Math.round(bytes / 1024 ** 2)} MiB`;
  const checks: readonly (readonly [boolean, string])[] = [
    [stored === load.acceptedAlerts, `${load.acceptedAlerts} alerts were answered 2xx, ${stored} are stored`],
    [refused === unavailable, `${unavailable} requests were answered 503, ${refused} are counted`],
    [Object.keys(others).length === 0, `there were other answers: ${JSON.stringify(others)}`],
    [Object.keys(load.errors).length === 0, `requests were not answered: ${JSON.stringify(load.errors)}`],
    [accepted + unavailable === load.sent, `${load.sent} requests were sent, ${accepted + unavailable} answered`],
    [accepted > 0, 'nothing was accepted'],
    [load.withoutRetryAfter === 0, `${load.withoutRetryAfter} answers 503 had no Retry-After`],
    [report.lostProbes.length === 0, `health was not answered: ${report.lostProbes.join(', ')}`],
    [report.slowestProbeMs <= limits.probeMs, `health took ${Math.round(report.slowestProbeMs)} ms`],
    [report.mostResidentBytes <= limits.residentBytes, `memory grew to ${megabytes(report.mostResidentBytes)}`],
    [report.drainSeconds !== null, 'the queue did not drain in time'],
    [report.exitCode === 0, `the server ended with ${report.exitCode}`],
  ];
  return checks.filter(([holds]) => !holds).map(([, problem]) => problem);
}

function readNodeOptions(): readonly string[] {
  return JSON.parse(readFileSync(`${repositoryRoot}bin/node-options.json`, 'utf8')) as readonly string[];
}

async function sendLoad(plan: LoadPlan): Promise<LoadReport> {
  const timeoutMs = plan.seconds * 1000 + 120_000;
  const { code, stdout, stderr } = await runProcess(
    process.execPath,
    ['test/chaos/overload-client.ts', JSON.stringify(plan)],
    { timeoutMs },
  );
  if (code !== 0) throw new Error(`the client ended with ${code}: ${stderr}`);
  return JSON.parse(stdout) as LoadReport;
}

/** Asks for health as a kubelet does, each time on a new connection, and looks at the memory. */
function watchServer(server: TestServer) {
  const lostProbes: string[] = [];
  let probes = 0;
  let slowestProbeMs = 0;
  let mostResidentBytes = 0;
  const stopping = new AbortController();
  const under = new Set<Promise<void>>();

  async function probe(path: string): Promise<void> {
    const startedAt = performance.now();
    const status = await getStatus(server.url + path);
    slowestProbeMs = Math.max(slowestProbeMs, performance.now() - startedAt);
    probes += 1;
    // Not ready is an answer; only the process must be alive all the time.
    if (status !== '200' && !(path === '/readyz' && status === '503')) lostProbes.push(`${path} ${status}`);
  }
  async function loop(): Promise<void> {
    for (let round = 0; !stopping.signal.aborted; round++) {
      for (const path of ['/livez', '/readyz']) {
        const asked = probe(path).finally(() => under.delete(asked));
        under.add(asked);
      }
      if (round % 5 === 0) mostResidentBytes = Math.max(mostResidentBytes, await residentBytes(server.process.pid));
      await sleep(probeEveryMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
    await Promise.all(under);
  }
  const looping = loop();
  return {
    async stop() {
      stopping.abort();
      await looping;
      return { probes, lostProbes, slowestProbeMs, mostResidentBytes };
    },
  };
}

function getStatus(url: string): Promise<string> {
  return new Promise((resolve) => {
    const asked = request(url, { agent: false, timeout: probeTimeoutMs }, (response) => {
      response.resume().on('end', () => resolve(String(response.statusCode)));
    });
    asked.on('timeout', () => asked.destroy(new Error('timed out')));
    asked.on('error', (error) => resolve(error.message));
    asked.end();
  });
}

async function residentBytes(pid: number): Promise<number> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)]);
  return Number(stdout) * 1024;
}

async function isDrained(database: ChaosDatabase): Promise<boolean> {
  return (await countUnfinished(database)) === 0;
}

async function countAlerts(database: ChaosDatabase): Promise<number> {
  const [row] = await database.query('SELECT count(*) AS n FROM alerts');
  return Number(row?.['n']);
}

async function readRefusals(server: TestServer): Promise<Readonly<Record<string, number>>> {
  const text = String((await server.api('GET', '/metrics')).body);
  const lines = text.matchAll(/^fist_webhook_refused_total\{.*reason="(\w+)"\} (\d+)$/gm);
  return Object.fromEntries([...lines].map(([, reason = '', count]) => [reason, Number(count)]));
}

const resourcesYaml = `
apiVersion: punchingfist.io/v1alpha1
kind: Source
metadata: { name: overload }
spec: { type: webhook, config: { path: overload }, triggerWorkflow: three-steps, stormCapPerMinute: 0 }
---
apiVersion: punchingfist.io/v1alpha1
kind: Workflow
metadata: { name: three-steps }
spec:
  steps:
    - { name: first, type: conditional, condition: '{{ .alert.severity }} == critical' }
    - { name: second, type: conditional, condition: '{{ .alert.severity }} == warning' }
    - { name: third, type: conditional, condition: '{{ .alert.severity }} == info' }
`;
