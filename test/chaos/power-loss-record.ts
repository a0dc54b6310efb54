import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Cleanup } from '../support/cleanup.ts';
import { repositoryRoot } from '../support/processes.ts';
import type { Random } from '../support/random.ts';
import { spawnServer, whenReady } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';
import { countUnfinished } from './checker.ts';
import { sqliteFile } from './database.ts';
import type { Image } from './power-loss-disk.ts';
import { straceWords, whenTraced } from './power-loss-trace.ts';
import { add, createLedger, nextNotification } from './traffic.ts';
import type { Ledger } from './traffic.ts';

export const powerLossResources = `${repositoryRoot}bench/resources`;

/** Lives of a server over one database, recorded. */
export interface Recording {
  /** The folder that is recorded; it is there before the first life. */
  readonly root: string;
  readonly database: string;
  /** What was in the folder before, and is safe on the disk. */
  readonly initial: Image;
  /** In the order of the lives. */
  readonly traces: readonly string[];
  /** What each client connection (life and port) sent, in order: the ids of the alerts of each notification. */
  readonly requests: ReadonlyMap<string, readonly (readonly string[])[]>;
  readonly ledger: Ledger;
  /** Ids of the rows that were there before the first life, by table. */
  readonly rows: ReadonlyMap<string, readonly string[]>;
}

export interface RecordOptions {
  readonly random: Random;
  /** Notifications of each life. The lives end in turns by SIGTERM and by SIGKILL; one without any, when it is ready. */
  readonly notifications: readonly number[];
  /** Of clients that send at the same time. Default 3. */
  readonly connections?: number;
  /** Variants of unprotected.ts; default the program as it is. */
  readonly variants?: string;
  /** Bytes of a database that is there before the first life; default: the server makes it, and folders for it. */
  readonly from?: Buffer;
}

/** Runs servers under strace while alerts come in. */
export async function record(cleanup: Cleanup, options: RecordOptions): Promise<Recording> {
  const { random, notifications, connections = 3, variants, from } = options;
  const folder = cleanup.temporaryFolder('power');
  const root = join(folder, 'disk');
  mkdirSync(root);
  const database = join(root, ...(from === undefined ? ['new', 'folder'] : []), 'fist.db');
  if (from !== undefined) writeFileSync(database, from);
  const rows = from === undefined ? new Map<string, readonly string[]>() : readIds(database);
  const initial = readFiles(root);
  const ledger = createLedger();
  const requests = new Map<string, (readonly string[])[]>();
  const traces: string[] = [];
  for (const [life, count] of notifications.entries()) {
    const trace = join(folder, `trace-${life}.txt`);
    const process = spawnServer({
      resources: powerLossResources,
      database,
      under: straceWords(trace),
      ...(variants === undefined ? {} : { program: ['test/chaos/unprotected.ts', variants] }),
    });
    cleanup.defer(() => process.kill());
    const { url } = await whenReady(process, database, { timeoutMs: 60_000 });
    await Promise.all(
      Array.from({ length: connections }, (_, index) =>
        sendNotifications(url, Math.floor((count + index) / connections), ledger, random, (port, ids) => {
          const key = `${life} ${port}`;
          requests.set(key, [...(requests.get(key) ?? []), ids]);
        }),
      ),
    );
    if (count > 0) await waitFor('every run to end', () => hasEnded(database), { timeoutMs: 60_000, everyMs: 100 });
    await (life % 2 === 0 ? process.stop() : process.kill());
    await whenTraced(process, trace);
    traces.push(trace);
  }
  return { root, database, initial, traces, requests, ledger, rows };
}

/** Sends one notification after the other on one connection. */
async function sendNotifications(
  url: string,
  count: number,
  ledger: Ledger,
  random: Random,
  answered: (port: number, ids: readonly string[]) => void,
): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    for (let sent = 0; sent < count; sent++) {
      const { ids, body } = nextNotification(ledger, random);
      for (const id of ids) add(ledger.sent, id);
      await new Promise<void>((resolve, reject) => {
        const headers = { authorization: 'Bearer bench', 'content-type': 'application/json' };
        const post = request(`${url}/webhook/triage`, { agent, method: 'POST', headers }, (response) => {
          answered(response.socket.localPort ?? 0, ids);
          if (response.statusCode !== 200) reject(new Error(`answered ${response.statusCode}`));
          response.resume().on('end', resolve);
        });
        post.on('error', reject).end(JSON.stringify(body));
      });
    }
  } finally {
    agent.destroy();
  }
}

/** Whether every run and delivery has come to its end. */
export async function hasEnded(database: string): Promise<boolean> {
  return (await countUnfinished(sqliteFile(database))) === 0;
}

/** All files below a folder. */
export function readFiles(root: string): Image {
  const entries = readdirSync(root, { recursive: true, withFileTypes: true });
  return new Map(
    entries
      .filter((entry) => entry.isFile())
      .map((entry) => {
        const path = join(entry.parentPath, entry.name);
        return [path, readFileSync(path)] as const;
      }),
  );
}

const tables = ['alerts', 'source_events', 'workflows', 'workflow_steps', 'sink_outputs', 'dead_letters'];

/** The ids of all rows, by table. */
export function readIds(database: string): ReadonlyMap<string, readonly string[]> {
  return new Map(
    tables.map((table) => [table, queryFile(database, `SELECT id FROM ${table}`).map(({ id }) => String(id))]),
  );
}

/** Rows of an SQLite file, read from outside. */
export function queryFile(database: string, sql: string): readonly Record<string, unknown>[] {
  const connection = new DatabaseSync(database, { readOnly: true });
  try {
    return connection.prepare(sql).all();
  } finally {
    connection.close();
  }
}
