import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createCleanup } from '../../../test/support/cleanup.ts';
import { makeTar, paxRecord } from '../../../test/support/tar.ts';
import type { TarPart } from '../../../test/support/tar.ts';
import { unpackArchive } from './archive.ts';
import type { ArchiveLimits } from './archive.ts';
import { openDump } from './dump.ts';

const cleanup = createCleanup();
let folder = '';
beforeEach(() => {
  folder = cleanup.temporaryFolder('archive');
  // Where archives are unpacked.
  mkdirSync(join(folder, 'tmp'));
  vi.stubEnv('TMPDIR', join(folder, 'tmp'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await cleanup.run();
});

const archive = (content: Buffer | string): string => {
  const path = join(folder, 'archive');
  writeFileSync(path, content);
  return path;
};
const limits: ArchiveLimits = { maxBytes: 100_000, maxEntries: 10, maxNameBytes: 1000 };
const unpacked = () => readdirSync(join(folder, 'tmp'));
const open = async (content: Buffer | string, bounds = limits): Promise<string> => {
  const found = await unpackArchive(archive(content), bounds);
  if (found === null) throw new Error('it is no archive');
  cleanup.defer(() => found.remove());
  return found.folder;
};
const message = (content: Buffer | string, bounds = limits) =>
  open(content, bounds).then(
    () => 'unpacked',
    (error: unknown) => (error as Error).message.replace(folder, ''),
  );
const list: TarPart = { path: 'dump/shop/pods.json', content: '{"items": []}' };

test('lists and logs are written for the owner only, and go with close', async () => {
  const other: readonly TarPart[] = [
    { path: 'dump/shop/core.dump', content: 'x' },
    { path: 'dump/shop/._pods.json', content: 'x' },
    { path: 'dump/', type: '5' },
    { path: 'dump/device.json', type: '3' },
  ];
  const dump = await openDump(archive(makeTar([list, ...other])));
  const [name = ''] = unpacked();
  const root = join(folder, 'tmp', name);
  expect(readdirSync(root, { recursive: true, encoding: 'utf8' }).sort()).toEqual([
    'dump',
    'dump/shop',
    'dump/shop/pods.json',
  ]);
  expect(statSync(root).mode & 0o777).toBe(0o700);
  expect(statSync(join(root, 'dump/shop/pods.json')).mode & 0o777).toBe(0o600);
  expect(await dump.list({ resource: 'pods', namespace: 'shop' })).toEqual({ kind: 'ok', value: [] });
  await dump.close();
  expect(unpacked()).toEqual([]);
});

test.each([
  ['no capture', makeTar([{ path: 'notes/a.txt', content: 'x' }]), 'is no cluster dump'],
  ['cut off', makeTar([list]).subarray(0, 600), 'the tar is cut off'],
  ['cut off as gzip', gzipSync(makeTar([list])).subarray(0, 60), 'unexpected end of file'],
  ['damaged', Buffer.concat([makeTar([list]).subarray(0, 1024), Buffer.alloc(512, 1)]), 'the tar is damaged'],
  ['gzip of something else', gzipSync('hello'), 'it is no tar'],
])('%s: refused, and nothing is left', async (_, content, reason) => {
  const error = await openDump(archive(content)).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ code: 'ClusterUnavailable', message: expect.stringContaining(reason) });
  expect(unpacked()).toEqual([]);
});

test.each([
  ['upwards', '../outside.json'],
  ['in the middle', 'dump/../../outside.json'],
  ['from the top', '/tmp/outside.json'],
  ['with the separators of another system', 'C:\\outside.json'],
])('a path that leads out: %s', async (_, path) => {
  expect(await message(makeTar([list, { path, content: 'x' }]))).toContain('has a path that leads out of it');
  expect(unpacked()).toEqual([]);
  expect(existsSync(join(folder, 'outside.json'))).toBe(false);
});

test.skipIf(process.platform === 'win32')(
  'nothing is written through a link; one that leads out is refused when it is read',
  async () => {
    writeFileSync(join(folder, 'outside.json'), 'canary');
    mkdirSync(join(folder, 'elsewhere'));
    const dump = await openDump(
      archive(
        makeTar([
          list,
          { path: 'dump/shop/services.json', type: '2', target: join(folder, 'outside.json') },
          { path: 'dump/shop/same.json', type: '1', target: 'dump/shop/pods.json' },
          { path: 'dump/shop/deployments.json', type: '2', target: 'same.json' },
          { path: 'dump/way.json', type: '2', target: join(folder, 'elsewhere') },
          { path: 'dump/way.json/in.json', content: 'written' },
          { path: 'dump/other.json', type: '2', target: join(folder, 'elsewhere') },
          { path: 'dump/other.json/in.json', type: '2', target: 'x' },
        ]),
      ),
    );
    cleanup.defer(() => dump.close());
    expect(readdirSync(join(folder, 'elsewhere'))).toEqual([]);
    expect(await dump.list({ resource: 'services', namespace: 'shop' })).toEqual({
      kind: 'not_captured',
      reason: 'shop/services.json is a link that leads out of the dump',
    });
    expect(await dump.list({ resource: 'deployments', namespace: 'shop' })).toEqual({ kind: 'ok', value: [] });
  },
);

test('bounds: bytes when it is unpacked, entries and names', async () => {
  const many = (count: number, name = ''): Buffer =>
    makeTar(Array.from({ length: count }, (_, at) => ({ path: `dump/${name}${at}.json` })));
  expect(await message(gzipSync(makeTar([{ path: 'a.bin', content: Buffer.alloc(100_000) }])))).toBe(
    'the archive /archive has more than 100000 bytes when it is unpacked',
  );
  expect(await message(many(11))).toContain('has more entries than the 10 that are read');
  expect(await message(many(9, 'n'.repeat(110)))).toContain('has more entries');
  expect(unpacked()).toEqual([]);
  expect(await message(many(10))).toBe('unpacked');
});

test.skipIf(process.platform === 'win32').each(['gnu', 'pax', 'ustar'])(
  'what tar itself writes: %s',
  async (format) => {
    const name = `${'long-'.repeat(format === 'ustar' ? 15 : 45)}end`;
    const source = mkdtempSync(join(folder, 'source-'));
    mkdirSync(join(source, name, name), { recursive: true });
    writeFileSync(join(source, name, name, 'pods.json'), '{"items": []}');
    const made = execFileSync('tar', [`--format=${format}`, '-cz', '-C', source, '.'], { maxBuffer: 1024 * 1024 });
    const root = await open(made, { ...limits, maxNameBytes: 10_000 });
    expect(readFileSync(join(root, name, name, 'pods.json'), 'utf8')).toBe('{"items": []}');
  },
);

test('what no disk can hold as it is written is left out, and the rest is read', async () => {
  const deep = `${'d'.repeat(200)}/`.repeat(6);
  const root = await open(
    makeTar([
      { path: 'dump/both.json', content: 'file' },
      { path: 'dump/both.json/in.json', content: 'x' },
      { path: 'dump/folder.json/in.json', content: 'x' },
      { path: 'dump/folder.json', content: 'file' },
      { path: 'dump/same.json', type: '1', target: 'dump/folder.json' },
      { path: 'dump/both.json/link.json', type: '2', target: 'x' },
      { path: `${deep}pods.json`, content: 'x' },
      list,
    ]),
    { ...limits, maxNameBytes: 10_000 },
  );
  const files = readdirSync(join(root, 'dump'), { recursive: true, encoding: 'utf8' });
  expect(readdirSync(root)).toEqual(['dump']);
  expect(files.sort()).toEqual(['both.json', 'folder.json', 'folder.json/in.json', 'shop', 'shop/pods.json']);
});

test('attributes before an entry are bounded, and only those that say which entry it is are kept', async () => {
  const attributes = (name: string): TarPart => ({ path: 'PaxHeaders', type: 'x', content: paxRecord(name, 'x.json') });
  const refused = 'the archive /archive cannot be read (it has a name that is too long)';
  expect(await message(makeTar([attributes('comment'), attributes('mtime'), list]))).toBe('unpacked');
  expect(await message(makeTar([...Array.from({ length: 5 }, () => attributes('comment')), list]))).toBe(refused);
  const unsized = makeTar([attributes('comment'), list]);
  unsized.write('99999999999\0', 124);
  const sum = [...unsized.subarray(0, 512)].reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0);
  unsized.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  expect(await message(unsized)).toBe(refused);
});
