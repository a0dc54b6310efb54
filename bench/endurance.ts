import { alertmanagerBody } from './bodies.ts';
import { fist, load, median, pause, post } from './world.ts';
import type { DatabaseKind, World } from './world.ts';

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0);

/** From starting the process to the line that says ready, and memory when idle. */
export async function measureStart(world: World, kind: DatabaseKind): Promise<object> {
  const ready: number[] = [];
  for (let round = 0; round < (world.quick ? 2 : 7); round++) {
    const server = await fist(await world.database(kind));
    ready.push(server.readyMs);
    await server.stop();
  }
  const server = await fist(await world.database(kind));
  await pause(1500);
  const idle = server.residentBytes();
  await server.stop();
  return { database: kind, 'ready ms': median(ready).toFixed(0), 'idle MB': megabytes(idle) };
}

/** 10,000 notifications a minute of one alert: one row, one run, every one counted. */
export async function measureStorm(world: World, kind: DatabaseKind): Promise<object> {
  const database = await world.database(kind);
  const server = await fist(database);
  const seconds = world.quick ? 3 : 60;
  const url = `${server.url}/webhook/triage`;
  const result = await load({ url, connections: 8, seconds, rate: 10_000 / 60, same: true });
  await server.stop();
  const [alert] = await world.query(database, 'SELECT count(*) AS alerts, max(receive_count) AS counted FROM alerts');
  const [run] = await world.query(database, 'SELECT count(*) AS runs FROM workflows');
  if (Number(alert?.['counted']) !== result.sent) throw new Error('not every notification was counted');
  return {
    database: kind,
    notifications: result.sent,
    alerts: Number(alert?.['alerts']),
    counted: Number(alert?.['counted']),
    runs: Number(run?.['runs']),
    'p50 ms': result.p50Ms.toFixed(1),
    'p99 ms': result.p99Ms.toFixed(1),
  };
}

/** `kill -9` with runs in work, then a new start: when it is ready and when all runs have ended. */
export async function measureRecovery(world: World, kind: DatabaseKind): Promise<object> {
  const database = await world.database(kind);
  const first = await fist(database, ['--concurrency', '32']);
  const runs = world.quick ? 1000 : 5000;
  for (let body = 0; body < runs / 250; body++) {
    await post(`${first.url}/webhook/three-steps`, alertmanagerBody(body, 250));
  }
  await first.kill();
  const unfinished = async (): Promise<number> => {
    const [row] = await world.query(
      database,
      "SELECT count(*) AS runs FROM workflows WHERE status IN ('pending', 'running')",
    );
    return Number(row?.['runs']);
  };
  const left = await unfinished();
  const startedAt = performance.now();
  const second = await fist(database, ['--concurrency', '32']);
  while ((await unfinished()) > 0) await pause(100);
  const endedMs = performance.now() - startedAt;
  await second.stop();
  return {
    database: kind,
    'unfinished at the kill': left,
    'ready ms': second.readyMs.toFixed(0),
    'all ended s': (endedMs / 1000).toFixed(1),
  };
}

/** Resident memory under a steady load with runs; the first tenth of the time is warm-up. */
export async function measureMemory(world: World, kind: DatabaseKind): Promise<object> {
  const server = await fist(await world.database(kind));
  const seconds = world.quick ? 10 : 600;
  const samples: { readonly minute: number; readonly bytes: number }[] = [];
  const startedAt = performance.now();
  const sampling = setInterval(() => {
    const minute = (performance.now() - startedAt) / 60_000;
    samples.push({ minute, bytes: server.residentBytes() });
  }, 500);
  const result = await load({ url: `${server.url}/webhook/triage`, connections: 16, seconds, rate: 300 });
  clearInterval(sampling);
  await server.stop();
  const warm = samples.slice(Math.ceil(samples.length / 10));
  return {
    database: kind,
    seconds,
    'alerts/s': Math.round(result.alerts / result.seconds),
    'start MB': megabytes(warm[0]?.bytes ?? Number.NaN),
    'end MB': megabytes(warm.at(-1)?.bytes ?? Number.NaN),
    'most MB': megabytes(Math.max(...warm.map(({ bytes }) => bytes))),
    'growth MB/min': slope(warm).toFixed(1),
  };
}

/** Least squares, in megabytes a minute. */
function slope(samples: readonly { readonly minute: number; readonly bytes: number }[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const x = mean(samples.map(({ minute }) => minute));
  const y = mean(samples.map(({ bytes }) => bytes / 1e6));
  const above = samples.reduce((sum, { minute, bytes }) => sum + (minute - x) * (bytes / 1e6 - y), 0);
  const below = samples.reduce((sum, { minute }) => sum + (minute - x) ** 2, 0);
  return above / below;
}
