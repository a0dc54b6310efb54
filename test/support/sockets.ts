import { connect } from 'node:net';
import type { Socket } from 'node:net';

// A client that writes whatever it is told, for tests of what no HTTP library would send.

/** That it may be so long costs only who waits in vain. */
const patienceMs = 60_000;

export interface RawConnection {
  readonly socket: Socket;
  write(bytes: string | Buffer): void;
  /** Connected, and all that was written is with the system. */
  sent(): Promise<void>;
  /** All that came, when the server has closed. Rejects after `milliseconds`. */
  ended(milliseconds?: number): Promise<string>;
  /** All that came, as soon as `text` is in it. Rejects as well. */
  until(text: string | RegExp, milliseconds?: number): Promise<string>;
}

export function rawConnection(port: number): RawConnection {
  const socket = connect(port, '127.0.0.1');
  let received = '';
  let closed = false;
  const listeners = new Set<() => void>();
  const tell = () => {
    for (const listener of listeners) listener();
  };
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1');
    tell();
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    closed = true;
    tell();
  });
  function wait(done: () => boolean, milliseconds: number): Promise<string> {
    return new Promise((resolve, reject) => {
      const check = () => {
        if (!done()) return;
        listeners.delete(check);
        clearTimeout(timer);
        resolve(received);
      };
      const timer = setTimeout(() => {
        listeners.delete(check);
        reject(new Error(`waited ${milliseconds} ms; came: ${JSON.stringify(received)}`));
      }, milliseconds);
      listeners.add(check);
      check();
    });
  }
  return {
    socket,
    write: (bytes) => void socket.write(bytes),
    sent: () => new Promise((resolve) => socket.write('', () => resolve())),
    ended: (milliseconds = patienceMs) => wait(() => closed, milliseconds),
    until: (text, milliseconds = patienceMs) =>
      wait(() => (typeof text === 'string' ? received.includes(text) : text.test(received)), milliseconds),
  };
}

/** One request on a connection of its own; resolves with the status, 0 for a connection that was closed without one. */
export async function rawRequest(
  port: number,
  text: string | Buffer,
): Promise<{ readonly status: number; readonly text: string }> {
  const connection = rawConnection(port);
  connection.write(text);
  try {
    const answer = await Promise.race([
      connection.until(/^HTTP\/1\.1 \d{3}[^]*\r\n\r\n/).catch(() => ''),
      connection.ended(),
    ]);
    return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0), text: answer };
  } finally {
    connection.socket.destroy();
  }
}
