import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectAssistant, httpTransport, revisions } from '../support/assistants.ts';
import type { Revision } from '../support/assistants.ts';
import { createCleanup } from '../support/cleanup.ts';
import { apiToken } from '../support/fake-server.ts';
import { oomExample } from '../support/incidents.ts';
import { cleanEnvironment, freePort, repositoryRoot, runProcess, startProcess } from '../support/processes.ts';
import { alertFixture } from '../support/rows.ts';
import { startServer } from '../support/server.ts';
import type { TestServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';
import { createWorld } from '../server/world.ts';

// `fist mcp` and `/mcp` as assistants use them: processes, and two libraries of the protocol.

const cleanup = createCleanup();
const webhookToken = 'webhook-token-0123456789';
let server: TestServer;
let token: string;
let database: string;

beforeAll(async () => {
  const folder = cleanup.temporaryFolder('mcp');
  database = join(folder, 'fist.db');
  mkdirSync(join(folder, 'secrets', 'alertmanager-token'), { recursive: true });
  writeFileSync(join(folder, 'secrets', 'alertmanager-token', 'token'), webhookToken, { mode: 0o600 });
  server = await start();
  token = readFileSync(`${database}-token`, 'utf8').trim();
  const alerts: unknown = JSON.parse(readFileSync(`${oomExample}/alert.json`, 'utf8'));
  await server.post('/webhook/alertmanager', alerts, webhookToken);
  await waitFor('a report', async () => (await server.list('/api/v1/runs?status=succeeded'))[0]);
});
afterAll(() => cleanup.run());

async function start(listen?: string): Promise<TestServer> {
  const started = await startServer({
    resources: `${repositoryRoot}examples/connect`,
    database,
    ...(listen === undefined ? {} : { listen }),
    flags: ['--secrets-dir', join(database, '..', 'secrets'), '--dump', `${oomExample}/dump`],
  });
  cleanup.defer(() => started.process.stop());
  return started;
}

const fist = `${repositoryRoot}bin/fist.js`;

/** `fist mcp` as an assistant starts it. */
async function startAssistant(words: readonly string[] = [], mode: Revision = 'auto') {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [fist, 'mcp', '--server', server.url, ...words],
    env: cleanEnvironment({ FIST_TOKEN: token }),
    stderr: 'pipe',
  });
  const errors: Error[] = [];
  const assistant = await connectAssistant(transport, cleanup, mode);
  // Anything on its stdout that is no message would be one.
  assistant.client.onerror = (error) => void errors.push(error);
  return { ...assistant, transport, errors };
}

const isAlive = (pid: number | null) => pid !== null && spawnSync('kill', ['-0', String(pid)]).status === 0;

describe.each(revisions)('an assistant of revision %s that starts fist mcp', (mode) => {
  it('reads what it is asked, and it ends when the assistant does', async () => {
    const { client, call, transport, errors } = await startAssistant([], mode);
    const { pid } = transport;
    expect((await client.listTools()).tools).toHaveLength(9);
    expect((await call('why')).text).toContain(
      'The cause is (95%): Pod checkout-5577bf7884-59zsl: Container checkout was',
    );
    expect((await call('get_report', { run: '@latest', format: 'json' })).text).toContain('"category": "oom-killed"');
    expect((await call('list_alerts', { name: 'Nothing' })).text).toMatch(/^No alert matches\./);
    await client.close();
    await waitFor('the end of fist mcp', () => !isAlive(pid));
    expect(errors).toEqual([]);
  });

  it('over HTTP has the same tools and answers', async () => {
    const [over, by] = [
      await connectAssistant(httpTransport(server.url, token), cleanup, mode),
      await startAssistant([], mode),
    ];
    expect(await over.client.listTools()).toEqual(await by.client.listTools());
    const steady = (text: string) =>
      text.replace(/(?<=<<(?:data|end) )\w+/g, 'WORD').replace(/(?:\d+[dhms])+(?: ago)?/g, 'TIME');
    for (const [name, input] of [
      ['why', {}],
      ['list_alerts', {}],
      ['get_run', { run: '@latest' }],
      ['get_run', { run: 'none' }],
    ] as const)
      expect(steady((await over.call(name, input)).text)).toBe(steady((await by.call(name, input)).text));
  });
});

it('with --allow-start an assistant starts a run and reads what it found', async () => {
  const { call } = await startAssistant(['--allow-start']);
  const { text } = await call('start_investigation', { alert: 'KubePodCrashLooping' });
  const [, run = ''] = /^Run ([0-9a-f-]{36}) was started about alert/.exec(text) ?? [];
  const report = await waitFor('its report', async () => {
    const told = await call('get_report', { run });
    return told.isError ? null : told.text;
  });
  expect(report).toContain('OOMKilled');
  const [newest] = await server.list<{ triggerSource: string }>('/api/v1/runs?limit=1');
  expect(newest).toMatchObject({ id: run, triggerSource: 'request of an assistant' });
});

it('of ten thousand alerts an answer is a page, and says how to go on', async () => {
  const world = await createWorld();
  cleanup.defer(() => world.close());
  for (let part = 0; part < 20; part += 1)
    await world.store.transaction('intake', (tx) =>
      tx.alerts.insertAll(
        Array.from({ length: 500 }, (_, index) => {
          const name = `Alert${index % 50}`;
          const labels = { alertname: name, namespace: `ns${index % 7}`, pod: `web-${part}-${index}` };
          return alertFixture({ fingerprint: `${part}-${index}`, name, labels, summary: 'It hurts '.repeat(20) });
        }),
      ),
    );
  const { url } = await world.server.listen();
  const { call } = await connectAssistant(httpTransport(url, apiToken), cleanup);
  for (const [name, input] of [
    ['list_alerts', {}],
    ['list_alerts', { limit: 25, label: ['pod=~"web-.*7"'] }],
    ['list_alerts', { search: 'hurts', namespace: 'ns3' }],
    ['why', {}],
    ['why', { alert: 'Alert7' }],
    ['why', { alert: 'pod/web-3-77', namespace: 'ns0' }],
    ['get_status', {}],
  ] as const) {
    const { text, isError } = await call(name, input);
    expect([name, isError]).toEqual([name, false]);
    expect(Buffer.byteLength(text)).toBeLessThan(36 * 1024);
    if (name === 'list_alerts') expect(text).toMatch(/with cursor "\S+": there are more; or narrow it down/);
  }
});

describe('a server that is not there', () => {
  const run = (words: readonly string[], environment: Record<string, string>) =>
    runProcess(process.execPath, [fist, 'mcp', ...words], {
      environment: cleanEnvironment(environment),
    });

  it.each<[string, () => readonly string[], Record<string, string>, RegExp]>([
    [
      'from the beginning',
      () => ['--server', 'http://127.0.0.1:1'],
      {},
      /^error: no server answers at http:\/\/127\.0\.0\.1:1\n {2}next: /,
    ],
    [
      'for a wrong token',
      () => ['--server', server.url],
      { FIST_TOKEN: 'wrong-token-0123456789' },
      /refused: the token is not the one of this server\n {2}next: /,
    ],
    [
      'for no token',
      () => ['--server', server.url, '--db', '/no/such/db'],
      {},
      /refused: no token was found\n {2}next: /,
    ],
  ])('%s is said on stderr, and nothing else', async (_, words, environment, said) => {
    const { code, stdout, stderr } = await run(words(), environment);
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(stderr).toMatch(said);
  });

  it('for a while is the error of a tool; once it is back the same fist mcp goes on', async () => {
    const listen = `127.0.0.1:${await freePort()}`;
    await server.process.stop();
    server = await start(listen);
    const { call } = await startAssistant();
    expect((await call('why')).isError).toBe(false);
    await server.process.stop();
    const told = await call('why');
    expect(told.isError).toBe(true);
    expect(JSON.parse(told.text)).toMatchObject({
      code: 'Unreachable',
      message: `no server answers at http://${listen}`,
    });
    server = await start(listen);
    expect((await call('why')).text).toContain('OOMKilled');
  });
});

it.each(['SIGTERM', 'SIGINT'] as const)('%s ends fist mcp', async (signal) => {
  const program = startProcess(process.execPath, [fist, 'mcp', '--server', server.url], {
    environment: cleanEnvironment({ FIST_TOKEN: token }),
    input: null,
  });
  cleanup.defer(() => program.kill());
  await waitFor('fist mcp', () => program.stderr().includes('speaks the Model Context Protocol'));
  program.signal(signal);
  expect(await program.exited).toEqual({ code: 0, signal: null });
  expect(program.stdout()).toBe('');
});

const python = process.env['FIST_TEST_MCP_PYTHON'] ?? 'python3';
const hasPython = spawnSync(python, ['-c', 'import httpx2; from mcp import Client']).status === 0;

describe.skipIf(!hasPython)(
  `the Python library of the protocol (FIST_TEST_MCP_PYTHON)${hasPython ? '' : ' is not there'}`,
  () => {
    const calls = JSON.stringify([
      ['list_alerts', { status: 'all', label: ['severity=warning'] }],
      ['get_report', { run: '@latest' }],
      ['get_run', { run: 'none' }],
      ['why', { nonsense: true }],
    ]);

    it.each([
      ['http', 'auto'],
      ['http', 'legacy'],
      ['stdio', 'auto'],
      ['stdio', 'legacy'],
    ])('reads over %s, revision %s', async (way, mode) => {
      const words = way === 'http' ? [`${server.url}/mcp`] : [process.execPath, fist, 'mcp', '--server', server.url];
      const environment = cleanEnvironment({ MCP_TOKEN: token, FIST_TOKEN: token, MCP_MODE: mode, MCP_CALLS: calls });
      const answer = await runProcess(python, [`${repositoryRoot}test/support/mcp_client.py`, way, ...words], {
        environment,
        timeoutMs: 60_000,
      });
      expect(answer.code, answer.stderr).toBe(0);
      const { tools, told } = JSON.parse(answer.stdout) as {
        tools: string[];
        told: { isError: boolean; text: string }[];
      };
      expect(tools).toContain('why');
      expect(told.map(({ isError }) => isError)).toEqual([false, false, true, true]);
      expect(told[0]?.text).toContain('"name":"KubePodCrashLooping"');
      expect(told[1]?.text).toContain('OOMKilled');
      expect(JSON.parse(told[2]?.text ?? '')).toMatchObject({ code: 'NotFound' });
    });
  },
);
