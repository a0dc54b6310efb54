import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { faults } from './faulty-peer.ts';
import type { Fault } from './faulty-peer.ts';

/** A request, as a vendor's server sees it. */
export interface VendorRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body as JSON; undefined where it is none. */
  readonly json: unknown;
}

export interface VendorAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text as it is, anything else as JSON. Default: empty. */
  readonly body?: unknown;
}

/** A vendor's server on the loopback interface. What it refuses it also writes down, so that a test can say that it refused nothing. */
export interface Vendor {
  readonly url: string;
  readonly requests: readonly VendorRequest[];
  /** Answers 4xx that the vendor itself gave, in words. */
  readonly refusals: readonly string[];
  /** What happens to the next requests, one after the other. */
  fail(...faults: readonly Fault[]): void;
  /** How long to wait for its next answer: none comes where this is short, and else a busy machine may take what it needs. */
  patienceMs(): number;
  stop(): Promise<void>;
}

/**
 * Starts a vendor. `answer` is the vendor: it has effects, and refuses with 4xx what the real one refuses. Under a fault
 * that says `processed` it is asked, and its answer is lost.
 */
export async function startVendor(answer: (request: VendorRequest) => VendorAnswer): Promise<Vendor> {
  const requests: VendorRequest[] = [];
  const refusals: string[] = [];
  const coming: Fault[] = [];

  function take(incoming: IncomingMessage, body: Buffer): VendorAnswer {
    const url = new URL(incoming.url ?? '', 'http://vendor.invalid');
    const text = body.toString('utf8');
    const { method = '', headers } = incoming;
    const request = { method, path: url.pathname, query: url.searchParams, headers, text, json: parse(text) };
    requests.push(request);
    const given = answer(request);
    if (given.status >= 400 && given.status < 500)
      refusals.push(`${method} ${url.pathname}: ${given.status} ${JSON.stringify(given.body ?? '')}`);
    return given;
  }

  const server = createServer((incoming, response) => {
    const fault = faults[coming.shift() ?? 'none'];
    incoming.on('error', () => undefined);
    if (fault.answer === 'early-reset') {
      incoming.socket.resetAndDestroy();
      return;
    }
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const given = fault.processed ? take(incoming, Buffer.concat(chunks)) : { status: 200 };
      reply(incoming, response, fault, given);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    refusals,
    fail: (...next) => void coming.push(...next),
    patienceMs() {
      const { answer } = faults[coming[0] ?? 'none'];
      return answer === 'never' || answer === 'endless' ? 150 : 20_000;
    },
    stop: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

function reply(
  incoming: IncomingMessage,
  response: ServerResponse,
  { answer }: (typeof faults)[Fault],
  given: VendorAnswer,
): void {
  if (answer === 'never') return;
  if (answer === 'reset' || answer === 'early-reset') {
    incoming.socket.resetAndDestroy();
    return;
  }
  if (answer === 'endless') {
    response.writeHead(200, { 'content-length': '100' }).flushHeaders();
    response.write('{');
    return;
  }
  if (answer !== 200) {
    response.writeHead(answer, answer === 429 ? { 'retry-after': '9' } : {}).end('{}');
    return;
  }
  const { status, headers = {}, body = '' } = given;
  const isText = typeof body === 'string';
  response.writeHead(status, { 'content-type': isText ? 'text/plain' : 'application/json', ...headers });
  response.end(isText ? body : JSON.stringify(body));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
