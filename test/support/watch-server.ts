import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { KubernetesObject } from '../../src/core/cluster.ts';
import { connectKube } from '../../src/kube/connection/client.ts';
import type { KubeClient } from '../../src/kube/connection/client.ts';
import type { Cleanup } from './cleanup.ts';

// An API server that answers what a test says, for faults that a real one has no switch for.

export interface Asked {
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
}

type Answer = (response: ServerResponse, asked: Asked) => void;

export interface WatchServer {
  readonly client: KubeClient;
  readonly kubeconfig: string;
  readonly asked: readonly Asked[];
  /** The next requests, but for whether it is ready, are answered so, one after the other; without an answer they wait for the next one that is given. */
  answer(...answers: readonly Answer[]): void;
}

export async function startWatchServer(cleanup: Cleanup): Promise<WatchServer> {
  const asked: Asked[] = [];
  const answers: Answer[] = [];
  const waiting: { readonly response: ServerResponse; readonly asked: Asked }[] = [];
  const meet = (): void => {
    while (waiting.length > 0 && answers.length > 0) {
      const next = waiting.shift();
      if (next !== undefined) answers.shift()?.(next.response, next.asked);
    }
  };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://server');
    if (url.pathname === '/readyz') {
      response.end('ok');
      return;
    }
    const one = { path: url.pathname, query: Object.fromEntries(url.searchParams) };
    asked.push(one);
    waiting.push({ response, asked: one });
    meet();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  cleanup.defer(async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });
  const { port } = server.address() as AddressInfo;
  const kubeconfig = join(cleanup.temporaryFolder('watch'), 'config');
  const config = {
    clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user: { token: 'let-me-in' } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  };
  writeFileSync(kubeconfig, JSON.stringify(config));
  const client = await connectKube({ kubeconfig });
  cleanup.defer(() => client.close());
  return {
    client,
    kubeconfig,
    asked,
    answer(...more) {
      answers.push(...more);
      meet();
    },
  };
}

/** A page of a list. */
export function page(
  objects: readonly KubernetesObject[],
  resourceVersion: string,
  next = '',
  kind = 'PodList',
): Answer {
  const metadata = { resourceVersion, ...(next === '' ? {} : { continue: next }) };
  return (response) => void response.end(JSON.stringify({ kind, apiVersion: 'v1', metadata, items: objects }));
}

/** An answer that is none; `headers` beside it. */
export function status(code: number, message = 'no', headers: Readonly<Record<string, string>> = {}): Answer {
  const body = JSON.stringify({ kind: 'Status', code, message });
  return (response) => void response.writeHead(code, headers).end(body);
}

/** A watch that tells these changes and then stays, ends or breaks. */
export function changes(
  told: readonly (readonly [string, object])[],
  end: 'stays' | 'ends' | 'breaks' = 'stays',
): Answer {
  return (response) => {
    response.write(told.map(([type, object]) => `${JSON.stringify({ type, object })}\n`).join(''));
    if (end === 'ends') response.end();
    if (end === 'breaks') response.write('{"type":"ADD', () => response.destroy());
    if (end === 'stays') response.flushHeaders();
  };
}

export function pod(name: string, resourceVersion: string, more: object = {}): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'shop', uid: `uid-${name}`, resourceVersion, ...more },
  };
}
