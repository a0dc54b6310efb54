import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createCleanup } from '../../../test/support/cleanup.ts';
import { readDumpFile } from './dump-files.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

let dump: string;
let outside: string;
beforeEach(() => {
  const folder = cleanup.temporaryFolder('dump');
  [dump, outside] = [join(folder, 'dump'), join(folder, 'outside')];
  for (const [path, text] of [
    [dump, 'inside'],
    [outside, 'canary'],
  ] as const) {
    mkdirSync(join(path, 'shop'), { recursive: true });
    writeFileSync(join(path, 'shop', 'pods.json'), text);
  }
});

const read = (beforeOpen: () => void, afterOpen = (): void => undefined) =>
  readDumpFile(dump, ['shop', 'pods.json'], { maxBytes: 100, around: { beforeOpen, afterOpen } });
const exchanged = 'shop/pods.json was exchanged for something else while it was opened';
const leaves = 'shop/pods.json is a link that leads out of the dump';

/** A link in the place of what is there. */
function link(place: string): void {
  rmSync(join(dump, place), { recursive: true });
  symlinkSync(join(outside, place), join(dump, place));
}

test.skipIf(process.platform === 'win32').each<[string, string, () => void]>([
  ['its file', exchanged, () => link('shop/pods.json')],
  ['its folder', leaves, () => link('shop')],
])('what is exchanged for a link between the look and the opening is not read: %s', async (_, reason, exchange) => {
  expect(await read(exchange)).toEqual({ kind: 'refused', reason });
});

test.skipIf(process.platform === 'win32')('nor what stood there for the moment of the opening only', async () => {
  const putBack = (): void => {
    rmSync(join(dump, 'shop'));
    mkdirSync(join(dump, 'shop'));
    writeFileSync(join(dump, 'shop', 'pods.json'), 'inside');
  };
  expect(await read(() => link('shop'), putBack)).toEqual({ kind: 'refused', reason: exchanged });
});

test('a file that is written anew at that moment is read as it is', async () => {
  const write = () => writeFileSync(join(dump, 'shop', 'pods.json'), 'newer');
  expect(await read(write)).toEqual({ kind: 'bytes', bytes: Buffer.from('newer'), isEnd: false });
});
