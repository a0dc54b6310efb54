import { createHash, randomUUID } from 'node:crypto';
import type { Kysely } from 'kysely';
import { readVersion } from '../../lib/version.ts';
import type { Database } from '../tables/all.ts';
import { readRows, shapeOf } from './rows.ts';
import type { TableShape } from './rows.ts';
import { transferTableNames } from './tables.ts';

export const exportFormat = 'punching-fist-export';
/** Of the format. A program reads this one only. */
export const exportVersion = 1;

/** The first line of an export. */
export interface ExportHeader {
  readonly format: typeof exportFormat;
  readonly version: typeof exportVersion;
  /** Version of the schema that the rows are of. */
  readonly schema: number;
  /** Of the installation: the same in all its exports, also after it has moved. */
  readonly installation: string;
  /** Of this export alone. */
  readonly export: string;
  readonly exportedAt: string;
  /** Version of fist. */
  readonly program: string;
  readonly tables: readonly string[];
}

/** The line before the rows of a table. Each row is a line as well: its values as a JSON list. */
export interface ExportSection {
  readonly table: string;
  readonly columns: readonly string[];
}

/** The last line. */
export interface ExportTrailer {
  readonly end: {
    /** Rows by table. */
    readonly rows: Readonly<Record<string, number>>;
    /** SHA-256 over all lines between the first and the last one, each with its line feed; lower-case hex digits. */
    readonly digest: string;
  };
}

/**
 * An export as lines without their line feeds. The same content gives the same lines but the first, on either database:
 * rows in the order of their keys, times in UTC with milliseconds. `query` sees one moment.
 */
export async function* exportLines(query: Kysely<Database>, schema: number, now: string): AsyncGenerator<string> {
  const { installation_id: installation } = await query
    .selectFrom('installation')
    .select('installation_id')
    .executeTakeFirstOrThrow();
  const header: ExportHeader = {
    format: exportFormat,
    version: exportVersion,
    schema,
    installation,
    export: randomUUID(),
    exportedAt: now,
    program: readVersion(),
    tables: transferTableNames,
  };
  yield JSON.stringify(header);
  const content = createContentDigest();
  const shapes = transferTableNames.map((table) => shapeOf(table));
  for await (const line of contentLines(query, shapes, content)) yield line;
  yield JSON.stringify({ end: content.end() } satisfies ExportTrailer);
}

/** What a digest says of the content of a database. */
export type ContentDigest = ExportTrailer['end'];

/** The digest that an export of this content would have. `shapes`: the tables and columns that count. */
export async function digestContent(
  query: Kysely<Database>,
  shapes: readonly TableShape[] = transferTableNames.map((table) => shapeOf(table)),
): Promise<ContentDigest> {
  const content = createContentDigest();
  const lines = contentLines(query, shapes, content);
  let isDone = false;
  while (!isDone) isDone = (await lines.next()).done === true;
  return content.end();
}

async function* contentLines(
  query: Kysely<Database>,
  shapes: readonly TableShape[],
  content: ContentDigester,
): AsyncGenerator<string> {
  for (const shape of shapes) {
    yield content.section(
      JSON.stringify({ table: shape.table, columns: shape.columns } satisfies ExportSection),
      shape,
    );
    for await (const row of readRows(query, shape)) yield content.row(JSON.stringify(row));
  }
}

/** Takes in the lines of a content in their order and returns each. */
export interface ContentDigester {
  section(line: string, section: Pick<ExportSection, 'table'>): string;
  row(line: string): string;
  end(): ContentDigest;
}

export function createContentDigest(): ContentDigester {
  const digest = createHash('sha256');
  const rows: Record<string, number> = {};
  let table = '';
  function add(line: string): string {
    digest.update(line).update('\n');
    return line;
  }
  return {
    section(line, section) {
      table = section.table;
      rows[table] = 0;
      return add(line);
    },
    row(line) {
      rows[table] = (rows[table] ?? 0) + 1;
      return add(line);
    },
    end: () => ({ rows, digest: digest.digest('hex') }),
  };
}
