import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { ClusterResource, KubernetesObject } from '../../src/core/cluster.ts';
import { openDump } from '../../src/kube/dump/dump.ts';
import { resourceTypes } from '../../src/kube/kinds/resources.ts';
import type { Cleanup } from './cleanup.ts';

const pathPattern = /^\/api(?:s\/[^/]+)?\/v[^/]+(?:\/namespaces\/([^/]+))?\/([^/]+)(?:\/([^/]+))?(\/log)?$/;

const newEvents = /^\/apis\/events\.k8s\.io\/v1\/namespaces\/[^/]+\/events$/;

/**
 * An API server that serves what was captured, and whose watches tell nothing; answers the path of a kubeconfig, context `dump`. Events that
 * are made in it go to `onEvent`; without it none can be made.
 */
export async function startDumpServer(
  cleanup: Cleanup,
  folder: string,
  onEvent?: (event: string) => void,
): Promise<string> {
  const dump = await openDump(folder);
  cleanup.defer(() => dump.close());

  async function answer(path: string, query: URLSearchParams, response: ServerResponse): Promise<void> {
    const refuse = (code: number) =>
      void response.writeHead(code).end(JSON.stringify({ kind: 'Status', code, message: 'not here' }));
    const [, namespace, resource = '', name, log] = pathPattern.exec(path) ?? [];
    if (!Object.hasOwn(resourceTypes, resource) || log !== undefined) return refuse(404);
    if (query.has('watch')) return response.writeHead(200).flushHeaders();
    const read = await dump.list({
      resource: resource as ClusterResource,
      ...(namespace === undefined ? {} : { namespace }),
    });
    if (read.kind !== 'ok') return refuse(404);
    const items = read.value.filter(
      (object) => isWanted(object, query) && (name ?? object.metadata.name) === object.metadata.name,
    );
    if (name !== undefined && items.length === 0) return refuse(404);
    const { kind } = resourceTypes[resource as ClusterResource];
    const list = { kind: `${kind}List`, apiVersion: 'v1', metadata: { resourceVersion: '1' }, items };
    response.end(JSON.stringify(name === undefined ? list : items[0]));
  }

  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://server');
    if (request.method !== 'POST') void answer(pathname, searchParams, response);
    else if (onEvent === undefined || !newEvents.test(pathname)) response.writeHead(403).end('{}');
    else
      void text(request).then((event) => {
        onEvent(event);
        response.writeHead(201).end(event);
      });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  cleanup.defer(async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });
  const { port } = server.address() as AddressInfo;
  const kubeconfig = join(cleanup.temporaryFolder('dump-server'), 'config');
  const config = {
    clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user: { token: 'let-me-in' } }],
    contexts: [{ name: 'dump', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'dump',
  };
  writeFileSync(kubeconfig, JSON.stringify(config));
  return kubeconfig;
}

function isWanted(object: KubernetesObject, query: URLSearchParams): boolean {
  const selector = query.get('labelSelector') ?? '';
  const labels = selector === '' ? [] : selector.split(',').map((pair) => pair.split('='));
  const hasLabels = labels.every(([name = '', value]) => object.metadata.labels?.[name] === value);
  return hasLabels && (query.get('fieldSelector') !== 'type=Warning' || object['type'] === 'Warning');
}
