import { describe, expect, it } from 'vitest';
import { createJsonWalk, isClosing, isOpening, signTable } from './json-walk.ts';

const all = signTable(',:[]{}');

/** Signs as they are told, in slices of so many bytes; after a colon stands the text before it. */
function walked(text: string, sliceBytes: number, signs = all): string {
  const bytes = Buffer.from(text);
  let told = '';
  const { walk, lastText } = createJsonWalk(bytes, signs, (at, byte) => {
    expect(byte).toBe(bytes[at]);
    const sign = String.fromCharCode(byte);
    told += sign === ':' ? `:${bytes.toString('utf8', lastText.from, lastText.to)}` : sign;
    return null;
  });
  for (let to = sliceBytes; to < bytes.length + sliceBytes; to += sliceBytes)
    expect(walk(Math.min(to, bytes.length))).toBeNull();
  return told;
}

describe.each([1, 2, 3, 7, 1000])('in slices of %i bytes', (sliceBytes) => {
  it.each([
    ['{"a": [1, {}], "b": 2}', '{:"a"[,{}],:"b"}'],
    ['{"[{,:": 1}', '{:"[{,:"}'],
    [String.raw`{"\"[\\\"": 1}`, String.raw`{:"\"[\\\""}`],
    [String.raw`["\\", 1]`, '[,]'],
    ['["no end ,,[', '['],
    ['', ''],
  ])('%s has the signs %s', (text, told) => {
    expect(walked(text, sliceBytes)).toBe(told);
  });

  it('only the signs that were asked for are told', () => {
    expect(walked('{"a,": [1, 2, 3]}', sliceBytes, signTable(','))).toBe(',,');
  });
});

it('ends at the sign that is answered', () => {
  const { walk } = createJsonWalk(Buffer.from('[[,[['), all, (at) => (at === 2 ? 'enough' : null));
  expect(walk(2)).toBeNull();
  expect(walk(5)).toBe('enough');
});

it('tells opening from closing signs', () => {
  const bytes = [...Buffer.from('[{]},:"')];
  expect(bytes.map(isOpening)).toEqual([true, true, false, false, false, false, false]);
  expect(bytes.map(isClosing)).toEqual([false, false, true, true, false, false, false]);
});
