/** Something in an archive. */
export interface TarEntry {
  /** As it is written there. */
  readonly path: string;
  readonly type: 'file' | 'link' | 'same' | 'other';
  /** Of a link where it leads to, of `same` (a hard link) the path of the other entry. */
  readonly target: string;
  /** The content; what is not read is skipped. */
  content(): AsyncGenerator<Buffer>;
}

/** An archive that is damaged, or none. The message is for people. */
export class BadTar extends Error {}

const blockBytes = 512;
/** Of names and attributes that stand before an entry. */
const mostHeaderBytes = 1024 * 1024;
/** Blocks of these before one entry: its attributes, its name and its target. */
const mostExtensions = 4;
/** The attributes that say which entry it is; others are not kept. */
const keptRecords: ReadonlySet<string> = new Set(['path', 'linkpath', 'size']);
const newTypes: Readonly<Record<string, TarEntry['type']>> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file',
  '1': 'same',
  '2': 'link',
};

/** Whether a block is the header of an entry. */
export function isTarHeader(block: Buffer): boolean {
  if (block.length < blockBytes) return false;
  const written = numberAt(block, 148, 8);
  let sum = 0;
  for (let at = 0; at < blockBytes; at += 1) sum += at >= 148 && at < 156 ? 0x20 : (block[at] ?? 0);
  return written === sum;
}

/** The entries of an archive (ustar, pax, GNU) in their order. Throws BadTar, and what the source throws. */
export async function* readTar(source: AsyncIterable<Buffer>): AsyncGenerator<TarEntry> {
  const bytes = byteReader(source);
  let extended: ReadonlyMap<string, string> = new Map();
  let extensions = 0;
  let isFirst = true;
  for (;;) {
    const block = await bytes.upTo(blockBytes);
    // Nothing, or nothing but zeros: the end.
    if (block.every((byte) => byte === 0)) return;
    if (!isTarHeader(block)) throw new BadTar(isFirst ? 'it is no tar' : 'the tar is damaged or cut off');
    isFirst = false;
    const type = String.fromCharCode(block[156] ?? 0);
    const size = numberAt(block, 124, 12);
    if ('xLK'.includes(type)) {
      extensions += 1;
      if (!(size <= mostHeaderBytes) || extensions > mostExtensions) throw new BadTar('it has a name that is too long');
      const text = await bytes.exactly(size);
      await bytes.skip(padding(size));
      extended = new Map([...extended, ...extensionOf(type, text)]);
      continue;
    }
    const length = Number(extended.get('size') ?? size);
    if (!Number.isSafeInteger(length) || length < 0) throw new BadTar('it has an entry of no size');
    let left = length;
    yield {
      path: extended.get('path') ?? nameOf(block),
      type: newTypes[type] ?? 'other',
      target: extended.get('linkpath') ?? textAt(block, 157, 100),
      async *content() {
        for await (const chunk of bytes.chunks(left)) {
          left -= chunk.length;
          yield chunk;
        }
      },
    };
    await bytes.skip(left + padding(length));
    extended = new Map();
    extensions = 0;
  }
}

/** An entry ends where a block does. */
const padding = (size: number): number => (blockBytes - (size % blockBytes)) % blockBytes;

function nameOf(block: Buffer): string {
  const isUstar = block.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = isUstar ? textAt(block, 345, 155) : '';
  return prefix === '' ? textAt(block, 0, 100) : `${prefix}/${textAt(block, 0, 100)}`;
}

function textAt(block: Buffer, from: number, length: number): string {
  const field = block.subarray(from, from + length);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end < 0 ? length : end);
}

/** Octal digits, or (GNU) bytes behind a mark. */
function numberAt(block: Buffer, from: number, length: number): number {
  if (((block[from] ?? 0) & 0x80) !== 0) return Number(block.readBigUInt64BE(from + length - 8));
  const digits = textAt(block, from, length).trim();
  return /^[0-7]*$/.test(digits) ? Number.parseInt(digits || '0', 8) : Number.NaN;
}

/** What stands before an entry, for that entry: pax records (`30 path=...\\n`), or GNU's long names. */
function extensionOf(type: string, content: Buffer): ReadonlyMap<string, string> {
  if (type !== 'x') {
    const end = content.indexOf(0);
    return new Map([[type === 'L' ? 'path' : 'linkpath', content.toString('utf8', 0, end < 0 ? undefined : end)]]);
  }
  const records = new Map<string, string>();
  for (let at = 0; at < content.length;) {
    const space = content.indexOf(0x20, at);
    const length = Number(content.toString('latin1', at, Math.max(at, space)));
    if (space < 0 || !Number.isSafeInteger(length) || at + length > content.length || length <= space - at) break;
    const record = content.toString('utf8', space + 1, at + length - 1);
    const equals = record.indexOf('=');
    const name = record.slice(0, Math.max(0, equals));
    if (keptRecords.has(name)) records.set(name, record.slice(equals + 1));
    at += length;
  }
  return records;
}

interface ByteReader {
  /** Fewer only at the end. */
  upTo(count: number): Promise<Buffer>;
  exactly(count: number): Promise<Buffer>;
  chunks(count: number): AsyncGenerator<Buffer>;
  skip(count: number): Promise<void>;
}

function byteReader(source: AsyncIterable<Buffer>): ByteReader {
  const iterator = source[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  /** At most `most`, of what comes next; empty at the end. */
  const next = async (most: number): Promise<Buffer> => {
    while (rest.length === 0) {
      const { done, value } = await iterator.next();
      if (done === true) return rest;
      rest = value;
    }
    const taken = rest.subarray(0, most);
    rest = rest.subarray(taken.length);
    return taken;
  };
  const upTo: ByteReader['upTo'] = async (count) => {
    const parts: Buffer[] = [];
    for (let left = count; left > 0;) {
      const part = await next(left);
      if (part.length === 0) break;
      left -= part.length;
      parts.push(part);
    }
    return Buffer.concat(parts);
  };
  const chunks: ByteReader['chunks'] = async function* (count) {
    for (let left = count; left > 0;) {
      const part = await next(left);
      if (part.length === 0) throw new BadTar('the tar is cut off');
      left -= part.length;
      yield part;
    }
  };
  return {
    upTo,
    chunks,
    async exactly(count) {
      const found = await upTo(count);
      if (found.length < count) throw new BadTar('the tar is cut off');
      return found;
    },
    async skip(count) {
      for await (const _ of chunks(count));
    },
  };
}
