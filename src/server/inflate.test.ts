import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { inflate } from './inflate.ts';

const maxBytes = 1024 * 1024;

function unpack(body: Buffer, room = Infinity) {
  let held = 0;
  const budget = {
    hold(bytes: number) {
      if (held + bytes > room) return false;
      held += bytes;
      return true;
    },
  };
  return { result: inflate(body, { maxBytes, budget }), held: () => held };
}

test('what was packed comes out, and is counted', async () => {
  const text = Buffer.from('{"alerts":[]}'.repeat(1000));
  const { result, held } = unpack(gzipSync(text));
  expect(await result).toEqual(text);
  expect(held()).toBe(text.length);
});

test('two parts are one body, as RFC 1952 has it', async () => {
  expect((await unpack(Buffer.concat([gzipSync('a'), gzipSync('b')])).result)?.toString()).toBe('ab');
});

test('a bomb is refused when it goes beyond the bound, before the rest is unpacked', async () => {
  const { result, held } = unpack(gzipSync(Buffer.alloc(64 * maxBytes)));
  await expect(result).rejects.toMatchObject({ statusCode: 413 });
  expect(held()).toBeLessThanOrEqual(maxBytes);
});

test('without room it is 503', async () => {
  await expect(unpack(gzipSync(Buffer.alloc(100)), 50).result).rejects.toMatchObject({ reason: 'Overloaded' });
});

test.each([
  ['nothing', Buffer.alloc(0)],
  ['text', Buffer.from('{"alerts":[]}')],
  ['half of it', gzipSync('{"alerts":[]}').subarray(0, 20)],
  ['a wrong checksum', Buffer.concat([gzipSync('x').subarray(0, -8), Buffer.alloc(8)])],
])('%s is not gzip', async (_name, body) => {
  expect(await unpack(body).result).toBeNull();
});
