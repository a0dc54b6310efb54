import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCleanup } from '../../../test/support/cleanup.ts';
import { repositoryRoot, runProcess } from '../../../test/support/processes.ts';
import { runFist } from '../../../test/support/program.ts';
import { completionScripts } from './scripts.ts';

const cleanup = createCleanup();
afterAll(() => cleanup.run());
let url: string;

beforeAll(async () => {
  const sink = {
    metadata: { namespace: 'shop', name: 'chat' },
    spec: { type: 'webhook' },
    status: { ready: true, conditions: [] },
  };
  const run = (id: string) => ({
    id,
    name: 'triage',
    status: 'failed',
    input: { alert: { name: 'A' } },
    waitingFor: null,
  });
  const lists: Readonly<Record<string, readonly object[]>> = {
    '/api/v1/sinks': [sink],
    '/api/v1/runs': [run('0199aa'), run('0199bb')],
  };
  const server = createServer((request, response) => {
    const items = lists[new URL(request.url ?? '', 'http://x').pathname] ?? [];
    response.end(JSON.stringify({ items, nextCursor: null }));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  cleanup.defer(() => new Promise((done) => server.close(done)));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

/** The values that may stand in place of the last word. */
async function values(words: readonly string[], server = url): Promise<readonly string[]> {
  const { code, out, err } = await runFist(['__complete', ...words], { FIST_SERVER: server, FIST_TOKEN: 't' });
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return out.split('\n').flatMap((line) => (line === '' ? [] : [line.split('\t')[0] ?? '']));
}

describe('what may stand in place of the last word', () => {
  test.each<readonly [readonly string[], readonly string[]]>([
    [['ge'], ['get']],
    [
      ['db', 's'],
      ['status', 'size'],
    ],
    [['get', 'so'], ['sources']],
    [
      ['get', 'runs', '0199'],
      ['0199aa', '0199bb'],
    ],
    [
      ['get', 'run', '__new'],
      ['0199aa', '0199bb'],
    ],
    [['get', '-o', 'wide', 'runs', '0199b'], ['0199bb']],
    [
      ['get', 'run/'],
      ['run/0199aa', 'run/0199bb'],
    ],
    [['describe', 'r'], ['run/']],
    [['describe', 'run/0199b'], ['run/0199bb']],
    [
      ['describe', 'run', '0'],
      ['0199aa', '0199bb'],
    ],
    [['describe', 'fsink', 's'], ['shop/chat']],
    [['why', 'r'], ['run/']],
    [['get', 'al', '--status', 'o'], ['open']],
    [
      ['cancel', ''],
      ['run/', 'delivery/'],
    ],
    [['cancel', 'alert/'], []],
    [['retry', 'deliveries', '--sink', ''], ['chat']],
    [['get', '--run', '0199a'], ['0199aa']],
    [['get', '--run=0199a'], ['--run=0199aa']],
    [['get', 'runs', '--status', 'f'], ['failed']],
    [['get', 'al', '--severity', 'c'], ['critical']],
    [
      ['get', '--output=js'],
      ['--output=json', '--output=jsonl', '--output=jsonpath='],
    ],
    [
      ['describe', '-o', ''],
      ['text', 'json', 'yaml'],
    ],
    [['scan', '--dum'], ['--dump']],
    [['scan', '--qui'], ['--quiet']],
    [['completion', 'p'], ['powershell']],
    [['lint', 'exam'], []],
    [['no-such-command', ''], []],
    [['get', 'nonsense', ''], []],
  ])('%j', async (words, wanted) => expect(await values(words)).toEqual(wanted));

  test('a server that does not answer, or a broken file, is silent', async () => {
    expect(await values(['get', 'runs', ''], 'http://127.0.0.1:1')).toEqual([]);
    expect(await values(['get', 'runs', ''], 'nonsense')).toEqual([]);
    expect(await values(['get', 'ru'], 'http://127.0.0.1:1')).toEqual(['runs']);
  });

  test('commands and flags come with what they mean', async () => {
    expect((await runFist(['__complete', 'sca'])).out).toMatch(/^scan\tEverything that is broken/);
    expect((await runFist(['__complete', 'get', '--lim'])).out).toBe('--limit\tat most so many\n');
  });
});

describe('scripts', () => {
  test('bash, for real: words, flags with =, ids of the server', async () => {
    const folder = join(cleanup.temporaryFolder('completion'), 'bin');
    mkdirSync(folder);
    const program = `#!/bin/sh\nexec '${process.execPath}' '${repositoryRoot}src/main.ts' "$@"\n`;
    writeFileSync(join(folder, 'fist'), program, { mode: 0o755 });
    const ask = (line: string) =>
      [
        `COMP_LINE=${JSON.stringify(line)}; COMP_POINT=\${#COMP_LINE}; COMPREPLY=()`,
        '_fist fist; printf "%s " "${COMPREPLY[@]}"; echo',
      ].join('\n');
    const lines = ['fist descr', 'fist get runs 0199b', 'fist get --output=js', 'fist describe ', 'fist lint '];
    const script = ['eval "$(fist completion bash)"', 'complete -p fist', ...lines.map(ask)].join('\n');
    const environment = {
      PATH: [folder, process.env['PATH']].join(delimiter),
      FIST_SERVER: url,
      FIST_TOKEN: 't',
    };
    const { stdout, stderr, code } = await runProcess('bash', ['--norc', '-c', script], { environment });
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
    expect(stdout.split('\n').map((line) => line.trim())).toEqual([
      'complete -o default -F _fist fist',
      'describe',
      '0199bb',
      'json jsonl jsonpath=',
      'alert/ run/ delivery/ event/ dead-letter/ source/ workflow/ sink/',
      '',
      '',
    ]);
  });

  const shells = { bash: ['-n'], zsh: ['-n'], fish: ['--no-execute'] };
  test.each(Object.entries(shells))('%s reads its script', (shell, flags) => {
    const { error, status, stderr } = spawnSync(shell, flags, { input: completionScripts[shell], encoding: 'utf8' });
    // Not every machine has every shell.
    if (error !== undefined) expect(error).toMatchObject({ code: 'ENOENT' });
    else expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  test('another shell is refused with those that there are', async () => {
    expect(await runFist(['completion', 'tcsh'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('shells are bash, zsh, fish, powershell') as string,
    });
  });
});
