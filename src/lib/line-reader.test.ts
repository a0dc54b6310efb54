import { expect, test } from 'vitest';
import { createLineReader } from './line-reader.ts';

function read(mostBytes: number, chunks: readonly string[]): readonly string[] {
  const seen: string[] = [];
  const reader = createLineReader(mostBytes, {
    line: (bytes) => void seen.push(bytes.toString()),
    tooLong: () => void seen.push('(too long)'),
  });
  for (const chunk of chunks) reader.push(Buffer.from(chunk));
  return seen;
}

test.each([
  [['one\ntwo\nthree'], ['one', 'two']],
  [
    ['o', 'n', 'e\nt', 'wo\n'],
    ['one', 'two'],
  ],
  [['\n\none\n\n'], ['one']],
  [
    ['12345\n12345', '6\n7\n'],
    ['12345', '(too long)', '7'],
  ],
  [
    ['123456', '789', '0\n1\n'],
    ['(too long)', '1'],
  ],
  [['ä', 'öü\n'], ['(too long)']],
])('lines of %j', (chunks, lines) => {
  expect(read(5, chunks)).toEqual(lines);
});

test('a character may come in two pieces', () => {
  const seen: string[] = [];
  const reader = createLineReader(10, { line: (bytes) => void seen.push(bytes.toString()), tooLong: () => undefined });
  const bytes = Buffer.from('ä\n');
  reader.push(bytes.subarray(0, 1));
  reader.push(bytes.subarray(1));
  expect(seen).toEqual(['ä']);
});
