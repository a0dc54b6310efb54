import { createReadStream } from 'node:fs';
import { link, mkdir, mkdtemp, open, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { AppError } from '../../core/errors.ts';
import { fileProblem } from '../../lib/file-problem.ts';
import { keepUntilRemoved } from '../../lib/temporary.ts';
import { shown, unavailable } from './layout.ts';
import { BadTar, isTarHeader, readTar } from './tar.ts';
import type { TarEntry } from './tar.ts';

/** What an archive held, in a private folder. */
export interface Unpacked {
  readonly folder: string;
  remove(): Promise<void>;
}

/** Beyond these an archive is no capture of a cluster, or meant to fill a disk. */
export interface ArchiveLimits {
  /** Of everything in it, with what is left out. */
  readonly maxBytes: number;
  readonly maxEntries: number;
  /** Of all paths together. */
  readonly maxNameBytes: number;
}

const defaultLimits: ArchiveLimits = {
  maxBytes: 4 * 1024 * 1024 * 1024,
  maxEntries: 500_000,
  maxNameBytes: 64 * 1024 * 1024,
};

/**
 * Unpacks a `.tar` or `.tar.gz`, by its content, into a folder that nobody else can read and that is removed at the end of
 * the process or by `remove`. Null where it is no archive. Only files that may be lists or logs are written; links are made
 * last, so that nothing is written through one. Throws ClusterUnavailable, then nothing is left.
 */
export async function unpackArchive(path: string, limits: ArchiveLimits = defaultLimits): Promise<Unpacked | null> {
  const problem = (error: unknown): AppError =>
    error instanceof AppError
      ? error
      : unavailable(
          `the archive ${path} cannot be read (${error instanceof BadTar ? error.message : fileProblem(error)})`,
          error,
        );
  const format = await formatOf(path).catch((error: unknown) => {
    throw problem(error);
  });
  if (format === null) return null;
  const folder = await mkdtemp(join(tmpdir(), 'fist-dump-'));
  const forget = keepUntilRemoved(folder);
  const remove = async (): Promise<void> => {
    await rm(folder, { recursive: true, force: true });
    forget();
  };
  try {
    const file = createReadStream(path);
    const bytes = format === 'gzip' ? file.pipe(createGunzip()) : file;
    // The errors of the one do not go to the other.
    file.on('error', (error) => bytes.destroy(error));
    await unpack(readTar(counted(bytes, path, limits.maxBytes)), folder, path, limits).finally(() => file.destroy());
    return { folder, remove };
  } catch (error) {
    await remove();
    throw problem(error);
  }
}

async function formatOf(path: string): Promise<'gzip' | 'tar' | null> {
  const file = await open(path);
  try {
    const start = Buffer.alloc(512);
    const { bytesRead } = await file.read(start, 0, 512, 0);
    if (bytesRead > 2 && start[0] === 0x1f && start[1] === 0x8b) return 'gzip';
    return isTarHeader(start.subarray(0, bytesRead)) ? 'tar' : null;
  } finally {
    await file.close();
  }
}

async function* counted(bytes: AsyncIterable<Buffer>, path: string, maxBytes: number): AsyncGenerator<Buffer> {
  let total = 0;
  for await (const chunk of bytes) {
    total += chunk.length;
    if (total > maxBytes) throw unavailable(`the archive ${path} has more than ${maxBytes} bytes when it is unpacked`);
    yield chunk;
  }
}

async function unpack(
  entries: AsyncIterable<TarEntry>,
  folder: string,
  path: string,
  limits: ArchiveLimits,
): Promise<void> {
  const links: Link[] = [];
  let [count, nameBytes] = [0, 0];
  for await (const entry of entries) {
    count += 1;
    nameBytes += Buffer.byteLength(entry.path) + Buffer.byteLength(entry.target);
    if (count > limits.maxEntries || nameBytes > limits.maxNameBytes)
      throw unavailable(`the archive ${path} has more entries than the ${limits.maxEntries} that are read`);
    const parts = partsOf(entry.path, path);
    const place = join(folder, ...parts);
    if (parts.length === 0 || entry.type === 'other' || !isWanted(parts)) continue;
    if (entry.type === 'file') await write(place, entry);
    else links.push([place, entry]);
  }
  await makeLinks(links, folder, path);
}

/** Deeper or longer is nothing that is read. */
const [mostParts, mostPathBytes] = [32, 1024];

/** The parts of a path in the archive. What would leave it is no mistake of a tool that captures clusters. */
function partsOf(entry: string, path: string): readonly string[] {
  const parts = entry.split('/').filter((part) => part !== '' && part !== '.');
  if (entry.startsWith('/') || parts.includes('..') || /[\0\\]|^[A-Za-z]:/.test(entry))
    throw unavailable(`the archive ${path} has a path that leads out of it: ${shown(entry)}`);
  return parts;
}

/** Names that a list or a log may have; the metadata of a Mac stands in `._` files. */
function isWanted(parts: readonly string[]): boolean {
  const name = parts.at(-1) ?? '';
  const isLong =
    parts.length > mostParts ||
    Buffer.byteLength(parts.join('/')) > mostPathBytes ||
    parts.some((part) => Buffer.byteLength(part) > 255);
  return !isLong && /\.(?:json|ya?ml|log|txt)$/.test(name) && !name.startsWith('._');
}

const [privateFolder, privateFile] = [0o700, 0o600];

/** One name for a file and a folder: what comes first stays, and the other was not captured. */
const isTaken = (error: unknown): boolean =>
  ['EEXIST', 'EISDIR', 'ENOTDIR'].includes(String((error as NodeJS.ErrnoException).code));

async function write(place: string, entry: TarEntry): Promise<void> {
  const file = await mkdir(dirname(place), { recursive: true, mode: privateFolder })
    .then(() => open(place, 'w', privateFile))
    .catch((error: unknown) => {
      if (isTaken(error)) return null;
      throw error;
    });
  if (file === null) return;
  try {
    for await (const chunk of entry.content()) await file.writeFile(chunk);
  } finally {
    await file.close();
  }
}

type Link = readonly [place: string, entry: TarEntry];

/**
 * Links as they are written in the archive, where nothing else is. All folders are there before the first link, so none is
 * made through another. Where a link leads to is looked at when it is read (dump-files.ts).
 */
async function makeLinks(links: readonly Link[], folder: string, path: string): Promise<void> {
  const unlessThere = (error: NodeJS.ErrnoException): void => {
    // No such file, or (EPERM) a folder, of which there are no hard links.
    if (!isTaken(error) && error.code !== 'ENOENT' && error.code !== 'EPERM') throw error;
  };
  for (const [place] of links) await mkdir(dirname(place), { recursive: true, mode: privateFolder }).catch(unlessThere);
  for (const [place, { type, target }] of links)
    if (type === 'same') await link(join(folder, ...partsOf(target, path)), place).catch(unlessThere);
  for (const [place, { type, target }] of links) if (type === 'link') await symlink(target, place).catch(unlessThere);
}
