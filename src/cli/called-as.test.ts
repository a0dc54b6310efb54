import { expect, test } from 'vitest';
import { calledAs, inWordsOf } from './called-as.ts';

const start = { env: { PATH: '/usr/local/bin:/usr/bin' }, folder: '/home/me/fist' };

test.each([
  ['/usr/local/bin/fist', {}, 'fist'],
  ['/home/me/fist/bin/fist.js', {}, 'bin/fist.js'],
  ['/home/me/fist/src/main.ts', {}, 'node src/main.ts'],
  ['/home/me/fist/fist.js', {}, './fist.js'],
  ['/opt/fist/bin/fist.js', {}, '/opt/fist/bin/fist.js'],
  ['/opt/my tools/fist.js', {}, "'/opt/my tools/fist.js'"],
  ['/home/me/.npm/_npx/0f/node_modules/.bin/fist', { npm_command: 'exec' }, 'npx punching-fist'],
  ['/home/me/fist/node_modules/.bin/fist', { npm_command: 'exec' }, 'npx fist'],
  ['/home/me/fist/bin/fist.js', { npm_command: 'run-script' }, 'bin/fist.js'],
  ['/home/me/fist/bin/fist.js', { npm_command: 'exec' }, 'bin/fist.js'],
])('%s with %j is %s', (script, env, called) =>
  expect(calledAs({ ...start, script, env: { ...start.env, ...env } })).toBe(called),
);

test('commands in a text are in the words of the person, and nothing else is', () => {
  const text = 'fist get runs, or `fist describe run/1`; see /opt/fist/bin, punching-fist retry';
  expect(inWordsOf('npx punching-fist', text)).toBe(
    'npx punching-fist get runs, or `npx punching-fist describe run/1`; see /opt/fist/bin, punching-fist retry',
  );
  expect(inWordsOf('fist', text)).toBe(text);
  expect(inWordsOf(undefined, text)).toBe(text);
  expect(inWordsOf("'/a$&b/fist.js'", 'fist get runs')).toBe("'/a$&b/fist.js' get runs");
});
