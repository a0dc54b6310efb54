import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import type { RequestOptions } from 'node:https';
import { connect } from 'node:tls';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { createFakeClock } from '../../test/support/clock.ts';
import { fakeServer, webhookSource } from '../../test/support/fake-server.ts';
import { waitFor } from '../../test/support/wait.ts';
import { sourceDefinitions } from '../sources/index.ts';
import { tlsOptions } from './tls.ts';

const fixtures = join(import.meta.dirname, '../../test/fixtures/tls');
const fixture = (name: string) => join(fixtures, name);
const ca = readFileSync(fixture('ca.crt'));
const body = '{"version":"4","alerts":[{"status":"firing","labels":{"alertname":"Down"}}]}';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const source = webhookSource({
  authentication: {
    type: 'mtls',
    subjects: ['O=ops,CN=alertmanager'],
    names: ['spiffe://cluster/ns/monitoring/sa/ruler'],
  },
});

async function start(files: { certificate: string; key: string }, changes: object = {}) {
  const tls = { ...files, clientAuthorities: fixture('ca.crt') };
  const fake = await fakeServer({ tls, sourceTypes: sourceDefinitions, ...changes }, [source]);
  cleanup.defer(() => fake.server.close());
  const { port, url } = await fake.server.listen();
  return { ...fake, port, url };
}

function send(port: number, client: string | null, headers: Record<string, string> = {}): Promise<number> {
  const options: RequestOptions = {
    port,
    host: '127.0.0.1',
    path: '/webhook/alerts',
    method: 'POST',
    ca,
    agent: false,
    headers: { 'content-type': 'application/json', ...headers },
    ...(client === null
      ? {}
      : { cert: readFileSync(fixture(`${client}.crt`)), key: readFileSync(fixture(`${client}.key`)) }),
  };
  return new Promise((resolve, reject) => {
    const sent = request(options, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode ?? 0));
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

const ours = { certificate: fixture('server.crt'), key: fixture('server.key') };

describe('a Source that asks for client certificates', () => {
  it('takes those that it names, of an authority of the server, and no others', async () => {
    const { port, url, reached } = await start(ours);
    expect(url).toBe(`https://127.0.0.1:${port}`);
    expect(await send(port, 'alertmanager')).toBe(200);
    expect(reached.accepted).toHaveLength(1);
    for (const client of ['ruler', 'stranger', null]) expect(await send(port, client)).toBe(401);
    expect(await send(port, null, { 'x-forwarded-client-cert': 'Subject="O=ops,CN=alertmanager"' })).toBe(401);
    expect(reached).toMatchObject({ accepted: [{}], deadLetters: [] });
  });

  it('does not hear of a caller without TLS', async () => {
    const { port } = await start(ours);
    await expect(fetch(`http://127.0.0.1:${port}/livez`)).rejects.toThrow('fetch failed');
  });

  it('is 503 where the server asks for none', async () => {
    const { port } = await start(ours, { tls: { ...ours, clientAuthorities: null } });
    expect(await send(port, 'alertmanager')).toBe(503);
  });
});

/** The name in the certificate that the server shows now. */
function shownName(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', ca }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

it('new certificates are used when the files have them; what does not fit changes nothing', async () => {
  const folder = cleanup.temporaryFolder('tls');
  const files = { certificate: join(folder, 'tls.crt'), key: join(folder, 'tls.key') };
  copyFileSync(ours.certificate, files.certificate);
  copyFileSync(ours.key, files.key);
  const clock = createFakeClock();
  const { port, reached } = await start(files, { clock });
  expect(await shownName(port)).toBe('localhost');
  copyFileSync(fixture('renewed.crt'), files.certificate);
  await clock.advance(10_000);
  await waitFor('the error', () => reached.logged.some(({ level }) => level === 'error') || null);
  expect(await shownName(port)).toBe('localhost');
  copyFileSync(fixture('renewed.key'), files.key);
  await waitFor('the new certificate', async () => {
    await clock.advance(10_000);
    return (await shownName(port)) === 'renewed' || null;
  });
});

it.each(['', 'no certificate', ca.toString().slice(0, 200), ca.toString() + ca.toString().slice(0, 200)])(
  'authorities that are written just now change nothing, and are none to begin with: %j',
  async (half) => {
    const authorities = join(cleanup.temporaryFolder('tls'), 'ca.crt');
    copyFileSync(fixture('ca.crt'), authorities);
    const tls = { ...ours, clientAuthorities: authorities };
    const clock = createFakeClock();
    const { port, reached } = await start(ours, { tls, clock });
    writeFileSync(authorities, half);
    await clock.advance(10_000);
    await waitFor('the error', () => reached.logged.some(({ level }) => level === 'error') || null);
    expect(await send(port, 'alertmanager')).toBe(200);
    expect(() => tlsOptions(tls)).toThrow('does not hold whole certificates');
  },
);

it.each([
  ['a key of another one', { key: fixture('renewed.key') }, 'cannot be used together'],
  ['no file', { certificate: '/no/such.crt' }, 'cannot read /no/such.crt: no such file'],
  ['no certificate', { certificate: fixture('README.md') }, 'cannot be used together'],
])('%s: not started', (_what, changes, message) => {
  expect(() => tlsOptions({ ...ours, clientAuthorities: null, ...changes })).toThrow(message);
});
