import type { Readable } from 'node:stream';

export interface CappedOutput {
  /** UTF-8; the middle is replaced by a marker where it was too much. */
  text(): string;
  truncated(): boolean;
}

/** Collects the first and the last bytes of a stream, `limitBytes` in all; memory stays bounded. */
export function cappedOutput(stream: Readable, limitBytes: number): CappedOutput {
  const headLimit = Math.ceil(limitBytes / 2);
  const tailLimit = limitBytes - headLimit;
  const head: Buffer[] = [];
  let headBytes = 0;
  let tail: Buffer[] = [];
  let tailBytes = 0;
  let leftOut = 0;

  function trimTail(): void {
    const all = Buffer.concat(tail);
    const kept = tailLimit === 0 ? Buffer.alloc(0) : all.subarray(-tailLimit);
    leftOut += all.length - kept.length;
    tail = [Buffer.from(kept)];
    tailBytes = kept.length;
  }
  stream.on('data', (chunk: Buffer) => {
    const free = headLimit - headBytes;
    if (free > 0) {
      head.push(chunk.subarray(0, free));
      headBytes += Math.min(free, chunk.length);
    }
    if (chunk.length <= free) return;
    tail.push(chunk.subarray(Math.max(0, free)));
    tailBytes += chunk.length - Math.max(0, free);
    if (tailBytes > tailLimit + 64 * 1024) trimTail();
  });
  // A pipe that breaks ends the stream; the exit code says the rest.
  stream.on('error', () => undefined);

  function trimmed(): number {
    if (tailBytes > tailLimit) trimTail();
    return leftOut;
  }
  return {
    truncated: () => trimmed() > 0,
    text() {
      const missing = trimmed();
      const first = Buffer.concat(head);
      const last = Buffer.concat(tail);
      if (missing === 0) return Buffer.concat([first, last]).toString('utf8');
      const [start, end] = [wholeStart(first), wholeEnd(last)];
      const dropped = first.length + last.length - Buffer.byteLength(start) - Buffer.byteLength(end);
      return `${start}\n[... ${missing + Math.max(0, dropped)} bytes left out ...]\n${end}`;
    },
  };
}

/** How far a cut is moved to the edge of a word. */
const longestWord = 4096;
/** What parts words; where none is near (JSON without blanks), what parts the texts of JSON. */
const edges = [/[ \n]/g, /["',;]/g];

/** Without a character or a word that was cut at the end: half a secret is known by nothing. */
function wholeStart(bytes: Buffer): string {
  const text = new TextDecoder().decode(bytes, { stream: true });
  const from = Math.max(0, text.length - longestWord);
  for (const edge of edges) {
    const last = [...text.slice(from).matchAll(edge)].at(-1);
    if (last !== undefined) return text.slice(0, from + last.index + 1);
  }
  return text;
}

/** Without the rest of a character or a word that was cut at the beginning. */
function wholeEnd(bytes: Buffer): string {
  let start = 0;
  while (start < 3 && start < bytes.length && ((bytes[start] ?? 0) & 0xc0) === 0x80) start += 1;
  const text = bytes.subarray(start).toString('utf8');
  for (const edge of edges) {
    const at = text.slice(0, longestWord).search(edge);
    if (at >= 0) return text.slice(at);
  }
  return text;
}
