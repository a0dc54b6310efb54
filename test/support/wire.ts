import { readFileSync, readdirSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import type { Cleanup } from './cleanup.ts';
import { repositoryRoot } from './processes.ts';

// Requests as programs write them to a connection: listened to, kept in test/fixtures, and sent again byte for byte.

export interface WireRequest {
  readonly method: string;
  readonly path: string;
  /** Names as they were written, in their order. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  /** All of it. */
  readonly bytes: Buffer;
  readonly receivedAt: string;
}

/** The request that these bytes begin with, or null where it has not come whole. Throws where its length is not told. */
export function readRequest(bytes: Buffer, receivedAt: string): WireRequest | null {
  const end = bytes.indexOf('\r\n\r\n');
  if (end === -1) return null;
  const [first = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const headers = lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1).trim()] as const;
  });
  const length = headers.find(([name]) => name.toLowerCase() === 'content-length')?.[1];
  if (length === undefined) throw new Error(`a request without Content-Length: ${first}`);
  const whole = end + 4 + Number(length);
  if (bytes.length < whole) return null;
  const [method = '', path = ''] = first.split(' ');
  const body = bytes.subarray(end + 4, whole).toString('utf8');
  return { method, path, headers, body, bytes: Buffer.from(bytes.subarray(0, whole)), receivedAt };
}

export interface WireTap {
  readonly port: number;
  readonly requests: readonly WireRequest[];
}

/** A port that leads to `target` of this machine and keeps what clients write. */
export async function startWireTap(cleanup: Cleanup, target: number): Promise<WireTap> {
  const requests: WireRequest[] = [];
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    let rest: Buffer = Buffer.alloc(0);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(socket);
      socket
        .on('error', () => undefined)
        .on('close', () => {
          open.delete(socket);
          other.destroy();
        });
    }
    client.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      const receivedAt = new Date().toISOString();
      for (let next = readRequest(rest, receivedAt); next !== null; next = readRequest(rest, receivedAt)) {
        requests.push(next);
        rest = rest.subarray(next.bytes.length);
      }
      upstream.write(chunk);
    });
    upstream.pipe(client);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  cleanup.defer(async () => {
    for (const socket of open) socket.destroy();
    await new Promise((done) => server.close(done));
  });
  return { port: (server.address() as AddressInfo).port, requests };
}

/** What one program sent, in its order, with what the capture says of it. */
export interface Capture {
  readonly program: string;
  readonly version: string;
  readonly requests: readonly (WireRequest & { readonly name: string })[];
}

interface CaptureFile {
  readonly program: string;
  readonly version: string;
  readonly receivedAt: Readonly<Record<string, string>>;
}

/** The folder of a capture in test/fixtures: `capture.json`, and a file of bytes for each request. */
export function captureFolder(name: string): string {
  return join(repositoryRoot, 'test/fixtures', name);
}

export function readCapture(name: string): Capture {
  const folder = captureFolder(name);
  const file = JSON.parse(readFileSync(join(folder, 'capture.json'), 'utf8')) as CaptureFile;
  const names = readdirSync(folder).filter((one) => one.endsWith('.http'));
  const known = Object.keys(file.receivedAt);
  if (names.some((one) => !known.includes(one))) throw new Error(`${folder}/capture.json lacks a file`);
  const requests = known.map((one) => {
    const request = readRequest(readFileSync(join(folder, one)), file.receivedAt[one] ?? '');
    if (request === null) throw new Error(`${folder}/${one} is no whole request`);
    return { ...request, name: one.replace(/\.http$/, '') };
  });
  return { program: file.program, version: file.version, requests };
}

/** What stays the same in all requests of a program: no time, no port, no value of an alert. */
export function shapeOf({ method, path, headers, body }: WireRequest): object {
  const alerts = JSON.parse(body) as readonly Readonly<Record<string, unknown>>[];
  return {
    method,
    path,
    headers: headers.map(([name]) => name),
    fields: [...new Set(alerts.map((alert) => Object.keys(alert).join(' ')))],
    labels: [...new Set(alerts.map(({ labels }) => Object.keys(labels as object).join(' ')))],
  };
}
