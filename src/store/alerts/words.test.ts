import { describe, expect, test } from 'vitest';
import { createRandom } from '../../../test/support/random.ts';
import { entriesOf, hasTerms, indexedWords, searchTerms, wordsOf } from './words.ts';

const alertOf = (name: string, summary: string | null = null, labels: Record<string, string> = {}) => ({
  name,
  summary,
  labels,
});

describe('words of an alert', () => {
  test.each([
    ['KubePodCrashLooping', ['kubepodcrashlooping', 'podcrashlooping', 'crashlooping', 'looping']],
    ['OOMKilled', ['oomkilled', 'killed']],
    ['Http5xxErrors', ['http5xxerrors', 'errors']],
    ['shop/checkout-7d9f', ['shop', 'checkout', '7d9f']],
    ['ﬁle Ⅷ', ['file', 'viii']],
    ['', []],
  ])('%j', (text, words) => {
    expect([...wordsOf(alertOf(text))]).toEqual(words);
    expect([...wordsOf(alertOf('x', text, { a: text }))]).toEqual(['x', ...words]);
  });

  test('a word is not longer than a hundred characters, and huge text is no trouble', () => {
    const words = wordsOf(alertOf('x'.repeat(1_000_000)));
    expect([...words].map((word) => word.length)).toEqual([100]);
    expect([...indexedWords(alertOf('x'.repeat(1_000_000)))]).toEqual(['xxxx']);
    const long = alertOf('name', 'word '.repeat(3000), { last: `${'also '.repeat(1000)} beyond` });
    expect([...indexedWords(long)]).toEqual(['name', 'word', 'also']);
  });
});

test('the index has four characters of a word, two of one with digits, and none of a single character', () => {
  expect([...indexedWords(alertOf('Checkout 7d9f8b6c5 a db 𝒳𝒳𝒳𝒳𝒳'))]).toEqual(['chec', '7d', 'db', 'xxxx']);
});

test('whatever the words of an alert begin with, the index leads there', () => {
  const random = createRandom(7);
  const parts = [
    'kube',
    'Pod',
    'OOM',
    '7',
    'x2',
    'ü',
    'ß',
    'İ',
    '東京',
    '-',
    ' ',
    '/',
    'a',
    'Node',
    '42',
    '𝒳',
    'ﬁ',
    '\uD800',
  ];
  let looked = 0;
  for (let round = 0; round < 2000; round++) {
    const text = Array.from({ length: random.between(1, 8) }, () => random.pick(parts)).join('');
    const alert = alertOf(text);
    const entries = indexedWords(alert);
    for (const word of wordsOf(alert)) {
      const term = searchTerms(word.slice(0, random.between(1, word.length)))[0];
      if (term === undefined || !hasTerms(alert, [term])) continue;
      const places = entriesOf(term);
      if (places === null) continue;
      looked += 1;
      const { prefix } = places;
      const found = [...entries].some(
        (entry) => places.entries.includes(entry) || (prefix !== null && entry.startsWith(prefix)),
      );
      expect(found, `${JSON.stringify(term)} in ${JSON.stringify(text)}: ${[...entries].join()}`).toBe(true);
    }
  }
  expect(looked).toBeGreaterThan(2000);
});

test('what an alert has is decided by its words, however it is found out', () => {
  const random = createRandom(9);
  const parts = ['Ab', 'aB', 'ab', 'B', 'a', '1', ' ', '-', '𝒳', 'ü', '\u0301', 'ΟΔΟΣ', 'x'];
  const some = (most: number) => Array.from({ length: random.between(1, most) }, () => random.pick(parts)).join('');
  const seen = new Set<string>();
  for (let round = 0; round < 5000; round++) {
    const alert = alertOf(some(5), some(5), { a: some(3) });
    const terms = searchTerms(some(3));
    const words = [...wordsOf(alert)];
    const expected = terms.every((term) =>
      words.some((word) => (Array.from(term).length < 3 ? word === term : word.startsWith(term))),
    );
    expect(hasTerms(alert, terms), JSON.stringify({ alert, terms })).toBe(expected);
    seen.add(`${terms.length} ${expected}`);
  }
  expect([...seen].sort()).toEqual(expect.arrayContaining(['1 false', '1 true', '2 false', '2 true']));
});

test('terms are the words of the search, each once, in lower case', () => {
  expect(searchTerms('  OOM-Killed oom\tKUBE_pod')).toEqual(['oom', 'killed', 'kube', 'pod']);
  expect(searchTerms(' -/% ')).toEqual([]);
});

test('all terms must be there; short ones as whole words', () => {
  const alert = alertOf('KubePodCrashLooping', 'the db is away', { team: 'shop' });
  expect(hasTerms(alert, ['crashloop', 'sho', 'db'])).toBe(true);
  expect(hasTerms(alert, ['crashloop', 'sh'])).toBe(false);
  expect(hasTerms(alert, ['crashloop', 'bank'])).toBe(false);
});
