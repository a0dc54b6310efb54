import { readFileSync, readdirSync } from 'node:fs';
import { AppError } from '../../core/errors.ts';

/** One step of the schema, from a file `NNNN_name.sql`. */
export interface Migration {
  readonly version: number;
  readonly sql: string;
  /**
   * From this migration on only programs that know at least this version may use the database; null = as before. A file
   * says so with a line `-- min_compatible_version: 3`: only one that takes away what older programs use does.
   */
  readonly minCompatibleVersion: number | null;
}

/** What `schema_info` says; version 0 = there is no schema yet. */
export interface SchemaVersion {
  readonly version: number;
  readonly minCompatibleVersion: number;
  /** The fist that wrote the schema; null = one of version 1, which did not say. */
  readonly program: string | null;
}

/** The oldest schema from which this program migrates, and the fist that brings an older one there. */
export const oldestSchema = { version: 1, program: '0.1.0' } as const;

/** The number of `0002_replicas.sql`: `schema_info` names the program, and there is the table `installation`. */
export const replicasVersion = 2;

/** The migrations of a folder by number, forward only. */
export function readMigrations(folder: URL): readonly Migration[] {
  return readdirSync(folder)
    .filter((file) => /^\d{4}_.*\.sql$/.test(file))
    .sort()
    .map((file) => {
      const sql = readFileSync(new URL(file, folder), 'utf8');
      const minimum = /^-- min_compatible_version: (\d+)$/m.exec(sql)?.[1];
      return {
        version: Number(file.slice(0, 4)),
        sql,
        minCompatibleVersion: minimum === undefined ? null : Number(minimum),
      };
    });
}

/** The newest version of `migrations`; 0 = there are none. */
export function newestVersion(migrations: readonly Migration[]): number {
  return migrations.at(-1)?.version ?? 0;
}

/** What is missing in a schema, and the `schema_info` after it; null = nothing is missing. */
export function planMigration(
  found: SchemaVersion,
  migrations: readonly Migration[],
): { readonly due: readonly Migration[]; readonly version: number; readonly minCompatibleVersion: number } | null {
  const due = migrations.filter((migration) => migration.version > found.version);
  if (due.length === 0) return null;
  const minima = due.map((migration) => migration.minCompatibleVersion ?? 1);
  return { due, version: newestVersion(due), minCompatibleVersion: Math.max(1, found.minCompatibleVersion, ...minima) };
}

/** Throws StoreUnusable for a schema that a program with these migrations must not touch. `place` names the database. */
export function refuseIncompatible(
  place: string,
  found: SchemaVersion,
  migrations: readonly Migration[],
  oldest: { readonly version: number; readonly program: string } = oldestSchema,
): void {
  const known = newestVersion(migrations);
  if (found.minCompatibleVersion > known) {
    const writer = found.program === null ? 'a newer fist' : `fist ${found.program}`;
    throw new AppError(
      'StoreUnusable',
      `${place} has schema version ${found.version}, written by ${writer}, and needs a fist that knows version ${found.minCompatibleVersion}; this one knows ${known}`,
      {
        next: `use ${found.program === null ? 'a newer fist' : `fist ${found.program} or newer`}, or another database with --db`,
      },
    );
  }
  if (found.version !== 0 && found.version < oldest.version) {
    throw new AppError(
      'StoreUnusable',
      `${place} has schema version ${found.version}; this fist migrates from version ${oldest.version} on`,
      { next: `run fist ${oldest.program} on it once (fist db migrate), then this one` },
    );
  }
}
