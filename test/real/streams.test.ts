import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createCleanup } from '../support/cleanup.ts';
import { cleanEnvironment, freePort, runProcess, startProcess, waitForHttp } from '../support/processes.ts';
import { spawnServer, startServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const head = 'apiVersion: punchingfist.io/v1alpha1\n';
const resources = [
  `${head}kind: Source\nmetadata: {name: s}\nspec: {type: webhook, config: {path: alerts}, triggerWorkflow: w}\n`,
  `${head}kind: Workflow\nmetadata: {name: w}\nspec: {steps: [{name: a, type: conditional, condition: 'true'}], sinks: [console]}\n`,
  `${head}kind: Sink\nmetadata: {name: console}\nspec: {type: stdout, config: {format: json}}\n`,
].join('---\n');

function world() {
  const folder = cleanup.temporaryFolder('streams');
  writeFileSync(join(folder, 'resources.yaml'), resources);
  return { resources: join(folder, 'resources.yaml'), database: join(folder, 'fist.db') };
}

const alert = { status: 'firing', labels: { alertname: 'Down' }, annotations: {}, startsAt: '2026-01-01T00:00:00Z' };
const notification = { version: '4', status: 'firing', receiver: 'fist', groupKey: '{}', alerts: [alert] };

/** A command line in a shell, where `fist` is the program. */
function shell(script: string) {
  return runProcess('/bin/sh', ['-c', `fist() { '${process.execPath}' src/main.ts "$@"; }; ${script}`]);
}

const oom = 'examples/oom-crash-loop';

describe('a command', () => {
  /** Its reader is gone before it writes. */
  async function endOf(words: readonly string[], more: Readonly<Record<string, string>> = {}) {
    const child = startProcess(process.execPath, words, { environment: cleanEnvironment(more) });
    cleanup.defer(() => child.kill());
    child.closeOutput('stdout');
    return { ...(await child.exited), stderr: child.stderr() };
  }
  const quiet = { code: 141, signal: null, stderr: '' };

  it.each([
    '--help',
    'get --help',
    'version -o json',
    'explain workflow',
    'completion bash',
    'init workflow',
    'render x',
    `investigate --alert ${oom}/alert.json --dump ${oom}/dump`,
    `investigate --alert ${oom}/alert.json --dump ${oom}/dump -o json`,
    `scan --dump ${oom}/dump`,
    'demo --ci --story oom-crash-loop',
    'demo --fast --story oom-crash-loop',
  ])('`%s` whose reader is gone ends quietly, as one that SIGPIPE ends', async (line) => {
    const { code, signal, stderr } = await endOf(['src/main.ts', ...line.split(' ')]);
    // What is told beside the result may come first.
    expect({ code, signal }).toEqual({ code: 141, signal: null });
    expect(stderr).not.toMatch(/error|EPIPE|^ +at /im);
  });

  it('through the program of a checkout too', async () => {
    expect(await endOf(['bin/fist.js', 'explain', 'workflow'])).toEqual(quiet);
  });

  it('of a server, also one that goes on', async () => {
    const { database, resources } = world();
    const server = await startServer({ database, resources });
    cleanup.defer(() => server.process.stop());
    expect((await server.post('/webhook/alerts', notification)).status).toBe(200);
    const lines = ['get alerts', 'get alerts -o json', 'why', 'describe alert/Down', 'status', 'get alerts --watch'];
    for (const line of lines)
      expect(
        await endOf(['src/main.ts', ...line.split(' '), '--quiet'], {
          FIST_SERVER: server.url,
          SQLITE_PATH: database,
        }),
        line,
      ).toEqual(quiet);
    expect(await endOf(['src/main.ts', 'db', 'size', '--db', database])).toMatchObject({ code: 141 });
  });

  it('that cannot write what was asked for fails and says why', async () => {
    const { code, stderr } = await shell('fist explain workflow > /dev/full');
    expect(stderr).toMatch(/^error: standard output could not be written: the disk is full/);
    expect(code).toBe(3);
  });

  it('whose messages nobody reads does its work', async () => {
    const { code, stdout } = await shell(`fist lint '${world().resources}' 2> /dev/full`);
    expect(code).toBe(0);
    expect(stdout).not.toBe('');
  });
});

it('the demo leaves nothing behind when its reader has had enough', async () => {
  const folder = cleanup.temporaryFolder('demo');
  const { stdout } = await shell(`TMPDIR='${folder}' fist demo --ci | head -n 1`);
  expect(stdout).toContain('story-started');
  expect(readdirSync(folder).filter((name) => name.startsWith('fist-'))).toEqual([]);
});

describe('a server', () => {
  it('goes on when its log and its output are closed; what it could not print is tried again', async () => {
    const server = await startServer(world());
    cleanup.defer(() => server.process.stop());
    server.process.closeOutput('stdout', 'stderr');
    expect((await server.post('/webhook/alerts', notification)).status).toBe(200);
    const delivery = await waitFor('an attempt that failed', async () => {
      const [found] = await server.list<{ attempts: number; status: string; error: string | null }>(
        '/api/v1/deliveries',
      );
      return found?.error == null ? null : found;
    });
    expect(delivery).toMatchObject({ status: 'pending', error: expect.stringContaining('standard output') });
    expect((await server.post('/webhook/alerts', notification)).status).toBe(200);
    expect(await server.process.stop()).toEqual({ code: 0, signal: null });
  });

  it('starts and takes alerts although its log cannot be written', async () => {
    const port = await freePort();
    const listen = `127.0.0.1:${port}`;
    const under = ['/bin/sh', '-c', 'exec "$@" > /dev/full 2> /dev/full', '--'];
    const server = spawnServer({ ...world(), listen, under });
    cleanup.defer(() => server.stop());
    await waitForHttp(server, `http://${listen}/readyz`);
    const response = await fetch(`http://${listen}/webhook/alerts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(notification),
    });
    expect(response.status).toBe(200);
    expect(await server.stop()).toEqual({ code: 0, signal: null });
  });
});
