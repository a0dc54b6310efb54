import { expect, test } from 'vitest';
import { mostSimilar, nextOfUnknown } from './similar.ts';

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

test('an unknown name leads to the one that was meant, or to what there is', () => {
  expect(nextOfUnknown('get-lgos', ['get-logs'], 'none', '.steps.')).toBe('did you mean .steps.get-logs?');
  expect(nextOfUnknown('xyz', ['goal'], 'fields are goal')).toBe('fields are goal');
});
