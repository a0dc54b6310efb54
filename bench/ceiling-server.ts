// The HTTP half of both ceilings: node:http and JSON.parse, nothing else.
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface IncomingAlert {
  readonly fingerprint?: string;
  readonly status?: string;
}

/** A request whose body was read; `answer` says that its alerts are durable. */
export interface IncomingBody {
  readonly alerts: readonly IncomingAlert[];
  answer(): void;
}

/**
 * Takes Alertmanager v4 bodies at any path, tells the address as `fist serve` does, and ends at SIGTERM. A body that is not
 * JSON is answered 400.
 */
export function serveCeiling(take: (body: IncomingBody) => void): void {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      try {
        const { alerts } = JSON.parse(Buffer.concat(chunks).toString()) as { alerts: readonly IncomingAlert[] };
        take({ alerts, answer: () => end(response, 200) });
      } catch {
        end(response, 400);
      }
    });
  });
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo;
    process.stderr.write(`${JSON.stringify({ msg: 'ready', url: `http://127.0.0.1:${port}` })}\n`);
  });
  process.on('SIGTERM', () => process.exit(0));
}

function end(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': 2 }).end('{}');
}
