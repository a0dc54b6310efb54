export interface LineReader {
  push(bytes: Uint8Array): void;
}

const lineFeed = 10;

/** Takes lines apart, in whatever pieces they come. Of one that is too long nothing is kept, however long it goes on. */
export function createLineReader(
  mostBytes: number,
  on: { readonly line: (bytes: Buffer) => void; readonly tooLong: () => void },
): LineReader {
  let pieces: Buffer[] = [];
  let size = 0;
  let isSkipping = false;

  function take(piece: Buffer): void {
    if (isSkipping) return;
    size += piece.length;
    if (size <= mostBytes) {
      pieces.push(piece);
      return;
    }
    isSkipping = true;
    pieces = [];
    on.tooLong();
  }

  function end(): void {
    const whole = isSkipping ? null : Buffer.concat(pieces);
    [pieces, size, isSkipping] = [[], 0, false];
    if (whole !== null && whole.length > 0) on.line(whole);
  }

  return {
    push(bytes) {
      const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      let from = 0;
      for (let at = chunk.indexOf(lineFeed); at >= 0; at = chunk.indexOf(lineFeed, from)) {
        take(chunk.subarray(from, at));
        end();
        from = at + 1;
      }
      if (from < chunk.length) take(chunk.subarray(from));
    },
  };
}
