import { EventEmitter } from 'node:events';
import { createServer } from 'node:net';
import { fastify } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { rawRequest } from '../../test/support/sockets.ts';
import { handleInTurns, listen } from './listen.ts';
import type { OpenSocket } from './listen.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

function application() {
  const app = fastify({ logger: false });
  app.get('/', () => 'here');
  cleanup.defer(() => app.close());
  return app;
}

/** Opens real sockets; those of the given numbers fail, counted from 1. */
function opener(failures: ReadonlyMap<number, Error>) {
  const opened: ReturnType<typeof createServer>[] = [];
  let calls = 0;
  const open: OpenSocket = (options) => {
    calls += 1;
    const failure = failures.get(calls);
    if (failure !== undefined) return Promise.reject(failure);
    return new Promise((resolve, reject) => {
      const server = createServer();
      opened.push(server);
      server.once('error', reject);
      server.listen(options, () => resolve(server));
    });
  };
  return { open, opened };
}

const get = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

describe('listening', () => {
  it('is done by 64 sockets of one port, and all of them end', async () => {
    const app = application();
    const { open, opened } = opener(new Map());
    const listening = await listen(app, '127.0.0.1', 0, { open });
    const { address } = listening;
    expect(opened.map((server) => server.address())).toEqual(
      Array.from({ length: 63 }, () => ({ address: '127.0.0.1', family: 'IPv4', port: address.port })),
    );
    expect((await rawRequest(address.port, get)).text).toContain('here');
    await listening.close();
    expect(opened.every((server) => !server.listening)).toBe(true);
  });

  it('hears of a connection that one of them could not take', async () => {
    const app = application();
    const { open, opened } = opener(new Map());
    const listening = await listen(app, '127.0.0.1', 0, { open });
    cleanup.defer(() => listening.close());
    const heard: unknown[] = [];
    app.server.on('error', (error) => heard.push(error));
    const error = new Error('accept EMFILE');
    opened[5]?.emit('error', error);
    expect(heard).toEqual([error]);
  });

  it('that fails for one socket closes the others, and says which and what to do', async () => {
    const app = application();
    const failure = Object.assign(new Error('listen EMFILE'), { code: 'EMFILE' });
    const { open, opened } = opener(new Map([[17, failure]]));
    await expect(listen(app, '127.0.0.1', 0, { open })).rejects.toMatchObject({
      code: 'InvalidInput',
      message: expect.stringMatching(
        /^cannot listen on 127\.0\.0\.1:\d+ with socket 18 of the 64 that share the port: this process may open no more files$/,
      ),
      next: expect.stringContaining('ulimit -n'),
    });
    expect(opened).toHaveLength(62);
    expect(opened.every((server) => !server.listening)).toBe(true);
    expect(app.server.listening).toBe(false);
  });

  it.each([
    ['an address of another machine', '192.0.2.1', 'this machine has no such address'],
    ['a name without an address', 'no-such-host.invalid', 'the name has no address'],
  ])('on %s is refused in words', async (_name, host, why) => {
    await expect(listen(application(), host, 0)).rejects.toMatchObject({
      code: 'InvalidInput',
      message: `cannot listen on ${host}:0: ${why}`,
      next: expect.stringContaining('--listen'),
    });
  });

  it('on all addresses can be reached by the one of this machine', async () => {
    const listening = await listen(application(), '0.0.0.0', 0);
    cleanup.defer(() => listening.close());
    const { address } = listening;
    expect(address).toEqual({ host: '0.0.0.0', port: address.port, url: `http://127.0.0.1:${address.port}` });
  });
});

describe('requests that find the time of a turn used up', () => {
  /** A server whose turns are over when the test says so. */
  function world() {
    const server = new EventEmitter();
    const sockets = new Map<string, { destroyed: boolean; destroy(): void }>();
    const handled: string[] = [];
    server.on('request', (_request, answer: string) => handled.push(answer));
    let gate = Promise.withResolvers<void>();
    let isOver = false;
    const turns = { isOver: () => isOver, next: () => gate.promise };
    handleInTurns(server, turns, (socket) => socket === (sockets.get('known') as unknown));
    function send(connection: string, answer: string): void {
      const socket = sockets.get(connection) ?? {
        destroyed: false,
        destroy() {
          this.destroyed = true;
        },
      };
      sockets.set(connection, socket);
      server.emit('request', { socket }, answer);
    }
    return {
      handled,
      send,
      isDestroyed: (connection: string) => sockets.get(connection)?.destroyed,
      useUp: () => void (isOver = true),
      begin: () => void (isOver = false),
      goOn: async () => {
        gate.resolve();
        gate = Promise.withResolvers();
        await new Promise(setImmediate);
      },
    };
  }

  it('are handled in the next', async () => {
    const { handled, send, useUp, goOn } = world();
    send('a', 'a1');
    useUp();
    for (const name of ['b', 'c']) send(name, `${name}1`);
    expect(handled).toEqual(['a1']);
    await goOn();
    expect(handled).toEqual(['a1', 'b1', 'c1']);
  });

  it('are handled at once all the same where their caller is known', () => {
    const { handled, send, useUp } = world();
    useUp();
    send('stranger', 'a');
    send('known', 'b');
    expect(handled).toEqual(['b']);
  });

  it('do not overtake one of their connection that waits', async () => {
    const { handled, send, useUp, begin, goOn } = world();
    useUp();
    send('a', 'a1');
    begin();
    send('a', 'a2');
    send('b', 'b1');
    expect(handled).toEqual(['b1']);
    await goOn();
    send('a', 'a3');
    expect(handled).toEqual(['b1', 'a1', 'a2', 'a3']);
  });

  it('are bounded for each connection, so that nobody fills the memory with what waits', async () => {
    const { handled, send, useUp, goOn, isDestroyed } = world();
    useUp();
    for (let n = 0; n < 16; n++) send('a', `a${n}`);
    expect(isDestroyed('a')).toBe(false);
    send('a', 'a16');
    send('b', 'b0');
    expect([isDestroyed('a'), isDestroyed('b')]).toEqual([true, false]);
    await goOn();
    expect(handled).toHaveLength(17);
    expect(handled).not.toContain('a16');
  });
});
