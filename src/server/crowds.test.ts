import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { apiToken, fakeSource } from '../../test/support/fake-server.ts';
import {
  anonymous,
  body,
  createRawWorld,
  good,
  headers,
  heldIntake,
  patient,
  quick,
} from '../../test/support/raw-server.ts';
import { rawRequest } from '../../test/support/sockets.ts';
import { waitFor } from '../../test/support/wait.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());
const { start, client } = createRawWorld(cleanup);

/** An answer after which Alertmanager sends again, as it does not after a 4xx. */
const late =
  /^HTTP\/1\.1 503 Service Unavailable\r\n[^]*\r\nRetry-After: [1-5]\r\nConnection: close\r\n\r\n\{"code":"Timeout","message":"[^"]+","next":"send it again"\}$/;

describe('slow clients', () => {
  it('that send nothing are let go', async () => {
    const { port } = await start({ limits: quick });
    expect(await client(port).ended()).toMatch(late);
  });

  it('that send headers a byte at a time are let go', async () => {
    const { port, metrics } = await start({ limits: quick });
    const connection = client(port);
    const ended = connection.ended();
    for (const byte of good.slice(0, 60)) {
      if (connection.socket.destroyed) break;
      connection.write(byte);
      await sleep(10);
    }
    expect(await ended).toMatch(late);
    expect((await metrics.render()).body).toContain('fist_http_malformed_total{reason="503"} 1');
  });

  it('that send the body a byte at a time are let go, and nothing is stored', async () => {
    const { port, reached } = await start({ limits: quick });
    const connection = client(port);
    connection.write(good.slice(0, -body.length));
    const ended = connection.ended();
    for (const byte of body.slice(0, -1)) {
      if (connection.socket.destroyed) break;
      connection.write(byte);
      await sleep(40);
    }
    expect(await ended).toMatch(late);
    expect(reached).toMatchObject({ accepted: [], deadLetters: [] });
  });

  it.each([
    ['headers', good.slice(0, 60)],
    ['body', good.slice(0, -8)],
  ])('that send half of the %s are told to send it again', async (_name, half) => {
    const { port, reached } = await start({ limits: quick });
    const connection = client(port);
    connection.write(half);
    expect(await connection.ended()).toMatch(late);
    expect(reached).toMatchObject({ accepted: [], deadLetters: [] });
  });

  it('in numbers do not keep others out, and their places are given back', async () => {
    const { port, reached } = await start({
      limits: { ...quick, headersTimeoutMs: 1500, requestTimeoutMs: 3000, maxWebhooks: 80 },
    });
    const slow = Array.from({ length: 100 }, () => client(port));
    for (const [n, connection] of slow.entries()) connection.write(n < 30 ? good.slice(0, -1) : good.slice(0, n));
    await Promise.all(slow.map((connection) => connection.sent()));
    expect((await rawRequest(port, good)).status).toBe(200);
    await Promise.all(slow.map((connection) => connection.ended()));
    const after = await Promise.all(Array.from({ length: 40 }, () => rawRequest(port, good)));
    expect(after.every((answer) => answer.status === 200)).toBe(true);
    expect(reached.accepted).toHaveLength(41);
  });

  it('that go away in the middle leave nothing behind', async () => {
    const { port, reached } = await start({ limits: { ...patient, maxWebhooks: 4 } });
    for (let n = 0; n < 10; n++) {
      const connection = client(port);
      connection.write(good.slice(0, -3));
      await connection.sent();
      connection.socket.resetAndDestroy();
    }
    await waitFor('a place', async () => (await rawRequest(port, good)).status === 200);
    expect(reached.accepted).toHaveLength(1);
    expect(reached.deadLetters).toEqual([]);
  });
});

describe('senders that announce much and send little', () => {
  const large = good.replace('Content-Length: 15', `Content-Length: ${3 * 1024 * 1024}`).slice(0, -body.length);

  it('hold no room that others need', async () => {
    const { port } = await start();
    const silent = Array.from({ length: 60 }, () => client(port));
    for (const connection of silent) connection.write(large);
    await Promise.all(silent.map((connection) => connection.sent()));
    expect((await rawRequest(port, good)).status).toBe(200);
  });

  it('are answered 408, one that stands still near the end too, and it is told', async () => {
    const slow = { ...patient, paceWindowMs: 100, minBytesPerSecond: 1000 };
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
    const { port } = await start({ limits: { ...patient, maxWebhookBytes: 20_000 } }, sources);
    const greedy = Array.from({ length: 4 }, () => client(port));
    for (const connection of greedy) connection.write(large + 'x'.repeat(4000));
    expect(await Promise.any(greedy.map((connection) => connection.ended()))).toMatch(/^HTTP\/1\.1 503 /);
    expect((await rawRequest(port, other)).status).toBe(200);
  });

  it('to a route that is not there are not listened to', async () => {
    const { port } = await start();
    const connection = client(port);
    connection.write(large.replace('/webhook/alerts', '/nowhere'));
    expect(await connection.until('\r\n\r\n')).toMatch(/^HTTP\/1\.1 404 [^]*connection: close/i);
  });
});

describe('more connections than there is room for', () => {
  const few = { ...patient, maxConnections: 20 };

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
    const { port, metrics } = await start({ limits: { ...patient, maxRequestsPerConnection: 4 }, intake });
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
