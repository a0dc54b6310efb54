import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { buildProgram, runProgram } from './program.ts';
import { settings } from './settings.ts';

const cleanup = createCleanup();
afterAll(() => cleanup.run());

/** A folder with `fist.yaml` and a home with a configuration file. */
function place(files: { readonly folder?: string; readonly home?: string }) {
  const root = cleanup.temporaryFolder('settings');
  const [folder, home] = [join(root, 'folder'), join(root, 'config')];
  for (const path of [folder, join(home, 'fist')]) mkdirSync(path, { recursive: true });
  if (files.folder !== undefined) writeFileSync(join(folder, 'fist.yaml'), files.folder);
  if (files.home !== undefined) writeFileSync(join(home, 'fist', 'config.yaml'), files.home);
  async function run(line: string, env: Readonly<Record<string, string>> = {}) {
    let [out, err] = ['', ''];
    const code = await runProgram(line.split(' '), {
      out: (text) => void (out += text),
      err: (text) => void (err += text),
      colour: false,
      env: { XDG_CONFIG_HOME: home, ...env },
      folder,
    });
    return { code, out, err: err.replaceAll(root, '') };
  }
  return { run, view: async (env = {}) => JSON.parse((await run('config view -o json', env)).out) as object };
}

test('each setting is an option of some command', () => {
  const program = buildProgram({ out: () => undefined, err: () => undefined, colour: false, env: {} });
  const all = [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)];
  const long = new Set(all.flatMap(({ options }) => options.map((option) => option.long)));
  expect(Object.keys(settings).filter((name) => !long.has(`--${name}`))).toEqual([]);
});

test('a variable wins over the file of the folder, that one over the file of the person', async () => {
  const { view } = place({
    folder: 'server: http://a\nlimit: 7\n',
    home: 'server: http://b\nlimit: 8\nlog-level: warn\n',
  });
  expect(await view()).toEqual({ server: 'http://a', limit: '7', 'log-level': 'warn' });
  expect(await view({ FIST_SERVER: 'http://c', FIST_QUIET: '1' })).toMatchObject({ server: 'http://c', quiet: '1' });
});

test('other variables that say the same win over files; empty ones say nothing', async () => {
  const { view } = place({ folder: 'db: a.db\nlisten: 127.0.0.1:1\n', home: 'kubeconfig: k\n' });
  expect(await view()).toEqual({ db: 'a.db', listen: '127.0.0.1:1', kubeconfig: 'k' });
  expect(await view({ SQLITE_PATH: 'x', SERVER_ADDR: 'y', KUBECONFIG: 'z', FIST_SERVER: '' })).toEqual({});
});

test('the origin of each is shown, secrets are not', async () => {
  const { run } = place({ folder: '# ours\nserver: http://127.0.0.1:1\n', home: 'token: very-secret-token\n' });
  const env = { FIST_WEBHOOK_TOKEN: 'very-secret-too', FIST_DB: 'postgres://me:very-secret@db/x' };
  const shown = await run('config view --show-origin', env);
  expect(shown.out.replace(/ {2,}/g, '  ').split('\n')).toEqual([
    'SETTING  VALUE  FROM',
    'token  (hidden)  ' + shown.out.match(/\S+config\.yaml:1/)?.[0],
    expect.stringMatching(/^server {2}http:\/\/127\.0\.0\.1:1 {2}\S+fist\.yaml:2$/) as string,
    'webhook-token  (hidden)  FIST_WEBHOOK_TOKEN',
    'db  postgres://me@db/x  FIST_DB',
    '',
  ]);
  expect(shown.err).toBe('read: /folder/fist.yaml\nread: /config/fist/config.yaml\n');
  expect(JSON.stringify([shown, await run('config view -o json', env)])).not.toContain('very-secret');
});

test('what is wrong with a file is said, with the line and the nearest name, by every command that reads it', async () => {
  const wrong: readonly (readonly [string, string, string])[] = [
    ['servr: http://a\n', 'error: /folder/fist.yaml:1: there is no setting "servr"', 'next: did you mean server?'],
    [
      'limit: 3\nconstructor: x\n',
      '/folder/fist.yaml:2: there is no setting "constructor"',
      'next: settings are server,',
    ],
    ['limit: [1]\n', '/folder/fist.yaml:1: limit is not one value', 'next: '],
    ['- a\n', '/folder/fist.yaml:1: has no settings as `name: value`', 'next: '],
    ['a: "b\n', '/folder/fist.yaml:', 'is no YAML'],
    ['kubeconfig: x\n', '/folder/fist.yaml:1: kubeconfig can start programs', 'next: --kubeconfig, FIST_KUBECONFIG'],
    ['allow-exec: true\n', '/folder/fist.yaml:1: allow-exec can start programs', 'FIST_ALLOW_EXEC'],
    ['allow-start: true\n', '/folder/fist.yaml:1: allow-start can start programs or work', 'FIST_ALLOW_START'],
    ['allow-mcp-start: true\n', '/folder/fist.yaml:1: allow-mcp-start can start programs or work', '--allow-mcp-start'],
  ];
  for (const [folder, what, next] of wrong) {
    const { run } = place({ folder });
    const answer = await run('get alerts');
    expect(answer).toMatchObject({ code: 2, out: '' });
    expect(answer.err).toContain(what);
    expect(answer.err).toContain(next);
    expect(await run('version')).toMatchObject({ code: 0 });
  }
});

test('an error names where the value is from', async () => {
  const { run } = place({ folder: 'limit: many\n' });
  expect((await run('get alerts')).err).toMatch(/--limit many is not a whole .*\n {2}field: \/folder\/fist\.yaml:1\n/);
  expect((await run('get alerts', { FIST_LIMIT: '0' })).err).toContain('field: FIST_LIMIT\n');
  expect((await run('get alerts --limit -1', { FIST_LIMIT: '0' })).err).not.toContain('FIST_LIMIT');
  expect((await run('get alerts', { FIST_LIMIT: '1', FIST_SERVER: 'localhost' })).err).toContain(
    'field: FIST_SERVER\n',
  );
  expect((await run('get alerts', { FIST_QUIET: 'maybe' })).err).toContain(
    'FIST_QUIET: "maybe" is neither true nor false',
  );
});

test('no token goes to a server that a file of this folder names', async () => {
  const { run } = place({ folder: 'server: http://fist.example.com\n', home: 'token: mine\n' });
  const refused = await run('get alerts');
  expect(refused).toMatchObject({ code: 3, out: '' });
  expect(refused.err).toContain('it is not sent /config/fist/config.yaml:1');
  expect((await run('get alerts', { FIST_TOKEN: 'mine' })).err).toContain('it is not sent FIST_TOKEN');
  // One of the person's own choice is as before.
  expect((await run('get alerts --server http://127.0.0.1:1')).err).toContain('no server answers');
  expect((await run('get alerts', { FIST_SERVER: 'http://127.0.0.1:1' })).err).toContain('no server answers');
});

test('each token is looked at on its own: one of the file or of the command line excuses no other', async () => {
  const { run } = place({ folder: 'server: http://127.0.0.1:1\ntoken: theirs\n' });
  const env = { FIST_WEBHOOK_TOKEN: 'mine' };
  const refused = await run('send alert --name A', env);
  expect(refused).toMatchObject({ code: 3, out: '' });
  expect(refused.err).toMatch(/127\.0\.0\.1:1 stands in \/folder\/fist\.yaml:1: it is not sent FIST_WEBHOOK_TOKEN\n/);
  expect(refused.err).toContain('next: --server http://127.0.0.1:1, or FIST_SERVER, says that you trust it\n');
  expect((await run('send alert --name A --token x', env)).err).toContain('it is not sent FIST_WEBHOOK_TOKEN');
  expect((await run('send alert --name A --webhook-token x', { FIST_TOKEN: 'mine' })).err).toContain(
    'it is not sent FIST_TOKEN',
  );
  // Those of the file and of the command line are sent; a command without the option sends no such token.
  expect((await run('send alert --name A')).err).toContain('no server answers');
  expect((await run('send alert --name A --token x --webhook-token y', { ...env, FIST_TOKEN: 'x' })).err).toContain(
    'no server answers',
  );
  expect((await run('get alerts', env)).err).toContain('no server answers');
});

test('a server of this machine that the file of a folder names gets no token of a database either', async () => {
  const root = cleanup.temporaryFolder('settings-token');
  writeFileSync(join(root, 'fist.db-token'), 'mine');
  const { run } = place({ folder: 'server: http://127.0.0.1:1\n' });
  expect((await run('get alerts', { FIST_TOKEN: 'mine' })).err).toContain('it is not sent FIST_TOKEN\n');
  const database = join(root, 'fist.db');
  expect((await run(`get alerts --db ${database}`)).err).toMatch(/it is not sent \S+fist\.db-token\n/);
  expect((await run('get alerts', { SQLITE_PATH: database })).err).toMatch(/it is not sent \S+fist\.db-token\n/);
  const named = place({ folder: `server: http://[::1]:1\ndb: ${database}\n` });
  expect((await named.run('get alerts')).err).toMatch(/it is not sent \S+fist\.db-token\n/);
  for (const line of [
    `--server http://127.0.0.1:1 --db ${database}`,
    `--token x --db ${database}`,
    `--db ${root}/other`,
  ])
    expect((await run(`get alerts ${line}`)).err).toContain('no server answers at http://127.0.0.1:1');
});

test('what chooses between a server and a cluster is taken from the command line only', async () => {
  const { run } = place({ home: 'context: prod\n', folder: '' });
  expect((await run('get sources --server http://127.0.0.1:1', { FIST_CONTEXT: 'prod' })).err).toContain(
    'no server answers',
  );
  expect((await run('get sources --context absent', { KUBECONFIG: '/no/such/config' })).err).not.toContain(
    'server answers',
  );
});

test('of a dump and a live cluster the one that was named nearer is read', async () => {
  const { run } = place({ home: 'context: prod\n', folder: '' });
  expect((await run('scan --dump /no/such/dump')).err).toContain('/no/such/dump');
  expect((await run('scan', { FIST_DUMP: '/no/such/dump' })).err).toContain('/no/such/dump');
  expect(
    (await run('scan --context absent', { FIST_DUMP: '/no/such/dump', KUBECONFIG: '/no/such/config' })).err,
  ).not.toContain('exclude each other');
  expect((await run('scan --dump a --context b')).err).toContain('exclude each other');
});
