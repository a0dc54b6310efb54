import { readFileSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { zstdDecompressSync } from 'node:zlib';
import { repositoryRoot } from './processes.ts';

/** The folder of the database of schema version 1 (its README.md says what it holds) and of its resources. */
export const schema1Folder = `${repositoryRoot}test/fixtures/schema-1/`;

/** The time at which the program of version 1 stopped. */
export const schema1Stopped = '2026-03-01T12:02:00.000Z';

/** Writes the database of schema version 1 to `path`. */
export function writeSchema1(path: string): void {
  writeFileSync(path, zstdDecompressSync(readFileSync(`${schema1Folder}schema-1.sqlite.zst`)), { mode: 0o600 });
}

/** Columns by table, in the order of the table, as a database of version 1 has them. */
export function schema1Columns(): ReadonlyMap<string, readonly string[]> {
  const database = new DatabaseSync(':memory:');
  try {
    database.exec(readFileSync(`${repositoryRoot}src/store/sqlite/migrations/0001_initial.sql`, 'utf8'));
    const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all();
    return new Map(
      tables.map(({ name }) => [
        String(name),
        database
          .prepare('SELECT name FROM pragma_table_info(?)')
          .all(String(name))
          .map((column) => String(column['name'])),
      ]),
    );
  } finally {
    database.close();
  }
}
