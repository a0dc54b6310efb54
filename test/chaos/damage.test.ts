import { spawnSync } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { createCleanup } from '../support/cleanup.ts';
import { logLines, readyUrl, spawnServer, startServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';
import { sqliteFile } from './database.ts';

// What people and programs do to the files of a database while a server has them open.

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const resourcesYaml = `
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

interface Harm {
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

const harms: readonly Harm[] = [
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
      renameSync(path, `${path}.old`);
      copyFileSync(other, path);
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

/** A server whose database holds some alerts in the file, some in the log. */
async function createStory(program?: readonly string[]) {
  const folder = cleanup.temporaryFolder('damage');
  mkdirSync(join(folder, 'resources'));
  writeFileSync(join(folder, 'resources', 'resources.yaml'), resourcesYaml);
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
  return { folder, path, other, server, send, acknowledged };
}

async function alertsIn(path: string): Promise<readonly number[]> {
  const rows = await sqliteFile(path).query("SELECT json_extract(labels, '$.id') AS id FROM alerts");
  return rows.map((row) => Number(row['id'])).toSorted((one, two) => one - two);
}

function isSound(path: string): boolean {
  const raw = new DatabaseSync(path);
  try {
    return raw.prepare('PRAGMA integrity_check').get()?.['integrity_check'] === 'ok';
  } catch {
    return false;
  } finally {
    raw.close();
  }
}

describe('under a running server', { timeout: 90_000 }, () => {
  it.each(harms)('$name stops writes for good, and says how to save what there is', async (kind) => {
    const { path, other, server, send, acknowledged } = await createStory();
    kind.harm(path, other);
    const refusal = await waitFor(
      'a refusal',
      async () => {
        const answer = await send();
        return answer.status === 503 && answer;
      },
      { timeoutMs: 10_000, everyMs: 20 },
    );
    expect(refusal.body).toMatchObject({ code: 'StoreUnavailable' });
    const readiness = async () => {
      const response = await fetch(`${server.url}/readyz`);
      return [response.status, await response.text()] as const;
    };
    expect(await readiness()).toEqual([503, expect.stringContaining(kind.words)]);
    expect((await fetch(`${server.url}/livez`)).status).toBe(200);
    const told = logLines(server.process.stderr()).filter(({ message }) =>
      String(message).startsWith('the database is lost'),
    );
    expect(told).toHaveLength(1);

    if (kind.isWhole) {
      expect((await server.list('/api/v1/alerts')).length).toBe(acknowledged.length);
      const next = String((told[0]?.['error'] as { next?: string } | undefined)?.next);
      const save = /cp \S+ \S+ && cp \S+ [^;]+/.exec(next)?.[0] ?? 'false';
      expect(spawnSync('sh', ['-c', save]).status).toBe(0);
      expect(await alertsIn(`${path}.saved`)).toEqual(acknowledged);
      expect(isSound(`${path}.saved`)).toBe(true);
    }
    // It is not well again because the file is.
    if (existsSync(`${path}.old`)) renameSync(`${path}.old`, path);
    expect((await send()).status).toBe(503);
    expect((await readiness())[0]).toBe(503);
    const files = ['', '-wal'].map((end) => (existsSync(path + end) ? readFileSync(path + end) : null));
    expect((await server.process.stop()).code).toBe(0);
    if (kind.name === 'rm of -wal') expect(await alertsIn(path)).toEqual(acknowledged);
    else if (!kind.isWhole)
      expect(['', '-wal'].map((end) => (existsSync(path + end) ? readFileSync(path + end) : null))).toEqual(files);
  });

  it.each(harms.filter(({ name }) => ['rm of all its files', 'rm of -wal', 'garbage in its pages'].includes(name)))(
    'control: without the watch, after $name alerts are acknowledged into a database that is not whole',
    async ({ harm }) => {
      const { path, other, server, send, acknowledged } = await createStory([
        'test/chaos/unprotected.ts',
        'notices-no-damage',
      ]);
      harm(path, other);
      const untilMs = performance.now() + 3000;
      while (performance.now() < untilMs) expect((await send()).status).toBe(200);
      await server.process.kill();
      const found = existsSync(path) ? await alertsIn(path).catch(() => []) : [];
      expect(found.length === acknowledged.length && isSound(path)).toBe(false);
    },
  );
});

describe('a second server', { timeout: 90_000 }, () => {
  interface Name {
    readonly name: string;
    /** Gives the database another name. */
    readonly rename: (path: string, folder: string) => string;
  }
  const names: readonly Name[] = [
    {
      name: 'a hard link',
      rename(path, folder) {
        linkSync(path, join(folder, 'link.db'));
        return join(folder, 'link.db');
      },
    },
    {
      name: 'a symbolic link',
      rename(path, folder) {
        symlinkSync(path, join(folder, 'link.db'));
        return join(folder, 'link.db');
      },
    },
    {
      name: 'its new name, after it was renamed',
      rename(path, folder) {
        renameSync(path, join(folder, 'renamed.db'));
        return join(folder, 'renamed.db');
      },
    },
    {
      name: 'its new path, after its folder was renamed',
      rename(path, folder) {
        renameSync(folder, `${folder}-renamed`);
        return path.replace(folder, `${folder}-renamed`);
      },
    },
  ];

  async function startSecond({ rename }: Name, program: readonly string[] = ['src/main.ts']) {
    const root = cleanup.temporaryFolder('names');
    mkdirSync(join(root, 'resources'));
    writeFileSync(join(root, 'resources', 'resources.yaml'), resourcesYaml);
    const folder = join(root, 'data');
    const path = join(folder, 'fist.db');
    const resources = join(root, 'resources');
    const first = await startServer({ resources, database: path });
    cleanup.defer(() => first.process.kill());
    const second = spawnServer({ resources, database: rename(path, folder), program });
    cleanup.defer(() => second.kill());
    return second;
  }

  it.each(names)('is kept out under $name', async (kind) => {
    const second = await startSecond(kind);
    expect((await second.exited).code).toBe(2);
    expect(second.stderr()).toMatch(/another server has .* open/);
  });

  it.each(names.filter(({ name }) => ['a hard link', 'its new name, after it was renamed'].includes(name)))(
    'control: with a lock on the path alone it starts under $name',
    async (kind) => {
      const second = await startSecond(kind, ['test/chaos/unprotected.ts', 'locks-path-only']);
      const url = await waitFor('it to be ready', () => {
        if (second.exitStatus() !== null) throw new Error(second.stderr());
        return readyUrl(second.stderr());
      });
      expect((await fetch(`${url}/livez`)).status).toBe(200);
    },
  );
});
