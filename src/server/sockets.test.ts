import { afterEach, describe, expect, it } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { fakeServer } from '../../test/support/fake-server.ts';
import { anonymous, body, createRawWorld, good, headers, patient, quick } from '../../test/support/raw-server.ts';
import { rawRequest } from '../../test/support/sockets.ts';
import { waitFor } from '../../test/support/wait.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());
const { start, client } = createRawWorld(cleanup);

describe('what is not HTTP', () => {
  it.each<[string, string | Buffer, number]>([
    ['random bytes', Buffer.from(Array.from({ length: 500 }, (_, n) => (n * 7919) % 256)), 400],
    ['a TLS hello', Buffer.from('16030100c8010000c40303', 'hex'), 400],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['no version (HTTP/0.9)', 'GET /\r\n\r\n', 401],
    ['a version of its own', good.replace('HTTP/1.1', 'HTTP/9.9'), 400],
    ['a method of its own', good.replace('POST', 'ALERT'), 400],
    ['no Host', good.replace('Host: x\r\n', ''), 400],
    ['two Hosts', good.replace('Host: x', 'Host: x\r\nhOST: y'), 400],
    ['the same Host twice', good.replace('Host: x', 'Host: x\r\nHost: x'), 400],
    ['headers too large', good.replace('Host: x', `Host: x\r\nX: ${'y'.repeat(20_000)}`), 431],
    ['too many headers', good.replace('Host: x', `Host: x${'\r\nX: y'.repeat(5000)}`), 431],
    ['a target too long', good.replace('/webhook/alerts', `/webhook/${'a'.repeat(20_000)}`), 431],
    ['two lengths', good.replace('Content-Length: 15', 'Content-Length: 15\r\nContent-Length: 16'), 400],
    ['a negative length', good.replace('Content-Length: 15', 'Content-Length: -1'), 400],
    ['a length in words', good.replace('Content-Length: 15', 'Content-Length: many'), 400],
    ['a huge length', good.replace('Content-Length: 15', 'Content-Length: 99999999999999999999'), 400],
    ['length and chunks', good.replace('Content-Length: 15', 'Content-Length: 15\r\nTransfer-Encoding: chunked'), 400],
    ['an unknown transfer', good.replace('Content-Length: 15', 'Transfer-Encoding: gzip'), 400],
    ['chunks and something else', good.replace('Content-Length: 15', 'Transfer-Encoding: chunked, identity'), 400],
    ['a bare line feed', good.replaceAll('\r\n', '\n'), 400],
    ['NUL in a header', good.replace('Host: x', 'Host: x\u0000'), 400],
    ['a line without colon', good.replace('Host: x', 'Host: x\r\nnothing here'), 400],
  ])('%s', async (_name, text, expected) => {
    const { port, reached } = await start();
    expect((await rawRequest(port, text)).status).toBe(expected);
    expect(reached).toMatchObject({ accepted: [], deadLetters: [] });
    expect((await rawRequest(port, good)).status).toBe(200);
  });

  it.each([
    ['no size', 'xyz\r\n'],
    ['a size too large', 'FFFFFFFFFFFFFFFFF\r\n'],
    ['a negative size', '-1\r\n'],
    ['more than it says', '5\r\n{"alerts":[]}\r\n0\r\n\r\n'],
  ])('chunks with %s', async (_name, chunks) => {
    const { port, reached } = await start();
    const connection = client(port);
    connection.write(`POST /webhook/alerts HTTP/1.1\r\n${headers}Transfer-Encoding: chunked\r\n\r\n${chunks}`);
    expect(await connection.ended()).toMatch(/^HTTP\/1\.1 400 /);
    expect(reached).toMatchObject({ accepted: [], deadLetters: [] });
    expect((await rawRequest(port, good)).status).toBe(200);
  });
});

describe('bodies', () => {
  it('in chunks are read', async () => {
    const { port, reached } = await start();
    const text = `POST /webhook/alerts HTTP/1.1\r\n${headers}Transfer-Encoding: chunked\r\n\r\n7\r\n{"alert\r\n8\r\ns":[{}]}\r\n0\r\n\r\n`;
    expect((await rawRequest(port, text)).status).toBe(200);
    expect(reached.accepted[0]?.notification.body).toBe(body);
  });

  it('announced as too large are refused before they come', async () => {
    const { port } = await start();
    const { status, text } = await rawRequest(port, good.replace('Content-Length: 15', 'Content-Length: 16777217'));
    expect(status).toBe(413);
    expect(text).toMatch(/connection: close/i);
  });

  it('in chunks without end are refused when they are too large', async () => {
    const { port, reached } = await start({
      limits: { ...patient, maxWebhookBodyBytes: 64 * 1024 },
    });
    const connection = client(port);
    connection.write(`POST /webhook/alerts HTTP/1.1\r\n${headers}Transfer-Encoding: chunked\r\n\r\n`);
    for (let n = 0; n < 20; n++) connection.write(`1000\r\n${'x'.repeat(4096)}\r\n`);
    expect(await connection.until('\r\n\r\n')).toMatch(/^HTTP\/1\.1 413 /);
    expect(reached).toMatchObject({ accepted: [], deadLetters: [] });
  });

  it('of callers without a token are answered before they come', async () => {
    const { port } = await start();
    const connection = client(port);
    connection.write(anonymous.slice(0, -body.length));
    expect(await connection.until('\r\n\r\n')).toMatch(/^HTTP\/1\.1 401 /);
  });

  it('that were not read do not become the next request', async () => {
    const { port, reached } = await start();
    const connection = client(port);
    connection.write(anonymous + good);
    expect(await connection.until(/HTTP\/1\.1 401 [^]*HTTP\/1\.1 200 /)).toMatch(/^HTTP\/1\.1 401 /);
    expect(reached.accepted).toHaveLength(1);
  });

  it('of callers without a token do not hold the connection for ever', async () => {
    const { port } = await start({ limits: quick });
    const connection = client(port);
    connection.write(anonymous.slice(0, -1));
    expect(await connection.ended()).toMatch(/^HTTP\/1\.1 401 /);
  });

  it('of a GET, which nobody reads, end the connection with the answer', async () => {
    const { port } = await start();
    for (const path of ['/health', '/readyz']) {
      const connection = client(port);
      connection.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n`);
      expect(await connection.ended()).toMatch(/^HTTP\/1\.1 200 [^]*\r\nconnection: close\r\n/i);
    }
  });

  it('in very many pieces end the connection', async () => {
    const { port, reached } = await start();
    const connection = client(port);
    connection.write(`POST /webhook/alerts HTTP/1.1\r\n${headers}Transfer-Encoding: chunked\r\n\r\n`);
    connection.write('1\r\n \r\n'.repeat(2000));
    await connection.ended();
    expect(reached).toMatchObject({ accepted: [], deadLetters: [] });
  });

  it('one after the other are answered in order on one connection', async () => {
    const { port } = await start();
    const connection = client(port);
    connection.write(good + good.replace('{"alerts":[{}]}', '{"alerts":7}   ') + good);
    const answer = await connection.until(/(?:HTTP\/1\.1 [^]*){3}\}$/);
    expect([...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => match[1])).toEqual(['200', '400', '200']);
  });
});

describe('listening and closing', () => {
  it('tells where it listens', async () => {
    const { server } = await fakeServer();
    cleanup.defer(() => server.close());
    const { host, port, url } = await server.listen();
    expect(host).toBe('127.0.0.1');
    expect(url).toBe(`http://127.0.0.1:${port}`);
  });

  it('says plainly that an address is taken', async () => {
    const { port } = await start();
    const { server } = await fakeServer({ port });
    await expect(server.listen()).rejects.toMatchObject({
      code: 'InvalidInput',
      message: `cannot listen on 127.0.0.1:${port}: something else listens there`,
      next: expect.stringContaining('--listen'),
    });
    await server.close();
  });

  it('finishes the answer under way, then ends idle connections', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const begun = Promise.withResolvers<void>();
    const answer = { received: 1, opened: 1, repeated: 0, resolved: 0, ignored: 0, runs: 0 };
    const accept = () => {
      begun.resolve();
      return held.then(() => answer);
    };
    const { port, server } = await start({
      limits: { ...patient, closeTimeoutMs: 60_000 },
      intake: { accept, deadLetter: async () => undefined },
    });
    const connection = client(port);
    connection.write(good);
    await begun.promise;
    const closed = server.close();
    await waitFor('it to take nothing new', async () => (await rawRequest(port, good)).status === 0);
    release();
    expect(await connection.ended()).toMatch(/^HTTP\/1\.1 200 /);
    await closed;
    expect((await rawRequest(port, good)).status).toBe(0);
  });

  it('closes what does not end in time', async () => {
    const begun = Promise.withResolvers<void>();
    const accept = () => {
      begun.resolve();
      return new Promise<never>(() => undefined);
    };
    const { port, server } = await start({ intake: { accept, deadLetter: async () => undefined } });
    const connection = client(port);
    connection.write(good);
    await begun.promise;
    await server.close();
    expect(await connection.ended()).toBe('');
  });

  it('accepts many connections although each turn of the event loop is long', async () => {
    const { port } = await start();
    let turns = 0;
    let isBusy = true;
    function spin(): void {
      turns += 1;
      const until = performance.now() + 5;
      while (performance.now() < until);
      if (isBusy) setImmediate(spin);
    }
    const answers = Array.from({ length: 200 }, () => client(port));
    for (const connection of answers) connection.write(`GET /health HTTP/1.1\r\nHost: x\r\n\r\n`);
    spin();
    await Promise.all(answers.map((connection) => connection.until('healthy')));
    isBusy = false;
    expect(turns).toBeLessThan(150);
  });
});
