import { startServer } from './server.ts';
import type { MeasuredServer } from './server.ts';
import { fist, load, median } from './world.ts';
import type { DatabaseKind, LoadResult, World } from './world.ts';

/** Alerts of a body, connections. */
const cases = [
  [1, 1],
  [1, 32],
  [1, 128],
  [10, 32],
] as const;

/**
 * Acknowledged alerts a second against the ceiling of the same run. Every alert is a new one, which is the most expensive
 * case. "Stored" is a suspended Source: everything but runs. "With runs" makes and executes a run for each alert.
 */
export async function measureIntake(world: World, kind: DatabaseKind): Promise<readonly object[]> {
  const rows: object[] = [];
  for (const [alertsPerBody, connections] of cases) {
    const ceiling: number[] = [];
    const stored: number[] = [];
    const triage: number[] = [];
    let latency: LoadResult | undefined;
    for (let round = 0; round < world.rounds; round++) {
      ceiling.push(perSecond(await rate(world, () => startCeiling(world, kind), 'x', connections, alertsPerBody)));
      const startFist = async () => fist(await world.database(kind));
      latency = await rate(world, startFist, 'stored', connections, alertsPerBody);
      stored.push(perSecond(latency));
      triage.push(perSecond(await rate(world, startFist, 'triage', connections, alertsPerBody)));
    }
    const top = median(ceiling);
    rows.push({
      'alerts/body': alertsPerBody,
      connections,
      'ceiling/s': Math.round(top),
      'stored/s': Math.round(median(stored)),
      'ratio stored': (median(stored) / top).toFixed(2),
      'with runs/s': Math.round(median(triage)),
      'ratio with runs': (median(triage) / top).toFixed(2),
      'stored p50 ms': latency?.p50Ms.toFixed(1),
      'stored p99 ms': latency?.p99Ms.toFixed(1),
    });
  }
  return rows;
}

async function startCeiling(world: World, kind: DatabaseKind): Promise<MeasuredServer> {
  if (kind === 'SQLite') return startServer(['bench/ceiling.ts', world.file('ceiling.db')]);
  return startServer(['bench/ceiling-postgres.ts', await world.database(kind)]);
}

async function rate(
  world: World,
  start: () => Promise<MeasuredServer>,
  path: string,
  connections: number,
  alertsPerBody: number,
): Promise<LoadResult> {
  const server = await start();
  try {
    const result = await load({
      url: `${server.url}/webhook/${path}`,
      connections,
      alertsPerBody,
      seconds: world.seconds,
    });
    if (result.errors > 0) throw new Error(`${result.errors} requests were refused`);
    return result;
  } finally {
    await server.stop();
  }
}

function perSecond(result: LoadResult): number {
  return result.alerts / result.seconds;
}
