import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { injections } from '../../test/support/injections.ts';
import { repositoryRoot } from '../../test/support/processes.ts';
import { attemptOf, payload, sinkDelivery, sinkWorld } from '../../test/support/sink-world.ts';
import { file } from './file.ts';
import { appendLine } from './line-file.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

function start(more: object = {}) {
  const folder = join(cleanup.temporaryFolder('file-sink'), 'data', 'sinks', 'shop');
  const world = sinkWorld({ folder });
  cleanup.defer(() => world.close());
  const path = join(folder, 'out.jsonl');
  return {
    folder,
    path,
    deliver: (changes: Parameters<typeof sinkDelivery>[0] = {}) =>
      attemptOf(file, world.io, { file: 'out.jsonl', ...more }, sinkDelivery(changes)),
    keys: (name = 'out.jsonl') =>
      readFileSync(join(folder, name), 'utf8')
        .split('\n')
        .slice(0, -1)
        .map((line) => (JSON.parse(line) as { idempotencyKey: string }).idempotencyKey),
  };
}

const sent = { ok: true, reference: null };

describe('file', () => {
  test('a delivery is a line of JSON, which only this user may read', async () => {
    const { path, deliver } = start();
    expect(await deliver()).toEqual(sent);
    expect(readFileSync(path, 'utf8')).toBe(
      `${JSON.stringify({ idempotencyKey: 'r1/out/run-finished', ...payload })}\n`,
    );
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test('deliveries at the same time are all there, each on a line of its own', async () => {
    const { deliver, keys } = start();
    const all = Array.from({ length: 50 }, (_, n) => `r${n}/out`);
    await Promise.all(all.map((idempotencyKey) => deliver({ idempotencyKey })));
    expect(keys()).toEqual(all);
  });

  test('what is repeated is not written twice; another key, or half a line, is not taken for it', async () => {
    const { path, deliver, keys } = start();
    await deliver();
    await deliver({ idempotencyKey: 'r1/out/run-finished2', isRepeat: true });
    expect(await deliver({ isRepeat: true })).toEqual(sent);
    expect(keys()).toEqual(['r1/out/run-finished', 'r1/out/run-finished2']);
    writeFileSync(path, readFileSync(path, 'utf8').split('\n')[0]?.slice(0, -5) ?? '');
    expect(await deliver({ isRepeat: true })).toEqual(sent);
    expect(readFileSync(path, 'utf8').split('\n')[1]).toBe(
      JSON.stringify({ idempotencyKey: 'r1/out/run-finished', ...payload }),
    );
  });

  test('a line that is far back in a large file may come twice', async () => {
    const { path, deliver } = start();
    await deliver();
    const line = readFileSync(path, 'utf8');
    writeFileSync(path, `${line}${'{}\n'.repeat(400_000)}`);
    await deliver({ isRepeat: true });
    expect(readFileSync(path, 'utf8').split(line)).toHaveLength(3);
  });

  test('it is renamed when it is full, and so many earlier ones stay', async () => {
    const { folder, deliver, keys } = start({ maxMegabytes: 1, keep: 2 });
    const text = 'x'.repeat(400_000);
    for (let n = 1; n <= 9; n += 1) await deliver({ idempotencyKey: `r${n}`, payload: { ...payload, text } });
    expect(readdirSync(folder)).toEqual(['out.jsonl', 'out.jsonl.1', 'out.jsonl.2']);
    expect([keys(), keys('out.jsonl.1'), keys('out.jsonl.2')]).toEqual([['r9'], ['r7', 'r8'], ['r5', 'r6']]);
  });

  test('without earlier ones it begins again', async () => {
    const { folder, deliver, keys } = start({ maxMegabytes: 1, keep: 0 });
    const text = 'x'.repeat(700_000);
    for (const idempotencyKey of ['r1', 'r2']) await deliver({ idempotencyKey, payload: { ...payload, text } });
    expect(readdirSync(folder)).toEqual(['out.jsonl']);
    expect(keys()).toEqual(['r2']);
  });

  test('whatever an alert says, it is one line', async () => {
    const { path, deliver, keys } = start();
    const forged = '\n{"idempotencyKey":"r0","event":"forged"}\n';
    const texts = [...injections, forged];
    for (const [n, text] of texts.entries())
      await deliver({ idempotencyKey: `r${n}`, payload: { ...payload, text, report: { root_cause: text } } });
    expect(keys()).toEqual(texts.map((_, n) => `r${n}`));
    expect(readFileSync(path, 'utf8')).not.toMatch(/^\{"idempotencyKey":"r0","event":"forged"/m);
  });

  test.each(['link', 'folder', 'pipe'])('a %s in its place is not written to', async (what) => {
    const { folder, path, deliver } = start();
    mkdirSync(folder, { recursive: true });
    const target = join(folder, 'target');
    if (what === 'link') {
      writeFileSync(target, '');
      symlinkSync(target, path);
    } else if (what === 'folder') mkdirSync(path);
    else expect(spawnSync('mkfifo', [path]).status).toBe(0);
    const verdict = await deliver();
    expect(verdict).toMatchObject({ ok: false, reason: expect.stringContaining(path) as string });
    if (what === 'link') {
      expect(verdict).toMatchObject({ retry: false, reason: expect.stringMatching(/symbolic link$/) as string });
      expect(readFileSync(target, 'utf8')).toBe('');
    }
  });

  test.each([
    '../x',
    '/etc/passwd',
    'a/b',
    'a\\b',
    '..',
    '.hidden',
    '',
    'x.1',
    'a\0b',
    'a\nb',
    '%2e%2e%2fx',
    '~',
    'x'.repeat(129),
  ])('the name %j is refused', (name) => {
    expect(file.config.safeParse({ file: name }).success).toBe(false);
  });

  const hasPrlimit = spawnSync('prlimit', ['--version']).status === 0;

  test.skipIf(!hasPrlimit)('what does not fit is taken back, and tried again', () => {
    const folder = cleanup.temporaryFolder('full');
    // A limit on the size of files stands for a full disk.
    const script = `
      import { appendLine } from '${repositoryRoot}src/sinks/line-file.ts';
      const request = { folder: '${folder}', name: 'x', known: null, mostBytes: 1e9, keep: 1 };
      const verdicts = [];
      for (const size of [3000, 3000, 500]) verdicts.push(await appendLine({ ...request, line: 'x'.repeat(size) }));
      console.log(JSON.stringify(verdicts));`;
    const { stdout, stderr } = spawnSync(
      'prlimit',
      ['--fsize=4096', process.execPath, '--input-type=module', '-e', script],
      { encoding: 'utf8' },
    );
    expect(stderr).toBe('');
    const reason = `${folder}/x could not be written: it may not become that large`;
    expect(JSON.parse(stdout)).toEqual([sent, { ok: false, retry: true, reason }, sent]);
    expect(readFileSync(join(folder, 'x'), 'utf8')).toBe(`${'x'.repeat(3000)}\n${'x'.repeat(500)}\n`);
  });

  test('a folder that cannot be made is told, and may come', async () => {
    const folder = cleanup.temporaryFolder('closed');
    writeFileSync(join(folder, 'sinks'), '');
    const request = { folder: join(folder, 'sinks', 'shop'), name: 'x', known: null, mostBytes: 1e6, keep: 1 };
    expect(await appendLine({ ...request, line: '{}' })).toMatchObject({
      ok: false,
      retry: true,
      reason: expect.stringMatching(/could not be written: /) as string,
    });
  });
});
