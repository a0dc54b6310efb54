import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { AppError } from '../core/errors.ts';
import { sha256Hex } from './hash.ts';
import { formatMatcher, groupKey, longestValueFor, matchesAll, parseMatchers } from './matchers.ts';
import type { Labels, Matcher } from '../core/alert.ts';

interface MatcherVector {
  readonly id: string;
  readonly input: string;
  readonly matchers?: readonly Matcher[];
  readonly cases?: readonly { readonly labels: Labels; readonly matches: boolean }[];
  readonly error?: true;
}

interface GroupKeyVector {
  readonly id: string;
  readonly route: readonly string[];
  readonly labels: Labels;
  readonly groupKey: string;
  readonly hash: string;
}

function vectors<Vector>(file: string): Vector[] {
  return JSON.parse(readFileSync(new URL(`../../test/fixtures/vectors/${file}`, import.meta.url), 'utf8')) as Vector[];
}

it.each(vectors<MatcherVector>('matchers.json'))('$id', ({ input, matchers, cases, error }) => {
  if (error) {
    expect(() => parseMatchers(input)).toThrow(AppError);
    return;
  }
  const parsed = parseMatchers(input);
  expect(parsed).toEqual(matchers ?? []);
  const results = (cases ?? []).map(({ labels }) => matchesAll(parsed, labels));
  expect(results).toEqual((cases ?? []).map((one) => one.matches));
  // Alertmanager prints an empty name as nothing, which does not parse again.
  const printable = parsed.filter(({ name }) => name !== '');
  expect(parseMatchers(`{${printable.map(formatMatcher).join(',')}}`)).toEqual(printable);
});

it.each(vectors<GroupKeyVector>('groupkey.json'))('group key $id', ({ route, labels, groupKey: key, hash }) => {
  expect(groupKey(route.map(parseMatchers), labels)).toBe(key);
  expect(sha256Hex(key)).toBe(hash);
});

describe('errors', () => {
  it.each([
    ['foo=bar bar=baz', 'expected a comma at column 9, not "bar"'],
    ['foo', 'expected an operator (=, !=, =~ or !~) at the end'],
    ['{foo=bar', 'expected a closing brace at the end'],
    ['foo=~"("', 'missing closing )'],
  ])('%s', (text, message) => {
    expect(() => parseMatchers(text)).toThrow(message);
  });
});

it('takes time in proportion to the text only', () => {
  const [matcher] = parseMatchers('foo=~"(a+)+b"');
  expect(matcher && matchesAll([matcher], { foo: 'a'.repeat(50_000) })).toBe(false);
});

it('does not see inherited labels', () => {
  expect(matchesAll(parseMatchers('constructor=""'), {})).toBe(true);
});

describe('where others wait', () => {
  it('expressions that are too large together for ordinary values are refused', () => {
    const pattern = '[a-z]{0,1000}'.repeat(8);
    expect(() => longestValueFor(parseMatchers(`pod=~"${pattern}"`))).toThrow('parts together');
    const many = Array.from({ length: 10 }, (_, n) => `l${n}!~"[a-z]{0,30}"`).join(',');
    expect(() => longestValueFor(parseMatchers(many))).toThrow('more than 195');
    expect(longestValueFor(parseMatchers('pod=~"web-.*",team=~"a|b",env!="dev"'))).toBeGreaterThan(2000);
    expect(longestValueFor(parseMatchers('team=~"a|b"'))).toBe(50_000);
  });

  it('a value that is too long for them fits none', () => {
    const labels = { foo: 'aaaa' };
    expect([3, 4].map((most) => matchesAll(parseMatchers('foo=~"a+"'), labels, most))).toEqual([false, true]);
    expect([3, 4].map((most) => matchesAll(parseMatchers('foo!~"a+"'), labels, most))).toEqual([true, false]);
    expect(matchesAll(parseMatchers('foo=aaaa'), labels, 3)).toBe(true);
  });
});
