import { expect, test } from 'vitest';
import { createRandom } from '../../test/support/random.ts';
import type { Random } from '../../test/support/random.ts';
import { createScanner } from './scan.ts';

/** Texts that look like structure. */
const texts = ['', 'a', '"', '\\', '\\"', '[', ']}', '{,', ',', ':', 'alerts', '"alerts":[', '名', '\u0000', '\\\\"'];

/** Names have no escapes: JSON.parse of some versions of V8 reads those wrong. */
const names = ['', 'a', '[', ']}', '{,', ',', ':', 'alerts', '名'];

function value(random: Random, depth: number): unknown {
  const kind = random.between(0, depth > 0 ? 4 : 2);
  if (kind === 0) return random.pick(texts);
  if (kind === 1) return random.between(0, 5);
  if (kind === 2) return random.pick([true, false, null]);
  const members = Array.from({ length: random.between(0, 3) }, () => value(random, depth - 1));
  return kind === 3 ? members : Object.fromEntries(members.map((member) => [random.pick(names), member]));
}

/** What a scan in slices of so many bytes says, parsed. */
function read(
  text: string,
  sliceBytes: number,
  path: readonly string[] = ['alerts'],
): { readonly envelope: unknown; readonly items: readonly unknown[] } {
  const bytes = Buffer.from(text);
  const scanner = createScanner(bytes, path);
  for (let to = sliceBytes; to < bytes.length + sliceBytes; to += sliceBytes)
    expect(scanner.scan(Math.min(to, bytes.length))).toBeNull();
  const scanned = scanner.end();
  if (typeof scanned === 'string') throw new Error(scanned);
  const textOf = ({ from, to }: { from: number; to: number }): string => bytes.toString('utf8', from, to);
  return {
    envelope: JSON.parse(scanned.envelope.map(textOf).join('')) as unknown,
    items: scanned.items.map((item) => JSON.parse(textOf(item)) as unknown),
  };
}

test('items and envelope are what JSON.parse finds, however the body is written and sliced', () => {
  const random = createRandom(15);
  for (let round = 0; round < 500; round += 1) {
    const alerts = Array.from({ length: random.between(0, 4) }, () => value(random, 3));
    const [before, after] = [value(random, 3), value(random, 3)];
    const space = random.between(0, 2);
    const write = (part: unknown): string => JSON.stringify(part, null, space);
    const name = random.pick(['"alerts"', String.raw`"\u0061lerts"`]);
    const text = `{ "before":${write(before)}, ${name} :${write(alerts)},"after": ${write(after)}}`;
    const body = { before, alerts: [], after };
    expect(read(text, random.between(1, 9))).toEqual({ envelope: body, items: alerts });
  }
});

test.each([
  ['{"alerts":[1],"alerts":[2,3]}', [2, 3]],
  ['{"alerts":[ ]}', []],
  ['{"x":{"alerts":[1]},"alerts":[2]}', [2]],
  ['{"x":["alerts",[1]],"alerts":[[],[[]]]}', [[], [[]]]],
])('%s', (text, items) => {
  expect(read(text, 3).items).toEqual(items);
});

test.each([
  ['[1,{"alerts":[2]}]', ['alerts'], [], [1, { alerts: [2] }]],
  [' [ ] ', [], [], []],
  ['{"a":{"b":[1,[2]]},"b":[3]}', ['a', 'b'], { a: { b: [] }, b: [3] }, [1, [2]]],
  ['{"a":{"x":{"b":[1]},"b":[2]}}', ['a', 'b'], { a: { x: { b: [1] }, b: [] } }, [2]],
  ['{"b":[1],"a":[{"b":[2]}]}', ['a', 'b'], { b: [1], a: [{ b: [2] }] }, []],
  ['{"a":{"b":{"c":[1]}},"c":[2]}', ['a', 'b', 'c'], { a: { b: { c: [] } }, c: [2] }, [1]],
  ['{"a":{"b":1},"c":{"b":[2]}}', ['a', 'b'], { a: { b: 1 }, c: { b: [2] } }, []],
])('%s, the list at %j', (text, path, envelope, items) => {
  for (const slice of [1, 3, 100]) expect(read(text, slice, path)).toEqual({ envelope, items });
});

test.each([
  '{"alerts":[1,]}',
  '{"alerts":[,1]}',
  '{"alerts":[1 2]}',
  '{"alerts":[1}',
  '{"alerts":[1]',
  '}{"alerts":[1]}',
])('%s has a part that is not JSON', (text) => {
  expect(() => read(text, 3)).toThrow(/JSON/);
});
