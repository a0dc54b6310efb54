import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { startPostgres } from '../test/support/postgres.ts';
import type { PostgresServer } from '../test/support/postgres.ts';
import { startServer } from './server.ts';
import type { MeasuredServer } from './server.ts';

export type DatabaseKind = 'SQLite' | 'PostgreSQL';
export const databaseKinds: readonly DatabaseKind[] = ['SQLite', 'PostgreSQL'];

/** What all measurements share: a temporary folder, a PostgreSQL server with fsync on, and how long to measure. */
export interface World {
  /** Short and rough: shows that the measurements work. */
  readonly quick: boolean;
  /** Of one measurement. */
  readonly seconds: number;
  /** Measurements whose median is shown. */
  readonly rounds: number;
  /** A file that does not exist yet. */
  file(name: string): string;
  /** A new empty database: a path or a URL. */
  database(kind: DatabaseKind): Promise<string>;
  query(database: string, sql: string): Promise<readonly Record<string, unknown>[]>;
}

export async function withWorld(quick: boolean, work: (world: World) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'fist-bench-'));
  let postgres: PostgresServer | undefined;
  let files = 0;
  const world: World = {
    quick,
    seconds: quick ? 1 : 3,
    rounds: quick ? 1 : 3,
    file: (name) => join(folder, `${files++}-${name}`),
    async database(kind) {
      if (kind === 'SQLite') return world.file('fist.db');
      postgres ??= await startPostgres({ durable: true, settings: { shared_buffers: '512MB', max_wal_size: '4GB' } });
      return postgres.createDatabase();
    },
    query: queryDatabase,
  };
  try {
    await work(world);
  } finally {
    await postgres?.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function queryDatabase(database: string, sql: string): Promise<readonly Record<string, unknown>[]> {
  if (database.startsWith('postgres:')) {
    const client = new Client({ connectionString: database });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows;
    } finally {
      await client.end();
    }
  }
  const { DatabaseSync } = await import('node:sqlite');
  const connection = new DatabaseSync(database, { readOnly: true, timeout: 10_000 });
  try {
    return connection.prepare(sql).all();
  } finally {
    connection.close();
  }
}

/** Our server on a database, with the resources of the benchmarks. */
export function fist(database: string, more: readonly string[] = []): Promise<MeasuredServer> {
  const args = ['src/main.ts', 'serve', '--resources', 'bench/resources', '--db', database];
  return startServer([...args, '--listen', '127.0.0.1:0', '--log-level', 'info', ...more]);
}

export interface LoadOptions {
  readonly url: string;
  readonly connections: number;
  readonly alertsPerBody?: number;
  readonly seconds: number;
  /** Number of the first alert, so that all are new. */
  readonly first?: number;
  /** Bodies a second over all connections; absent = as fast as they are answered. */
  readonly rate?: number;
  /** One alert again and again. */
  readonly same?: boolean;
}

export interface LoadResult {
  readonly alerts: number;
  /** Bodies, those of the warm-up too. */
  readonly sent: number;
  readonly errors: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Load from a process of its own (bench/load.ts). */
export async function load(options: LoadOptions): Promise<LoadResult> {
  const { url, connections, alertsPerBody = 1, seconds, first = 0, rate = 0, same = false } = options;
  const numbers = { connections, 'alerts-per-body': alertsPerBody, seconds, first, rate };
  const args = ['bench/load.ts', '--url', url, ...(same ? ['--same'] : [])];
  for (const [name, value] of Object.entries(numbers)) args.push(`--${name}`, String(value));
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout) as LoadResult;
}

export const webhookHeaders = { 'content-type': 'application/json', authorization: 'Bearer bench' };

/** Posts one body; rejects unless it is answered 200. */
export async function post(url: string, body: string): Promise<void> {
  const response = await fetch(url, { method: 'POST', headers: webhookHeaders, body });
  await response.text();
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}`);
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

export function median(numbers: readonly number[]): number {
  return quantile(numbers, 0.5);
}

export function quantile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
