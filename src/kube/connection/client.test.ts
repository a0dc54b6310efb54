import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectKube } from './client.ts';
import type { KubeClient } from './client.ts';

interface Answer {
  readonly status: number;
  readonly body?: string;
  readonly headers?: Record<string, string>;
  /** Never answers. */
  readonly silent?: boolean;
  /** The connection is closed instead. */
  readonly breaks?: boolean;
}

let folder = '';
let server: Server;
let answers: Answer[] = [];
let asked: { readonly method: string; readonly url: string; readonly token: string }[] = [];
let client: KubeClient | null = null;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'client-'));
  answers = [];
  asked = [];
  server = createServer((request, response) => {
    asked.push({ method: request.method ?? '', url: request.url ?? '', token: request.headers.authorization ?? '' });
    const answer = answers.shift() ?? { status: 200, body: '{}' };
    if (answer.breaks === true) response.destroy();
    else if (answer.silent !== true) response.writeHead(answer.status, answer.headers).end(answer.body ?? '');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
});

afterEach(async () => {
  await client?.close();
  client = null;
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
  rmSync(folder, { recursive: true, force: true });
});

async function connect(timeoutMs = 5000): Promise<KubeClient> {
  const { port } = server.address() as AddressInfo;
  const file = join(folder, 'config');
  const config = {
    clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}/`, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user: { token: 'let-me-in' } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  };
  writeFileSync(file, JSON.stringify(config));
  client = await connectKube({ kubeconfig: file, timeoutMs });
  return client;
}

describe('connectKube', () => {
  test('asks with GET, the query and the token of the kubeconfig', async () => {
    const kube = await connect();
    expect(await kube.get('/api/v1/pods', { limit: '5', continue: 'a b' }, 1000)).toEqual({
      status: 200,
      body: '{}',
      truncated: false,
    });
    expect(asked).toEqual([{ method: 'GET', url: '/api/v1/pods?limit=5&continue=a+b', token: 'Bearer let-me-in' }]);
    expect(kube.kubectl).toBe('kubectl --context x');
  });

  test('a busy server is asked again, three times at most', async () => {
    answers = [{ status: 429, headers: { 'retry-after': '0' } }, { status: 503 }, { status: 200, body: 'ok' }];
    expect((await (await connect()).get('/x', {}, 100)).body).toBe('ok');
    answers = [{ status: 500 }, { status: 500 }, { status: 500, body: 'etcd is away' }];
    await expect((await connect()).get('/x', {}, 100)).rejects.toMatchObject({
      code: 'ClusterUnavailable',
      message: expect.stringContaining('answered 500 3 times: etcd is away') as string,
    });
    expect(asked).toHaveLength(6);
  });

  test('a connection that breaks is another try of what may be sent twice, and of nothing else', async () => {
    answers = [
      { status: 0, breaks: true },
      { status: 200, body: 'ok' },
    ];
    expect((await (await connect()).get('/x', {}, 100)).body).toBe('ok');
    answers = Array.from({ length: 3 }, () => ({ status: 0, breaks: true }));
    await expect((await connect()).get('/x', {}, 100)).rejects.toMatchObject({ code: 'ClusterUnavailable' });
    expect(asked).toHaveLength(5);
    answers = [{ status: 0, breaks: true }];
    const limits = { timeoutMs: 5000, signal: new AbortController().signal };
    await expect((await connect()).createEvent('shop', {}, limits)).rejects.toMatchObject({
      code: 'ClusterUnavailable',
    });
    expect(asked).toHaveLength(6);
  });

  test('an Event is made with one try; only the credentials are renewed', async () => {
    const limits = { timeoutMs: 5000, signal: new AbortController().signal };
    const create = async () => (await connect()).createEvent('shop', { kind: 'Event' }, limits);
    answers = [{ status: 401 }, { status: 201, body: '{}' }];
    expect(await create()).toMatchObject({ status: 201 });
    answers = [{ status: 503, headers: { 'retry-after': '7' } }];
    expect(await create()).toMatchObject({ status: 503, retryAfter: '7' });
    const post = { method: 'POST', url: '/apis/events.k8s.io/v1/namespaces/shop/events' };
    expect(asked.map(({ method, url }) => ({ method, url }))).toEqual([post, post, post]);
    answers = [{ status: 401 }, { status: 401 }];
    expect(await create()).toMatchObject({ status: 401 });
    answers = [{ status: 0, silent: true }];
    const late = (await connect()).createEvent('shop', {}, { ...limits, timeoutMs: 20 });
    await expect(late).rejects.toMatchObject({ message: expect.stringContaining('within 20') as string });
    answers = [{ status: 0, silent: true }];
    const stopped = (await connect()).createEvent('shop', {}, { ...limits, signal: AbortSignal.abort() });
    await expect(stopped).rejects.toMatchObject({ code: 'ClusterUnavailable' });
  });

  test('what lies behind the server may fail without the server being away', async () => {
    answers = [{ status: 502, body: 'kubelet' }];
    expect(await (await connect()).get('/log', {}, 100, true)).toEqual({
      status: 502,
      body: 'kubelet',
      truncated: false,
    });
    expect(asked).toHaveLength(1);
  });

  test('a review that is answered by what is no API server says so', async () => {
    answers = [{ status: 200, body: '<html>sign in</html>' }];
    const client = await connect();
    await expect(client.review('SelfSubjectReview', {})).rejects.toMatchObject({
      code: 'ClusterUnavailable',
      message: expect.stringMatching(/with what is not JSON: <html>sign in/) as string,
    });
  });

  test('401 renews the credentials once', async () => {
    answers = [{ status: 401 }, { status: 200, body: 'ok' }];
    expect((await (await connect()).get('/x', {}, 100)).status).toBe(200);
    answers = [{ status: 401 }, { status: 401 }];
    await expect((await connect()).get('/x', {}, 100)).rejects.toMatchObject({
      code: 'ClusterUnavailable',
      message: expect.stringContaining('(401)') as string,
    });
  });

  test('a body is cut where it is too long, and a silent server is given up', async () => {
    answers = [{ status: 200, body: 'x'.repeat(5000) }];
    expect(await (await connect()).get('/x', {}, 100)).toEqual({ status: 200, body: 'x'.repeat(100), truncated: true });
    answers = [{ status: 200, silent: true }];
    await expect((await connect(150)).get('/x', {}, 100)).rejects.toMatchObject({
      code: 'ClusterUnavailable',
      message: expect.stringContaining('no answer within 150ms') as string,
    });
  });
});
