import { spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, describe, expect, test } from 'vitest';
import { openStore } from '../src/app/store.ts';
import type { Log } from '../src/core/ports.ts';
import { systemClock } from '../src/lib/clock.ts';
import { refuseDamage } from '../src/store/sqlite/damage.ts';
import { openSqliteStore } from '../src/store/sqlite/store.ts';
import { createCleanup } from './support/cleanup.ts';
import { cleanEnvironment, repositoryRoot } from './support/processes.ts';
import { runFist } from './support/program.ts';
import { letterFixture } from './support/rows.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const db = (...args: readonly string[]) => runFist(['db', ...args]);

/** A database with some rows, closed. */
async function makeDatabase(): Promise<{ readonly folder: string; readonly path: string }> {
  const folder = cleanup.temporaryFolder('damaged');
  const path = join(folder, 'fist.db');
  const store = openSqliteStore({ path });
  const letters = Array.from({ length: 60 }, (_, n) => ({ ...letterFixture(String(n)), body: 'x'.repeat(2000) }));
  await store.transaction('intake', (tx) => tx.events.addDeadLetters(letters));
  await store.close();
  return { folder, path };
}

function overwrite(path: string, at: number, bytes: number): void {
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(bytes, 0xa5), 0, bytes, at);
  closeSync(file);
}

/** Where the pages of a table begin, leaves too. */
function pagesOf(path: string, name: string): readonly number[] {
  const raw = new DatabaseSync(path, { readOnly: true });
  const rows = raw.prepare('SELECT pageno FROM dbstat WHERE name = ? ORDER BY pageno').all(name);
  raw.close();
  return rows.map(({ pageno }) => (Number(pageno) - 1) * 4096);
}

const harms: readonly (readonly [place: string, harm: (path: string) => void, named: RegExp])[] = [
  ['pages of a table', (path) => overwrite(path, pagesOf(path, 'dead_letters').at(-3) ?? 0, 4096), /dead_letters/],
  ['the first page of a table', (path) => overwrite(path, pagesOf(path, 'alerts')[0] ?? 0, 4096), /alerts/],
  ['the schema', (path) => overwrite(path, 100, 3996), /./],
  ['the header behind its id', (path) => overwrite(path, 16, 40), /./],
  ['its end, which is missing', (path) => truncateSync(path, statSync(path).size - 40_960), /./],
  ['all but its first page', (path) => truncateSync(path, 4096), /./],
  ['a part of its first page', (path) => truncateSync(path, 1000), /./],
];

describe.each([...harms])('a file damaged in %s', (_, harm, named) => {
  test('is never opened by a server, and stays as it is', async () => {
    const { path } = await makeDatabase();
    harm(path);
    const before = readFileSync(path);
    expect(() => openSqliteStore({ path })).toThrow(
      expect.objectContaining({
        code: 'StoreUnusable',
        reason: 'StoreDamaged',
        next: expect.stringContaining('"Restore" in docs/guide/operate.md'),
      }),
    );
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test('is told as damaged by every command, without a stack trace', async () => {
    const { path } = await makeDatabase();
    harm(path);
    const check = await db('check', '--db', path);
    expect(check.code).toBe(1);
    expect(check.out).toMatch(/^damaged: /m);
    expect(check.out).toMatch(named);
    expect(check.err).toContain('"Restore" in docs/guide/operate.md');
    const copy = join(path, '..', 'export.jsonl');
    for (const words of [['check'], ['status'], ['size'], ['migrate'], ['export', copy]]) {
      const { code, out, err } = await db(...words, '--db', path);
      expect(out + err).not.toMatch(/^ +at |Internal/m);
      // A command that reads nothing of what is damaged does its work.
      if (code === 2 || words[0] === 'migrate')
        expect([code, err]).toEqual([2, expect.stringContaining('is damaged: ')]);
      else expect(code).toBe(words[0] === 'check' ? 1 : 0);
    }
  });
});

test('a file whose first bytes are gone may be a damaged database: both are said', async () => {
  const { path } = await makeDatabase();
  overwrite(path, 0, 16);
  for (const words of ['check', 'status', 'migrate'])
    expect((await db(words, '--db', path)).err).toMatch(/is not an SQLite database\n.*damaged: "Restore"/);
});

test('of a large database a start reads the schema and the ends of all tables', async () => {
  const { path } = await makeDatabase();
  const look = () => {
    const raw = new DatabaseSync(path);
    try {
      refuseDamage(raw, path, 0);
    } finally {
      raw.close();
    }
  };
  expect(look).not.toThrow();
  overwrite(path, pagesOf(path, 'dead_letters').at(-1) ?? 0, 4096);
  expect(look).toThrow(expect.objectContaining({ reason: 'StoreDamaged' }));
});

describe('a lost database', () => {
  const lefts: readonly string[] = ['-wal', '-token', '.before-2'];

  test.each(lefts.flatMap((left) => [false, true].map((isEmpty) => [left, isEmpty] as const)))(
    'is not replaced by a new one where its %s is left (an empty file in its place: %s)',
    async (left, isEmpty) => {
      const folder = cleanup.temporaryFolder('lost');
      const path = join(folder, 'fist.db');
      writeFileSync(`${path}${left}`, 'something');
      if (isEmpty) writeFileSync(path, '');
      const before = readdirSync(folder);
      const message = `${path} is ${isEmpty ? 'empty' : 'not there'}, but ${path}${left} is: the database was lost`;
      expect(() => openSqliteStore({ path })).toThrow(
        expect.objectContaining({ code: 'StoreUnusable', message, next: expect.stringContaining('"Restore"') }),
      );
      expect((await db('migrate', '--db', path)).err).toContain(message);
      expect(readdirSync(folder)).toEqual(before);
    },
  );

  test('is restored by an import beside its token, but never beside its log', async () => {
    const { folder, path } = await makeDatabase();
    await db('export', join(folder, 'all.jsonl'), '--db', path);
    const lost = join(folder, 'lost.db');
    writeFileSync(`${lost}-wal`, 'something');
    writeFileSync(`${lost}-token`, 'token');
    expect(await db('import', join(folder, 'all.jsonl'), '--db', lost)).toMatchObject({ code: 2 });
    expect(readFileSync(`${lost}-wal`, 'utf8')).toBe('something');
    writeFileSync(`${lost}-wal`, '');
    expect(await db('import', join(folder, 'all.jsonl'), '--db', lost)).toMatchObject({ code: 0 });
    await openSqliteStore({ path: lost }).close();
  });

  test('a new database is a line of the log, an old one none', async () => {
    const database = join(cleanup.temporaryFolder('new'), 'data', 'fist.db');
    const lines: string[] = [];
    const write = (_: object, message: string) => void lines.push(message);
    const log: Log = { debug: write, info: write, warn: write, error: write, child: () => log };
    for (let time = 0; time < 2; time++) await (await openStore({ database, clock: systemClock(), log })).store.close();
    expect(lines).toEqual(['there was no database; a new one was made']);
  });
});

describe.skipIf(process.platform !== 'linux')('an export', () => {
  const program = `"${process.execPath}" "${join(repositoryRoot, 'src/main.ts')}" db export`;
  const run = (script: string, cwd: string) =>
    spawnSync('sh', ['-c', script], { cwd, encoding: 'utf8', env: cleanEnvironment() });
  const lastLine = (text: string) => text.trimEnd().split('\n').at(-1);

  test('goes through a link into its target, which gets its name when it is whole', async () => {
    const { folder, path } = await makeDatabase();
    mkdirSync(join(folder, 'elsewhere'));
    symlinkSync(join('elsewhere', 'target.jsonl'), join(folder, 'link.jsonl'));
    for (let time = 0; time < 2; time++) {
      expect(await db('export', join(folder, 'link.jsonl'), '--db', path)).toMatchObject({ code: 0 });
      expect(lstatSync(join(folder, 'link.jsonl')).isSymbolicLink()).toBe(true);
      expect(lastLine(readFileSync(join(folder, 'elsewhere', 'target.jsonl'), 'utf8'))).toMatch(/^\{"end":/);
      expect(statSync(join(folder, 'elsewhere', 'target.jsonl')).mode & 0o777).toBe(0o600);
    }
    expect(readdirSync(join(folder, 'elsewhere'))).toEqual(['target.jsonl']);
  });

  test('goes into devices and pipes, which stay what they are', async () => {
    const { folder, path } = await makeDatabase();
    // Never a device of the machine itself: a program that is wrong would replace it.
    if (run('mknod null c 1 3 && echo > null', folder).status === 0) {
      expect(await db('export', join(folder, 'null'), '--db', path)).toMatchObject({ code: 0 });
      expect(lstatSync(join(folder, 'null')).isCharacterDevice()).toBe(true);
    }

    const fifo = run(`mkfifo pipe && (cat pipe > read.jsonl & ${program} pipe --db "${path}"; wait)`, folder);
    expect(fifo.status, fifo.stderr).toBe(0);
    expect(lstatSync(join(folder, 'pipe')).isFIFO()).toBe(true);
    expect(lastLine(readFileSync(join(folder, 'read.jsonl'), 'utf8'))).toMatch(/^\{"end":/);

    const piped = run(`${program} /proc/self/fd/1 --db "${path}" | tail -n 1`, folder);
    expect(piped.stdout).toMatch(/^\{"end":/);
    const appended = run(`echo first > out.jsonl; ${program} /proc/self/fd/1 --db "${path}" >> out.jsonl`, folder);
    expect(appended.status, appended.stderr).toBe(0);
    const text = readFileSync(join(folder, 'out.jsonl'), 'utf8');
    expect(text.startsWith('first\n{"format":')).toBe(true);
    expect(lastLine(text)).toMatch(/^\{"end":/);
    expect(existsSync(join(folder, 'out.jsonl.part'))).toBe(false);
  });
});
