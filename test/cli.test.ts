import { cpSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { examples as exampleLines } from '../src/cli/examples.ts';
import { buildProgram } from '../src/cli/program.ts';
import { formatMatcher } from '../src/lib/matchers.ts';
import { shortId } from '../src/lib/short-id.ts';
import { firing, resourceFixture, startTestApp } from './support/app.ts';
import type { TestApp } from './support/app.ts';
import { createCleanup } from './support/cleanup.ts';
import { repositoryRoot, runProcess } from './support/processes.ts';
import { runFist } from './support/program.ts';
import type { Answer } from './support/program.ts';
import { waitFor } from './support/wait.ts';

const cleanup = createCleanup();
const fixtures = `${repositoryRoot}test/fixtures/resources`;
const examples = `${repositoryRoot}examples`;
let world: TestApp;
let empty: TestApp;
let scratch: string;

/** Escapes of a terminal, line ends, marks that turn text round: what an alert may try to do to a table. */
const hostile = 'red \u001b[31m \u009b2J \r\n\tnext \u202etxt.exe \u200b\u2066 end';
const nasty = { alertname: `Hostile ${hostile}`, namespace: hostile, pod: hostile, number: '1' };

beforeAll(async () => {
  scratch = cleanup.temporaryFolder('cli');
  const queue = resourceFixture('regressions/queue.yaml', { OUT: scratch });
  [world, empty] = await Promise.all([
    startTestApp(cleanup, {
      files: { 'queue.yaml': queue, 'triage.yaml': resourceFixture('contract/triage.yaml') },
      tokens: { 'monitoring/alertmanager-webhook': 'cli-webhook-token' },
    }),
    startTestApp(cleanup, { files: {} }),
  ]);
  await world.notify('quick', [firing(nasty, 60_000, { annotations: { summary: hostile, description: hostile } })]);
  await world.endedRun(nasty.alertname);
});
afterAll(() => cleanup.run());

/** Runs a command line in this process; no server is known to it. */
const fist = (...args: string[]) => runFist(args, { FIST_SERVER: 'http://127.0.0.1:1' });

/** The same with a server, whose token is found beside its database. */
const at = (app: TestApp, ...args: string[]) => runFist(args, { FIST_SERVER: app.app.url, SQLITE_PATH: app.database });

/** Checks the form of an error: what failed, on stderr alone, in one line each, and no stack trace. */
function expectError({ code, out, err }: Answer, exitCode: number, ...parts: readonly string[]): void {
  expect(err).toMatch(/^error: \S.*\n(?: {2}field: .+\n)?(?: {2}next: .+\n)?$/);
  expect(err).not.toMatch(/^\s+at /m);
  // Who gave wrong words is told how to go on.
  if (exitCode === 2) expect(err).toMatch(/^ {2}next: ./m);
  for (const part of parts) expect(err).toContain(part);
  expect({ code, out }).toEqual({ code: exitCode, out: '' });
}

/** Words of the command tree that lead to each command that does something. */
function leaves(command: Command, words: readonly string[] = []): readonly { words: string[]; command: Command }[] {
  return command.commands.flatMap((child) =>
    child.commands.length > 0
      ? leaves(child, [...words, child.name()])
      : [{ words: [...words, child.name()], command: child }],
  );
}

const silent = { out: () => undefined, err: () => undefined, colour: false, env: {} };
const tree = leaves(buildProgram(silent)).map(({ words, command }) => ({
  name: words.join(' '),
  words,
  command,
}));

/** Operands and options without which a command does not begin. */
const needed: Readonly<Record<string, readonly string[]>> = {
  backtest: ['workflow/x'],
  get: ['alerts'],
  describe: ['run/none'],
  investigate: ['--alert', `${examples}/oom-crash-loop/alert.json`, '--dump', '/no/such/dump'],
  scan: ['--dump', '/no/such/dump'],
  eval: ['/no/such/folder'],
  lint: ['/no/such/file.yaml'],
  explain: ['workflow.spec.nothing'],
  version: [],
  status: [],
  test: ['sink/none'],
  why: [],
  trace: ['run/none'],
  replay: ['run/none'],
  ask: ['run/none', 'why?'],
  confirm: ['run/none'],
  refute: ['run/none'],
  check: ['--db', 'other://database'],
  'connect alertmanager': ['--url', 'http://127.0.0.1:1'],
  'db status': ['--db', '/no/such/database'],
  'db check': ['--db', '/no/such/database'],
  'db size': ['--db', '/no/such/database'],
  'config view': [],
  'model check': [],
  'model tools': ['http://127.0.0.1:1/mcp'],
};
const doers =
  'demo, serve, operator, install, upgrade, uninstall, apply, delete, init, capture, send alert, watch, mcp, start, cancel, retry, render, db migrate, db export, db import, completion'.split(
    ', ',
  );

describe('the tree of commands', () => {
  test('each command reads, with -o, or does something', () => {
    const readers = tree.filter(({ command }) => command.options.some(({ short }) => short === '-o'));
    expect(readers.map(({ name }) => name).sort()).toEqual(Object.keys(needed).sort());
    expect(tree.map(({ name }) => name).sort()).toEqual([...Object.keys(needed), ...doers].sort());
  });

  test.each(tree)('$name: help, and errors of usage', async ({ words, command }) => {
    const help = await fist(...words, '--help');
    expect(help).toMatchObject({ code: 0, err: '' });
    expect(help.out).toContain(`Usage: fist ${words.join(' ')}`);
    const required = command.options.filter(({ mandatory }) => mandatory).flatMap(({ long }) => [long ?? '', 'x']);
    const answer = await fist(...words, ...required, '--no-such-option');
    expectError(answer, 2, "unknown option '--no-such-option'", 'next: ');
  });

  test.each(Object.entries(needed))('%s -o: a wrong format, and errors as JSON', async (name, operands) => {
    const verb = name.split(' ');
    expectError(await fist(...verb, ...operands, '-o', 'nonsense'), 2, '-o nonsense is not one of', 'json');
    for (const output of [['-o', 'json'], ['-ojson'], ['--output=json']]) {
      const wrong = await fist(...verb, ...operands, ...output, '--no-such-option');
      expect(wrong).toMatchObject({ code: 2, out: '' });
      expect(JSON.parse(wrong.err)).toMatchObject({ code: 'InvalidInput', next: expect.any(String) as string });
    }
    if (name === 'version' || name === 'config view') return;
    const { code, out, err } = await fist(...verb, ...operands, '-o', 'json');
    expect({ code: code > 0, out, lines: err.split('\n').length }).toEqual({ code: true, out: '', lines: 2 });
    expect(JSON.parse(err)).toMatchObject({
      code: expect.stringMatching(/^[A-Z][A-Za-z]+$/) as string,
      message: expect.any(String) as string,
    });
  });

  test('each command has examples, of flags that it has', () => {
    const flagsOf = ({ options }: Command) => options.flatMap(({ long, short }) => [long, short]);
    const general = [...flagsOf(buildProgram(silent)), '-h', '--help'];
    const wrong = tree.flatMap(({ name, command }) => {
      const own = (exampleLines[name] ?? []).map(([line]) => line);
      const known = new Set([...flagsOf(command), ...general]);
      const unknown = own
        .flatMap((line) => /fist (?:[^|$)]*)/.exec(line)?.[0].match(/(?<= )--?[a-zA-Z][\w-]*/g) ?? [])
        .filter((flag) => !known.has(flag));
      const ofOthers = own.filter((line) => !line.includes(`fist ${name}`));
      return own.length === 0
        ? [`${name} has none`]
        : [...unknown.map((flag) => `${name} has no ${flag}`), ...ofOthers];
    });
    expect(wrong).toEqual([]);
    expect(Object.keys(exampleLines).filter((name) => !tree.some((one) => one.name === name))).toEqual([]);
  });

  test('unknown commands, missing operands, too many operands', async () => {
    expectError(await fist('frobnicate'), 2, "unknown command 'frobnicate'", 'next: fist --help');
    expectError(await fist('send', 'alret'), 2, "unknown command 'alret'", 'did you mean alert?');
    expectError(await fist('get'), 2, "missing required argument 'noun'", 'next: fist get --help');
    expectError(await fist('get', 'alret'), 2, 'alret is not one of alerts, runs', 'next: fist get alert');
    expectError(await fist('investigate'), 2, 'one of --alert FILE, --label NAME=VALUE and an object', 'pod/NAME');
    const bare = await fist();
    expect(bare).toMatchObject({ code: 2, out: '' });
    expect(bare.err).toMatch(/^Usage: fist /);
  });

  test.each([
    'get constructor',
    'get __proto__',
    'explain constructor',
    'explain source.__proto__',
    'describe toString/1',
  ])('%s: a name that JavaScript knows is as unknown as any other', async (line) =>
    expectError(await fist(...line.split(' ')), 2),
  );

  test('a misspelt flag is named, also where a required one is missing for that reason', async () => {
    expectError(await fist('serve', '--resourcs', 'x'), 2, "unknown option '--resourcs'", 'did you mean --resources?');
    expectError(await fist('get', 'alerts', '--statu', 'x'), 2, "unknown option '--statu'", 'did you mean --status?');
  });

  test('version', async () => {
    expect(await fist('version')).toMatchObject({
      code: 0,
      err: '',
      out: expect.stringMatching(/^fist \d+\.\d+/) as string,
    });
    expect(JSON.parse((await fist('version', '-o', 'json')).out)).toMatchObject({ node: process.versions.node });
  });
});

const nouns = ['alerts', 'runs', 'deliveries', 'sources', 'workflows', 'sinks', 'events', 'dead-letters'];

/** Everything but line ends that a terminal would act on. */
const control = /(?!\n)\p{Cc}|[\u200b-\u200f\u202a-\u202e\u2066-\u2069]/u;

describe('get', () => {
  test.each(nouns)('%s of a server that has none', async (noun) => {
    for (const format of ['table', 'wide']) {
      const answer = await at(empty, 'get', noun, '-o', format);
      expect(answer).toMatchObject({ code: 0, out: '' });
      expect(answer.err).toMatch(noun === 'alerts' ? /^no alert has come in yet; / : new RegExp(`^no ${noun}; .+\n$`));
    }
    expect(JSON.parse((await at(empty, 'get', noun, '-o', 'json')).out)).toEqual({ items: [], nextCursor: null });
    expect(parseYaml((await at(empty, 'get', noun, '-o', 'yaml')).out)).toEqual({ items: [], nextCursor: null });
    expect(await at(empty, 'get', noun, '-o', 'name')).toEqual({ code: 0, out: '', err: '' });
  });

  test.each(nouns.filter((noun) => !['deliveries', 'dead-letters'].includes(noun)))(
    '%s in all formats, in singular too',
    async (noun) => {
      const read = async (format: string) => {
        const answer = await at(world, 'get', noun, '-o', format);
        expect(answer.code).toBe(0);
        expect(answer.err).toMatch(
          noun === 'alerts' ? /^(?:\d of \d investigated, still firing \(escalated\)\n)?$/ : /^$/,
        );
        return answer.out;
      };
      const { items } = JSON.parse(await read('json')) as { items: readonly unknown[] };
      expect(items.length).toBeGreaterThan(0);
      expect(parseYaml(await read('yaml'))).toEqual({ items, nextCursor: null });
      const singular = noun.slice(0, -1);
      for (const format of ['table', 'wide']) {
        const text = await read(format);
        expect(text).not.toMatch(control);
        const lines = text.trimEnd().split('\n');
        expect(lines).toHaveLength(items.length + 1);
        expect(lines[0]).toMatch(/^[A-Z]+( {2,}[A-Z]+)+$/);
      }
      expect((await read('wide')).length).toBeGreaterThan((await read('table')).length);
      const names = (await read('name')).trimEnd().split('\n');
      expect(names).toHaveLength(items.length);
      // What `-o name` prints can be described.
      for (const name of names.slice(0, 2)) {
        expect(name).toMatch(new RegExp(`^${singular}/\\S+$`));
        expect(await at(world, 'describe', name)).toMatchObject({ code: 0, err: '' });
      }
      expect((await at(world, 'get', singular, '-o', 'json')).out).toBe(await read('json'));
    },
  );

  test('gaps: what the investigations of a server without a cluster lacked', async () => {
    const source =
      '{kind: Source, apiVersion: punchingfist.io/v1alpha1, metadata: {name: ask}, spec: {type: webhook, config: {path: ask}, triggerWorkflow: ask}}';
    const workflow =
      '{kind: Workflow, apiVersion: punchingfist.io/v1alpha1, metadata: {name: ask}, spec: {steps: [{name: ask, type: agent, goal: why}]}}';
    const asked = await startTestApp(cleanup, { files: { 'ask.yaml': `${source}\n---\n${workflow}\n` } });
    await asked.notify('ask', [firing({ alertname: 'Asked' }, 60_000)]);
    const { id } = await asked.endedRun('Asked');
    const read = async (format: string) => (await at(asked, 'get', 'gaps', '-o', format)).out;
    const { items } = JSON.parse(await read('json')) as { items: readonly object[] };
    expect(items).toMatchObject([
      { kind: 'unavailable', resource: null, reason: 'none is configured', runs: 1, of: 1, lastRun: id },
    ]);
    expect(await read('table')).toMatch(/^RUNS +KIND +WHAT +AGE +REMEDY\n1 of 1 +unavailable +the cluster .*--context/);
    expect(await read('wide')).toContain(shortId(id));
    expect(await read('name')).toBe('gap/unavailable/cluster\n');
    expect((await at(asked, 'get', 'gaps', '--workflow', 'absent', '-o', 'json')).out).toContain('"items": []');
    expectError(await at(asked, 'get', 'gaps', '--status', 'failed'), 2, 'gaps are not narrowed down by --status');
    expect((await at(empty, 'get', 'gap')).err).toMatch(/^no gaps; .+\n$/);
  });

  test('what could not be used is a dead letter', async () => {
    const file = join(scratch, 'bad-item.json');
    writeFileSync(file, JSON.stringify({ version: '4', alerts: [{ status: 'firing', labels: 'none' }] }));
    const sent = await at(
      world,
      'send',
      'alert',
      '-f',
      file,
      '--path',
      'alerts',
      '--webhook-token',
      'cli-webhook-token',
    );
    expect(JSON.parse(sent.out)).toMatchObject({ received: 1, ignored: 1 });
    const { out } = await at(world, 'get', 'dead-letters');
    expect(out).toMatch(/BadItem .*labels/);
    const [name = ''] = (await at(world, 'get', 'dead-letter', '-o', 'name')).out.split('\n');
    expect(await at(world, 'describe', name)).toMatchObject({
      code: 0,
      out: expect.stringContaining('none') as string,
    });
  });

  test('filters reach the server; wrong values are refused', async () => {
    const count = async (...flags: string[]) => {
      const { code, out } = await at(world, 'get', 'alerts', '-o', 'json', ...flags);
      expect(code).toBe(0);
      return (JSON.parse(out) as { items: readonly unknown[] }).items.length;
    };
    expect(await count('--name', nasty.alertname)).toBe(1);
    expect(await count('-l', formatMatcher({ name: 'pod', type: '=', value: hostile }), 'number=1')).toBe(1);
    expect(await count('-l', 'number=2')).toBe(0);
    expect(await count('-l', 'number!=1', 'severity=~"crit.*"')).toBe(0);
    expect(await count('--status', 'resolved')).toBe(0);
    expect(await count('-n', 'elsewhere')).toBe(0);
    expectError(await at(world, 'get', 'alerts', '--status', 'odd'), 2, 'status is not one of open, received');
    expectError(await at(world, 'get', 'alerts', '-l', 'odd'), 2, 'expected an operator (=, !=, =~ or !~)');
    expectError(
      await at(world, 'get', 'runs', '--severity', 'critical'),
      2,
      'runs are not narrowed down by --severity',
    );
    for (const limit of ['0', 'many', '501', '-1'])
      expectError(await at(world, 'get', 'alerts', `--limit=${limit}`), 2);
  });

  test('no server, no token, a wrong token, no URL', async () => {
    expectError(await fist('get', 'alerts'), 3, 'no server answers at http://127.0.0.1:1', 'fist serve');
    const bare = { FIST_SERVER: world.app.url, SQLITE_PATH: join(scratch, 'none.db') };
    expectError(await runFist(['get', 'alerts'], bare), 3, 'no token was found', 'FIST_TOKEN');
    expectError(await at(world, 'get', 'alerts', '--token', 'wrong'), 3, 'not the one of this server');
    expect(await runFist(['get', 'alerts', '--token', world.app.token], bare)).toMatchObject({ code: 0 });
    expect(await runFist(['get', 'alerts'], { ...bare, FIST_TOKEN: world.app.token })).toMatchObject({ code: 0 });
    // The token of this machine's database goes nowhere else, however the server is named.
    const elsewhere = { SQLITE_PATH: world.database, FIST_SERVER: 'http://fist.example.com' };
    for (const command of [
      ['get', 'alerts'],
      ['describe', 'run/x'],
      ['cancel', 'run/x'],
    ])
      expectError(await runFist(command, elsewhere), 3, 'is not this machine', 'FIST_TOKEN=');
    expectError(await fist('get', 'alerts', '--server', 'localhost'), 2, 'localhost is not an http or https URL');
  });
});

describe('get of what is named', () => {
  test('NOUN KEY, NOUN/KEY, short names, several; one is the object itself, as kubectl has it', async () => {
    const { id, workflowId } = await world.alertNamed(nasty.alertname);
    const whole = JSON.parse((await at(world, 'describe', `alert/${id}`, '-o', 'json')).out) as object;
    for (const words of [['alerts', id], ['alert', `alert/${id}`], ['al', id], [`AL/${id}`]]) {
      const answer = await at(world, 'get', ...words, '-o', 'json');
      expect(JSON.parse(answer.out)).toEqual(whole);
      expect(await at(world, 'get', ...words, '-o', 'name')).toEqual({ code: 0, out: `alert/${id}\n`, err: '' });
    }
    const both = await at(world, 'get', `al/${id}`, `run/${workflowId}`, '-o', 'json');
    expect((JSON.parse(both.out) as { items: readonly { id: string }[] }).items.map((item) => item.id)).toEqual([
      id,
      workflowId,
    ]);
    const tables = await at(world, 'get', `al/${id}`, `run/${workflowId}`);
    expect(tables.out.split('\n').filter((line) => / {2}[A-Z]+ {2}/.test(line))).toHaveLength(2);
    expect((await at(world, 'get', 'fsrc', 'quick', '-o', 'name')).out).toBe('source/default/quick\n');
    expect((await at(world, 'describe', 'source', 'quick')).out).toBe((await at(world, 'describe', 'src/quick')).out);
  });

  test('what is absent, has no page, or is named and narrowed down at once', async () => {
    expectError(await at(world, 'get', 'run', 'none'), 1, 'there is no run none');
    expectError(await at(world, 'get', 'gaps', 'one'), 2, 'gap/one is not one of alert/ID');
    expectError(await at(world, 'get', 'run/x', 'sink'), 2, 'sink is not one of');
    expectError(
      await at(world, 'get', 'runs', 'x', '--status', 'failed'),
      2,
      '--status narrows a list',
      'fist get runs',
    );
  });
});

describe('describe, cancel, retry', () => {
  test('run and alert, as text, JSON and YAML', async () => {
    const alert = await world.alertNamed(nasty.alertname);
    for (const object of [`run/${alert.workflowId}`, `alert/${alert.id}`]) {
      const text = await at(world, 'describe', object);
      expect(text).toMatchObject({ code: 0, err: '' });
      expect(text.out).not.toMatch(control);
      expect(text.out).toContain('Hostile red');
      const json = JSON.parse((await at(world, 'describe', object, '-o', 'json')).out) as { id: string };
      expect(`${object.split('/')[0]}/${json.id}`).toBe(object);
      expect(parseYaml((await at(world, 'describe', object, '-o', 'yaml')).out)).toEqual(json);
    }
  });

  test('a Source with its conditions; in the namespace default where none is named', async () => {
    const { code, out } = await at(world, 'describe', 'source/quick');
    expect(code).toBe(0);
    expect(parseYaml(out)).toMatchObject({ kind: 'Source', status: { ready: true, eventsProcessed: 1 } });
    expect((await at(world, 'describe', 'source/default/quick')).out).toBe(out);
    expectError(await at(world, 'describe', 'source/monitoring/quick'), 1, 'monitoring/quick', 'fist get sources');
  });

  test('what does not exist, what has ended, what is no object', async () => {
    const id = (await world.alertNamed(nasty.alertname)).workflowId;
    expectError(await at(world, 'describe', 'run/none'), 1, 'next: fist get runs');
    expectError(
      await at(world, 'describe', 'run/'),
      2,
      'run/ is not one of alert/ID, run/ID',
      'next: fist get runs -o name',
    );
    expectError(await at(world, 'cancel', `run/${id}`), 1);
    expectError(await at(world, 'cancel', 'run/none'), 1);
    expectError(await at(world, 'cancel', 'alert/1'), 2);
    expectError(await at(world, 'retry', 'delivery/none'), 1, 'there is no delivery none', 'next: fist get deliveries');
    expectError(await at(world, 'retry', 'alert/1'), 2, 'is not one of run/ID, delivery/ID');
    expectError(
      await at(world, 'cancel', 'delivery/none'),
      1,
      'there is no delivery none',
      'next: fist get deliveries',
    );
    expectError(await at(world, 'retry', 'deliveries', '--sink', 'out'), 2, '--sink NAME --status failed');
    expectError(await at(world, 'retry', `run/${id}`, '--sink', 'out'), 2, '--sink is for');
    const failed = ['--status', 'failed'];
    expectError(await at(world, 'retry', 'deliveries', '--sink', 'typo', ...failed), 1, 'next: fist get sinks');
    const [sink = ''] = (await at(world, 'get', 'sinks', '-o', 'name')).out.split('\n');
    const [, namespace = '', name = ''] = sink.split('/');
    expect(await at(world, 'retry', 'deliveries', '--sink', name, '-n', namespace, ...failed)).toMatchObject({
      code: 0,
      out: `0 deliveries to ${namespace}/${name} will be sent again\n`,
    });
    expectError(await at(world, 'cancel', 'deliveries'), 2, 'fist cancel deliveries --sink NAME');
    expectError(await at(world, 'cancel', `run/${id}`, '--sink', 'out'), 2, '--sink is for');
    expectError(await at(world, 'cancel', 'deliveries', '--sink', 'typo'), 1, 'next: fist get sinks');
    expect(await at(world, 'cancel', 'deliveries', '--sink', name, '-n', namespace)).toMatchObject({
      code: 0,
      out: `0 deliveries to ${namespace}/${name} will not be sent\n`,
    });
    expect(await at(world, 'test', 'sink/monitoring/console')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^run-finished {3}sent\nalert-resolved sent\n$/) as string,
    });
    expect(await at(world, 'test', 'sink/monitoring/slack-alerts')).toMatchObject({
      code: 1,
      out: expect.stringMatching(/^run-finished {3}NOT SENT: there is no Secret monitoring\/slack-bot-token/) as string,
    });
    expectError(await at(world, 'test', 'sink/typo'), 1, 'next: fist get sinks');
    expectError(await at(world, 'test', 'run/x'), 2);
    const { code, out, err } = await at(world, 'retry', `run/${id}`);
    expect({ code, err }).toEqual({ code: 0, err: `next: fist describe ${out.trim()}\n` });
    expect(out).toMatch(/^run\/[0-9a-f-]{36}\n$/);
    expect(out).not.toContain(id);
  });
});

test('get --watch follows the stream of a server until Ctrl-C', async () => {
  let out = '';
  const ended = runFist(
    ['get', 'alerts', '--watch', '--name', 'Watched', '-o', 'custom-columns=S:.status'],
    { FIST_SERVER: world.app.url, SQLITE_PATH: world.database },
    { out: (text) => void (out += text) },
  );
  await world.notify('quick', [firing({ alertname: 'Watched', number: '1' })]);
  await waitFor('its run to have ended', () => (out.includes('escalated') ? true : null), { everyMs: 20 });
  process.emit('SIGINT', 'SIGINT');
  expect(await ended).toMatchObject({ code: 130, err: '' });
  expect(out).toMatch(/^S\n(received\n|triaging\n)*escalated\n$/);
});

describe('send alert', () => {
  test('by name: the answer is the alert, and what it started is said', async () => {
    const { code, out, err } = await at(
      world,
      'send',
      'alert',
      '--name',
      'SentByHand',
      '--label',
      'number=5',
      'team=a',
    );
    const alert = await world.alertNamed('SentByHand');
    expect({ code, out }).toEqual({ code: 0, out: `alert/${alert.id}\n` });
    expect(err).toMatch(/Workflow \S+ was triggered\nnext: fist describe alert\//);
    expect(alert.labels).toMatchObject({ alertname: 'SentByHand', number: '5', team: 'a', severity: 'warning' });
  });

  test('--wait: until what it started has ended, with the Source that is named; the end of it is sent alike', async () => {
    const named = ['send', 'alert', '--name', 'WaitedFor', '--label', 'number=6'];
    const sent = await at(world, ...named, '--source', 'default/quick', '--wait', '20s');
    expect(sent).toMatchObject({ code: 0 });
    expect(sent.out).toMatch(/^alert\/\S+\nrun\/\S+ succeeded\n(delivery\/\S+ sent, Sink \S+\n)*$/);
    expect(await at(world, ...named, '--source', 'default/quick', '--status', 'resolved')).toMatchObject({ code: 0 });
    expect(await world.alertNamed('WaitedFor')).toMatchObject({ status: 'resolved' });
    expectError(
      await at(world, ...named, '--source', 'default/absent', '--wait', '1s'),
      1,
      'there is no Source default/absent',
    );
  });

  test('a payload to the path of a Source, with its token', async () => {
    const file = join(scratch, 'payload.json');
    const labels = { alertname: 'PodCrashLooping', severity: 'warning', namespace: 'shop', pod: 'x' };
    writeFileSync(file, JSON.stringify({ version: '4', alerts: [firing(labels)] }));
    const send = (...more: string[]) => at(world, 'send', 'alert', '-f', file, '--path', ...more);
    expectError(await send('alerts'), 3);
    expectError(await send('alerts', '--webhook-token', 'wrong'), 3);
    expectError(await send('nowhere'), 1);
    const sent = await send('/webhook/alerts', '--webhook-token', 'cli-webhook-token');
    expect(sent).toMatchObject({ code: 0, err: 'next: fist get runs\n' });
    expect(JSON.parse(sent.out)).toMatchObject({ received: 1, opened: 1, runs: 1 });
    const env = { FIST_SERVER: world.app.url, FIST_WEBHOOK_TOKEN: 'cli-webhook-token' };
    const again = await runFist(['send', 'alert', '-f', file, '--path', 'alerts'], env);
    expect(JSON.parse(again.out)).toMatchObject({ repeated: 1, runs: 0 });
  });

  test('no alert, no file, no JSON, no label, refused by the server', async () => {
    const broken = join(scratch, 'broken.json');
    writeFileSync(broken, '{"alerts": [');
    expectError(await at(world, 'send', 'alert'), 2, 'no alert was given', 'next: fist send alert --name');
    expectError(await at(world, 'send', 'alert', '-f', '/no/such/file'), 2, 'cannot read /no/such/file');
    expectError(await at(world, 'send', 'alert', '-f', broken), 2, 'is not JSON');
    writeFileSync(broken, '{"version": "4", "alerts": []}');
    expectError(await at(world, 'send', 'alert', '-f', broken), 2, 'is a notification', 'field: --path');
    expectError(await at(world, 'send', 'alert', '--path', 'alerts', '--name', 'x'), 2, 'no file was given', '-f FILE');
    expectError(await at(world, 'send', 'alert', '-f', broken, '--path', 'a', '--wait', '1s'), 2, 'field: --wait');
    expectError(
      await at(world, 'send', 'alert', '-f', broken, '--source', 'a/b'),
      2,
      'field: --source',
      `or write "source": "a/b" into ${broken}`,
    );
    expectError(
      await at(world, 'send', 'alert', '-f', broken, '--path', 'a', '--source', 'a/b'),
      2,
      'leave --source out',
    );
    for (const [option, value] of [
      ['--name', 'x'],
      ['--severity', 'warning'],
      ['--status', 'firing'],
      ['--label', 'a=b'],
    ] as const)
      for (const path of [[], ['--path', 'alerts']])
        expectError(
          await at(world, 'send', 'alert', '-f', broken, ...path, option, value),
          2,
          `and -f sends ${broken} as it is`,
          `field: ${option}`,
          'next: leave it out, or write it into',
        );
    expectError(await at(world, 'send', 'alert', '--name', 'x', '--label', 'odd'), 2, 'odd is not name=value');
    expectError(await at(world, 'send', 'alert', '--name', 'x', '--severity', 'dire'), 2, 'severity');
  });
});

describe('lint and explain', () => {
  test.each(readdirSync(`${fixtures}/broken`))(
    'broken/%s: each error with file, line and column, exit 1',
    async (name) => {
      const file = `${fixtures}/broken/${name}`;
      const { code, out, err } = await fist('lint', file);
      expect(code).toBe(1);
      expect(err).toMatch(/^[1-9]\d* errors?, \d+ warnings?\n$/);
      const lines = out.trimEnd().split('\n');
      for (const line of lines)
        expect(line.replace(file, 'FILE')).toMatch(/^(FILE:\d+:\d+: (error|warning): \S|  next: \S)/);
      const { problems } = JSON.parse((await fist('lint', file, '-o', 'json')).out) as {
        problems: readonly { file: string; line: number; column: number; severity: string; message: string }[];
      };
      expect(problems.map((it) => `${it.file}:${it.line}:${it.column}: ${it.severity}: ${it.message}`)).toEqual(
        lines.filter((line) => line.startsWith(file)),
      );
    },
  );

  test.each(readdirSync(examples).filter((name) => existsSync(`${examples}/${name}/resources.yaml`)))(
    'examples/%s is clean',
    async (name) => {
      expect(await fist('lint', `${examples}/${name}/resources.yaml`)).toMatchObject({
        code: 0,
        err: expect.stringMatching(/^0 errors, /) as string,
      });
    },
  );

  test('what cannot be read is an error of usage', async () => {
    expectError(await fist('lint', '/no/such/file.yaml'), 2, 'cannot read /no/such/file.yaml: no such file', 'next: ');
  });

  test('a field, its fields, and the ones that do not exist', async () => {
    const goal = await fist('explain', 'workflow.spec.steps.goal');
    expect(goal).toMatchObject({ code: 0, err: '' });
    expect(goal.out).toMatch(
      /^KIND: {5}Workflow\nVERSION: {2}punchingfist.io\/v1alpha1\nFIELD: {4}spec.steps\[\].goal <string>\n/,
    );
    expect(goal.out).toContain('What to find out.');
    expect((await fist('explain', 'sinks.spec.config')).out).toContain('endpoint <string>');
    expect(JSON.parse((await fist('explain', 'workflow.spec.steps.goal', '-o', 'json')).out)).toMatchObject({
      kind: 'Workflow',
      info: { path: 'spec.steps[].goal', type: 'string', usedBy: ['agent'] },
    });
    expectError(await fist('explain', 'workflow.spec.steps.gaol'), 2, 'has no field gaol', 'workflow.spec.steps.goal');
    expectError(await fist('explain', 'pod'), 2, 'there is no kind pod', 'kinds: source, workflow, sink');
  });
});

describe('render', () => {
  test('by hand, with data of a JSON or YAML file, from a file', async () => {
    const [json, yaml, template] = ['data.json', 'data.yaml', 'a.tmpl'].map((name) => join(scratch, name)) as [
      string,
      string,
      string,
    ];
    writeFileSync(json, '{"name": "web-1", "labels": {"a-b": 1}}');
    writeFileSync(yaml, 'name: web-2\nlabels: {a-b: 2}\n');
    writeFileSync(template, '{{ range $k, $v := .labels }}{{ $k }}={{ $v }}{{ end }}');
    expect(await fist('render', '{{ "x" | printf "%q" }}')).toEqual({ code: 0, out: '"x"\n', err: '' });
    expect((await fist('render', '{{ .name }} {{ .labels.a-b }}', '--data', json)).out).toBe('web-1 1\n');
    expect((await fist('render', '{{ .name | toJSON }}', '--data', yaml)).out).toBe('"web-2"\n');
    expect((await fist('render', '--file', template, '--data', yaml)).out).toBe('a-b=2\n');
    expectError(await fist('render', '{{ .name'), 1, 'line 1, column');
    expectError(await fist('render', '{{ .name | nosuch }}'), 1, 'function "nosuch" is not defined');
    expectError(await fist('render'), 2, 'no template was given');
    expectError(await fist('render', 'x', '--data', '/no/such/file'), 2, 'cannot read /no/such/file');
  });

  test('--jsonl and - read standard input; a bad line is an answer, and the next ones are read', async () => {
    const lines = [
      '{"template": "{{ .a }}", "data": {"a": "1\\n2"}}',
      '',
      'no json',
      '{"template": "{{ .a"}',
      '{"template": "é{{ 1 }}"}',
    ];
    const program = [`${repositoryRoot}src/main.ts`, 'render'];
    const { code, stdout, stderr } = await runProcess(process.execPath, [...program, '--jsonl'], {
      input: lines.join('\n'),
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const answers = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, string>);
    expect(answers).toMatchObject([
      { output: '1\n2' },
      { error: expect.any(String) as string },
      { error: expect.stringContaining('line 1') as string },
      { output: 'é1' },
    ]);
    const data = await runProcess(process.execPath, [...program, '{{ .a }}', '--data', '-'], {
      input: '{"a": "from stdin"}',
    });
    expect(data).toMatchObject({ code: 0, stdout: 'from stdin\n' });
  });
});

describe('investigate', () => {
  const dump = `${examples}/oom-crash-loop/dump`;
  const alert = `${examples}/oom-crash-loop/alert.json`;
  const written = (name: string, text: string) => {
    const file = join(scratch, name);
    writeFileSync(file, text);
    return file;
  };

  test('the report alone is on stdout, in each format', async () => {
    const json = await fist('investigate', '--alert', alert, '--dump', dump, '-o', 'json');
    expect(json).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(json.out)).toMatchObject({
      root_cause: expect.stringContaining('OOMKilled') as string,
      model: null,
    });
    const text = await fist('investigate', '--alert', alert, '--dump', dump);
    expect(text).toMatchObject({
      code: 0,
      err: '',
      out: expect.stringMatching(/^FIRING warning KubePodCrashLooping pod\/shop\/checkout-/) as string,
    });
    const markdown = await fist('investigate', '--alert', alert, '--dump', dump, '-o', 'markdown');
    expect(markdown).toMatchObject({ code: 0, err: '' });
    for (const heading of [
      '# Investigation Summary',
      '**Confidence Level**: ',
      '## Root Cause',
      '## Key Findings',
      '## Recommendations',
    ])
      expect(markdown.out).toContain(heading);
    for (const { out } of [json, text, markdown]) expect(out).not.toMatch(control);
  });

  test('one alert of Alertmanager or of POST /alerts does too; inconclusive is a result, exit 0', async () => {
    const labels = { namespace: 'default', pod: 'absent' };
    const one = written('one.json', JSON.stringify({ labels: { alertname: 'A', ...labels } }));
    const ours = written('ours.json', JSON.stringify({ alert_name: 'A', severity: 'info', labels }));
    for (const file of [one, ours]) {
      const { code, out } = await fist('investigate', '--alert', file, '--dump', dump, '-o', 'json');
      expect({ code, cause: (JSON.parse(out) as { root_cause: unknown }).root_cause }).toEqual({
        code: 0,
        cause: null,
      });
    }
  });

  test('an object, or labels, instead of an alert', async () => {
    const dump = ['--dump', `${examples}/oom-crash-loop/dump`];
    const pod = JSON.parse(
      (await fist('investigate', '--alert', `${examples}/oom-crash-loop/alert.json`, ...dump, '-o', 'json')).out,
    ) as { root_cause: string; causal_chain: { object: string }[] };
    const [, namespace = '', name = ''] = pod.causal_chain.at(-1)?.object.split('/') ?? [];
    const asked = [
      [`pod/${name}`, '-n', namespace],
      [`po/${name}`, '-n', namespace],
      ['-l', `namespace=${namespace}`, `pod=${name}`],
    ];
    for (const way of asked) {
      const { code, out } = await fist('investigate', ...way, ...dump, '-o', 'json');
      expect(code).toBe(0);
      expect(JSON.parse(out)).toMatchObject({ root_cause: pod.root_cause });
    }
    expectError(await fist('investigate', 'secret/x', ...dump), 2, 'no object of a kind that is looked at');
    expectError(await fist('investigate', 'pod/x', '-l', 'a=b', ...dump), 2, 'only one');
    expectError(await fist('investigate', 'pod/x', '--index', '0', ...dump), 2, '--index chooses');
    const alert = ['--alert', `${examples}/oom-crash-loop/alert.json`];
    expectError(await fist('investigate', ...alert, '-n', namespace, ...dump), 2, '--namespace is of an object');
    expectError(await fist('investigate', '-l', 'ab', ...dump), 2, 'ab is no label');
  });

  test('scan: what is broken, worst first, with the objects that it affects', async () => {
    const dump = ['--dump', `${examples}/pending-pod/dump`];
    const { code, out } = await fist('scan', ...dump);
    expect(code).toBe(0);
    expect(out).toMatch(/^SEVERITY +OBJECT +AFFECTS +CAUSE\n/);
    const { broken, evidence } = JSON.parse((await fist('scan', ...dump, '-o', 'json')).out) as {
      broken: { object: string; category: string; evidence_ids: string[] }[];
      evidence: { id: string }[];
    };
    expect(broken[0]).toMatchObject({ category: 'pending' });
    const ids = evidence.map(({ id }) => id);
    for (const one of broken) expect(ids).toEqual(expect.arrayContaining(one.evidence_ids));
    expectError(await fist('scan', '-n', '../x', ...dump), 2, 'no name of a namespace');
    expect((await fist('scan', '-n', 'no-such', ...dump)).err).toContain('not read: ');
  });

  test('eval: the score, thresholds and what changed', async () => {
    const cases = join(scratch, 'cases');
    const oom = `${examples}/oom-crash-loop`;
    const write = (name: string, expected: object): void => {
      cpSync(oom, join(cases, name), { recursive: true });
      writeFileSync(join(cases, name, 'expected.json'), JSON.stringify({ kind: 'oom', ...expected }));
    };
    write('good', { cause: ['OOM'] });
    const before = join(scratch, 'before.json');
    expect(await fist('eval', cases, '--out', before)).toMatchObject({ code: 0, err: '' });
    write('bad', { cause: ['quota'], truth: 'it is the quota' });
    const again = await fist('eval', cases, '--compare', before);
    expect(again.code).toBe(0);
    expect(again.out).toContain('truth: it is the quota');
    expect(again.out).toContain('right 1 of 2 (50 %), wrong 1');
    expect(again.out).toContain('bad: new, wrong');
    expect((await fist('eval', cases, '--min-right', '60')).code).toBe(1);
    expect((await fist('eval', cases, '--max-wrong', '40')).code).toBe(1);
    write('bad', { cause: ['('] });
    expectError(await fist('eval', cases), 2, 'cause.0: no regular expression');
    write('bad', { cause: [], inconclusive: true });
    expect((await fist('eval', cases)).out).toContain('wrong 1');
    writeFileSync(join(cases, 'bad/dump/shop/pods.json'), '{');
    expect((await fist('eval', cases)).out).toMatch(/failed: .*pods\.json is not JSON/);
    expectError(await fist('eval', cases, '--out', join(scratch, 'no/out.json')), 2, 'out.json cannot be written');
    expectError(await fist('eval', scratch, '--compare', `${oom}/alert.json`), 2, 'is no evaluation');
    expectError(await fist('eval', `${examples}/commands`), 2, 'holds no cases', 'fist capture --case');
  });

  test('several firing alerts are one incident, and one can be chosen', async () => {
    const several = `${examples}/bad-rollout/alerts/firing.json`;
    const ask = (...more: string[]) =>
      fist('investigate', '--alert', several, '--dump', `${examples}/bad-rollout/dump`, ...more);
    const whole = await ask();
    expect(whole).toMatchObject({ code: 0, err: '' });
    expect(whole.out.match(/^The cause is/gm)).toHaveLength(1);
    expect(whole.out.replace(/\s+/g, ' ')).toMatch(/It fired together with Kube\w+ deployment\/shop\/web\./);
    expect(await ask('--index', '1')).toMatchObject({ code: 0, err: '' });
    expectError(await ask('--index', '2'), 2, 'there is no alert 2; the payload has 2 (0: ', '1: ');
    expectError(await ask('--index', 'x'), 2, '--index x is not a whole number');
  });

  test.each([
    ['no JSON', '{"alerts": [', 'the alert is not JSON'],
    ['no object', '[1]', 'must be an object'],
    ['null', 'null', 'the alert is neither a JSON object'],
    ['no alerts', '{"version": "4", "alerts": []}', 'the payload has no alerts'],
    ['a broken alert', '{"version": "4", "alerts": [{"status": "firing"}]}', 'must be an object'],
    ['another version', '{"version": "3", "alerts": []}', 'version is "3"'],
    ['something else', '{"hello": 1}', 'alert_name is required'],
  ])('an alert that is %s: exit 2', async (name, text, message) => {
    expectError(await fist('investigate', '--alert', written(`${name}.json`, text), '--dump', dump), 2, message);
  });

  test('clusters that cannot be used', async () => {
    const ask = (...more: string[]) => fist('investigate', '--alert', alert, ...more);
    const noDump = cleanup.temporaryFolder('no-dump');
    expectError(await ask(), 2, 'no cluster was named', '--context NAME');
    expectError(await ask('--dump', noDump, '--context', 'x'), 2, 'exclude each other');
    expectError(await ask('--dump', noDump, '--kubeconfig', 'x'), 2, 'exclude each other');
    expectError(await ask('--dump', noDump), 3, 'is no cluster dump', 'kubectl cluster-info dump');
    expectError(await ask('--dump', join(noDump, 'absent')), 3, 'cannot be read');
    expectError(await ask('--dump', repositoryRoot), 3, 'is no cluster dump');
    expectError(await ask('--kubeconfig', join(noDump, 'absent')), 3);
    expectError(await fist('investigate', '--alert', '/no/such/file', '--dump', dump), 2, 'cannot read /no/such/file');
  });
});

test('capture needs a live cluster', async () => {
  const target = join(scratch, 'captured');
  expectError(await fist('capture', '--output-directory', target), 2, 'no cluster was named');
  expectError(await fist('capture', '--output-directory', target, '--dump', target), 2, '--dump is a captured folder');
  const one = ['--case', 'one', '--alert', `${examples}/oom-crash-loop/alert.json`, '--cause', 'memory'];
  expectError(await fist('capture', '--output-directory', target, ...one), 2, 'no cluster was named');
  expect(existsSync(join(target, 'one'))).toBe(false);
  expectError(await fist('capture', '--output-directory', target, '--truth', 'x'), 2, 'belong to a case');
});

test.each([
  ['--listen nowhere', 2, 'nowhere is not HOST:PORT'],
  ['--concurrency none', 2, '--concurrency none is not a whole number'],
  ['--log-level loud', 2, '--log-level loud is not one of debug'],
  ['--public-url somewhere', 2, '--public-url somewhere is not a URL'],
  ['--dump a --context b', 2, 'exclude each other'],
])('serve %s: exit %i', async (flags, code, message) => {
  expectError(
    await fist('serve', '--resources', scratch, '--db', join(scratch, 'x.db'), ...flags.split(' ')),
    code,
    message,
  );
});

test('demo of a story that does not exist', async () => {
  expectError(await fist('demo', '--ci', '--story', 'none'), 2, 'there is no story none', 'oom-crash-loop');
});
