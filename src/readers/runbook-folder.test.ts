import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { runbookFolder } from './runbook-folder.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = cleanup.temporaryFolder('runbooks');
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

it('reads Markdown below the folder, with what stands before it', async () => {
  const folder = folderOf({
    'kubernetes/KubePodCrashLooping.md': '# Pods that crash\n\nLook at the logs.',
    'db.md': '---\ntitle: Database\nalerts: [PostgresDown, PostgresLag]\n---\nCall somebody.\n',
    'one.md': '---\nalert: One\n---\n',
    'broken.md': '---\nalerts: [a\n---\ntext',
    'notes.txt': 'not read',
    '.git/README.md': 'not read',
    'node_modules/x/README.md': 'not read',
  });
  expect(await runbookFolder(folder, () => 0).all()).toEqual([
    { name: 'broken.md', title: 'broken', alerts: [], text: 'text' },
    { name: 'db.md', title: 'Database', alerts: ['PostgresDown', 'PostgresLag'], text: 'Call somebody.' },
    { name: 'one.md', title: 'one', alerts: ['One'], text: '' },
    {
      name: 'kubernetes/KubePodCrashLooping.md',
      title: 'Pods that crash',
      alerts: [],
      text: '# Pods that crash\n\nLook at the logs.',
    },
  ]);
});

it('reads nothing outside of it, and of a large file the beginning', async () => {
  const outside = folderOf({ 'secret.md': 'canary' });
  const folder = folderOf({ 'large.md': `# Large\n${'x'.repeat(300_000)}` });
  symlinkSync(join(outside, 'secret.md'), join(folder, 'link.md'));
  symlinkSync(outside, join(folder, 'linked'));
  symlinkSync('/dev/zero', join(folder, 'endless.md'));
  const all = await runbookFolder(folder, () => 0).all();
  expect(all.map(({ name }) => name)).toEqual(['large.md']);
  expect(all[0]?.text.length).toBeLessThanOrEqual(128 * 1024);
});

it('reads again after a minute, and says where it cannot', async () => {
  const folder = folderOf({ 'a.md': 'a' });
  let now = 0;
  const runbooks = runbookFolder(folder, () => now);
  await runbooks.all();
  writeFileSync(join(folder, 'b.md'), 'b');
  expect(await runbooks.all()).toHaveLength(1);
  now = 60_000;
  expect(await runbooks.all()).toHaveLength(2);
  await expect(runbookFolder(join(folder, 'none'), () => 0).all()).rejects.toMatchObject({
    code: 'InvalidInput',
    next: '--runbooks FOLDER',
  });
});
