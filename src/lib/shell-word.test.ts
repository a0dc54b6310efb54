import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { shellWord } from './shell-word.ts';

test('what a shell reads as one word, with the same text', () => {
  const texts = ['web-1', 'a=b', '', `it's`, '$(id)', 'a b', '`id`', 'x;y', '"', '\\', "''", '*', '~', '{a,b}'];
  for (const text of texts)
    expect(execFileSync('/bin/sh', ['-c', `printf %s ${shellWord(text)}`], { encoding: 'utf8' })).toBe(text);
  expect(shellWord('kubectl/logs:1')).toBe('kubectl/logs:1');
});
