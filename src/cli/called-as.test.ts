import { expect, test } from 'vitest';
import { calledAs, inWordsOf } from './called-as.ts';
import { runProgram } from './program.ts';

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
  ['/usr/local/bin/kubectl-fist', {}, 'kubectl fist'],
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
  const kubectl = 'kubectl -n fist get pods; kubectl --namespace fist logs a';
  expect(inWordsOf('npx punching-fist', kubectl)).toBe(kubectl);
  expect(inWordsOf(undefined, text)).toBe(text);
  expect(inWordsOf("'/a$&b/fist.js'", 'fist get runs')).toBe("'/a$&b/fist.js' get runs");
});

test('in a help only command lines are in the words of the person, and it fits 80 columns', async () => {
  const helpOf = async (command: string) => {
    let text = '';
    const out = (more: string) => void (text += more);
    await runProgram([command, '--help'], { out, err: out, colour: false, env: {}, called: 'bin/fist.js' });
    return text;
  };
  const status = await helpOf('status');
  expect(status).toMatch(/^Usage: bin\/fist\.js status /);
  expect(status).toContain('Says whether fist itself is well');
  expect(status).toMatch(/\n {2}# exit code 1 .*\n {2}bin\/fist\.js status && echo well\n/);
  expect(await helpOf('completion')).toContain('  eval "$(bin/fist.js completion bash)"\n');
  const serve = await helpOf('serve');
  expect(serve).toContain('a folder of `fist capture`');
  expect(serve.split('\n').filter((line) => line.length > 80)).toEqual([]);
});
