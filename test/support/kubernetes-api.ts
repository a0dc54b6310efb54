import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { KubernetesObject } from '../../src/core/cluster.ts';
import type { Cleanup } from './cleanup.ts';

/** What an API server holds: objects by plural name, Secrets as well, and logs by `namespace/pod`. */
export interface ApiContent {
  readonly objects: Readonly<Record<string, readonly object[]>>;
  /** PodMetrics and NodeMetrics by `pods` and `nodes`; absent: metrics.k8s.io is not served. */
  readonly usage?: Readonly<Record<string, readonly object[]>>;
  readonly logs: Readonly<Record<string, string>>;
}

/** An API server that answers everything that it is asked, whatever that is, and writes it down. */
export interface KubernetesApi {
  /** Context `test`. */
  readonly kubeconfig: string;
  readonly port: number;
  /** `GET /api/v1/namespaces/shop/pods?limit=500`. */
  readonly requests: readonly string[];
}

const pathPattern = /^\/api(?:s\/[^/]+)?\/v[^/]+(?:\/namespaces\/([^/]+))?\/([^/]+)(?:\/([^/]+))?(\/log)?$/;

export async function startKubernetesApi(
  cleanup: Cleanup,
  { objects: stored, logs, usage }: ApiContent,
): Promise<KubernetesApi> {
  const requests: string[] = [];
  const logAt = (pod: string, query: URLSearchParams): string | null =>
    query.get('previous') === 'true' ? null : (logs[pod] ?? null);
  const objectsAt = (
    objects: ApiContent['objects'],
    resource: string,
    namespace: string | undefined,
    name: string | undefined,
  ): string | null => {
    const items = ((objects[resource] ?? []) as readonly KubernetesObject[]).filter(
      ({ metadata }) =>
        (namespace === undefined || metadata.namespace === namespace) && (name ?? metadata.name) === metadata.name,
    );
    if (name !== undefined) return items[0] === undefined ? null : JSON.stringify(items[0]);
    return JSON.stringify({ kind: 'List', apiVersion: 'v1', metadata: { resourceVersion: '1' }, items });
  };
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://server');
    const [, namespace, resource = '', name, log] = pathPattern.exec(pathname) ?? [];
    const absent = { kind: 'Status', code: 404, reason: 'NotFound', message: 'not here', details: { name } };
    const refuse = () => void response.writeHead(404).end(JSON.stringify(absent));
    if (searchParams.has('watch')) {
      response.writeHead(200).flushHeaders();
      return;
    }
    const isUsage = pathname.startsWith('/apis/metrics.k8s.io/');
    const objects = isUsage ? usage : stored;
    if (objects === undefined) {
      refuse();
      return;
    }
    const found =
      log === undefined ? objectsAt(objects, resource, namespace, name) : logAt(`${namespace}/${name}`, searchParams);
    if (found === null) refuse();
    else response.end(found);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  cleanup.defer(async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });
  const { port } = server.address() as AddressInfo;
  const kubeconfig = join(cleanup.temporaryFolder('kubernetes-api'), 'config');
  const config = {
    clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user: { token: 'let-me-in' } }],
    contexts: [{ name: 'test', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'test',
  };
  writeFileSync(kubeconfig, JSON.stringify(config));
  return { kubeconfig, port, requests };
}
