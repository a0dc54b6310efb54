import { expect, test } from 'vitest';
import { isColourWanted } from './styled.ts';

test.each([
  [true, {}, true],
  [false, {}, false],
  [true, { NO_COLOR: '1' }, false],
  [true, { NO_COLOR: '' }, true],
  [true, { TERM: 'dumb' }, false],
  [false, { FORCE_COLOR: '1' }, true],
  [false, { FORCE_COLOR: '' }, true],
  [true, { FORCE_COLOR: '0' }, false],
  [true, { FORCE_COLOR: 'false' }, false],
  [false, { FORCE_COLOR: '3', NO_COLOR: '1', TERM: 'dumb' }, true],
])('a terminal: %s, %j', (isTTY, env, wanted) => expect(isColourWanted({ isTTY }, env)).toBe(wanted));
