import { dirname } from 'node:path';
import type { Random } from '../support/random.ts';
import type { TraceEvent } from './power-loss-trace.ts';

/**
 * What a disk may hold after a power cut, of the changes since the last sync of a file or folder. A sector (512 bytes)
 * is old or new, never mixed; what was synced is always there.
 */
export type Loss =
  /** Not one of them: the least that fsync promises. */
  | 'nothing-kept'
  /** All of them: the same as a crash of the process. */
  | 'all-kept'
  /** Some whole writes. */
  | 'some-kept'
  /** All writes up to one that is torn. */
  | 'torn'
  /** The late writes without the early ones. */
  | 'reordered'
  /** Some sectors of all writes. */
  | 'sectors'
  /** As sectors, and random bytes where a file became longer. */
  | 'garbage';

export const randomLosses: readonly Loss[] = ['some-kept', 'torn', 'reordered', 'sectors', 'garbage'];

const sectorBytes = 512;
/** The index of the write-ahead log: shared memory that is mapped, so no call shows it, and made anew after a crash. */
const mappedSuffix = '-shm';
const mappedBytes = 32_768;

type Change = { readonly offset: number; readonly data: Buffer } | { readonly truncateTo: number };

interface FileState {
  /** The first `size` bytes are what was last synced. */
  bytes: Buffer;
  size: number;
  pending: Change[];
}

type Entry = FileState | 'folder';
type NameChange = { readonly path: string; readonly from: string | null; readonly entry: Entry | null };

/** Files by path. */
export type Image = ReadonlyMap<string, Buffer>;

/** A model of the files below a folder (which is there, and synced): what is synced, and what is not yet. */
export interface Disk {
  apply(event: TraceEvent): void;
  /** What may be found after a power cut now. The bytes are shared where nothing is pending: do not change them. */
  afterPowerCut(loss: Loss, random: Random): Image;
  /** What every process sees now. */
  current(): Image;
}

export function createDisk(root: string, initial: Image = new Map()): Disk {
  const files = [...initial].map(([path, bytes]): readonly [string, Entry] => [
    path,
    { bytes, size: bytes.length, pending: [] },
  ]);
  const names = new Map<string, Entry>(files);
  const syncedNames = new Map<string, Entry>(files);
  let pendingNames: NameChange[] = [];

  function rename(change: NameChange): void {
    changeName(names, change);
    pendingNames.push(change);
  }

  function file(path: string): FileState {
    const entry = names.get(path);
    if (entry === undefined || entry === 'folder') throw new Error(`${path} was changed, but never made`);
    return entry;
  }

  function sync(path: string): void {
    const entry = path === root ? 'folder' : names.get(path);
    if (entry === undefined) throw new Error(`${path} was synced, but never made`);
    if (entry !== 'folder') {
      for (const change of entry.pending) applyChange(entry, change);
      entry.pending = [];
      return;
    }
    for (const change of pendingNames) if (dirname(change.path) === path) changeName(syncedNames, change);
    pendingNames = pendingNames.filter((change) => dirname(change.path) !== path);
  }

  function build(chosen: ReadonlyMap<string, Entry>, loss: Loss, random: Random | null): Image {
    const image = new Map<string, Buffer>();
    for (const [path, entry] of chosen) {
      if (entry === 'folder' || !isReachable(path, root, chosen)) continue;
      image.set(path, path.endsWith(mappedSuffix) ? mapped(random) : contentAfter(entry, loss, random));
    }
    return image;
  }

  return {
    apply(event) {
      if (event.type === 'answer') return;
      if (event.type === 'sync') sync(event.path);
      else if (event.type === 'rename')
        rename({ path: event.to, from: event.from, entry: names.get(event.from) ?? null });
      else if (event.type === 'remove') rename({ path: event.path, from: null, entry: null });
      else if (event.type === 'make-folder') rename({ path: event.path, from: null, entry: 'folder' });
      else if (event.type === 'create') {
        if (!names.has(event.path))
          rename({ path: event.path, from: null, entry: { bytes: Buffer.alloc(0), size: 0, pending: [] } });
        else if (event.truncates) file(event.path).pending.push({ truncateTo: 0 });
      } else if (event.type === 'truncate') file(event.path).pending.push({ truncateTo: event.size });
      else {
        const state = file(event.path);
        state.pending.push({ offset: event.offset ?? currentSize(state), data: event.data });
      }
    },
    afterPowerCut(loss, random) {
      const chosen = new Map(syncedNames);
      for (const change of pendingNames)
        if (loss === 'all-kept' || (loss !== 'nothing-kept' && random.next() < 0.5)) changeName(chosen, change);
      return build(chosen, loss, random);
    },
    current: () => build(names, 'all-kept', null),
  };
}

function changeName(names: Map<string, Entry>, { path, from, entry }: NameChange): void {
  if (from !== null) names.delete(from);
  if (entry === null) names.delete(path);
  else names.set(path, entry);
}

/** A file is found only where all folders above it are. */
function isReachable(path: string, root: string, names: ReadonlyMap<string, Entry>): boolean {
  for (let folder = dirname(path); folder !== root; folder = dirname(folder)) {
    if (names.get(folder) !== 'folder') return false;
  }
  return true;
}

function mapped(random: Random | null): Buffer {
  return random === null ? Buffer.alloc(0) : randomBytes(mappedBytes, random);
}

function contentAfter(file: FileState, loss: Loss, random: Random | null): Buffer {
  if (file.pending.length === 0 || loss === 'nothing-kept') return file.bytes.subarray(0, file.size);
  const copy: FileState = { bytes: Buffer.from(file.bytes.subarray(0, file.size)), size: file.size, pending: [] };
  if (loss === 'all-kept' || random === null) {
    for (const change of file.pending) applyChange(copy, change);
  } else {
    for (const change of chooseChanges(file, loss, random)) applyChange(copy, change);
  }
  return copy.bytes.subarray(0, copy.size);
}

function chooseChanges(file: FileState, loss: Loss, random: Random): readonly Change[] {
  const { pending } = file;
  const coin = () => random.next() < 0.5;
  const place = random.between(0, pending.length - 1);
  if (loss === 'some-kept') return pending.filter(coin);
  if (loss === 'reordered') return pending.slice(place);
  if (loss === 'torn')
    return pending.slice(0, place + 1).flatMap((change, index) => (index < place ? [change] : sectorsOf(change, coin)));
  const sectors = pending.flatMap((change) => sectorsOf(change, coin));
  return loss === 'garbage' ? [...garbage(file, random), ...sectors] : sectors;
}

/** The parts of a write in sectors of the file, those that `keep` takes. */
function sectorsOf(change: Change, keep: () => boolean): readonly Change[] {
  if ('truncateTo' in change) return keep() ? [change] : [];
  const parts: Change[] = [];
  for (let start = 0; start < change.data.length;) {
    const end = Math.min(change.data.length, start + sectorBytes - ((change.offset + start) % sectorBytes));
    if (keep()) parts.push({ offset: change.offset + start, data: change.data.subarray(start, end) });
    start = end;
  }
  return parts;
}

/** Random bytes from the synced end of the file to its new one. */
function garbage(file: FileState, random: Random): readonly Change[] {
  const length = currentSize(file) - file.size;
  return length > 0 ? [{ offset: file.size, data: randomBytes(length, random) }] : [];
}

function randomBytes(length: number, random: Random): Buffer {
  const bytes = Buffer.alloc(length);
  for (let index = 0; index < length; index++) bytes[index] = random.between(0, 255);
  return bytes;
}

function currentSize({ size, pending }: FileState): number {
  return pending.reduce(
    (now, change) => ('truncateTo' in change ? change.truncateTo : Math.max(now, change.offset + change.data.length)),
    size,
  );
}

function applyChange(file: FileState, change: Change): void {
  const size = 'truncateTo' in change ? change.truncateTo : Math.max(file.size, change.offset + change.data.length);
  if (size > file.bytes.length) {
    const grown = Buffer.alloc(Math.max(size, file.bytes.length * 2));
    file.bytes.copy(grown, 0, 0, file.size);
    file.bytes = grown;
  }
  // What lies behind the end reads as zeros once the file is longer again.
  if (size < file.size) file.bytes.fill(0, size, file.size);
  file.size = size;
  if (!('truncateTo' in change)) change.data.copy(file.bytes, change.offset);
}
