import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JsonObject, JsonValue } from '../../src/core/json.ts';
import { objectOf } from '../../src/core/json.ts';
import { chatWire } from './model-wires/chat.ts';
import { converseWire } from './model-wires/converse.ts';
import { googleWire } from './model-wires/google.ts';
import { messagesWire } from './model-wires/messages.ts';
import { responsesWire } from './model-wires/responses.ts';
import type { ErrorKind, ScriptedAnswer, SeenRequest, Wire, WireRequest } from './model-wires/wire.ts';

export type { ScriptedAnswer, ScriptedCall, SeenMessage, SeenRequest } from './model-wires/wire.ts';

const wires = {
  chat: chatWire,
  messages: messagesWire,
  responses: responsesWire,
  google: googleWire,
  converse: converseWire,
} as const satisfies Readonly<Record<string, Wire>>;
/**
 * `chat`: OpenAI's chat completions, also of Ollama, vLLM, llama.cpp. `messages`: Anthropic's. `responses`: OpenAI's newer form, also
 * of Azure. `google`: Gemini's. `converse`: Bedrock's.
 */
export type WireName = keyof typeof wires;

/** How a request goes wrong otherwise than by an error of the provider. */
type Accident =
  /** No answer at all. */
  | 'hang'
  /** The connection is reset before an answer. */
  | 'reset'
  /** The answer breaks off in its middle. */
  | 'cut'
  /** 200 with a page, as portals and proxies send it. */
  | 'html'
  /** 200 with what is no JSON. */
  | 'not-json'
  /** 200 with an error in it. */
  | 'error-200'
  /** 307 to another host. */
  | 'redirect'
  /** 200 with an answer of many megabytes. */
  | 'huge'
  /** A gateway's own page with 502. */
  | 'gateway';

/** What goes wrong. */
export interface ScriptedFault {
  readonly fault: ErrorKind | Accident;
  readonly headers?: Readonly<Record<string, string>>;
  /** In place of the provider's usual words. */
  readonly message?: string;
}

/** What the model does with one request; a function sees the request first. */
export type Turn = ScriptedAnswer | ScriptedFault | ((request: SeenRequest) => ScriptedAnswer | ScriptedFault);

/** A model that says what a test scripts. What it refuses it also writes down, so that a test can say that it refused nothing. */
export interface ModelServer {
  /** What `llmConfig.endpoint` names. */
  endpoint(wire: WireName): string;
  /** The key that it takes. */
  readonly key: string;
  /** Requests that were understood, in their order. */
  readonly requests: readonly SeenRequest[];
  /** Why it answered 4xx by itself, in the provider's words. */
  readonly refusals: readonly string[];
  /** What it does with the next requests, one after the other. */
  say(...turns: readonly Turn[]): void;
  /** What it does with all requests behind those. Without it they are refused. */
  always(turn: Turn): void;
  stop(): Promise<void>;
}

const huge = 12 * 1024 * 1024;

/**
 * Starts a model on the loopback interface, on all of its wires at once. It is strict: what a provider refuses (unknown fields, a
 * missing limit of tokens, results without calls, reasoning that was changed, ...) is answered 400 and written down, and so are
 * tools together with a schema.
 *
 *     const model = await startModelServer();
 *     cleanup.defer(() => model.stop());
 *     model.say({ calls: [{ name: 'kubernetes_get', input: { kind: 'pod' } }] }, { fault: 'overloaded' }, { json: report });
 *     // {provider: 'local', model: 'm', endpoint: model.endpoint('chat')} with the key model.key
 *     expect(model.refusals).toEqual([]);
 *     expect(model.requests[1]?.messages.at(-1)?.results[0]?.text).toContain('web-1');
 */
export async function startModelServer({ key = 'model-key-0123456789abcdef' } = {}): Promise<ModelServer> {
  const requests: SeenRequest[] = [];
  const refusals: string[] = [];
  const coming: Turn[] = [];
  let otherwise: Turn | undefined;
  let answered = 0;

  function take(incoming: IncomingMessage, text: string, response: ServerResponse): void {
    const { pathname: path } = new URL(incoming.url ?? '', 'http://model.invalid');
    const wire: Wire | undefined = Object.values(wires).find((each) => each.takes(path));
    if (wire === undefined || incoming.method !== 'POST') {
      refusals.push(`${incoming.method} ${path}: there is no such path`);
      response.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found');
      return;
    }
    const request = { path, headers: incoming.headers, body: bodyOf(text) };
    const refusal = refusalOf(wire, request);
    if (refusal !== null) {
      const { status, body, headers } = wire.error(refusal.kind, refusal.message);
      refusals.push(`${wire.name}: ${refusal.message}`);
      send(response, status, body, headers);
      return;
    }
    let aborted = false;
    response.on('close', () => void (aborted = !response.writableEnded));
    const seen: SeenRequest = {
      wire: wire.name,
      ...request,
      ...wire.read(request),
      get aborted() {
        return aborted;
      },
    };
    requests.push(seen);
    const turn = coming.shift() ?? otherwise;
    if (turn === undefined) {
      refusals.push(`${wire.name}: nothing is scripted for request ${requests.length}`);
      send(response, 400, wire.error('bad-request', 'nothing is scripted').body);
      return;
    }
    answered += 1;
    act(response, wire, request, typeof turn === 'function' ? turn(seen) : turn, answered);
  }

  function refusalOf(wire: Wire, request: WireRequest): { kind: ErrorKind; message: string } | null {
    if (wire.key(request) !== key) return { kind: 'unauthorized', message: 'the key is missing or wrong' };
    const message = wire.problem(request);
    return message === null ? null : { kind: 'bad-request', message };
  }

  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('error', () => undefined);
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => take(incoming, Buffer.concat(chunks).toString('utf8'), response));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    endpoint: (wire) => `${address}${wires[wire].base}`,
    key,
    requests,
    refusals,
    say: (...turns) => void coming.push(...turns),
    always: (turn) => void (otherwise = turn),
    stop: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

function bodyOf(text: string): JsonObject {
  try {
    return objectOf(JSON.parse(text) as JsonValue);
  } catch {
    return {};
  }
}

function send(
  response: ServerResponse,
  status: number,
  body: JsonValue,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

function act(
  response: ServerResponse,
  wire: Wire,
  request: WireRequest,
  turn: ScriptedAnswer | ScriptedFault,
  number: number,
): void {
  if (!('fault' in turn)) {
    const answer = (): void => send(response, 200, wire.answer(turn, request, number));
    if (turn.after !== undefined) void turn.after.then(answer);
    else if (turn.delayMs === undefined) answer();
    else setTimeout(answer, turn.delayMs);
    return;
  }
  const { fault, message, headers = {} } = turn;
  const whole = JSON.stringify(wire.answer({ text: 'The answer that never came whole.' }, request, number));
  switch (fault) {
    case 'hang':
      return;
    case 'reset':
      response.socket?.resetAndDestroy();
      return;
    case 'cut':
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': String(whole.length) });
      response.write(whole.slice(0, whole.length / 2), () => response.destroy());
      return;
    case 'html':
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Sign in</title>');
      return;
    case 'not-json':
      response.writeHead(200, { 'content-type': 'application/json' }).end(whole.slice(0, whole.length / 2));
      return;
    case 'error-200':
      send(response, 200, wire.error('server-error', message).body, headers);
      return;
    case 'redirect':
      response.writeHead(307, { location: 'http://127.0.0.1:1/elsewhere' }).end();
      return;
    case 'huge':
      response.writeHead(200, { 'content-type': 'application/json' }).end(whole.replace('whole', 'x'.repeat(huge)));
      return;
    case 'gateway':
      response.writeHead(502, { 'content-type': 'text/html' }).end('<html><title>502 Bad Gateway</title></html>');
      return;
    default: {
      const error = wire.error(fault, message);
      send(response, error.status, error.body, { ...error.headers, ...headers });
    }
  }
}
