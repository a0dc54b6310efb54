import { AppError } from '../../core/errors.ts';
import type { Clock } from '../../core/ports.ts';

/** The pieces of an answer until it ends, or until nothing came for so long. `onEnd` hears that it has ended by itself. */
export async function* unlessSilent(
  body: AsyncIterable<Uint8Array>,
  clock: Clock,
  silentMs: number,
  onEnd: () => void = () => undefined,
): AsyncIterable<Uint8Array> {
  const pieces = body[Symbol.asyncIterator]();
  for (;;) {
    const piece = await nextWithin(pieces.next(), clock, silentMs);
    if (piece === 'silent') return;
    if (piece.done === true) break;
    yield piece.value;
  }
  onEnd();
}

async function nextWithin<T>(next: Promise<T>, clock: Clock, milliseconds: number): Promise<T | 'silent'> {
  const done = new AbortController();
  const silent = clock.sleep(milliseconds, done.signal).then(
    () => 'silent' as const,
    () => 'silent' as const,
  );
  // After silence nobody waits for it any more.
  next.catch(() => undefined);
  try {
    return await Promise.race([next, silent]);
  } finally {
    done.abort();
  }
}

const newline = 10;

/** Whole lines; what stands behind the last end of a line is none. Throws ClusterUnavailable for a longer one. */
export async function* linesOf(pieces: AsyncIterable<Uint8Array>, mostBytes: number): AsyncIterable<string> {
  let held: Uint8Array[] = [];
  let size = 0;
  for await (const piece of pieces) {
    let from = 0;
    for (let end = piece.indexOf(newline); end >= 0; end = piece.indexOf(newline, from)) {
      held.push(piece.subarray(from, end));
      const line = Buffer.concat(held).toString('utf8');
      held = [];
      size = 0;
      from = end + 1;
      if (line.trim() !== '') yield line;
    }
    if (from < piece.length) held.push(piece.subarray(from));
    size += piece.length - from;
    if (size > mostBytes)
      throw new AppError('ClusterUnavailable', `a change of an object has more than ${mostBytes} bytes`);
  }
}
