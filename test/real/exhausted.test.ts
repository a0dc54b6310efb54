import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createCleanup } from '../support/cleanup.ts';
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
