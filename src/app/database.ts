import { createReadStream, createWriteStream, existsSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { Readable } from 'node:stream';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Kysely } from 'kysely';
import { AppError } from '../core/errors.ts';
import { fileProblem } from '../lib/file-problem.ts';
import type { AdminDatabase, AdminMode, TableSize } from '../store/admin/admin.ts';
import type { Inconsistency } from '../store/admin/checks.ts';
import type { Database } from '../store/tables/all.ts';
import type { ExportTrailer } from '../store/transfer/export.ts';
import type { ImportResult } from '../store/transfer/import.ts';
import { describeDatabase, isPostgresUrl } from './store.ts';

/** What `fist db status` shows. */
export interface DatabaseStatus {
  /** Without its password. */
  readonly database: string;
  readonly kind: AdminDatabase['kind'];
  readonly schemaVersion: number;
  /** The newest that this program knows. */
  readonly knownVersion: number;
  /** What a program must know at least to use it. */
  readonly minCompatibleVersion: number;
  /** The fist that wrote the schema, if it said so. */
  readonly writtenBy: string | null;
  /** SQLite: 1 = a server has it open. PostgreSQL: connections of servers. */
  readonly connections: number;
  readonly bytes: number;
  /** Null where the schema is not the one of this program. */
  readonly rows: StatusRows | null;
}

export interface StatusRows {
  readonly alerts: number;
  readonly openAlerts: number;
  readonly runs: number;
  readonly unfinishedRuns: number;
  readonly deliveries: number;
  readonly pendingDeliveries: number;
}

/** What it is, who has it open, how full it is. Changes nothing. */
export function readDatabaseStatus(database: string): Promise<DatabaseStatus> {
  return withAdmin(database, 'look', async (admin) => {
    const schema = await admin.schema();
    return {
      database: describeDatabase(database),
      kind: admin.kind,
      schemaVersion: schema.version,
      knownVersion: admin.knownVersion,
      minCompatibleVersion: schema.minCompatibleVersion,
      writtenBy: schema.program,
      connections: await admin.servers(),
      bytes: await admin.bytes(),
      rows: schema.version === admin.knownVersion ? await admin.snapshot(countRows) : null,
    };
  });
}

async function countRows(query: Kysely<Database>): Promise<StatusRows> {
  const rows = query.fn.countAll<number>().as('rows');
  const alerts = query.selectFrom('alerts').select(rows);
  const runs = query.selectFrom('workflows').select(rows);
  const deliveries = query.selectFrom('sink_outputs').select(rows);
  const one = async (counted: { executeTakeFirstOrThrow(): Promise<{ readonly rows: number }> }): Promise<number> =>
    (await counted.executeTakeFirstOrThrow()).rows;
  return {
    alerts: await one(alerts),
    openAlerts: await one(alerts.where('status', '<>', 'resolved')),
    runs: await one(runs),
    unfinishedRuns: await one(runs.where('status', 'in', ['pending', 'running'])),
    deliveries: await one(deliveries),
    pendingDeliveries: await one(deliveries.where('status', '=', 'pending')),
  };
}

/** Versions before and after; the same where nothing was missing. */
export interface DatabaseMigration {
  readonly from: number;
  readonly to: number;
  /** SQLite: the database as it was. */
  readonly copy: string | null;
}

/** Makes or migrates the schema. SQLite: not while a server has it open. */
export async function migrateDatabase(database: string): Promise<DatabaseMigration> {
  const from = await versionBefore(database);
  const to = await withAdmin(database, 'write', async (admin) => (await admin.schema()).version);
  if (from === 0 || from === to || isPostgresUrl(database)) return { from, to, copy: null };
  const { copyBeside } = await import('../store/sqlite/migrate.ts');
  return { from, to, copy: copyBeside(database, from) };
}

async function versionBefore(database: string): Promise<number> {
  if (!isPostgresUrl(database)) {
    const { refuseLost } = await import('../store/sqlite/lock.ts');
    refuseLost(database, 'all');
    if (!existsSync(database)) return 0;
  }
  return withAdmin(database, 'look', async (admin) => (await admin.schema()).version);
}

/** What is wrong with it; both empty = nothing was found. */
export interface DatabaseCheck {
  /** What the database says of its own pages. */
  readonly damage: readonly string[];
  readonly inconsistencies: readonly Inconsistency[];
}

/** Looks for damage and for rows that contradict each other, also while a server has it open. */
export async function checkDatabase(database: string): Promise<DatabaseCheck> {
  const { findInconsistencies } = await import('../store/admin/checks.ts');
  try {
    return await withAdmin(database, 'read', async (admin) => {
      const damage = await admin.damage();
      // What damaged pages hold contradicts itself anyhow.
      return { damage, inconsistencies: damage.length > 0 ? [] : await admin.snapshot(findInconsistencies) };
    });
  } catch (thrown) {
    if (!(thrown instanceof AppError) || thrown.reason !== 'StoreDamaged') throw thrown;
    return { damage: [thrown.message], inconsistencies: [] };
  }
}

/** Rows and bytes of each table. */
export function readTableSizes(database: string): Promise<readonly TableSize[]> {
  return withAdmin(database, 'read', (admin) => admin.sizes());
}

/**
 * Writes an export of one moment to a file that only its owner may read, or to a stream, device or pipe. The file gets its
 * name when it is whole. Resolves to its last line.
 */
export async function exportDatabase(
  database: string,
  target: string | Writable,
  now: string,
): Promise<ExportTrailer['end']> {
  const { exportLines } = await import('../store/transfer/export.ts');
  return withAdmin(database, 'read', (admin) =>
    admin.snapshot(async (query) => {
      let last = '';
      async function* text(): AsyncGenerator<string> {
        for await (const line of exportLines(query, admin.knownVersion, now)) {
          last = line;
          yield `${line}\n`;
        }
      }
      if (typeof target === 'string') await writeTarget(target, text());
      else await pipeline(Readable.from(text()), target, { end: false }).catch(refuseShortRead);
      return (JSON.parse(last) as ExportTrailer).end;
    }),
  );
}

function refuseShortRead(thrown: unknown): never {
  if ((thrown as NodeJS.ErrnoException).code !== 'EPIPE') throw thrown;
  throw notReadToItsEnd(thrown);
}

function notReadToItsEnd(cause: unknown): AppError {
  return new AppError('InvalidInput', 'the export was not read to its end', { cause });
}

/** A device or a pipe is written into; a file, also one that a link leads to, gets its name when it is whole. */
async function writeTarget(path: string, text: AsyncIterable<string>): Promise<void> {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    const { withoutLinks } = await import('../store/sqlite/create.ts');
    // What these folders name is what this process has open.
    const isOpen = /^\/(?:dev|proc)\//.test(path);
    if (!isOpen && (found === undefined || found.isFile())) await writeFileWhole(withoutLinks(path), text);
    else await pipeline(Readable.from(text), createWriteStream(path, { flags: 'a' }));
  } catch (thrown) {
    throw cannotWrite(path, thrown);
  }
}

function cannotWrite(path: string, thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  if ((thrown as NodeJS.ErrnoException).code === 'EPIPE') return notReadToItsEnd(thrown);
  return new AppError('InvalidInput', `${path} cannot be written: ${fileProblem(thrown)}`, { cause: thrown });
}

async function writeFileWhole(path: string, text: AsyncIterable<string>): Promise<void> {
  const draft = `${path}.part`;
  try {
    rmSync(draft, { force: true });
    const file = createWriteStream(draft, { fd: openSync(draft, 'wx', 0o600), flush: true });
    await pipeline(Readable.from(text), file);
    renameSync(draft, path);
  } catch (thrown) {
    rmSync(draft, { force: true });
    throw thrown;
  }
}

/** Fills a database from an export: a file, or a stream of its text. See `importLines`. */
export async function importDatabase(database: string, source: string | Readable): Promise<ImportResult> {
  const { importLines } = await import('../store/transfer/import.ts');
  const stream = typeof source === 'string' ? await openFile(source) : source;
  const place = describeDatabase(database);
  return withAdmin(database, 'write', (admin) => importLines(admin, place, linesOf(stream)));
}

/** Opened before the database is: a wrong name must leave that alone. */
async function openFile(path: string): Promise<Readable> {
  const stream = createReadStream(path);
  try {
    await new Promise<void>((resolve, reject) => {
      stream.once('open', () => resolve());
      stream.once('error', reject);
    });
  } catch (thrown) {
    throw new AppError('InvalidInput', `${path} cannot be read: ${fileProblem(thrown)}`, { cause: thrown });
  }
  return stream;
}

async function* linesOf(stream: Readable): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of stream.setEncoding('utf8') as AsyncIterable<string>) {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    yield* parts;
  }
  if (rest !== '') yield rest;
}

async function withAdmin<T>(database: string, mode: AdminMode, work: (admin: AdminDatabase) => Promise<T>): Promise<T> {
  const admin = await openAdmin(database, mode);
  try {
    return await work(admin);
  } finally {
    await admin.close();
  }
}

async function openAdmin(database: string, mode: AdminMode): Promise<AdminDatabase> {
  if (isPostgresUrl(database)) {
    const { openPostgresAdmin } = await import('../store/postgres/admin.ts');
    return openPostgresAdmin(database, describeDatabase(database), mode);
  }
  const { openSqliteAdmin } = await import('../store/sqlite/admin.ts');
  return openSqliteAdmin(database, mode);
}
