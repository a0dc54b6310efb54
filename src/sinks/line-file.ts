import { constants } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { DeliveryVerdict } from '../core/delivery.ts';
import { fileProblem } from '../lib/file-problem.ts';

/** A line for a file, and how large that may become. */
export interface LineRequest {
  readonly folder: string;
  /** Of the file, without any folder. */
  readonly name: string;
  /** Without a line feed. */
  readonly line: string;
  /** Where a line of the file begins like this, it is there already; null: it cannot be. */
  readonly known: string | null;
  readonly mostBytes: number;
  /** Earlier files that are kept. */
  readonly keep: number;
}

/** How far back a line is looked for that may be there. */
const mostSearchedBytes = 1024 * 1024;

/** Never through a link; and what is no file (a pipe) must not hold us up. */
const flags = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** One after the other for each file, because a rename and an append must not meet. */
const turns = new Map<string, Promise<unknown>>();

/** Appends a line and syncs it, mode 0600. Nothing is final but a file that is none: whatever else is wrong may be mended. */
export async function appendLine(request: LineRequest): Promise<DeliveryVerdict> {
  const path = join(request.folder, request.name);
  const before = turns.get(path) ?? Promise.resolve();
  const work = before.then(() => append(path, request));
  turns.set(path, work);
  try {
    return await work;
  } finally {
    if (turns.get(path) === work) turns.delete(path);
  }
}

/** Never rejects. */
async function append(path: string, request: LineRequest): Promise<DeliveryVerdict> {
  try {
    await mkdir(request.folder, { recursive: true, mode: 0o700 });
    let handle = await open(path, flags, 0o600);
    try {
      const { size, isFile } = await sizeOf(handle);
      if (!isFile) return { ok: false, retry: false, reason: `${path} is no file` };
      if (await isThere(handle, size, request.known)) return { ok: true, reference: null };
      const bytes = Buffer.byteLength(request.line) + 1;
      const isFull = size > 0 && size + bytes > request.mostBytes;
      if (isFull) {
        await handle.close();
        await rotate(path, request.keep);
        handle = await open(path, flags, 0o600);
      }
      await write(handle, request.line, isFull ? 0 : size);
      if (isFull || size === 0) await syncFolder(request.folder);
      return { ok: true, reference: null };
    } finally {
      await handle.close();
    }
  } catch (thrown) {
    const isLink = thrown instanceof Error && Reflect.get(thrown, 'code') === 'ELOOP';
    return { ok: false, retry: !isLink, reason: `${path} could not be written: ${fileProblem(thrown)}` };
  }
}

async function sizeOf(handle: FileHandle): Promise<{ readonly size: number; readonly isFile: boolean }> {
  const stat = await handle.stat();
  return { size: stat.size, isFile: stat.isFile() };
}

/** Whether one of the last lines begins like this and is whole: half a line is what a crash left of an attempt. */
async function isThere(handle: FileHandle, size: number, known: string | null): Promise<boolean> {
  if (known === null || size === 0) return false;
  const from = Math.max(0, size - mostSearchedBytes);
  const buffer = Buffer.alloc(size - from);
  const { bytesRead } = await handle.read(buffer, 0, buffer.length, from);
  const lines = buffer.toString('utf8', 0, bytesRead).split('\n');
  return lines.slice(from === 0 ? 0 : 1, -1).some((line) => line.startsWith(known));
}

/** All of it or nothing: what does not fit on the disk is taken back. */
async function write(handle: FileHandle, line: string, size: number): Promise<void> {
  const rest = Buffer.alloc(1);
  const isTorn = size > 0 && (await handle.read(rest, 0, 1, size - 1)).bytesRead === 1 && rest[0] !== 10;
  try {
    await handle.appendFile(`${isTorn ? '\n' : ''}${line}\n`);
    await handle.datasync();
  } catch (thrown) {
    await handle.truncate(size).catch(() => undefined);
    throw thrown;
  }
}

async function rotate(path: string, keep: number): Promise<void> {
  if (keep === 0) return rm(path);
  for (let number = keep - 1; number >= 0; number -= 1) {
    await rename(number === 0 ? path : `${path}.${number}`, `${path}.${number + 1}`).catch((thrown: unknown) => {
      if (!(thrown instanceof Error && Reflect.get(thrown, 'code') === 'ENOENT')) throw thrown;
    });
  }
}

/** So that a file that was just made is there after a power cut. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
