import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Client } from 'pg';
import type { Cleanup } from '../support/cleanup.ts';
import { sharedPostgres } from '../support/postgres.ts';

/** A database that servers live and die over, seen from outside on a connection of its own. */
export interface ChaosDatabase {
  readonly name: 'SQLite' | 'PostgreSQL';
  /** For `--db`. */
  readonly url: string;
  /** Whether the tables are there: a server may die before it has made them. */
  exists(): Promise<boolean>;
  /** Works while a server is up, and when it is dead. */
  query(sql: string): Promise<readonly Record<string, unknown>[]>;
}

export interface ChaosDatabases {
  readonly name: ChaosDatabase['name'];
  /** A new one; `folder` is for its files, if it has any. */
  create(cleanup: Cleanup, folder: string): Promise<ChaosDatabase>;
}

export const sqliteDatabases: ChaosDatabases = {
  name: 'SQLite',
  create: async (_, folder) => sqliteFile(join(folder, 'fist.db')),
};

export const postgresDatabases: ChaosDatabases = {
  name: 'PostgreSQL',
  async create(cleanup) {
    const url = await (await sharedPostgres()).createDatabase();
    const client = new Client({ connectionString: url });
    await client.connect();
    cleanup.defer(() => client.end());
    const query = async (sql: string) => (await client.query<Record<string, unknown>>(sql)).rows;
    return {
      name: 'PostgreSQL',
      url,
      query,
      exists: async () => (await query("SELECT to_regclass('workflows') AS found"))[0]?.['found'] !== null,
    };
  },
};

export const chaosDatabases: readonly ChaosDatabases[] = [sqliteDatabases, postgresDatabases];

/** The handle of an SQLite file that may not be there yet. */
export function sqliteFile(path: string): ChaosDatabase {
  const query: ChaosDatabase['query'] = async (sql) => {
    const connection = new DatabaseSync(path, { readOnly: true, timeout: 5000 });
    try {
      return connection.prepare(sql).all();
    } finally {
      connection.close();
    }
  };
  const tables = "SELECT name FROM sqlite_schema WHERE name = 'workflows'";
  return {
    name: 'SQLite',
    url: path,
    query,
    exists: async () => existsSync(path) && (await query(tables)).length > 0,
  };
}
