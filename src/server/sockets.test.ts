import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { ServerOptions } from './options.ts';
import { apiToken, fakeServer, fakeSource, sourceToken } from '../../test/support/fake-server.ts';
import type { Server } from './server.ts';
import { rawConnection, rawRequest } from '../../test/support/sockets.ts';
import type { RawConnection } from '../../test/support/sockets.ts';
import { waitFor } from '../../test/support/wait.ts';

const quick = { headersTimeoutMs: 150, requestTimeoutMs: 300, checkIntervalMs: 25, closeTimeoutMs: 300 };
const open: Server[] = [];
const connections: RawConnection[] = [];
afterEach(async () => {
  for (const connection of connections.splice(0)) connection.socket.destroy();
  for (const server of open.splice(0)) await server.close();
});

async function start(changes: Partial<ServerOptions> = {}, sources = [fakeSource()]) {
  const fake = await fakeServer({ limits: quick, ...changes }, sources);
  open.push(fake.server);
  const { port } = await fake.server.listen();
  return { ...fake, port };
}

function client(port: number): RawConnection {
  const connection = rawConnection(port);
  connections.push(connection);
  return connection;
}

/** An intake that answers nothing before its gate is opened. */
function heldIntake() {
  const opened = Promise.withResolvers<void>();
  let held = 0;
  let told: () => void = () => undefined;
  const answer = { received: 1, opened: 1, repeated: 0, resolved: 0, ignored: 0, runs: 0 };
  return {
    intake: {
      async accept() {
        held += 1;
        told();
        await opened.promise;
        return answer;
      },
      deadLetter: async () => undefined,
    },
    gate: {
      open: opened.resolve,
      held: () => held,
      /** Resolves when so many wait at it. */
      reached: (count: number) =>
        new Promise<void>((resolve) => {
          told = () => {
            if (held >= count) resolve();
          };
          told();
        }),
    },
  };
}

const body = '{"alerts":[{}]}';
const headers = `Host: x\r\nAuthorization: Bearer ${sourceToken}\r\nContent-Type: application/json\r\n`;
const good = `POST /webhook/alerts HTTP/1.1\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`;
const anonymous = good.replace(/Authorization: [^\r]*\r\n/, '');

describe('slow clients', () => {
  it('that send nothing are let go', async () => {
    const { port } = await start();
    expect(await client(port).ended()).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('that send headers a byte at a time are let go', async () => {
    const { port, metrics } = await start();
    const connection = client(port);
    const ended = connection.ended();
    for (const byte of good.slice(0, 60)) {
      if (connection.socket.destroyed) break;
      connection.write(byte);
      await sleep(10);
    }
    expect(await ended).toMatch(/^HTTP\/1\.1 408 [^]*"code":"InvalidInput"/);
    expect((await metrics.render()).body).toContain('fist_http_malformed_total{reason="408"} 1');
  });

  it('that send the body a byte at a time are let go, and nothing is stored', async () => {
    const { port, reached } = await start();
    const connection = client(port);
    connection.write(good.slice(0, -body.length));
    const ended = connection.ended();
    for (const byte of body.slice(0, -1)) {
      if (connection.socket.destroyed) break;
      connection.write(byte);
      await sleep(40);
    }
    expect(await ended).toMatch(/^HTTP\/1\.1 408 /);
    expect(reached).toMatchObject({ accepted: [], deadLetters: [] });
  });

  it('in numbers do not keep others out, and their places are given back', async () => {
    const { port, reached } = await start({ limits: { ...quick, maxWebhooks: 80 } });
    const slow = Array.from({ length: 100 }, () => client(port));
    for (const [n, connection] of slow.entries()) connection.write(n < 30 ? good.slice(0, -1) : good.slice(0, n));
    await sleep(20);
    expect((await rawRequest(port, good)).status).toBe(200);
    await Promise.all(slow.map((connection) => connection.ended()));
    const after = await Promise.all(Array.from({ length: 40 }, () => rawRequest(port, good)));
    expect(after.every((answer) => answer.status === 200)).toBe(true);
    expect(reached.accepted).toHaveLength(41);
  });

  it('that go away in the middle leave nothing behind', async () => {
    const { port, reached } = await start({ limits: { ...quick, maxWebhooks: 4 } });
    for (let n = 0; n < 10; n++) {
      const connection = client(port);
      connection.write(good.slice(0, -3));
      await sleep(5);
      connection.socket.resetAndDestroy();
    }
    await sleep(30);
    expect((await rawRequest(port, good)).status).toBe(200);
    expect(reached.accepted).toHaveLength(1);
    expect(reached.deadLetters).toEqual([]);
  });
});

describe('senders that announce much and send little', () => {
  const large = good.replace('Content-Length: 15', `Content-Length: ${3 * 1024 * 1024}`).slice(0, -body.length);

  it('hold no room that others need', async () => {
    const { port } = await start({ limits: { ...quick, requestTimeoutMs: 5000 } });
    const silent = Array.from({ length: 60 }, () => client(port));
    for (const connection of silent) connection.write(large);
    await Promise.all(silent.map((connection) => connection.sent()));
    expect((await rawRequest(port, good)).status).toBe(200);
  });

  it('are answered 408, one that stands still near the end too, and it is told', async () => {
    const slow = { ...quick, requestTimeoutMs: 5000, paceWindowMs: 100, minBytesPerSecond: 1000 };
    const { port, metrics, reached } = await start({ limits: slow });
    const silent = client(port);
    silent.write(large);
    const chunked = client(port);
    chunked.write(
      `POST /webhook/alerts HTTP/1.1\r\n${headers}Transfer-Encoding: chunked\r\n\r\n2710\r\n${'x'.repeat(9999)}`,
    );
    for (const connection of [silent, chunked])
      expect(await connection.ended()).toMatch(/^HTTP\/1\.1 408 [^]*connection: close[^]*too slowly/i);
    expect(reached).toMatchObject({ accepted: [], deadLetters: [] });
    expect((await metrics.render()).body).toMatch(/^fist_webhook_refused_total\{.*reason="TooSlow"\} 2$/m);
    expect(reached.logged).toMatchObject([
      { level: 'warn', fields: { reason: 'TooSlow', source: 'shop/alertmanager' } },
    ]);
    expect((await rawRequest(port, good)).status).toBe(200);
  });

  it('leave room for other Sources when they fill what one may have', async () => {
    const other = good.replace('/webhook/alerts', '/webhook/other');
    const sources = [fakeSource(), fakeSource({ name: 'other', path: 'other' })];
    const { port } = await start({ limits: { ...quick, requestTimeoutMs: 5000, maxWebhookBytes: 20_000 } }, sources);
    const greedy = Array.from({ length: 4 }, () => client(port));
    for (const connection of greedy) connection.write(large + 'x'.repeat(4000));
    expect(await Promise.any(greedy.map((connection) => connection.ended()))).toMatch(/^HTTP\/1\.1 503 /);
    expect((await rawRequest(port, other)).status).toBe(200);
  });

  it('to a route that is not there are not listened to', async () => {
    const { port } = await start({ limits: { ...quick, requestTimeoutMs: 5000 } });
    const connection = client(port);
    connection.write(large.replace('/webhook/alerts', '/nowhere'));
    expect(await connection.until('\r\n\r\n')).toMatch(/^HTTP\/1\.1 404 [^]*connection: close/i);
  });
});

describe('more connections than there is room for', () => {
  const few = { ...quick, headersTimeoutMs: 5000, requestTimeoutMs: 5000, maxConnections: 20 };

  it.each([
    ['that are kept alive', 'GET /health HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['that say nothing', ''],
    ['that do not end their headers', 'GET /health HTTP/1.1\r\nHost: x\r\n'],
    ['that were not let in and do not send their bodies', anonymous.slice(0, -1)],
  ])('are made, %s: who comes new is served', async (_name, text) => {
    const { port, metrics, reached } = await start({ limits: few });
    const idle = Array.from({ length: 30 }, () => client(port));
    for (const connection of idle) if (text !== '') connection.write(text);
    const displaced = async () =>
      Number(/^fist_http_connections_displaced_total (\d+)/m.exec((await metrics.render()).body)?.[1] ?? 0);
    await waitFor('all of them to be taken', async () => (await displaced()) === 10);
    for (let n = 0; n < 5; n++) expect((await rawRequest(port, good)).status).toBe(200);
    expect((await metrics.render()).body).not.toMatch(/^fist_http_connections_refused_total [1-9]/m);
    expect(reached.logged.filter(({ message }) => message.startsWith('idle connections'))).toHaveLength(1);
  });

  it('do not end those whose requests are in work; where all are in work the new one is refused', async () => {
    const { gate, intake } = heldIntake();
    const { port, metrics } = await start({ limits: { ...few, maxConnections: 5 }, intake });
    const busy = Array.from({ length: 5 }, () => client(port));
    for (const connection of busy) connection.write(good);
    await gate.reached(5);
    expect((await rawRequest(port, good)).status).toBe(0);
    expect((await metrics.render()).body).toMatch(/^fist_http_connections_refused_total [1-9]/m);
    gate.open();
    await Promise.all(busy.map((connection) => connection.until(/^HTTP\/1\.1 200 /)));
    expect(
      (await rawRequest(port, `GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${apiToken}\r\n\r\n`)).status,
    ).toBe(200);
  });
});

describe('requests one behind the other on one connection', () => {
  it('are in work only so many at a time; all are answered', async () => {
    const { gate, intake } = heldIntake();
    const { port, metrics } = await start({ limits: { ...quick, maxRequestsPerConnection: 4 }, intake });
    const connection = client(port);
    connection.write(good.repeat(10));
    await waitFor('one that is refused', async () => (await metrics.render()).body.includes('reason="Overloaded"'));
    expect(gate.held()).toBe(4);
    gate.open();
    const answers = await connection.until(/(?:HTTP\/1\.1 [^]*){10}\}$/);
    const statuses = [...answers.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => match[1]);
    expect(statuses).toHaveLength(10);
    expect(statuses.slice(0, 5)).toEqual(['200', '200', '200', '200', '503']);
    expect((await rawRequest(port, good)).status).toBe(200);
  });
});

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
    const { status, text } = await rawRequest(port, good.replace('Content-Length: 15', 'Content-Length: 3145729'));
    expect(status).toBe(413);
    expect(text).toMatch(/connection: close/i);
  });

  it('in chunks without end are refused when they are too large', async () => {
    const { port, reached } = await start({ limits: { ...quick, requestTimeoutMs: 10_000, maxBodyBytes: 64 * 1024 } });
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
    const { port } = await start();
    const connection = client(port);
    connection.write(anonymous.slice(0, -1));
    expect(await connection.ended()).toMatch(/^HTTP\/1\.1 401 /);
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
    open.push(server);
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
      limits: { ...quick, closeTimeoutMs: 5000 },
      intake: { accept, deadLetter: async () => undefined },
    });
    const connection = client(port);
    connection.write(good);
    await begun.promise;
    const closed = server.close();
    await sleep(30);
    release();
    expect(await connection.ended()).toMatch(/^HTTP\/1\.1 200 /);
    await closed;
    expect((await rawRequest(port, good)).status).toBe(0);
  });

  it('closes what does not end in time', async () => {
    const { port, server } = await start({
      intake: { accept: () => new Promise(() => undefined), deadLetter: async () => undefined },
    });
    const connection = client(port);
    connection.write(good);
    await sleep(30);
    await server.close();
    expect(await connection.ended()).toBe('');
  });

  it('accepts many connections although each turn of the event loop is long', async () => {
    const { port } = await start({ limits: { ...quick, headersTimeoutMs: 10_000, requestTimeoutMs: 20_000 } });
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
