import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { endianness } from 'node:os';
import { AppError } from '../../core/errors.ts';
import { restore } from './errors.ts';

/** Which file a path leads to, and when it was last written to. */
interface Stamp {
  /** Device and inode. */
  readonly file: string;
  readonly bytes: bigint;
  readonly writtenNs: bigint;
}

/** What SQLite notes of its log in `-shm` (sqlite.org/walformat.html). */
interface LogIndex {
  readonly pageBytes: number;
  /** Pages in the log. */
  readonly frames: number;
  /** Of the log that is in use; a new one has others. */
  readonly salt: string;
  /** Pages that a checkpoint has copied into the database, and that it has begun to. */
  readonly copied: number;
  readonly copying: number;
}

/** The files at one moment; null = the path leads to nothing. */
interface Look {
  readonly index: LogIndex;
  readonly files: readonly (Stamp | null)[];
  /** What the log itself says. */
  readonly salt: string;
}

/** What nobody but SQLite may do. `isWhole`: what was committed can still be read from the open files. */
interface Trouble {
  readonly reason: 'StoreRemoved' | 'StoreReplaced' | 'StoreDamaged';
  readonly what: string;
  readonly isWhole: boolean;
}

const suffixes = ['', '-wal', '-shm'] as const;
const everyMs = 1000;
/** Offsets and sizes of the log's index and of the log. */
const layout = {
  indexBytes: 136,
  pageBytes: 14,
  frames: 16,
  salt: 32,
  copied: 96,
  copying: 128,
  logHeader: 32,
  logSalt: 16,
  saltBytes: 8,
  frameHeader: 24,
} as const;

export interface FileWatch {
  /** Why nothing may be written any more; never null again. */
  lost(): AppError | null;
  /** Looks now; it does so each second too. */
  look(): void;
  /** Throws where the database is no longer what it was. */
  beforeCommit(): void;
  afterCommit(): void;
  /** SQLite itself found the database damaged. */
  giveUp(error: AppError): void;
  /** Whether SQLite may copy its log into the database when it closes it. */
  mayCheckpoint(): boolean;
  close(): void;
}

export interface FileWatchOptions {
  /** As it was given. */
  readonly path: string;
  /** Without links: SQLite names its log after it. */
  readonly realPath: string;
  /** Called once. */
  readonly onLost: (error: AppError) => void;
}

/**
 * Watches the files of a database that this process has open: SQLite goes on with a file that was removed or replaced,
 * and does not notice one that another program writes into. In WAL mode the database changes by checkpoints only, and each
 * leaves its trace in the index of the log; any other change is somebody else's. Holds the files open, so that they can be
 * copied where they have no name any more; to be closed after the connections (closing a file lets go of its locks).
 */
export function watchFiles({ path, realPath, onLost }: FileWatchOptions): FileWatch {
  const paths = suffixes.map((suffix) => (suffix === '' ? path : `${realPath}${suffix}`));
  const handles = paths.map((file) => openSync(file, 'r'));
  const [database = -1, log = -1, shared = -1] = handles;
  let known = lookAt(paths, shared, log);
  let lost: AppError | null = null;
  let isWhole = true;
  const timer = setInterval(look, everyMs);
  timer.unref();

  function look(): void {
    if (lost !== null) return;
    const now = tryTo(() => lookAt(paths, shared, log));
    if (now === null) return;
    if (findTrouble(path, known, now) === null) {
      known = now;
      return;
    }
    // Another program may use the database through SQLite between two of these reads: what is wrong is so twice.
    const again = tryTo(() => lookAt(paths, shared, log));
    const trouble = again === null ? null : findTrouble(path, known, again);
    if (trouble !== null) end(trouble);
  }

  function end(trouble: Trouble, cause?: unknown): void {
    if (lost !== null) return;
    clearInterval(timer);
    ({ isWhole } = trouble);
    lost = new AppError('StoreUnavailable', `${trouble.what}: nothing is written any more until a new start`, {
      cause,
      reason: trouble.reason,
      next: adviceFor(trouble, saveCommand(path, database, log)),
    });
    onLost(lost);
  }

  return {
    lost: () => lost,
    look,
    beforeCommit() {
      if (tryTo(() => isSame(known.files[0], stampOf(path))) === false) look();
      if (lost !== null) throw lost;
    },
    afterCommit() {
      if (lost === null && tryTo(() => traceOf(readIndex(shared))) !== traceOf(known.index)) look();
    },
    giveUp: (error) => end(damagedBySqlite(path, error), error.cause),
    mayCheckpoint: () => isWhole,
    close() {
      clearInterval(timer);
      for (const handle of handles.splice(0)) closeSync(handle);
    },
  };
}

/** Null where the file system does not answer (rights, I/O): that says nothing of the files, and SQLite meets it too. */
function tryTo<T>(work: () => T): T | null {
  try {
    return work();
  } catch {
    return null;
  }
}

function damagedBySqlite(path: string, { message, cause }: AppError): Trouble {
  const problem = cause instanceof Error ? cause.message : message;
  return { reason: 'StoreDamaged', what: `${path} is damaged (${problem})`, isWhole: false };
}

function adviceFor({ isWhole }: Trouble, copy: string): string {
  const first = isWhole ? 'everything is in the open files' : 'fist get alerts -o yaml saves what can still be read';
  return `${first}; before this server is stopped: ${copy}; then ${restore}`;
}

function saveCommand(path: string, database: number, log: number): string {
  if (process.platform !== 'linux') return `copy ${path} and ${path}-wal`;
  const open = (handle: number) => `/proc/${process.pid}/fd/${handle}`;
  return `cp ${open(database)} ${path}.saved && cp ${open(log)} ${path}.saved-wal`;
}

function findTrouble(path: string, before: Look, now: Look): Trouble | null {
  for (const [place, stamp] of now.files.entries()) {
    const was = before.files[place];
    const file = `${path}${suffixes[place] ?? ''}`;
    if (stamp === null) return { reason: 'StoreRemoved', what: `${file} was removed or renamed`, isWhole: true };
    if (stamp.file !== was?.file)
      return { reason: 'StoreReplaced', what: `${file} was replaced by another file`, isWhole: true };
  }
  const [database, log] = now.files;
  const isCheckpointed = traceOf(before.index) !== traceOf(now.index) || now.index.copied !== now.index.copying;
  if (!isCheckpointed && !isSame(before.files[0], database)) {
    const isShorter = (database?.bytes ?? 0n) < (before.files[0]?.bytes ?? 0n);
    return written(`${path} was ${isShorter ? 'truncated' : 'written to'} by another program`);
  }
  const { frames, pageBytes, salt } = now.index;
  if (frames === 0) return null;
  if ((log?.bytes ?? 0n) < layout.logHeader + frames * (layout.frameHeader + pageBytes))
    return written(`${path}-wal was truncated by another program`);
  return salt === now.salt ? null : written(`${path}-wal was written to by another program`);
}

function written(what: string): Trouble {
  return { reason: 'StoreDamaged', what, isWhole: false };
}

/** What a checkpoint, or a new beginning of the log, changes. */
function traceOf({ salt, copied, copying }: LogIndex): string {
  return `${salt} ${copied} ${copying}`;
}

function isSame(one: Stamp | null | undefined, other: Stamp | null | undefined): boolean {
  return one?.file === other?.file && one?.bytes === other?.bytes && one?.writtenNs === other?.writtenNs;
}

function lookAt(paths: readonly string[], shared: number, log: number): Look {
  const index = readIndex(shared);
  return { index, files: paths.map(stampOf), salt: readSalt(log) };
}

/** Null where nothing is there. */
function stampOf(path: string): Stamp | null {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (found === undefined) return null;
  return { file: `${found.dev}/${found.ino}`, bytes: found.size, writtenNs: found.mtimeNs };
}

function readIndex(shared: number): LogIndex {
  const bytes = Buffer.alloc(layout.indexBytes);
  readSync(shared, bytes, 0, bytes.length, 0);
  // SQLite writes its numbers in the order of the machine.
  const numbers = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const isLittle = endianness() === 'LE';
  const number = (offset: number) => numbers.getUint32(offset, isLittle);
  const pageBytes = numbers.getUint16(layout.pageBytes, isLittle);
  return {
    // 65536 has no room there.
    pageBytes: pageBytes === 1 ? 65_536 : pageBytes,
    frames: number(layout.frames),
    salt: saltIn(bytes, layout.salt),
    copied: number(layout.copied),
    copying: number(layout.copying),
  };
}

function readSalt(log: number): string {
  const bytes = Buffer.alloc(layout.logHeader);
  readSync(log, bytes, 0, bytes.length, 0);
  return saltIn(bytes, layout.logSalt);
}

function saltIn(bytes: Buffer, offset: number): string {
  return bytes.toString('hex', offset, offset + layout.saltBytes);
}
