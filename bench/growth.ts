import { Client } from 'undici';
import { alertmanagerBody } from './bodies.ts';
import type { MeasuredServer } from './server.ts';
import { fist, load, median, pause, post } from './world.ts';
import type { DatabaseKind, World } from './world.ts';

const perBody = 250;
/** The list queries of the API that people and the dashboard use; `{id}` is an alert in the middle. */
const queries: Readonly<Record<string, string>> = {
  'first page': '/api/v1/alerts?limit=50',
  'by status': '/api/v1/alerts?limit=50&status=received',
  'by severity': '/api/v1/alerts?limit=50&severity=critical',
  'by name': '/api/v1/alerts?limit=50&name=KubePodCrashLooping',
  'by label': '/api/v1/alerts?limit=50&label=namespace%3Dshop',
  'by two labels': '/api/v1/alerts?limit=50&label=namespace%3Dshop&label=instance%3D10.1.0.0%3A8080',
  'no match': '/api/v1/alerts?limit=50&label=team%3Dnobody',
  'by text': '/api/v1/alerts?limit=50&search=checkout',
  detail: '/api/v1/alerts/{id}',
};

export interface Growth {
  /** Time of each list and detail query, by number of stored alerts. */
  readonly queries: readonly object[];
  /** Time and size of one more alert, by number of stored alerts. */
  readonly alerts: readonly object[];
}

/** Fills one database and measures at each power of ten: what one more alert costs, and what the lists take. */
export async function measureGrowth(world: World, kind: DatabaseKind): Promise<Growth> {
  const sizes = world.quick ? [1_000, 10_000] : [1_000, 10_000, 100_000, 1_000_000];
  const database = await world.database(kind);
  const server = await fist(database);
  const times = new Map<string, number[]>(Object.keys(queries).map((name) => [name, []]));
  const alerts: object[] = [];
  let stored = 0;
  try {
    for (const size of sizes) {
      await fill(server, stored, size);
      stored = size;
      const indexedSeconds = await textIndexed(world, database);
      await pause(world.quick ? 500 : 5_000);
      for (const [name, milliseconds] of await listTimes(server, world)) times.get(name)?.push(milliseconds);
      const before = server.cpuSeconds();
      const seconds = world.seconds;
      // Numbers that the filling does not reach.
      const result = await load({
        url: `${server.url}/webhook/stored`,
        connections: 32,
        seconds,
        first: 5_000_000 + size,
      });
      const perAlert = (server.cpuSeconds() - before) / result.sent;
      alerts.push({
        database: kind,
        'stored alerts': size,
        'alerts/s': Math.round(result.alerts / result.seconds),
        'ms/alert': ((1000 * result.seconds) / result.alerts).toFixed(3),
        'server CPU ms/alert': (1000 * perAlert).toFixed(3),
        'resident MB': (server.residentBytes() / 1e6).toFixed(0),
        'text index behind s': indexedSeconds.toFixed(1),
      });
    }
  } finally {
    await server.stop();
  }
  return { queries: queryRows(kind, sizes, times), alerts };
}

async function fill(server: MeasuredServer, from: number, to: number): Promise<void> {
  let next = from / perBody;
  const worker = async (): Promise<void> => {
    while (next * perBody < to) await post(`${server.url}/webhook/stored`, alertmanagerBody(next++, perBody));
  };
  await Promise.all([worker(), worker(), worker()]);
}

/** Seconds until all that was stored is in the text index, which is written beside the commits. */
async function textIndexed(world: World, database: string): Promise<number> {
  const startedAt = performance.now();
  const isDue = async () => (await world.query(database, 'SELECT alert_id FROM alert_words_due LIMIT 1')).length > 0;
  while (await isDue()) await pause(200);
  return (performance.now() - startedAt) / 1000;
}

/** Median time of each query over one connection, measured in turn so that all meet the same machine. */
async function listTimes(server: MeasuredServer, world: World): Promise<ReadonlyMap<string, number>> {
  const client = new Client(server.url);
  const headers = { authorization: `Bearer ${server.token}` };
  const get = async (path: string): Promise<string> => {
    const response = await client.request({ path, method: 'GET', headers });
    const text = await response.body.text();
    if (response.statusCode !== 200) throw new Error(`${path} answered ${response.statusCode}: ${text}`);
    return text;
  };
  const { items } = JSON.parse(await get('/api/v1/alerts?limit=200')) as { items: { id: string }[] };
  const id = items[100]?.id ?? '';
  const times = new Map<string, number[]>();
  const turns = world.quick ? 20 : 100;
  for (let turn = 0; turn < turns; turn++) {
    for (const [name, path] of Object.entries(queries)) {
      const startedAt = performance.now();
      await get(path.replace('{id}', id));
      times.set(name, [...(times.get(name) ?? []), performance.now() - startedAt]);
    }
  }
  await client.close();
  return new Map([...times].map(([name, milliseconds]) => [name, median(milliseconds)]));
}

function queryRows(kind: DatabaseKind, sizes: readonly number[], times: ReadonlyMap<string, readonly number[]>) {
  const base = sizes.indexOf(10_000);
  return [...times].map(([name, milliseconds]) => ({
    database: kind,
    query: name,
    ...Object.fromEntries(
      sizes.map((size, place) => [`${size.toLocaleString('en')} ms`, milliseconds[place]?.toFixed(2)]),
    ),
    'largest / 10,000': ((milliseconds.at(-1) ?? Number.NaN) / (milliseconds[base] ?? Number.NaN)).toFixed(2),
  }));
}
