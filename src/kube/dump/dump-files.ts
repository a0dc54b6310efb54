import { constants } from 'node:fs';
import type { Dirent } from 'node:fs';
import { lstat, open, readdir, realpath, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import { isKubernetesName } from '../../core/cluster.ts';

/**
 * What is at a place of the dump. A dump comes from elsewhere: what is no plain file inside its folder (a link that leads
 * out of it, a pipe, a device, a socket) or is too large is refused, with the place and the reason, and nothing is read.
 */
export type DumpFile =
  | {
      readonly kind: 'bytes';
      readonly bytes: Buffer;
      /** It is the end of a file that is larger than what was asked for. */
      readonly isEnd: boolean;
    }
  | { readonly kind: 'absent' }
  | { readonly kind: 'refused'; readonly reason: string };

export interface DumpFileOptions {
  readonly maxBytes: number;
  /** Of a file that is too large the end is read. */
  readonly endWillDo?: boolean;
  /** For tests: what happens between the first look at the place and its opening, and between that and the second look. */
  readonly around?: { beforeOpen(): void; afterOpen(): void };
}

/**
 * Reads `parts` below the folder. Somebody may exchange a file, or a folder on the way to it, at any moment: what was opened
 * is read only if it is what stands within the folder. Throws what the file system says of a plain file that cannot be read.
 */
export async function readDumpFile(
  folder: string,
  parts: readonly string[],
  { maxBytes, endWillDo = false, around }: DumpFileOptions,
): Promise<DumpFile> {
  const place = parts.join('/');
  const path = await pathWithin(folder, parts);
  if (path.kind !== 'path') return path;
  // A pipe is opened without waiting for somebody who writes into it; what was opened is what is looked at.
  const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOFOLLOW ?? 0);
  const before = await lstat(path.path);
  if (!before.isFile()) return refused(`${place} is ${typeOf(before)}, not a file`);
  around?.beforeOpen();
  const file = await open(path.path, flags).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ELOOP') return null;
    throw error;
  });
  if (file === null) return refused(exchanged(place));
  try {
    around?.afterOpen();
    const status = await file.stat();
    const now = await pathWithin(folder, parts);
    if (now.kind === 'refused') return now;
    if (now.kind === 'absent' || !(await isThere(file, now.path))) return refused(exchanged(place));
    if (!status.isFile()) return refused(`${place} is ${typeOf(status)}, not a file`);
    if (status.size <= maxBytes) return { kind: 'bytes', bytes: await file.readFile(), isEnd: false };
    if (!endWillDo) return refused(`${place} has ${status.size} bytes, more than the ${maxBytes} that are read`);
    const end = Buffer.alloc(maxBytes);
    const { bytesRead } = await file.read(end, 0, maxBytes, status.size - maxBytes);
    return { kind: 'bytes', bytes: end.subarray(0, bytesRead), isEnd: true };
  } finally {
    await file.close();
  }
}

function exchanged(place: string): string {
  return `${place} was exchanged for something else while it was opened`;
}

/** Whether this is the file that was opened: the same device and inode. */
async function isThere(file: FileHandle, path: string): Promise<boolean> {
  const bigint = true;
  const [opened, there] = await Promise.all([file.stat({ bigint }), stat(path, { bigint }).catch(() => null)]);
  return opened.dev === there?.dev && opened.ino === there.ino;
}

/** The names of the folders that may be namespaces, with the reason for those that are refused. */
export async function dumpFolders(folder: string): Promise<ReadonlyMap<string, { readonly refusal: string | null }>> {
  const found = new Map<string, { readonly refusal: string | null }>();
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (!isKubernetesName(entry.name) || !(await isFolder(folder, entry))) continue;
    const path = await pathWithin(folder, [entry.name]);
    if (path.kind !== 'absent') found.set(entry.name, { refusal: path.kind === 'refused' ? path.reason : null });
  }
  return found;
}

async function isFolder(folder: string, entry: Dirent): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  return stat(join(folder, entry.name)).then(
    (status) => status.isDirectory(),
    () => false,
  );
}

type Place = { readonly kind: 'path'; readonly path: string } | Exclude<DumpFile, { kind: 'bytes' }>;

/** The path without links, if it is within the folder. */
async function pathWithin(folder: string, parts: readonly string[]): Promise<Place> {
  const [root, named] = [await realpath(folder), join(folder, ...parts)];
  try {
    const path = await realpath(named);
    const within = relative(root, path);
    const leaves = within === '..' || within.startsWith(`..${sep}`) || isAbsolute(within);
    return leaves ? refused(`${parts.join('/')} is a link that leads out of the dump`) : { kind: 'path', path };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ELOOP') return refused(`${parts.join('/')} is a link that leads to itself`);
    if (code !== 'ENOENT') throw error;
    const link = await lstat(named).catch(() => null);
    return link === null ? { kind: 'absent' } : refused(`${parts.join('/')} is a link to something that is not there`);
  }
}

function refused(reason: string): { readonly kind: 'refused'; readonly reason: string } {
  return { kind: 'refused', reason };
}

interface FileType {
  isDirectory(): boolean;
  isFIFO(): boolean;
  isSocket(): boolean;
}

function typeOf(status: FileType): string {
  if (status.isDirectory()) return 'a folder';
  if (status.isFIFO()) return 'a pipe';
  return status.isSocket() ? 'a socket' : 'a device';
}
