import type { CatalogSource } from '../../src/core/catalog.ts';
import type { ServerLimits, ServerOptions } from '../../src/server/options.ts';
import type { Cleanup } from './cleanup.ts';
import { fakeServer, fakeSource, sourceToken } from './fake-server.ts';
import { rawConnection } from './sockets.ts';
import type { RawConnection } from './sockets.ts';

// A server with fakes around it that listens, and what raw clients send to it.

/** Times of a client that a busy machine does not use up. */
export const patient: Partial<ServerLimits> = {
  headersTimeoutMs: 60_000,
  requestTimeoutMs: 60_000,
  checkIntervalMs: 25,
  closeTimeoutMs: 300,
};

/** Those that are soon over: where this machine stands still for so long, a client that is not slow is let go too. */
export const quick: Partial<ServerLimits> = { ...patient, headersTimeoutMs: 150, requestTimeoutMs: 300 };

export const body = '{"alerts":[{}]}';
/** The headers of a request that is let in, but for its length. */
export const headers = `Host: x\r\nAuthorization: Bearer ${sourceToken}\r\nContent-Type: application/json\r\n`;
export const good = `POST /webhook/alerts HTTP/1.1\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`;
export const anonymous = good.replace(/Authorization: [^\r]*\r\n/, '');

/** Starts servers and clients that end with the test. */
export function createRawWorld(cleanup: Cleanup) {
  return {
    start: async (changes: Partial<ServerOptions> = {}, sources: readonly CatalogSource[] = [fakeSource()]) => {
      const fake = await fakeServer({ limits: patient, ...changes }, sources);
      cleanup.defer(() => fake.server.close());
      const { port } = await fake.server.listen();
      return { ...fake, port };
    },
    client: (port: number): RawConnection => {
      const connection = rawConnection(port);
      cleanup.defer(() => void connection.socket.destroy());
      return connection;
    },
  };
}

/** An intake that answers nothing before its gate is opened. */
export function heldIntake() {
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
