import {
  closeSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import type { Cleanup } from '../support/cleanup.ts';
import { logLines, startServer } from '../support/server.ts';
import type { TestServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';
import { sqliteFile } from './database.ts';

// What people and programs do to the files of a database while a server has them open.

export const damageResources = `
apiVersion: punchingfist.io/v1alpha1
kind: Source
metadata: { name: harmed }
spec: { type: webhook, config: { path: harmed }, triggerWorkflow: one-step }
---
apiVersion: punchingfist.io/v1alpha1
kind: Workflow
metadata: { name: one-step }
spec:
  steps: [{ name: first, type: conditional, condition: 'yes' }]
`;

function notification(id: number): object {
  const labels = { alertname: 'Harmed', id: String(id) };
  return { version: '4', alerts: [{ status: 'firing', labels, annotations: {}, startsAt: '2026-01-01T00:00:00Z' }] };
}

export interface Harm {
  readonly name: string;
  readonly words: string;
  /** Whether all that was acknowledged can still be read from the open files. */
  readonly isWhole: boolean;
  /** `other` is a sound database that holds something else. */
  readonly harm: (path: string, other: string) => void;
}

const removed = 'the database file was removed';
const replaced = 'the database file was replaced';
const damaged = 'the database is damaged';

export const harms: readonly Harm[] = [
  { name: 'rm', words: removed, isWhole: true, harm: (path) => rmSync(path) },
  {
    name: 'rm of all its files',
    words: removed,
    isWhole: true,
    harm(path) {
      for (const end of ['', '-wal', '-shm']) rmSync(path + end);
    },
  },
  {
    name: 'mv and a new file',
    words: replaced,
    isWhole: true,
    harm(path, other) {
      // At no moment is there no file: a server that looked just then would say that it was removed.
      linkSync(path, `${path}.old`);
      copyFileSync(other, `${path}.new`);
      renameSync(`${path}.new`, path);
    },
  },
  { name: 'rm of -wal', words: removed, isWhole: true, harm: (path) => rmSync(`${path}-wal`) },
  {
    name: 'cp over it',
    words: damaged,
    isWhole: false,
    harm: (path, other) => writeFileSync(path, readFileSync(other)),
  },
  { name: 'truncate', words: damaged, isWhole: false, harm: (path) => truncateSync(path, 40_960) },
  { name: 'truncate of -wal', words: damaged, isWhole: false, harm: (path) => truncateSync(`${path}-wal`, 0) },
  {
    name: 'garbage in its pages',
    words: damaged,
    isWhole: false,
    harm(path) {
      const file = openSync(path, 'r+');
      for (let at = 4096 * 4; at < statSync(path).size; at += 4096 * 4)
        writeSync(file, Buffer.alloc(4096, 0xa5), 0, 4096, at);
      closeSync(file);
    },
  },
];

export interface DamageStory {
  readonly path: string;
  /** A sound database that holds something else. */
  readonly other: string;
  readonly server: TestServer;
  /** Sends one new alert. */
  readonly send: () => Promise<{ readonly status: number; readonly body: unknown }>;
  /** Numbers of the alerts that were answered 200. */
  readonly acknowledged: readonly number[];
}

/** A server whose database holds some alerts in the file, some in the log. */
export async function createStory(cleanup: Cleanup, program?: readonly string[]): Promise<DamageStory> {
  const folder = cleanup.temporaryFolder('damage');
  mkdirSync(join(folder, 'resources'));
  writeFileSync(join(folder, 'resources', 'resources.yaml'), damageResources);
  const path = join(folder, 'fist.db');
  const options = { resources: join(folder, 'resources'), database: path };
  const first = await startServer(options);
  cleanup.defer(() => first.process.kill());
  const acknowledged: number[] = [];
  let sent = 0;
  const sendTo = async (server: typeof first) => {
    const id = sent++;
    const answer = await server.post('/webhook/harmed', notification(id));
    if (answer.status === 200) acknowledged.push(id);
    return answer;
  };
  for (let n = 0; n < 5; n++) await sendTo(first);
  await first.process.stop();
  const other = join(folder, 'other.db');
  await openSqliteStore({ path: other }).close();
  const server = await startServer({ ...options, ...(program === undefined ? {} : { program }) });
  cleanup.defer(() => server.process.kill());
  const send = () => sendTo(server);
  for (let n = 0; n < 5; n++) await send();
  return { path, other, server, send, acknowledged };
}

/** The numbers of the alerts that are stored. */
export async function alertsIn(path: string): Promise<readonly number[]> {
  const rows = await sqliteFile(path).query("SELECT json_extract(labels, '$.id') AS id FROM alerts");
  return rows.map((row) => Number(row['id'])).toSorted((one, two) => one - two);
}

/** Whether SQLite finds nothing wrong with it. */
export function isSound(path: string): boolean {
  const raw = new DatabaseSync(path);
  try {
    return raw.prepare('PRAGMA integrity_check').get()?.['integrity_check'] === 'ok';
  } catch {
    return false;
  } finally {
    raw.close();
  }
}

/** What the log says is to be done, once; waits for it. */
export async function adviceOf(server: TestServer): Promise<string> {
  const lines = () =>
    logLines(server.process.stderr()).filter(({ message }) => String(message).startsWith('the database is lost'));
  await waitFor('a line of the log', () => lines().length > 0, { timeoutMs: 10_000 });
  if (lines().length > 1) throw new Error('it was told twice');
  return String((lines()[0]?.['error'] as { next?: string } | undefined)?.next);
}

/** The command in it that saves the open files. */
export function saveCommandIn(advice: string): string {
  return /cp \S+ \S+ && cp \S+ [^;]+/.exec(advice)?.[0] ?? 'false';
}
