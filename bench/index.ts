// npm run bench [-- --quick] [-- --json FILE] [-- --markdown FILE]: our figures, the ceiling measured in the same run,
// and the ratio.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { alertmanagerBody } from './bodies.ts';
import { performancePage } from './page.ts';
import { startServer } from './server.ts';
import type { MeasuredServer } from './server.ts';

const { values: flags } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, json: { type: 'string' }, markdown: { type: 'string' } },
});
const seconds = flags.quick ? 1 : 3;
const rounds = flags.quick ? 1 : 3;
const folder = mkdtempSync(join(tmpdir(), 'fist-bench-'));
let databases = 0;

interface LoadResult {
  readonly alerts: number;
  readonly errors: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

function fist(): Promise<MeasuredServer> {
  const database = join(folder, `fist-${databases++}.db`);
  return startServer([
    'src/main.ts',
    'serve',
    '--resources',
    'bench/resources',
    '--db',
    database,
    '--listen',
    '127.0.0.1:0',
    '--log-level',
    'info',
  ]);
}

function ceiling(): Promise<MeasuredServer> {
  return startServer(['bench/ceiling.ts', join(folder, `ceiling-${databases++}.db`)]);
}

async function load(url: string, connections: number, alertsPerBody: number): Promise<LoadResult> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    'bench/load.ts',
    url,
    'bench',
    String(connections),
    String(alertsPerBody),
    String(seconds),
  ]);
  return JSON.parse(stdout) as LoadResult;
}

async function rate(
  start: () => Promise<MeasuredServer>,
  path: string,
  connections: number,
  alertsPerBody: number,
): Promise<LoadResult & { perSecond: number }> {
  const server = await start();
  const result = await load(`${server.url}/webhook/${path}`, connections, alertsPerBody);
  await server.stop();
  if (result.errors > 0) throw new Error(`${result.errors} requests were refused`);
  return { ...result, perSecond: result.alerts / result.seconds };
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

async function intake(): Promise<object[]> {
  const rows: object[] = [];
  for (const alertsPerBody of [1, 10]) {
    for (const connections of [1, 32, 128]) {
      const measured: Record<'ceiling' | 'stored' | 'triage', number[]> = { ceiling: [], stored: [], triage: [] };
      let latency = { p50Ms: 0, p99Ms: 0 };
      for (let round = 0; round < rounds; round++) {
        measured.ceiling.push((await rate(ceiling, 'x', connections, alertsPerBody)).perSecond);
        measured.stored.push((await rate(fist, 'stored', connections, alertsPerBody)).perSecond);
        const triage = await rate(fist, 'triage', connections, alertsPerBody);
        measured.triage.push(triage.perSecond);
        latency = triage;
      }
      const top = median(measured.ceiling);
      rows.push({
        'alerts/body': alertsPerBody,
        connections,
        'ceiling/s': Math.round(top),
        'stored only/s': Math.round(median(measured.stored)),
        'ratio stored': (median(measured.stored) / top).toFixed(2),
        'with runs/s': Math.round(median(measured.triage)),
        'ratio with runs': (median(measured.triage) / top).toFixed(2),
        'ack p50 ms': latency.p50Ms.toFixed(1),
        'ack p99 ms': latency.p99Ms.toFixed(1),
      });
    }
  }
  return rows;
}

/** From sending the webhook to the first step's start, one alert at a time. Rows have milliseconds. */
async function firstStep(): Promise<object> {
  const server = await fist();
  const headers = { 'content-type': 'application/json', authorization: 'Bearer bench' };
  const count = flags.quick ? 50 : 300;
  const sentAt = new Map<string, number>();
  for (let index = 0; index < count; index++) {
    const body = alertmanagerBody(1_000_000 + index, 1);
    sentAt.set(
      (JSON.parse(body) as { alerts: [{ fingerprint: string }] }).alerts[0].fingerprint,
      performance.timeOrigin + performance.now(),
    );
    await fetch(`${server.url}/webhook/triage`, { method: 'POST', headers, body });
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const latencies = await stepStarts(server, sentAt);
  await server.stop();
  const sorted = latencies.toSorted((a, b) => a - b);
  return {
    alerts: sorted.length,
    'p50 ms': median(sorted).toFixed(1),
    'p99 ms': (sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN).toFixed(1),
  };
}

async function stepStarts(server: MeasuredServer, sentAt: ReadonlyMap<string, number>): Promise<number[]> {
  const { DatabaseSync } = await import('node:sqlite');
  await new Promise((resolve) => setTimeout(resolve, 500));
  const database = new DatabaseSync(join(folder, `fist-${databases - 1}.db`), { readOnly: true });
  const rows = database
    .prepare(
      'SELECT a.external_id AS fingerprint, min(s.started_at) AS started FROM workflow_steps s JOIN workflows w ON w.id = s.workflow_id JOIN alerts a ON a.id = w.alert_id GROUP BY a.id',
    )
    .all() as unknown as { fingerprint: string; started: string }[];
  database.close();
  if (rows.length !== sentAt.size)
    throw new Error(`${sentAt.size} alerts, ${rows.length} first steps at ${server.url}`);
  return rows.map((row) => Date.parse(row.started) - (sentAt.get(row.fingerprint) ?? Number.NaN));
}

async function startAndMemory(): Promise<object> {
  const ready: number[] = [];
  for (let round = 0; round < (flags.quick ? 2 : 7); round++) {
    const server = await fist();
    ready.push(server.readyMs);
    await server.stop();
  }
  const server = await fist();
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const idle = server.residentBytes();
  const headers = { 'content-type': 'application/json', authorization: 'Bearer bench' };
  for (let index = 0; index < 1000; index++) {
    await fetch(`${server.url}/webhook/triage`, {
      method: 'POST',
      headers,
      body: alertmanagerBody(2_000_000 + index, 10),
    });
  }
  await new Promise((resolve) => setTimeout(resolve, 3000));
  const loaded = server.residentBytes();
  await server.stop();
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(0);
  return {
    'ready ms (median)': median(ready).toFixed(0),
    'idle MB': megabytes(idle),
    'after 10,000 alerts MB': megabytes(loaded),
  };
}

try {
  const report = {
    machine: {
      cpus: cpus().length,
      model: cpus()[0]?.model ?? '',
      'memory GB': (totalmem() / 1e9).toFixed(0),
      node: process.versions.node,
      'seconds a measurement': seconds,
      'measurements (median shown)': rounds,
    },
    startAndMemory: await startAndMemory(),
    firstStep: await firstStep(),
    intake: await intake(),
  };
  console.table([report.machine]);
  console.table([report.startAndMemory]);
  console.table([report.firstStep]);
  console.table(report.intake);
  if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(report, null, 2)}\n`);
  if (flags.markdown !== undefined) writeFileSync(flags.markdown, performancePage(report));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
