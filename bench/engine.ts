import { alertmanagerBody } from './bodies.ts';
import { fist, median, pause, post, quantile } from './world.ts';
import type { DatabaseKind, World } from './world.ts';

/** From sending the webhook to the first step's start, one alert at a time. Milliseconds. */
export async function measureStartLatency(world: World, kind: DatabaseKind): Promise<object> {
  const database = await world.database(kind);
  const server = await fist(database);
  const count = world.quick ? 50 : 300;
  const sentAt: number[] = [];
  for (let index = 0; index < count; index++) {
    sentAt.push(performance.timeOrigin + performance.now());
    await post(`${server.url}/webhook/triage`, alertmanagerBody(1_000_000 + index, 1));
    await pause(20);
  }
  await pause(1000);
  await server.stop();
  const rows = await world.query(
    database,
    'SELECT a.external_id AS fingerprint, min(s.started_at) AS started FROM workflow_steps s JOIN workflows w ON w.id = s.workflow_id JOIN alerts a ON a.id = w.alert_id GROUP BY a.external_id ORDER BY a.external_id',
  );
  if (rows.length !== count) throw new Error(`${count} alerts, ${rows.length} first steps`);
  const latencies = rows.map(({ started }, index) => toMs(started) - (sentAt[index] ?? Number.NaN));
  return {
    database: kind,
    alerts: count,
    'p50 ms': median(latencies).toFixed(1),
    'p99 ms': quantile(latencies, 0.99).toFixed(1),
  };
}

/** Runs of three trivial steps that end in a second, once all of them are stored. */
export async function measureEngine(world: World, kind: DatabaseKind): Promise<object> {
  const rates: number[] = [];
  const runs = world.quick ? 1000 : 6000;
  for (let round = 0; round < world.rounds; round++) {
    const database = await world.database(kind);
    const server = await fist(database, ['--concurrency', '32']);
    const perBody = 250;
    for (let body = 0; body < runs / perBody; body++) {
      await post(`${server.url}/webhook/three-steps`, alertmanagerBody(body, perBody));
    }
    const storedMs = performance.timeOrigin + performance.now();
    await allEnded(world, database);
    await server.stop();
    const rows = await world.query(database, "SELECT completed_at AS at FROM workflows WHERE status = 'succeeded'");
    if (rows.length !== runs) throw new Error(`${runs} runs, ${rows.length} succeeded`);
    const later = rows.map(({ at }) => toMs(at)).filter((at) => at > storedMs);
    rates.push(later.length / ((Math.max(...later) - storedMs) / 1000));
  }
  return { database: kind, runs, 'runs/s': Math.round(median(rates)), 'steps/s': Math.round(3 * median(rates)) };
}

async function allEnded(world: World, database: string): Promise<void> {
  for (;;) {
    const [row] = await world.query(
      database,
      "SELECT count(*) AS unfinished FROM workflows WHERE status IN ('pending', 'running')",
    );
    if (Number(row?.['unfinished']) === 0) return;
    await pause(300);
  }
}

function toMs(value: unknown): number {
  return value instanceof Date ? value.getTime() : Date.parse(String(value));
}
