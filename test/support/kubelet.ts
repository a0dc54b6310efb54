import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { ApiServer } from './api-server.ts';
import type { Cleanup } from './cleanup.ts';
import { repositoryRoot } from './processes.ts';

// The part of a kubelet that gives logs. The API server asks it as it asks any: it takes the node's own certificate.

/** `container` of `namespace/pod`, with the query. Ends the answer, or does not. */
export type LogHandler = (
  log: { readonly pod: string; readonly container: string; readonly query: URLSearchParams },
  response: ServerResponse,
) => void;

/** Makes a node whose logs come from here. */
export async function startKubelet(cleanup: Cleanup, server: ApiServer, node: string, handler: LogHandler) {
  const read = (name: string): string => readFileSync(join(repositoryRoot, 'test/fixtures/tls', name), 'utf8');
  const kubelet = createServer({ cert: read('server.crt'), key: read('server.key') }, (request, response) => {
    const url = new URL(request.url ?? '', 'https://kubelet');
    const [, namespace, pod, container = ''] = /^\/containerLogs\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(url.pathname) ?? [];
    if (pod === undefined) response.writeHead(404).end();
    else handler({ pod: `${namespace}/${pod}`, container, query: url.searchParams }, response);
  });
  await new Promise<void>((done) => kubelet.listen(0, '127.0.0.1', done));
  cleanup.defer(async () => {
    kubelet.closeAllConnections();
    await new Promise((done) => kubelet.close(done));
  });
  const { port } = kubelet.address() as AddressInfo;
  const metadata = { name: node };
  server.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'Node', metadata }));
  const status = {
    addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
    daemonEndpoints: { kubeletEndpoint: { Port: port } },
    conditions: [{ type: 'Ready', status: 'True' }],
  };
  server.kubectl(['patch', 'node', node, '--subresource=status', '-p', JSON.stringify({ status })]);
}
