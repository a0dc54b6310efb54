import { expect, test } from 'vitest';
import { repositoryRoot } from '../../test/support/processes.ts';
import { requirements, securityTests, titlesOf } from './security.ts';

const tests = securityTests(repositoryRoot);

test.each(Object.keys(requirements))('%s has a test that says so in its title', (number) => {
  expect(tests.filter(({ numbers }) => numbers.includes(number)).map(({ title }) => title)).not.toEqual([]);
});

test('no title has a number that stands for nothing', () => {
  const known = Object.keys(requirements);
  expect(tests.filter(({ numbers }) => numbers.some((number) => !known.includes(number)))).toEqual([]);
});

test('titles are found in both forms, and other texts are none', () => {
  const text = [
    "test('R1, R2: one', () => {",
    "  it('it\\'s two (R3)', async () => {",
    'test.each(x)("%s three (R4, R5)", () => {',
    "  const R9 = 'the R9 of something'; // R7: a comment",
  ].join('\n');
  expect(titlesOf(text)).toEqual([
    { title: 'one', numbers: ['R1', 'R2'] },
    { title: "it's two", numbers: ['R3'] },
    { title: '%s three', numbers: ['R4', 'R5'] },
  ]);
});
