import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

/** One end of a WebSocket (RFC 6455), the server's: texts that fit into a frame, and closing. */
export interface ServerSocket {
  send(text: string): void;
  /** Without a word, as a network that breaks. */
  drop(): void;
  close(code: number): void;
  /** Whether signs of life are answered. Default true. */
  answersPings: boolean;
}

/** Takes a connection over. Text that comes is given to `onText`; `onEnd` is called once. */
export function acceptWebSocket(
  request: IncomingMessage,
  stream: Duplex,
  { onText, onEnd }: { readonly onText: (text: string) => void; readonly onEnd: () => void },
): ServerSocket {
  const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const accept = createHash('sha1').update(key).digest('base64');
  stream.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  let waiting = Buffer.alloc(0);
  const socket: ServerSocket = {
    answersPings: true,
    send: (text) => void stream.write(frame(1, Buffer.from(text))),
    drop: () => void stream.destroy(),
    close(code) {
      const reason = Buffer.alloc(2);
      reason.writeUInt16BE(code);
      stream.end(frame(8, reason));
    },
  };
  stream.on('data', (chunk: Buffer) => {
    waiting = Buffer.concat([waiting, chunk]);
    for (let next = readFrame(waiting); next !== null; next = readFrame(waiting)) {
      waiting = waiting.subarray(next.length);
      if (next.code === 1) onText(next.body.toString());
      if (next.code === 8) stream.end(frame(8, next.body));
      if (next.code === 9 && socket.answersPings) stream.write(frame(10, next.body));
    }
  });
  stream.on('error', () => undefined);
  stream.once('close', onEnd);
  return socket;
}

function frame(code: number, body: Buffer): Buffer {
  const head = body.length < 126 ? Buffer.from([0x80 | code, body.length]) : Buffer.from([0x80 | code, 126, 0, 0]);
  if (body.length >= 126) head.writeUInt16BE(body.length, 2);
  return Buffer.concat([head, body]);
}

/** The first whole frame; null = there is none yet. A client has to mask its frames. */
function readFrame(bytes: Buffer): { readonly code: number; readonly body: Buffer; readonly length: number } | null {
  if (bytes.length < 2) return null;
  const short = (bytes[1] ?? 0) & 0x7f;
  const start = short === 126 ? 4 : 2;
  if (short === 127 || ((bytes[1] ?? 0) & 0x80) === 0) throw new Error('not a frame of a client');
  if (bytes.length < start + 4) return null;
  const size = short === 126 ? bytes.readUInt16BE(2) : short;
  if (bytes.length < start + 4 + size) return null;
  const mask = bytes.subarray(start, start + 4);
  const body = Buffer.from(bytes.subarray(start + 4, start + 4 + size)).map(
    (byte, index) => byte ^ (mask[index % 4] ?? 0),
  );
  return { code: (bytes[0] ?? 0) & 0x0f, body: Buffer.from(body), length: start + 4 + size };
}
