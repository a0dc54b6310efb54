import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connectTransport } from '../../src/kube/connection/transport.ts';
import type { KubeTransport } from '../../src/kube/connection/transport.ts';
import type { Cleanup } from './cleanup.ts';

// An API server that answers as a test's function says, for what a real one has no switch for.

export interface ScriptedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingHttpHeaders;
  /** Parsed; null without one. */
  readonly body: unknown;
}

export interface ScriptedAnswer {
  readonly status: number;
  /** Sent as JSON; text as it is. */
  readonly body?: object | string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers, or writes by itself and answers null. */
export type Script = (
  request: ScriptedRequest,
  response: ServerResponse,
) => ScriptedAnswer | null | Promise<ScriptedAnswer | null>;

export interface ScriptedApi {
  readonly transport: KubeTransport;
  readonly kubeconfig: string;
  readonly requests: readonly ScriptedRequest[];
}

/** `readyz` answers with which status it says whether it is ready; such requests are none of the script's. */
export async function startScriptedApi(
  cleanup: Cleanup,
  script: Script,
  { timeoutMs = 5000, readyz = () => 200 }: { readonly timeoutMs?: number; readonly readyz?: () => number } = {},
): Promise<ScriptedApi> {
  const requests: ScriptedRequest[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const url = new URL(request.url ?? '', 'http://server');
      const text = Buffer.concat(chunks).toString('utf8');
      const asked: ScriptedRequest = {
        method: request.method ?? '',
        path: url.pathname,
        query: Object.fromEntries(url.searchParams),
        headers: request.headers,
        body: text === '' ? null : (JSON.parse(text) as unknown),
      };
      if (asked.path === '/readyz') {
        response.writeHead(readyz()).end();
        return;
      }
      requests.push(asked);
      const answer = await script(asked, response);
      if (answer === null) return;
      const body = typeof answer.body === 'object' ? JSON.stringify(answer.body) : (answer.body ?? '');
      response.writeHead(answer.status, answer.headers).end(body);
    })().catch(() => response.destroy());
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  cleanup.defer(async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });
  const kubeconfig = join(cleanup.temporaryFolder('scripted'), 'config');
  writeFileSync(kubeconfig, JSON.stringify(loopbackKubeconfig((server.address() as AddressInfo).port)));
  const transport = await connectTransport({ kubeconfig, timeoutMs });
  cleanup.defer(() => transport.close());
  return { transport, kubeconfig, requests };
}

/** Context `x` at a plain port of this machine. */
export function loopbackKubeconfig(port: number, user: object = { token: 'let-me-in' }): object {
  return {
    clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  };
}

/** A `Status` as the API server writes it. */
export function failure(status: number, reason: string, message: string, details: object = {}): ScriptedAnswer {
  return {
    status,
    body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: status, reason, message, details },
  };
}
