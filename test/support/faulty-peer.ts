import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a peer does with a request. `processed` ones have their effect first. */
export const faults = {
  none: { processed: true, answer: 200 },
  slow: { processed: true, answer: 200, delayMs: 30 },
  'processed, then no answer': { processed: true, answer: 'never' },
  'processed, then reset': { processed: true, answer: 'reset' },
  'processed, then 500': { processed: true, answer: 500 },
  'processed, then 504': { processed: true, answer: 504 },
  'processed, then an answer without an end': { processed: true, answer: 'endless' },
  'no answer': { processed: false, answer: 'never' },
  reset: { processed: false, answer: 'reset' },
  'reset before the body': { processed: false, answer: 'early-reset' },
  '503': { processed: false, answer: 503 },
  '429 with Retry-After': { processed: false, answer: 429 },
} as const satisfies Record<string, Behaviour>;
export type Fault = keyof typeof faults;

interface Behaviour {
  readonly processed: boolean;
  readonly answer: number | 'never' | 'reset' | 'early-reset' | 'endless';
  readonly delayMs?: number;
}

/** A receiver on the loopback interface that fails as it is told, and is strict about what it gets. */
export interface FaultyPeer {
  readonly url: string;
  /** How often each effect happened. */
  readonly effects: ReadonlyMap<string, number>;
  /** Requests that no correct sender makes. */
  readonly violations: readonly string[];
  stop(): Promise<void>;
}

export interface FaultyPeerOptions {
  /** Whether a second request with a known `Idempotency-Key` has no second effect. */
  readonly honoursKeys: boolean;
  /** What happens to the nth request (from 1) for this effect. */
  readonly fault: (effect: string, attempt: number) => Fault;
}

/** Names the effect that a request asks for: for the test's books, not for the peer's behaviour. */
export const effectHeader = 'x-effect';

/** Starts a peer. */
export async function startFaultyPeer({ honoursKeys, fault }: FaultyPeerOptions): Promise<FaultyPeer> {
  const effects = new Map<string, number>();
  const attempts = new Map<string, number>();
  const bodies = new Map<string, string>();
  const processedKeys = new Set<string>();
  const violations: string[] = [];

  function behaviourFor(effect: string): Behaviour {
    const attempt = (attempts.get(effect) ?? 0) + 1;
    attempts.set(effect, attempt);
    return faults[fault(effect, attempt)];
  }

  function take({ method, headers }: IncomingMessage, effect: string, body: string, { processed }: Behaviour): void {
    const key = headers['idempotency-key'];
    if (method !== 'POST') violations.push(`${effect}: ${method}`);
    if (headers['content-type'] !== 'application/json') violations.push(`${effect}: ${headers['content-type']}`);
    if (typeof key !== 'string' || key === '') violations.push(`${effect}: no key`);
    if (body !== (bodies.get(effect) ?? body)) violations.push(`${effect}: another body than before`);
    JSON.parse(body);
    bodies.set(effect, body);
    if (!processed) return;
    const known = typeof key === 'string' && processedKeys.has(key);
    if (!(honoursKeys && known)) effects.set(effect, (effects.get(effect) ?? 0) + 1);
    if (typeof key === 'string') processedKeys.add(key);
  }

  const server = createServer((request, response) => {
    const effect = String(request.headers[effectHeader]);
    const behaviour = behaviourFor(effect);
    const chunks: Buffer[] = [];
    request.on('error', () => undefined);
    if (behaviour.answer === 'early-reset') {
      request.socket.resetAndDestroy();
      return;
    }
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      take(request, effect, Buffer.concat(chunks).toString('utf8'), behaviour);
      reply(request, response, behaviour);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    effects,
    violations,
    stop: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

function reply(request: IncomingMessage, response: ServerResponse, { answer, delayMs = 0 }: Behaviour): void {
  switch (answer) {
    case 'never':
      return;
    case 'early-reset':
    case 'reset':
      request.socket.resetAndDestroy();
      return;
    case 'endless':
      response.writeHead(200, { 'content-length': '100' }).flushHeaders();
      response.write('{');
      return;
    default:
      setTimeout(() => response.writeHead(answer, answer === 429 ? { 'retry-after': '9' } : {}).end('{}'), delayMs);
  }
}
