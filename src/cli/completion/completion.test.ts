import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCleanup } from '../../../test/support/cleanup.ts';
import { startListServer } from '../../../test/support/list-server.ts';
import { runFist } from '../../../test/support/program.ts';

const cleanup = createCleanup();
afterAll(() => cleanup.run());
let url: string;
beforeAll(async () => {
  url = await startListServer(cleanup);
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

test('another shell is refused with those that there are', async () => {
  expect(await runFist(['completion', 'tcsh'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('shells are bash, zsh, fish, powershell') as string,
  });
});
