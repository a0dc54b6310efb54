import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Log } from '../core/ports.ts';
import type { ResourceRecord } from '../core/resource.ts';
import { systemClock } from '../lib/clock.ts';
import { createCleanup } from '../../test/support/cleanup.ts';
import { createFakeClock } from '../../test/support/clock.ts';
import { openFolder } from '../../test/support/resources.ts';
import { waitFor } from '../../test/support/wait.ts';
import type { ResourceFolder, ResourceFolderOptions } from './folder.ts';
import { readText } from './read.ts';
import { finish } from '../lib/turns.ts';
import { resourceRecords } from './records.ts';
import { createSecrets, secretValues } from './secrets.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const head = 'apiVersion: punchingfist.io/v1alpha1\n';
const sink = (name: string, format = 'json') =>
  `${head}kind: Sink\nmetadata: {name: ${name}}\nspec: {type: stdout, config: {format: ${format}}}\n`;

let folder: string;
let stamp: number;
let lines: string[];
beforeEach(() => {
  folder = cleanup.temporaryFolder('resources');
  stamp = 1_700_000_000;
  lines = [];
});

/** Each write has another time, as edits by people have. */
function write(name: string, text: string): void {
  const path = join(folder, name);
  writeFileSync(path, text);
  stamp += 1;
  utimesSync(path, stamp, stamp);
}

const note = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`);
const log: Log = { debug: note, info: note, warn: note, error: note, child: () => log };

function open(changes: Partial<ResourceFolderOptions> = {}): ResourceFolder {
  const opened = openFolder(folder, { log, ...changes });
  cleanup.defer(() => opened.stop());
  return opened;
}

/** Those that did not vanish. */
function names(opened: ResourceFolder): string[] {
  return opened
    .current()
    .sinks.filter(({ conditions }) => !conditions.some(({ type }) => type === 'Vanished'))
    .map(({ name, config }) => `${name}:${config['format'] as string}`);
}

describe('folder', () => {
  test('reads YAML files in order, objects without a namespace are in default, other files are left alone', () => {
    write('b.yaml', `${sink('one')}---\n${sink('two')}`);
    write('a.yml', sink('three'));
    write('.hidden.yaml', sink('hidden'));
    write('notes.txt', 'not: [yaml');
    mkdirSync(join(folder, 'sub.yaml'));
    const opened = open();
    expect(names(opened)).toEqual(['one:json', 'three:json', 'two:json']);
    expect(opened.current().sink('default', 'two')?.origin).toBe(`${join(folder, 'b.yaml')}:6`);
    expect(opened.current().generation).toBe(1);
  });

  test('a path that cannot be read is an error at the start', () => {
    expect(() => open({ path: join(folder, 'absent') })).toThrow(/cannot read/);
  });

  test('a Secret that comes as a file takes its condition away, and brings it back when it goes', async () => {
    const secretsDirectory = cleanup.temporaryFolder('secrets');
    const reasons = () => opened.current().sources[0]?.conditions.map(({ reason }) => reason);
    const config = '{path: a, authentication: {type: bearer, secretRef: am}}';
    write(
      'a.yaml',
      `${head}kind: Source\nmetadata: {name: s}\nspec: {type: webhook, config: ${config}, triggerWorkflow: w}\n`,
    );
    const opened = open({ secretsDirectory });
    expect(reasons()).toContain('SecretMissing');
    expect(await opened.reload()).toBe(false);
    mkdirSync(join(secretsDirectory, 'am'));
    writeFileSync(join(secretsDirectory, 'am', 'token'), 'x');
    expect(await opened.reload()).toBe(true);
    expect(reasons()).not.toContain('SecretMissing');
    expect(await opened.reload()).toBe(false);
    rmSync(join(secretsDirectory, 'am'), { recursive: true });
    expect(await opened.reload()).toBe(true);
    expect(reasons()).toContain('SecretMissing');
  });

  test('a reload swaps one whole catalog, and only where something changed', async () => {
    write('a.yaml', sink('one'));
    const opened = open();
    const before = opened.current();
    expect(await opened.reload()).toBe(false);
    write('a.yaml', sink('one', 'yaml'));
    write('b.yaml', sink('two'));
    expect(await opened.reload()).toBe(true);
    expect(names(opened)).toEqual(['one:yaml', 'two:json']);
    expect(before.sinks).toHaveLength(1);
    expect(opened.current().generation).toBe(2);
    rmSync(join(folder, 'b.yaml'));
    expect(await opened.reload()).toBe(true);
    expect(names(opened)).toEqual(['one:yaml']);
  });

  test('a broken edit keeps the last good version of that object, with a condition', async () => {
    write('a.yaml', `${sink('one')}---\n${sink('two')}`);
    const opened = open();
    write('a.yaml', `${sink('one', 'jsn')}---\n${sink('two', 'yaml')}`);
    await opened.reload();
    expect(names(opened)).toEqual(['one:json', 'two:yaml']);
    const stalled = opened
      .current()
      .sink('default', 'one')
      ?.conditions.find(({ type }) => type === 'Stalled');
    expect(stalled).toMatchObject({ status: 'True', reason: 'BrokenEdit' });
    expect(stalled?.message).toContain(
      `a.yaml:4:39: spec.config.format must be one of text, json, yaml, plain, cloudevents, not jsn`,
    );
    expect(opened.current().sink('default', 'one')?.ready).toBe(true);
    write('a.yaml', `${sink('one', 'yaml')}---\n${sink('two', 'yaml')}`);
    await opened.reload();
    expect(names(opened)).toEqual(['one:yaml', 'two:yaml']);
    expect(opened.current().sink('default', 'one')?.conditions).toHaveLength(1);
  });

  test('broken YAML keeps all objects of its file; what was taken out of a readable file has vanished', async () => {
    write('a.yaml', `${sink('one')}---\n${sink('two')}`);
    write('b.yaml', sink('three'));
    const opened = open();
    write('a.yaml', `${sink('one', 'yaml')}---\nkind: [Sink\n`);
    write('b.yaml', '# nothing left\n');
    await opened.reload();
    expect(names(opened)).toEqual(['one:yaml', 'two:json']);
    expect(
      opened
        .current()
        .sink('default', 'two')
        ?.conditions.map(({ reason }) => reason),
    ).toEqual(['Accepted', 'BrokenEdit']);
    expect(opened.loaded().problems).toHaveLength(1);
  });

  test('an object that was never good is not ready and says why', () => {
    write('a.yaml', sink('one', 'jsn'));
    expect(open().current().sink('default', 'one')).toMatchObject({
      ready: false,
      conditions: [{ reason: 'InvalidSpec' }],
    });
  });

  test('a folder that vanished keeps what was loaded', async () => {
    write('a.yaml', sink('one'));
    const opened = open();
    renameSync(folder, `${folder}-moved`);
    cleanup.defer(() => rmSync(`${folder}-moved`, { recursive: true, force: true }));
    expect(await opened.reload()).toBe(false);
    expect(names(opened)).toEqual(['one:json']);
  });

  test('changes are seen by themselves', async () => {
    write('a.yaml', sink('one'));
    const reloads: number[] = [];
    const opened = open({ clock: systemClock(), pollMs: 50 });
    await opened.mirrorTo(async ({ catalog }) => void reloads.push(catalog.generation));
    write('a.yaml', sink('two'));
    await waitFor('the reload', () => names(opened).join() === 'two:json');
    await waitFor('its copy', () => reloads.length > 1);
    expect(reloads.slice(0, 2)).toEqual([1, 2]);
  });

  test('a reload before there is a place for the copy is quiet; the first copy is of what is loaded then', async () => {
    write('a.yaml', sink('one'));
    const opened = open();
    write('a.yaml', sink('two'));
    expect(await opened.reload()).toBe(true);
    expect(lines.filter((line) => !line.startsWith('resources '))).toEqual([]);
    const copies: number[] = [];
    await opened.mirrorTo(async ({ catalog }) => void copies.push(catalog.generation));
    await opened.reload();
    expect(copies).toEqual([2]);
  });

  test('a copy that fails is tried again by the polls until it worked, and the change is in force meanwhile', async () => {
    write('a.yaml', sink('one'));
    const clock = createFakeClock();
    const opened = open({ clock, pollMs: 2000 });
    const copies: string[] = [];
    let isAway = false;
    await opened.mirrorTo(async ({ catalog }) => {
      copies.push(`${catalog.generation} ${isAway ? 'failed' : 'written'}`);
      if (isAway) throw new Error('the database is away');
    });
    isAway = true;
    write('a.yaml', sink('two'));
    expect(await opened.reload()).toBe(true);
    expect(names(opened)).toEqual(['two:json']);
    expect(await opened.reload()).toBe(false);
    isAway = false;
    await clock.advance(2000);
    await clock.advance(2000);
    expect(copies).toEqual(['1 written', '2 failed', '2 failed', '2 written']);
    expect(lines.filter((line) => line.includes('the database is away'))).toHaveLength(1);
  });

  test('the first copy that fails is told to who asked for it', async () => {
    write('a.yaml', sink('one'));
    await expect(open().mirrorTo(() => Promise.reject(new Error('no table')))).rejects.toThrow('no table');
  });

  test('Secret values are in no log line, no catalog and no mirror', () => {
    const value = 'canary-4711';
    write(
      'a.yaml',
      `${sink('one')}---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {token: ${value}}\n`,
    );
    write(
      'b.yaml',
      `apiVersion: v1\nkind: Secret\nmetadata: {name: broken}\ndata: {token: ${value}}\nstringData: [${value}]\n`,
    );
    write(
      'c.yaml',
      `${head}kind: Sink\nmetadata: {name: hook}\nspec: {type: webhook, config: {endpoint: 'https://x', headers: {x-api-key: ${value}, x-team: shop}}}\n`,
    );
    const opened = open();
    expect(opened.secrets.get('default', { name: 's', key: 'token' })).toBe(value);
    const records = finish(resourceRecords(opened.loaded(), [], '2026-01-01T00:00:00.000Z'));
    expect(records.map(({ name }) => name)).toEqual(['one', 'hook']);
    expect(lines.join('\n') + JSON.stringify(records) + JSON.stringify(opened.loaded().problems)).not.toContain(value);
    expect(records[1]?.spec).toContain('shop');
  });
});

describe('what vanished', () => {
  const secret = `---\napiVersion: v1\nkind: Secret\nmetadata: {name: am}\nstringData: {token: t}\n`;
  const source = (name: string, path: string) =>
    `${head}kind: Source\nmetadata: {name: ${name}}\nspec: {type: webhook, config: {path: ${path}}, triggerWorkflow: w}\n`;
  const leaving = (opened: ResourceFolder) => opened.current().sources.map(({ name, leaving }) => `${name} ${leaving}`);
  const token = (opened: ResourceFolder) => opened.secrets.get('default', { name: 'am', key: 'token' });

  test.each<[string, () => void]>([
    ['an emptied file', () => write('a.yaml', '')],
    ['a file of which only a comment is left', () => write('a.yaml', '# soon\n')],
    ['a removed file', () => rmSync(join(folder, 'a.yaml'))],
    ['a document that was taken out', () => write('a.yaml', sink('two'))],
  ])('stays in use for a minute, and is then gone: %s', async (_name, vanish) => {
    write('a.yaml', `${sink('one')}---\n${source('s', 'alerts')}${secret}`);
    const clock = createFakeClock();
    const opened = open({ clock, publicUrl: 'https://fist.example' });
    lines = [];
    vanish();
    expect(await opened.reload()).toBe(true);
    expect(leaving(opened)).toEqual(['s true']);
    expect(opened.current().sourceByPath('alerts')?.name).toBe('s');
    expect(opened.current().sink('default', 'one')).toMatchObject({
      ready: true,
      conditions: [
        { type: 'Ready' },
        { type: 'Vanished', message: expect.stringContaining('2026-01-01T00:01:00.000Z') },
      ],
    });
    expect(token(opened)).toBe('t');
    const told = lines.filter((line) => line.startsWith('resources vanished'));
    expect(told).toHaveLength(1);
    for (const part of [
      'Source default/s',
      'Sink default/one',
      'Secret default/am',
      'https://fist.example/webhook/alerts',
    ])
      expect(told[0]).toContain(part);
    await clock.advance(58_000);
    expect(leaving(opened)).toEqual(['s true']);
    await clock.advance(4000);
    expect(opened.current().sourceByPath('alerts')).toBeUndefined();
    expect(opened.current().sink('default', 'one')).toBeUndefined();
    expect(token(opened)).toBeNull();
    expect(lines.filter((line) => line.startsWith('resources that vanished'))).toHaveLength(1);
  });

  test('and comes back within the minute was never away; the next minute begins anew', async () => {
    const text = `${source('s', 'alerts')}${secret}`;
    write('a.yaml', text);
    const clock = createFakeClock();
    const opened = open({ clock });
    for (let round = 0; round < 3; round++) {
      write('a.yaml', '');
      await clock.advance(50_000);
      expect(leaving(opened)).toEqual(['s true']);
      write('a.yaml', text);
      await clock.advance(4000);
      expect(leaving(opened)).toEqual(['s false']);
    }
    expect(lines.filter((line) => line.startsWith('resources that vanished'))).toEqual([]);
  });

  test('gives its path to a Source that is there', async () => {
    write('a.yaml', source('a', 'alerts'));
    const opened = open();
    write('a.yaml', source('b', 'alerts'));
    await opened.reload();
    expect(opened.current().sourceByPath('alerts')?.name).toBe('b');
    expect(leaving(opened)).toEqual(['a true', 'b false']);
  });

  test('Secrets of a file whose YAML is broken stay, as its objects do', async () => {
    write('a.yaml', `${source('s', 'alerts')}${secret}`);
    const clock = createFakeClock();
    const opened = open({ clock });
    write('a.yaml', 'kind: [Sink\n');
    await clock.advance(300_000);
    expect(token(opened)).toBe('t');
    expect(leaving(opened)).toEqual(['s false']);
  });

  test('with the whole folder is kept, and told once a minute', async () => {
    write('a.yaml', source('s', 'alerts'));
    const clock = createFakeClock();
    const opened = open({ clock });
    renameSync(folder, `${folder}-gone`);
    cleanup.defer(() => rmSync(`${folder}-gone`, { recursive: true, force: true }));
    await clock.advance(100_000);
    expect(leaving(opened)).toEqual(['s false']);
    expect(lines.filter((line) => line.startsWith('resources were not reloaded'))).toHaveLength(2);
  });
});

describe('resourceRecords', () => {
  test('the time of a condition changes with its status only', async () => {
    write('a.yaml', sink('one'));
    const opened = open();
    const times = (records: readonly ResourceRecord[]) =>
      (
        JSON.parse(records[0]?.status ?? '{}') as { conditions: { type: string; lastTransitionTime: string }[] }
      ).conditions.map(({ type, lastTransitionTime }) => `${type} ${lastTransitionTime}`);
    const first = finish(resourceRecords(opened.loaded(), [], '2026-01-01T00:00:00.000Z'));
    expect(JSON.parse(first[0]?.spec ?? '')).toEqual({ type: 'stdout', config: { format: 'json' } });
    write('a.yaml', sink('one', 'nope'));
    await opened.reload();
    const second = finish(resourceRecords(opened.loaded(), first, '2026-01-02T00:00:00.000Z'));
    expect(times(second)).toEqual(['Ready 2026-01-01T00:00:00.000Z', 'Stalled 2026-01-02T00:00:00.000Z']);
  });

  test('are made in pieces, one for each object', () => {
    write('a.yaml', ['one', 'two', 'three'].map((name) => sink(name)).join('\n---\n'));
    expect([...resourceRecords(open().loaded(), [], '2026-01-01T00:00:00.000Z')]).toHaveLength(3);
  });
});

describe('secrets', () => {
  function file(path: string, text: string): void {
    const full = join(folder, path);
    mkdirSync(join(full, '..'), { recursive: true });
    writeFileSync(full, text);
  }

  test('a document wins over the file of its namespace, and that over the plain one', () => {
    file('shop/hook/token', 'of the namespace\n');
    file('hook/token', 'plain');
    file('hook/other', 'two\nlines\n');
    const document = { namespace: 'shop', name: 'hook', values: { key: 'of the document', echoed: 'x\n' } };
    const noted: string[] = [];
    const secrets = createSecrets(
      () => [document],
      folder,
      (value) => noted.push(value),
    );
    const get = (namespace: string, name: string, key: string) => secrets.get(namespace, { name, key });
    expect(get('shop', 'hook', 'key')).toBe('of the document');
    expect(get('shop', 'hook', 'echoed')).toBe('x');
    expect(get('shop', 'hook', 'token')).toBe('of the namespace');
    expect(get('other', 'hook', 'token')).toBe('plain');
    expect(get('other', 'hook', 'other')).toBe('two\nlines');
    expect(get('other', 'hook', 'key')).toBeNull();
    expect(noted).toEqual(['of the document', 'x', 'of the namespace', 'plain', 'two\nlines']);
  });

  test('values of documents are noted when they are read, before anybody asks', async () => {
    const secret = (value: string) =>
      `apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {token: ${value}}\n`;
    write('secret.yaml', secret('first'));
    const noted: string[] = [];
    const opened = open({ noteSecret: (value) => void noted.push(value) });
    write('secret.yaml', secret('second'));
    await opened.reload();
    expect(noted).toEqual(['first', 'second']);
  });

  test('all values are known: of documents and of files, mounted ones too', async () => {
    file('shop/hook/token', 'of the namespace\n');
    file('hook/..2026/token', 'mounted');
    symlinkSync('..2026', join(folder, 'hook', '..data'));
    symlinkSync(join('..data', 'token'), join(folder, 'hook', 'token'));
    // Larger than Kubernetes lets a Secret be.
    file('hook/large', 'x'.repeat(1_100_000));
    const document = { namespace: 'shop', name: 'hook', values: { key: 'of the document' } };
    const values = await secretValues([document], folder);
    expect(values.filter((value) => value !== '').sort()).toEqual(['mounted', 'of the document', 'of the namespace\n']);
    expect(await secretValues([], join(folder, 'absent'))).toEqual([]);
    expect(await secretValues([], null)).toEqual([]);
  });

  test('names cannot leave the folder', () => {
    file('inside/token', 'x');
    const secrets = createSecrets(() => [], join(folder, 'inside'));
    for (const name of ['..', '.', '../inside', '/etc', 'a/../..']) {
      for (const key of ['token', 'passwd', '..', 'inside/token'])
        expect(secrets.get('default', { name, key })).toBeNull();
    }
    expect(createSecrets(() => [], null).get('default', { name: 'inside', key: 'token' })).toBeNull();
  });

  test('own properties only', () => {
    const { secrets } = readText(
      'a.yaml',
      'apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {token: dmFsdWU=}\n',
    );
    expect(secrets[0]?.values).toEqual({ token: 'value' });
    expect(createSecrets(() => secrets, null).get('default', { name: 's', key: 'toString' })).toBeNull();
  });
});
