import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createCleanup } from '../support/cleanup.ts';
import { repositoryRoot, runProcess } from '../support/processes.ts';
import { spawnServer, startServer } from '../support/server.ts';
import { rawConnection, rawRequest } from '../support/sockets.ts';
import { waitFor } from '../support/wait.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const source = [
  'apiVersion: punchingfist.io/v1alpha1',
  'kind: Source',
  'metadata: {name: s}',
  'spec: {type: webhook, config: {path: alerts}, triggerWorkflow: w}',
  '',
].join('\n');

function world(descriptors: number) {
  const folder = cleanup.temporaryFolder('exhausted');
  const resources = join(folder, 'resources.yaml');
  writeFileSync(resources, source);
  const under = ['/bin/sh', '-c', `ulimit -n ${descriptors}; exec "$@"`, '--'];
  return { resources, database: join(folder, 'fist.db'), under };
}

/** Connects once with each client, uses all descriptors up, and says what becomes of the next request. */
const script = `
import { openSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createHttpClient } from '${repositoryRoot}src/lib/http.ts';
import { connectKube } from '${repositoryRoot}src/kube/connection/client.ts';
const server = createServer((_request, response) => response.setHeader('connection', 'close').end('{}'));
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const url = 'http://127.0.0.1:' + server.address().port;
const kubeconfig = process.argv[1];
writeFileSync(kubeconfig, JSON.stringify({
  apiVersion: 'v1', kind: 'Config', 'current-context': 'c',
  clusters: [{ name: 'c', cluster: { server: url, 'insecure-skip-tls-verify': true } }], users: [{ name: 'c', user: { token: 't' } }],
  contexts: [{ name: 'c', context: { cluster: 'c', user: 'c' } }],
}));
const http = createHttpClient();
const kube = await connectKube({ kubeconfig });
const request = { method: 'GET', url, headers: {}, timeoutMs: 5000, maxResponseBytes: 100 };
const ask = () => Promise.all([http.send(request), kube.get('/', {}, 100)].map((asked) => asked.then((answer) => answer.status, (error) => error.code)));
const before = await ask();
// A descriptor that is closed later would be there for the next request.
while (process.getActiveResourcesInfo().includes('TCPSocketWrap')) await new Promise((done) => setTimeout(done, 10));
try { for (;;) openSync('/dev/null'); } catch {}
console.log(JSON.stringify({ before, after: await ask() }));
process.exit(0);
`;

describe('a process without descriptors', () => {
  it('does not take receivers and clusters for unreachable', async () => {
    const kubeconfig = join(cleanup.temporaryFolder('outgoing'), 'kubeconfig');
    const limited = 'ulimit -n 64; exec "$0" --input-type=module -e "$@"';
    const { stdout, stderr } = await runProcess('/bin/sh', ['-c', limited, process.execPath, script, kubeconfig]);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual({ before: [200, 200], after: ['ResourcesExhausted', 'ResourcesExhausted'] });
  });
});

describe('a server with few descriptors', () => {
  it('does not start with too few, says what it needs, and leaves nothing behind', async () => {
    const options = world(300);
    const server = spawnServer(options);
    expect(await server.exited).toEqual({ code: 2, signal: null });
    expect(server.stderr()).toMatch(
      /^error: this process may open 300 files, and the server needs 320: .*\n {2}next: ulimit -n 8192 /m,
    );
    expect(existsSync(options.database)).toBe(false);
  });

  it('holds as many connections as leave it what it needs itself, and serves who comes new', async () => {
    const server = await startServer(world(400));
    cleanup.defer(() => server.process.stop());
    const { port } = new URL(server.url);
    const idle = Array.from({ length: 600 }, () => rawConnection(Number(port)));
    cleanup.defer(() => idle.forEach(({ socket }) => socket.destroy()));
    await Promise.all(idle.map((connection) => connection.sent().catch(() => undefined)));
    const closed = () => idle.filter(({ socket }) => socket.closed || socket.readableEnded).length;
    for (const { socket } of idle) socket.resume();
    await waitFor('connections that made room', () => closed() >= 600 - 144);
    const { text } = await rawRequest(Number(port), 'GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
    const alert = {
      status: 'firing',
      labels: { alertname: 'Down' },
      annotations: {},
      startsAt: '2026-01-01T00:00:00Z',
    };
    const answer = await server.post('/webhook/alerts', {
      version: '4',
      status: 'firing',
      groupKey: '{}',
      alerts: [alert],
    });
    expect(answer.status).toBe(200);
    expect(server.process.stderr()).not.toContain('EMFILE');
  });
});
