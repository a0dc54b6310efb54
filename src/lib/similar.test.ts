import { expect, test } from 'vitest';
import { mostSimilar } from './similar.ts';

test.each([
  ['gaol', ['goal', 'tools', 'name'], 'goal'],
  ['comand', ['condition', 'command'], 'command'],
  ['TIMEOUT', ['timeout', 'timeoutMinutes'], 'timeout'],
  ['continueOnErr', ['continueOnError'], 'continueOnError'],
  ['xyz', ['abc', 'goal'], undefined],
  ['nam', ['name', 'when'], 'name'],
  ['zzzz', [], undefined],
])('%s among %j is %s', (name, candidates, expected) => {
  expect(mostSimilar(name, candidates)).toBe(expected);
});
