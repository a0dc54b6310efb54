import { setTimeout } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import { AppError } from '../../core/errors.ts';
import { oldestSchema } from '../admin/migrations.ts';
import type { AdminDatabase } from '../admin/admin.ts';
import type { Database } from '../tables/all.ts';
import { createContentDigest, digestContent, exportFormat, exportVersion } from './export.ts';
import type { ContentDigest, ExportHeader, ExportSection, ExportTrailer } from './export.ts';
import { mergeRows } from './merge.ts';
import type { MergeCounts } from './merge.ts';
import { keyOf, shapeOf } from './rows.ts';
import type { Row, TableShape } from './rows.ts';
import { transferTableNames } from './tables.ts';
import type { TransferTable } from './tables.ts';

export interface ImportResult extends MergeCounts {
  /** Rows by table, as the database has them now. */
  readonly rows: Readonly<Record<string, number>>;
  readonly digest: string;
  /** Lines that an interrupted import had read already; 0 = it began anew. */
  readonly resumedAfter: number;
}

/** So many rows, or so many characters, are written in one transaction. */
const batch = { rows: 500, characters: 4_000_000 } as const;

/**
 * Makes the database hold exactly what an export holds, in transactions of some hundred rows. What is there already and
 * the same is left alone, so a second export of the same installation brings an earlier import up to date, and an import
 * that was interrupted goes on where it stopped when it is run again. Reads everything back at the end. Throws
 * StoreUnusable where the database holds anything else, and InvalidInput for a file that is no whole export; until an
 * import has succeeded no server opens the database. Throws StoreLocked, with the database as it was, where a server has
 * it open.
 */
export async function importLines(
  target: AdminDatabase,
  place: string,
  lines: AsyncIterable<string>,
): Promise<ImportResult> {
  await waitForServers(target, place);
  let importer: Importer | undefined;
  let trailer: ExportTrailer['end'] | undefined;
  for await (const line of lines) {
    if (trailer !== undefined) throw broken('has lines after its end');
    if (importer === undefined) {
      importer = await begin(target, place, readHeader(line, target.knownVersion));
      continue;
    }
    const value = parse(line);
    if (Array.isArray(value)) await importer.row(line, value as Row);
    else if (isSection(value)) await importer.section(line, value);
    else if (isTrailer(value)) trailer = value.end;
    else throw broken('has a line that is neither a row, a table nor the end');
  }
  if (importer === undefined) throw broken('is empty');
  if (trailer === undefined) throw broken('is cut off: its last line is missing');
  return importer.finish(trailer);
}

interface Importer {
  section(line: string, section: ExportSection): Promise<void>;
  row(line: string, row: Row): Promise<void>;
  finish(trailer: ContentDigest): Promise<ImportResult>;
}

/** A table in work. */
interface Section {
  readonly shape: TableShape;
  /** Key of the last row that is in. */
  after: Row | null;
  buffer: Row[];
  characters: number;
}

async function begin(target: AdminDatabase, place: string, header: ExportHeader): Promise<Importer> {
  const { resumedAfter, before } = await target.transaction((query) => take(query, place, header));
  // A server connects and then looks for an import; this looks for servers after the import can be seen. One of them sees
  // the other, whoever was first.
  if ((await target.servers()) > 0) {
    await target.transaction((query) => query.updateTable('installation').set(before).execute());
    throw hasServer(place);
  }
  const content = createContentDigest();
  const counts = { written: 0, deleted: 0, unchanged: 0 };
  const shapes: TableShape[] = [];
  let read = 0;
  let section: Section | null = null;

  /** Writes what has gathered. `last`: no row of the table follows, so what is beyond goes as well. */
  async function flush(last: boolean): Promise<void> {
    if (section === null || read < resumedAfter) return;
    const { shape, after, buffer } = section;
    const final = buffer.at(-1);
    if (final === undefined && !last) return;
    const upTo = last || final === undefined ? null : keyOf(shape, final);
    const done = await target.transaction(async (query) => {
      const merged = await mergeRows(query, shape, buffer, { after, upTo });
      await query.updateTable('installation').set({ import_lines: read }).execute();
      return merged;
    });
    counts.written += done.written;
    counts.deleted += done.deleted;
    counts.unchanged += done.unchanged;
    section = { shape, after: final === undefined ? after : keyOf(shape, final), buffer: [], characters: 0 };
  }

  return {
    async section(line, next) {
      await flush(true);
      content.section(line, next);
      read += 1;
      const shape = shapeOfSection(next, shapes);
      shapes.push(shape);
      section = { shape, after: null, buffer: [], characters: 0 };
    },
    async row(line, row) {
      if (section === null) throw broken('has a row before the name of its table');
      if (row.length !== section.shape.columns.length)
        throw broken(`has a row of ${section.shape.table} with ${row.length} values`);
      content.row(line);
      read += 1;
      if (read <= resumedAfter) {
        section.after = keyOf(section.shape, row);
        return;
      }
      section.buffer.push(row);
      section.characters += line.length;
      if (section.buffer.length >= batch.rows || section.characters >= batch.characters) await flush(false);
    },
    async finish(trailer) {
      await flush(true);
      const inFile = content.end();
      if (inFile.digest !== trailer.digest) throw broken('was changed: its digest is not the one of its last line');
      await emptyOthers(target, shapes);
      const inDatabase = await target.snapshot((query) => digestContent(query, shapes));
      if (inDatabase.digest !== inFile.digest) throw different(place, inFile, inDatabase);
      await target.transaction(async (query) => {
        const done = { import_state: 'done', import_export_id: null, import_lines: null };
        await query.updateTable('installation').set(done).execute();
      });
      return { ...counts, rows: inDatabase.rows, digest: inDatabase.digest, resumedAfter };
    },
  };
}

/** The connections of a server that was just stopped are there for a moment longer. */
const farewell = { times: 10, pauseMs: 100 } as const;

/** Throws StoreLocked where a server has the database open and goes on to. */
async function waitForServers(target: AdminDatabase, place: string): Promise<void> {
  for (let times = 1; (await target.servers()) > 0; times++) {
    if (times === farewell.times) throw hasServer(place);
    await setTimeout(farewell.pauseMs);
  }
}

function hasServer(place: string): AppError {
  return new AppError('StoreLocked', `a server has ${place} open`, {
    next: 'stop it, or name another database with --db',
  });
}

interface Taken {
  /** Lines of this export that are in already. */
  readonly resumedAfter: number;
  /** What the database said of its imports. */
  readonly before: Pick<
    Database['installation'],
    'installation_id' | 'import_state' | 'import_export_id' | 'import_lines'
  >;
}

/** Marks the database as one that is being filled. */
async function take(query: Kysely<Database>, place: string, header: ExportHeader): Promise<Taken> {
  // Locks the row: a server that starts now closes the earlier import before this, or finds this one.
  await query
    .updateTable('installation')
    .set((row) => ({ import_state: row.ref('import_state') }))
    .execute();
  const known = await query.selectFrom('installation').selectAll().executeTakeFirstOrThrow();
  const isOurs = known.import_state !== null && known.installation_id === header.installation;
  if (!isOurs && !(await isEmpty(query))) {
    const why =
      known.import_state === null
        ? 'holds data of its own, or a server has used it since its import'
        : 'was filled from another installation';
    throw new AppError('StoreUnusable', `${place} ${why}: an import would destroy that`, {
      next: 'import into an empty database',
    });
  }
  const continues = known.import_state === 'running' && known.import_export_id === header.export && isOurs;
  const resumedAfter = continues ? (known.import_lines ?? 0) : 0;
  await query
    .updateTable('installation')
    .set({
      installation_id: header.installation,
      import_state: 'running',
      import_export_id: header.export,
      import_lines: resumedAfter,
    })
    .execute();
  const { installation_id, import_state, import_export_id, import_lines } = known;
  return { resumedAfter, before: { installation_id, import_state, import_export_id, import_lines } };
}

async function isEmpty(query: Kysely<Database>): Promise<boolean> {
  for (const table of transferTableNames) {
    const rows = await query.selectFrom(table).selectAll().limit(1).execute();
    if (rows.length > 0) return false;
  }
  return true;
}

/** Tables that the export does not know are empty in it. */
async function emptyOthers(target: AdminDatabase, shapes: readonly TableShape[]): Promise<void> {
  for (const table of transferTableNames) {
    if (shapes.some((shape) => shape.table === table)) continue;
    await target.transaction((query) => mergeRows(query, shapeOf(table), [], { after: null, upTo: null }));
  }
}

function shapeOfSection({ table, columns }: ExportSection, before: readonly TableShape[]): TableShape {
  const name = transferTableNames.find((candidate) => candidate === table);
  if (name === undefined) throw broken(`has the table ${table}, which this fist does not know`);
  if (before.some((shape) => shape.table === table)) throw broken(`has the table ${table} twice`);
  const shape = shapeOf(name satisfies TransferTable, columns);
  if (shape.columns.join() !== columns.join()) throw broken(`has columns of ${table} that this fist does not know`);
  return shape;
}

function readHeader(line: string, knownVersion: number): ExportHeader {
  const header = parse(line) as Partial<ExportHeader> | null;
  if (header?.format !== exportFormat) throw broken('does not begin as an export of fist');
  if (header.version !== exportVersion)
    throw broken(`has version ${String(header.version)} of the format; this fist reads version ${exportVersion}`);
  const { schema = 0, program = 'unknown' } = header;
  if (schema > knownVersion || schema < oldestSchema.version)
    throw broken(
      `has schema version ${schema} (fist ${program}); this fist reads ${oldestSchema.version} to ${knownVersion}`,
    );
  return header as ExportHeader;
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    throw broken('has a line that is not JSON: it is cut off or was changed');
  }
}

function isSection(value: unknown): value is ExportSection {
  return typeof value === 'object' && value !== null && 'table' in value && 'columns' in value;
}

function isTrailer(value: unknown): value is ExportTrailer {
  return typeof value === 'object' && value !== null && 'end' in value;
}

function broken(what: string): AppError {
  return new AppError('InvalidInput', `the export ${what}`, { next: 'fist db export FILE' });
}

function different(place: string, wanted: ContentDigest, found: ContentDigest): AppError {
  const tables = Object.keys(wanted.rows).filter((table) => wanted.rows[table] !== found.rows[table]);
  const where = tables.map((table) => `${table} ${found.rows[table] ?? 0} instead of ${wanted.rows[table] ?? 0} rows`);
  return new AppError(
    'StoreUnusable',
    `${place} does not hold what the export holds${where.length === 0 ? '' : `: ${where.join(', ')}`}`,
    { next: 'somebody else writes to it? Stop that, and run the same import again' },
  );
}
