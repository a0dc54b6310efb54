import { expect, it } from 'vitest';
import { jsonProblem } from './json-bounds.ts';

const problem = (text: string) => jsonProblem(Buffer.from(text), { values: 5, depth: 3 });

it.each([
  ['{"a":1,"b":[1,2]}', null],
  ['[0,0,0,0]', null],
  ['[0,0,0,0,0]', 'has more than 5 values'],
  ['[{},{}]', null],
  ['[{},{},{}]', 'has more than 5 values'],
  ['[[[]]]', null],
  ['[[[[', 'is more than 3 deep'],
  ['{"a":{"a":{"a":{', 'is more than 3 deep'],
  ['[[],[],[', 'has more than 5 values'],
  [String.raw`{"a,b,c,d,e,f":"[[[[\",,,,,,{{{{\\"}`, null],
  [String.raw`["\\",0,0,0]`, null],
  [String.raw`["\\\\",0,0,0,0]`, 'has more than 5 values'],
  ['["no end,,,,,,,,[[[[[[', null],
  ['', null],
  [']', 'is not JSON'],
  ['[]}[', 'is not JSON'],
])('%s: %s', (text, expected) => {
  expect(problem(text)).toBe(expected);
});

it('looks through escapes once', () => {
  const escapes = Buffer.from(`["${'\\\\'.repeat(1_000_000)}`);
  expect(jsonProblem(escapes, { values: 5, depth: 3 })).toBeNull();
  // Quotes that are all escaped by one long run would each look back over it.
  expect(jsonProblem(Buffer.from(`["${'\\"'.repeat(1_000_000)}`), { values: 5, depth: 3 })).toBeNull();
});
