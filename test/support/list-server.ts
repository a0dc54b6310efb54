import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Cleanup } from './cleanup.ts';

/** A server whose lists have two runs and a Sink, and nothing else; its URL. */
export async function startListServer(cleanup: Cleanup): Promise<string> {
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
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
