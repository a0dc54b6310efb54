import { describe, expect, it } from 'vitest';
import { readLabels, readPage, readQuery } from './query.ts';
import type { RawQuery } from './query.ts';

describe('query parameters', () => {
  it('are read by name', () => {
    const query = readQuery({ status: 'firing', n: '7', many: ['a', 'b'] });
    expect(query.text('status')).toBe('firing');
    expect(query.word('status', ['firing'])).toBe('firing');
    expect(query.integer('n', 1, 9)).toBe(7);
    expect(query.texts('many')).toEqual(['a', 'b']);
    expect([query.text('absent'), query.integer('absent', 1, 2), query.texts('absent')]).toEqual([
      undefined,
      undefined,
      [],
    ]);
    expect(() => query.end()).not.toThrow();
  });

  it('that nobody asked for are named, with those that are known', () => {
    const query = readQuery({ statsu: 'x' });
    query.text('status');
    expect(() => query.end()).toThrow(
      expect.objectContaining({ code: 'InvalidInput', field: 'statsu', next: 'this route takes status' }),
    );
    expect(() => readQuery({ x: '' }).end()).toThrow(expect.objectContaining({ next: 'this route takes none' }));
    expect(() => readQuery(JSON.parse('{"__proto__":"x"}') as RawQuery).end()).toThrow(
      expect.objectContaining({ field: '__proto__' }),
    );
  });

  it.each<[RawQuery, string]>([
    [{ a: ['x', 'y'] }, 'a was given more than once'],
    [{ a: '' }, 'a is empty'],
    [{ a: 'x'.repeat(5000) }, 'a is too long'],
  ])('%#: text', (raw, message) => {
    expect(() => readQuery(raw).text('a')).toThrow(message);
  });

  it.each(['0', '501', '-1', '1.5', '1e2', ' 5', '0x10', 'ten', '99999999999', '٣'])(
    'a limit of %j is refused',
    (limit) => {
      expect(() => readPage(readQuery({ limit }))).toThrow(expect.objectContaining({ field: 'limit' }));
    },
  );

  it('pages have a limit of 50 unless told', () => {
    expect(readPage(readQuery({}))).toEqual({ limit: 50 });
    expect(readPage(readQuery({ limit: '500', cursor: 'x' }))).toEqual({ limit: 500, cursor: 'x' });
  });

  it('a word must be one of those', () => {
    expect(() => readQuery({ status: 'open' }).word('status', ['firing', 'resolved'])).toThrow(
      'status is not one of firing, resolved',
    );
  });

  it('labels are parted at the first equals sign', () => {
    expect(readLabels(readQuery({ label: ['a=b', 'url=http://x?y=z', 'empty='] }))).toEqual({
      a: 'b',
      url: 'http://x?y=z',
      empty: '',
    });
    expect(readLabels(readQuery({}))).toEqual({});
  });

  it.each(['', '=x', 'noequals'])('the label %j is refused', (label) => {
    expect(() => readLabels(readQuery({ label }))).toThrow(expect.objectContaining({ field: 'label' }));
  });

  it('one label twice, or too many, are refused', () => {
    expect(() => readLabels(readQuery({ label: ['a=1', 'a=2'] }))).toThrow('names one label twice');
    expect(() => readLabels(readQuery({ label: Array.from({ length: 11 }, (_, n) => `l${n}=x`) }))).toThrow(
      'more than ten',
    );
    const odd = readLabels(readQuery({ label: '__proto__=x' }));
    expect(Object.entries(odd)).toEqual([['__proto__', 'x']]);
  });
});
