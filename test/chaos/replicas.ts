import { Client } from 'pg';
import type { Cleanup } from '../support/cleanup.ts';
import { startPostgres } from '../support/postgres.ts';
import type { PostgresServer } from '../support/postgres.ts';
import { logLines, readyUrl, spawnServer } from '../support/server.ts';
import type { RunningProcess } from '../support/processes.ts';
import { waitFor } from '../support/wait.ts';
import type { ChaosDatabase } from './database.ts';
import { startProxy } from './proxy.ts';
import type { Proxy } from './proxy.ts';
import { createSandbox } from './sandbox.ts';
import type { Sandbox } from './sandbox.ts';

const token = 'replicas-test-token';
/** Every replica's URL has it; it must show nowhere. */
export const canaryPassword = 'canary-password';

/** One of the servers on the common database, with its own way to it. */
export interface Replica {
  readonly name: string;
  readonly proxy: Proxy;
  /** Starts its next life and waits until it takes alerts. */
  start(): Promise<void>;
  /** `kill -9`. Rejects where it had ended by itself. */
  kill(): Promise<void>;
  /** SIGTERM. Rejects where it does not end with 0. */
  stop(): Promise<void>;
  /** SIGSTOP until SIGCONT. */
  freeze(): void;
  thaw(): void;
  pid(): number;
  /** Where it listens; null while it is dead or not ready yet. */
  url(): string | null;
  /** The log of all its lives. */
  log(): readonly Readonly<Record<string, unknown>>[];
  /** All that it wrote. */
  output(): string;
  /** How its life ended, where nobody ended it; else null. */
  endedByItself(): string | null;
  /** Status of GET `/readyz`; 0 = no answer within two seconds. */
  readiness(): Promise<number>;
}

export interface Replicas {
  readonly postgres: PostgresServer;
  readonly sandbox: Sandbox;
  readonly all: readonly Replica[];
}

export interface ReplicasOptions {
  readonly count?: number;
  /** Variants of test/chaos/unprotected.ts, with commas. */
  readonly variants?: string;
}

/** Real servers on one real PostgreSQL that survives its crashes, each through a proxy of its own. All are ready. */
export async function startReplicas(cleanup: Cleanup, options: ReplicasOptions = {}): Promise<Replicas> {
  const { count = 3, variants } = options;
  const postgres = await startPostgres({ durable: true });
  cleanup.defer(() => postgres.remove());
  const url = await postgres.createDatabase();
  const sandbox = await createSandbox(cleanup, { name: 'PostgreSQL', create: async () => chaosDatabase(url) });
  const all: Replica[] = [];
  for (let number = 1; number <= count; number++) {
    const proxy = await startProxy(postgres.port);
    cleanup.defer(() => proxy.stop());
    const database = new URL(url);
    database.port = String(proxy.port);
    database.password = canaryPassword;
    const spawn = (): RunningProcess => {
      const process = spawnServer({
        resources: sandbox.resources,
        database: database.href,
        // Ticks are told in the debug log.
        flags: ['--allow-exec', '--log-level', 'debug'],
        environment: { FIST_TOKEN: token },
        ...(variants === undefined ? {} : { program: ['test/chaos/unprotected.ts', variants] }),
      });
      cleanup.defer(() => process.kill());
      return process;
    };
    all.push(createReplica(`replica ${number}`, proxy, spawn));
  }
  // Together, so that they meet at the migrations.
  await Promise.all(all.map((replica) => replica.start()));
  return { postgres, sandbox, all };
}

interface Life {
  readonly process: RunningProcess;
  /** Somebody asked it to end. */
  asked: boolean;
}

function createReplica(name: string, proxy: Proxy, spawn: () => RunningProcess): Replica {
  const lives: Life[] = [];
  const present = (): Life => {
    const life = lives.at(-1);
    if (life === undefined) throw new Error(`${name} was never started`);
    return life;
  };
  const url = (): string | null => {
    const { process } = present();
    return process.exitStatus() === null ? readyUrl(process.stderr()) : null;
  };
  return {
    name,
    proxy,
    url,
    ...control(name, lives, present, spawn),
    log: () => lives.flatMap(({ process }) => logLines(process.stderr())),
    output: () => lives.map(({ process }) => process.stderr() + process.stdout()).join('\n'),
    readiness: () =>
      fetch(`${url()}/readyz`, { signal: AbortSignal.timeout(2000) }).then(
        ({ status }) => status,
        () => 0,
      ),
  };
}

function control(
  name: string,
  lives: Life[],
  present: () => Life,
  spawn: () => RunningProcess,
): Pick<Replica, 'start' | 'kill' | 'stop' | 'freeze' | 'thaw' | 'pid' | 'endedByItself'> {
  return {
    async start() {
      const process = spawn();
      lives.push({ process, asked: false });
      const tell = () => `${JSON.stringify(process.exitStatus())}\n${process.stderr().slice(-4000)}`;
      const isUp = () => process.exitStatus() !== null || readyUrl(process.stderr()) !== null;
      await waitFor(`${name} to be ready`, isUp, { timeoutMs: 60_000, explain: tell });
      if (process.exitStatus() !== null) throw new Error(`${name} ended before it was ready: ${tell()}`);
    },
    async kill() {
      const life = present();
      life.asked = true;
      const { code, signal } = await life.process.kill();
      if (signal !== 'SIGKILL')
        throw new Error(`${name} had ended with ${code}\n${life.process.stderr().slice(-4000)}`);
    },
    async stop() {
      const life = present();
      life.asked = true;
      const { code, signal } = await life.process.stop(40_000);
      if (code !== 0) throw new Error(`${name} ended with ${code ?? signal}\n${life.process.stderr().slice(-4000)}`);
    },
    freeze: () => present().process.signal('SIGSTOP'),
    thaw: () => present().process.signal('SIGCONT'),
    pid: () => present().process.pid,
    endedByItself() {
      const life = lives.find(({ process, asked }) => !asked && process.exitStatus() !== null);
      if (life === undefined) return null;
      return `${name} ended by itself: ${JSON.stringify(life.process.exitStatus())}\n${life.process.stderr().slice(-2000)}`;
    },
  };
}

/** A connection for each query; while PostgreSQL is away, it is tried again. */
function chaosDatabase(url: string): ChaosDatabase {
  const query: ChaosDatabase['query'] = (sql) =>
    waitFor('PostgreSQL to answer the test', () => queryOnce(url, sql), { timeoutMs: 60_000, everyMs: 100 });
  return {
    name: 'PostgreSQL',
    url,
    query,
    exists: async () => (await query("SELECT to_regclass('workflows') AS found"))[0]?.['found'] !== null,
  };
}

/** Null: PostgreSQL is away. */
async function queryOnce(url: string, sql: string): Promise<readonly Record<string, unknown>[] | null> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } catch (error) {
    const state = error instanceof Error && 'severity' in error && 'code' in error ? String(error.code) : '57';
    if (state.startsWith('57') || state.startsWith('08')) return null;
    throw error;
  } finally {
    await client.end().catch(() => undefined);
  }
}
