import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { startServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';
import { alertProblems, readSnapshot } from './checker.ts';
import { sqliteFile } from './database.ts';
import type { Image } from './power-loss-disk.ts';
import { hasEnded, powerLossResources, queryFile, readIds } from './power-loss-record.ts';
import type { Recording } from './power-loss-record.ts';

/** What is wrong with what a power cut left. */
export interface Problems {
  readonly lost: readonly string[];
  readonly damaged: readonly string[];
}

/** Writes the image to a folder of its own, opens it, and says what is wrong with it. */
export async function examineImage(
  recording: Recording,
  image: Image,
  acknowledged: ReadonlyMap<string, number>,
  withServer: boolean,
): Promise<Problems> {
  const folder = mkdtempSync(join(fastFolder(), 'fist-image-'));
  try {
    const database = join(folder, relative(recording.root, recording.database));
    for (const [path, bytes] of image) {
      const copy = join(folder, relative(recording.root, path));
      mkdirSync(dirname(copy), { recursive: true });
      writeFileSync(copy, bytes);
    }
    if (withServer) await startOver(database);
    return await openImage(database, recording, acknowledged);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A server must accept the image, end every run without help, and stop. */
async function startOver(database: string): Promise<void> {
  const { process } = await startServer({ resources: powerLossResources, database });
  try {
    await waitFor('every run to end', () => hasEnded(database), { explain: () => process.stderr() });
  } finally {
    await process.stop();
  }
}

/** Opens the image as a server does, so that SQLite repairs what a crash left; then asks what is there. */
async function openImage(
  database: string,
  { ledger, rows }: Recording,
  acknowledged: ReadonlyMap<string, number>,
): Promise<Problems> {
  try {
    const store = openSqliteStore({ path: database });
    try {
      const integrity = integrityProblems(database);
      if (integrity.length > 0) return { lost: [], damaged: integrity };
      const known = { sent: ledger.sent, acknowledged: new Map(acknowledged) };
      const alerts = rows.size > 0 ? [] : alertProblems(await readSnapshot(sqliteFile(database)), known);
      return {
        lost: [...alerts, ...missingEvents(database, acknowledged), ...missingRows(database, rows)],
        damaged: [],
      };
    } finally {
      await store.close();
    }
  } catch (error) {
    return { lost: [], damaged: [error instanceof Error ? error.message : String(error)] };
  }
}

function missingRows(database: string, rows: Recording['rows']): readonly string[] {
  const now = rows.size === 0 ? rows : readIds(database);
  return [...rows].flatMap(([table, ids]) => {
    const there = new Set(now.get(table));
    return ids.filter((id) => !there.has(id)).map((id) => `${id} of ${table} is gone`);
  });
}

function integrityProblems(database: string): readonly string[] {
  const rows = queryFile(database, 'PRAGMA integrity_check');
  return rows.map((row) => String(row['integrity_check'])).filter((text) => text !== 'ok');
}

/** Every acknowledged alert is in the body of an event. */
function missingEvents(database: string, acknowledged: ReadonlyMap<string, number>): readonly string[] {
  const bodies = queryFile(database, 'SELECT event_data AS body FROM source_events');
  const stored = new Set(bodies.flatMap(({ body }) => String(body).match(/alert-\d+/g) ?? []));
  return [...acknowledged.keys()].filter((id) => !stored.has(id)).map((id) => `${id} has no source event`);
}

/** In memory where it can be: thousands of images are opened, and each would wait for the disk. */
function fastFolder(): string {
  return existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
}
