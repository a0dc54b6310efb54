import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, request as forward } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { ApiServer } from './api-server.ts';
import type { Cleanup } from './cleanup.ts';
import { loopbackKubeconfig } from './scripted-api.ts';

/** What becomes of a request. */
export type Fault =
  /** The API server is not asked. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    }
  /** The connection is reset before an answer; `done`: after the API server has done what was asked. */
  | { readonly kind: 'reset'; readonly done: boolean }
  /** The answer breaks off behind so many bytes. */
  | { readonly kind: 'cut'; readonly afterBytes: number };

export interface Proxied {
  readonly method: string;
  readonly path: string;
  readonly isWatch: boolean;
  readonly atMs: number;
}

/** Between us and a real API server: plain HTTP on this side, and whatever goes wrong on the way. */
export interface FaultProxy {
  readonly kubeconfig: string;
  /** null: it passes. */
  fault: (request: Proxied) => Fault | null;
  readonly requests: readonly Proxied[];
  /** Resets every connection. */
  reset(): void;
  /** Answers that are on their way come no further, and their connections stay. */
  silence(): void;
}

/** Asks the API server with the token of the request. */
export async function startFaultProxy(cleanup: Cleanup, api: ApiServer, token: string): Promise<FaultProxy> {
  const requests: Proxied[] = [];
  const answering = new Set<ServerResponse>();
  const silenced = new WeakSet<ServerResponse>();
  const agent = new Agent({ keepAlive: true, ca: readFileSync(join(api.folder, 'certs', 'apiserver.crt')) });
  const proxy: FaultProxy = {
    kubeconfig: join(cleanup.temporaryFolder('fault-proxy'), 'config'),
    fault: () => null,
    requests,
    reset() {
      for (const response of answering) response.socket?.resetAndDestroy();
    },
    silence() {
      for (const response of answering) silenced.add(response);
    },
  };

  function pass(request: IncomingMessage, response: ServerResponse, fault: Fault | null): void {
    const { method, headers } = request;
    const upstream = forward(`${api.url}${request.url ?? ''}`, { method, headers, agent }, (answer) => {
      if (fault?.kind === 'reset') {
        response.socket?.resetAndDestroy();
        answer.destroy();
        return;
      }
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      response.flushHeaders();
      let sent = 0;
      answer.on('data', (chunk: Buffer) => {
        if (silenced.has(response)) return;
        const room = fault?.kind === 'cut' ? fault.afterBytes - sent : Number.POSITIVE_INFINITY;
        sent += chunk.length;
        if (!response.write(chunk.subarray(0, Math.max(0, room)))) {
          answer.pause();
          response.once('drain', () => answer.resume());
        }
        if (chunk.length < room) return;
        response.socket?.resetAndDestroy();
        answer.destroy();
      });
      answer.on('end', () => {
        if (!silenced.has(response)) response.end();
      });
      answer.on('error', () => response.destroy());
    });
    upstream.on('error', () => response.destroy());
    response.on('close', () => {
      answering.delete(response);
      upstream.destroy();
    });
    request.pipe(upstream);
  }

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://proxy');
    const proxied = {
      method: request.method ?? '',
      path: url.pathname,
      isWatch: url.searchParams.has('watch'),
      atMs: performance.now(),
    };
    requests.push(proxied);
    answering.add(response);
    const fault = proxy.fault(proxied);
    if (fault?.kind === 'answer') response.writeHead(fault.status, fault.headers).end(fault.body ?? '');
    else if (fault?.kind === 'reset' && !fault.done) request.socket.resetAndDestroy();
    else pass(request, response, fault);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  cleanup.defer(async () => {
    server.closeAllConnections();
    agent.destroy();
    await new Promise((done) => server.close(done));
  });
  const { port } = server.address() as AddressInfo;
  writeFileSync(proxy.kubeconfig, JSON.stringify(loopbackKubeconfig(port, { token })));
  return proxy;
}
