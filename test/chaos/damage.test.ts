import { spawnSync } from 'node:child_process';
import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createCleanup } from '../support/cleanup.ts';
import { readyUrl, spawnServer, startServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';
import { adviceOf, alertsIn, createStory, damageResources, harms, isSound, saveCommandIn } from './damage.ts';

// The long form is test/chaos/long/damage.test.ts.

const cleanup = createCleanup();
afterEach(() => cleanup.run());

describe('under a running server', () => {
  it.each(harms)('$name stops writes for good, and says how to save what there is', async (kind) => {
    const { path, other, server, send, acknowledged } = await createStory(cleanup);
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
    const advice = await adviceOf(server);
    if (kind.isWhole) {
      expect((await server.list('/api/v1/alerts')).length).toBe(acknowledged.length);
      expect(spawnSync('sh', ['-c', saveCommandIn(advice)]).status).toBe(0);
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
      const { path, other, server, send, acknowledged } = await createStory(cleanup, [
        'test/chaos/unprotected.ts',
        'notices-no-damage',
      ]);
      harm(path, other);
      // Few: a checkpoint of the log that is gone would put all of it into the database.
      for (let n = 0; n < 20; n++) expect((await send()).status).toBe(200);
      await server.process.kill();
      const found = existsSync(path) ? await alertsIn(path).catch(() => []) : [];
      expect(found.length === acknowledged.length && isSound(path)).toBe(false);
    },
  );
});

describe('a second server', () => {
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
    writeFileSync(join(root, 'resources', 'resources.yaml'), damageResources);
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
