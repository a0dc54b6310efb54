import { rawConnection, rawRequest } from '../support/sockets.ts';
import type { RawConnection } from '../support/sockets.ts';
import { waitFor } from '../support/wait.ts';
import type { HostileInput, HostileWorld } from './define.ts';

const token = 'the-token-of-greedy-senders';

/** A Source with a token of its own, so that what it may have at a time is not that of other hostile senders. */
const resources = `
apiVersion: v1
kind: Secret
metadata: { name: greedy-token }
stringData: { token: ${token} }
---
apiVersion: punchingfist.io/v1alpha1
kind: Source
metadata: { name: greedy }
spec:
  type: webhook
  config: { path: greedy, authentication: { type: bearer, secretRef: greedy-token } }
  triggerWorkflow: everything
  suspend: true
`;

const headers = `POST /webhook/greedy HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n`;
const body = '{"version":"4","status":"firing","alerts":[]}';
const good = `${headers}Content-Length: ${body.length}\r\n\r\n${body}`;
const largest = 3 * 1024 * 1024;
const firstLine = /^HTTP\/1\.1 \d{3} /;

/** Opens connections, has `use` do with them what it wants, and ends them however that ended. */
async function withConnections(
  { server }: HostileWorld,
  count: number,
  use: (connections: readonly RawConnection[], port: number) => Promise<void>,
): Promise<void> {
  const port = Number(new URL(server.url).port);
  const connections: RawConnection[] = [];
  try {
    // In parts, as even the hostile have a backlog.
    for (let left = count; left > 0; left -= 200) {
      const more = Array.from({ length: Math.min(200, left) }, () => rawConnection(port));
      connections.push(...more);
      await Promise.all(more.map((connection) => connection.sent()));
    }
    await use(connections, port);
  } finally {
    for (const { socket } of connections) socket.destroy();
  }
}

/** A sender of another Source who comes meanwhile, on a connection of its own. */
async function othersAreServed(world: HostileWorld): Promise<void> {
  for (let n = 0; n < 3; n++) {
    const { status } = await world.post('everything', { version: '4', status: 'firing', alerts: [] });
    if (status !== 200) throw new Error(`another Source was answered ${status}`);
  }
}

function expectStatus(what: string, actual: number, ...expected: readonly number[]): void {
  if (!expected.includes(actual)) throw new Error(`${what} was answered ${actual}`);
}

/** Who is hostile to the sockets: opens many, sends little, slowly, without end, or what is no HTTP. */
export const admission: readonly HostileInput[] = [
  {
    name: 'admission: bodies that are announced and do not come',
    quick: true,
    resources,
    run: (world) =>
      withConnections(world, world.isLong ? 600 : 60, async (connections) => {
        for (const connection of connections) connection.write(`${headers}Content-Length: ${largest}\r\n\r\n{`);
        await Promise.all(connections.map((connection) => connection.sent()));
        await othersAreServed(world);
        if (!world.isLong) return;
        // Those that had a place are ended because of their pace. The others were told at once: they may still send what
        // they announced, and are ended when the whole request does not come in time.
        const answers = await Promise.all(connections.map((connection) => connection.until(firstLine, 15_000)));
        const statuses = answers.map((answer) => Number(answer.slice(9, 12)));
        for (const status of statuses) expectStatus('a silent body', status, 408, 503);
        if (!statuses.includes(408)) throw new Error('no silent body had a place');
      }),
  },
  {
    name: 'admission: bodies of one Source that fill what it may have',
    run: (world) =>
      withConnections(world, 40, async (connections) => {
        const part = 'x'.repeat(1024 * 1024);
        for (const connection of connections) connection.write(`${headers}Content-Length: ${largest}\r\n\r\n${part}`);
        await othersAreServed(world);
      }),
  },
  {
    name: 'admission: more idle connections than there is room for',
    quick: true,
    run: (world) =>
      withConnections(world, world.isLong ? 4500 : 200, async (connections, port) => {
        const half = connections.slice(0, connections.length / 2);
        for (const connection of half) connection.write('GET /health HTTP/1.1\r\nHost: x\r\n\r\n');
        await othersAreServed(world);
        const { status } = await rawRequest(port, 'GET /livez HTTP/1.1\r\nHost: x\r\n\r\n');
        expectStatus('a new connection', status, 200);
      }),
  },
  {
    name: 'admission: headers a byte at a time',
    run: (world) =>
      withConnections(world, 500, async (connections) => {
        for (const byte of good.slice(0, 40)) {
          for (const connection of connections) if (!connection.socket.destroyed) connection.write(byte);
          await othersAreServed(world);
        }
      }),
  },
  {
    name: 'admission: chunks without end',
    quick: true,
    run: (world) =>
      withConnections(world, world.isLong ? 20 : 2, async (connections) => {
        const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
        const answers = await Promise.all(
          connections.map((connection) => {
            connection.write(`${headers}Transfer-Encoding: chunked\r\n\r\n`);
            const answered = Promise.any([connection.until(firstLine, 15_000), connection.ended(15_000)]);
            for (let n = 0; n < 300 && connection.socket.writable; n++) connection.write(chunk);
            return answered;
          }),
        );
        // The connection is ended with the answer: a client whose writing fails before it has read never sees it.
        const seen = answers.filter((answer) => answer !== '');
        if (seen.length === 0) throw new Error('nobody was answered');
        // 408 where the machine is so busy that the body comes too slowly.
        for (const answer of seen) expectStatus('a body without end', Number(answer.slice(9, 12)), 408, 413, 503);
      }),
  },
  {
    name: 'admission: chunks of a byte, with a token and where none is needed',
    quick: true,
    run: (world) =>
      withConnections(world, 2, async ([known, unknown]) => {
        const bytes = '1\r\nx\r\n'.repeat(world.isLong ? 1_000_000 : 100_000);
        known?.write(`${headers}Transfer-Encoding: chunked\r\n\r\n${bytes}`);
        unknown?.write(`GET /health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${bytes}`);
        await Promise.all([known?.ended(15_000), unknown?.ended(15_000)]);
        await othersAreServed(world);
      }),
  },
  {
    name: 'admission: thousands of requests one behind the other',
    quick: true,
    run: (world) =>
      withConnections(world, 2, async ([known, unknown]) => {
        const count = world.isLong ? 5000 : 300;
        known?.write(good.repeat(count));
        unknown?.write(good.replace(token, 'wrong').repeat(count));
        for (const connection of [known, unknown]) {
          if (connection === undefined) continue;
          // Who sends far ahead may find the connection ended.
          const answers = await Promise.race([connection.until(/HTTP\/1\.1 \d{3} /, 30_000), connection.ended(30_000)]);
          if (answers !== '') expectStatus('the first of them', Number(answers.slice(9, 12)), 200, 401);
        }
        await othersAreServed(world);
      }),
  },
  {
    name: 'admission: what says two things, or nothing that can be',
    quick: true,
    async run({ server }) {
      const port = Number(new URL(server.url).port);
      const length = `Content-Length: ${body.length}`;
      for (const [what, text] of [
        ['two Hosts', good.replace('Host: x', 'Host: x\r\nHost: y')],
        ['two lengths', good.replace(length, `${length}\r\nContent-Length: 1`)],
        ['a length and chunks', good.replace(length, `${length}\r\nTransfer-Encoding: chunked`)],
        ['a negative length', good.replace(length, 'Content-Length: -5')],
        ['a length of 30 digits', good.replace(length, `Content-Length: ${'9'.repeat(30)}`)],
      ] as const)
        expectStatus(what, (await rawRequest(port, text)).status, 400);
      const huge = good.replace(length, `Content-Length: ${Number.MAX_SAFE_INTEGER}`);
      expectStatus('a huge length', (await rawRequest(port, huge)).status, 413);
    },
  },
  {
    name: 'admission: paths that nobody has, with large bodies of anybody',
    quick: true,
    run: (world) =>
      withConnections(world, world.isLong ? 300 : 30, async (connections) => {
        for (const [at, connection] of connections.entries()) {
          const path = at % 2 === 0 ? `/webhook/made-up-${at}` : `/made-up-${at}`;
          connection.write(
            `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${largest}\r\n\r\n`,
          );
        }
        for (const connection of connections)
          expectStatus('a made-up path', Number((await connection.until('\r\n\r\n', 15_000)).slice(9, 12)), 404);
        await waitFor('an answer to others', () => othersAreServed(world).then(() => true));
      }),
  },
];
