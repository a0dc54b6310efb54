import { describe, expect, it } from 'vitest';
import { finish } from '../../lib/turns.ts';
import { itemsOf, parseListItems } from './list-items.ts';

const pod = (at: number, more: object = {}): object => ({
  metadata: { name: `web-${at}`, namespace: 'shop' },
  ...more,
});
const parse = (text: string) => finish(parseListItems(Buffer.from(text)));
/** The same in more than one piece. */
const large = (text: string): string => `${text}${' '.repeat(600 * 1024)}`;

describe('items of a list', () => {
  const items = [
    pod(1),
    pod(2, { spec: { text: 'brackets }]{[ and "quotes" \\ and \\" too', list: [[{ items: [1] }], {}] } }),
    { items: [{ name: 'inner' }] },
    {},
  ];
  const lists: readonly (readonly [string, string])[] = [
    ['as kubectl writes it', JSON.stringify({ kind: 'PodList', metadata: { items: [1, 2] }, items }, null, 4)],
    ['compact, with more behind it', JSON.stringify({ items, metadata: { resourceVersion: '1', list: [{}] } })],
    ['empty', '{"kind":"List","items":[]}'],
    ['of nothing', '{"kind":"List","items":null}'],
    ['absent', '{"kind":"List"}'],
    ['twice there', '{"items":[{"a":1},{"b":2}],"items":[{"c":3}]}'],
    ['no object', '[{"items":[{}]}]'],
    ['of text', '{"items":"[{}]"}'],
    ['of other things', '{"items":[1,"x",[{}],{"a":1}]}'],
  ];

  it.each(lists)('%s: as JSON.parse gives them', (name, text) => {
    const expected: unknown = (JSON.parse(text) as { items?: unknown }).items ?? [];
    const whole = Array.isArray(expected) ? expected : null;
    expect(itemsOf(JSON.parse(text))).toEqual(whole);
    // Only objects are items of a list: where something else stands among them it is none.
    for (const written of [text, large(text)])
      expect(parse(written)).toEqual(name === 'of other things' ? null : whole);
  });

  it.each([
    ['cut', '{"items":[{"a":1},{"b":'],
    ['with something between the items', '{"items":[{"a":1} x {"b":2}]}'],
    ['with an item that is none', '{"items":[{"a":1},{b:2}]}'],
    ['that never ends', `{"items":[{"a":"${'x'.repeat(100)}`],
  ])('%s are not JSON', (_, text) => {
    expect(() => parse(large(text))).toThrow(SyntaxError);
    expect(() => parse(text)).toThrow(SyntaxError);
  });

  it('that are larger than any object of a cluster are refused', () => {
    const text = JSON.stringify({ items: [pod(1), pod(2, { data: 'x'.repeat(5_000_000) })] });
    expect(() => parse(text)).toThrow('more than 4194304 bytes');
  });

  it('come in pieces, and nowhere is the whole one text', () => {
    const bytes = Buffer.from(JSON.stringify({ items: Array.from({ length: 20_000 }, (_, at) => pod(at)) }));
    let longest = 0;
    bytes.toString = (encoding, from, to) => {
      const text = Buffer.prototype.toString.call(bytes, encoding, from, to);
      longest = Math.max(longest, text.length);
      return text;
    };
    const pieces = parseListItems(bytes);
    let count = 0;
    let last = pieces.next();
    for (; last.done !== true; last = pieces.next()) count += 1;
    expect(last.value).toHaveLength(20_000);
    expect(count).toBeGreaterThan(20_000);
    expect(longest).toBeLessThan(100);
  });
});
