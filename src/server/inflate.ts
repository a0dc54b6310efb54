import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { overloaded } from './admission.ts';
import { requestError } from './errors.ts';
import type { BodyBudget } from './receive-body.ts';

const chunkBytes = 64 * 1024;

/**
 * A gzip body, unpacked piece by piece: no more than `maxBytes` and a piece are ever made of it, however small it came.
 * Null where it is not gzip, or cut off. Errors have the status of the answer: 413 too large, 503 no room.
 */
export async function inflate(
  body: Buffer,
  { maxBytes, budget }: { readonly maxBytes: number; readonly budget: BodyBudget },
): Promise<Buffer | null> {
  const pieces: Buffer[] = [];
  let size = 0;
  const unpacked = Readable.from([body]).pipe(createGunzip({ chunkSize: chunkBytes }));
  try {
    for await (const piece of unpacked as AsyncIterable<Buffer>) {
      size += piece.length;
      if (size > maxBytes) throw requestError(413);
      if (!budget.hold(piece.length)) throw overloaded('there is no room for this body now');
      pieces.push(piece);
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('Z_')) return null;
    throw error;
  }
  return Buffer.concat(pieces, size);
}
