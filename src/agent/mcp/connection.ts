import type { Client, RequestOptions, Tool, Transport } from '@modelcontextprotocol/client';
import type { JsonObject, JsonValue } from '../../core/json.ts';
import { readVersion } from '../../lib/version.ts';
import type { McpDefinition } from './definition.ts';
import { McpFailure } from './failure.ts';
import { failureOf } from './sdk-errors.ts';
import { countTraffic, mcpLimits } from './traffic.ts';
import type { McpLimits, Traffic } from './traffic.ts';

/** What a tool answered: text from outside. */
export interface McpResult {
  readonly content: readonly JsonObject[];
  /** null: there is none. */
  readonly structured: JsonValue;
  readonly isError: boolean;
}

export type CallTool = (definition: McpDefinition, input: JsonObject) => Promise<McpResult>;

/** One server, asked for one thing at a time. */
export interface McpConnection {
  /**
   * Lists its tools, then does with them what is to be done before anything else is asked. Rejects with McpFailure, or the signal's
   * reason. After a failure that lasts each later one is the same.
   */
  ask<T>(signal: AbortSignal, work: (tools: readonly McpDefinition[], call: CallTool) => Promise<T> | T): Promise<T>;
  close(): Promise<void>;
}

export interface ConnectionOptions {
  /** Makes a transport that is not started. */
  readonly open: (traffic: Traffic) => Promise<Transport>;
  /** Of the beginning, and of each request. Milliseconds. */
  readonly timeoutMs: number;
  readonly limits?: McpLimits;
  /** Of the beginning. */
  readonly signal: AbortSignal;
}

/** More pages are no list. */
const mostPages = 20;
/** Time-outs in a row after which a server is asked no more. */
const mostTimeouts = 2;

/** Connects to a server of any revision of the protocol. Rejects with McpFailure, or the signal's reason. */
export async function connectMcp(options: ConnectionOptions): Promise<McpConnection> {
  try {
    return await connectOnce(options, 'auto');
  } catch (thrown) {
    // Programs of older revisions may end at a question that they do not know.
    if (thrown instanceof McpFailure && thrown.reason === 'McpEnded') return connectOnce(options, 'legacy');
    throw thrown;
  }
}

async function connectOnce(options: ConnectionOptions, mode: 'auto' | 'legacy'): Promise<McpConnection> {
  const { timeoutMs, signal } = options;
  const turn = oneAtATime(options.limits ?? mcpLimits);
  let transport: Transport | undefined;
  try {
    const client = await turn.during(signal, async (both) => {
      const { Client } = await import('@modelcontextprotocol/client');
      const made = new Client({ name: 'punching-fist', version: readVersion() }, clientOptions(mode, timeoutMs));
      transport = await options.open(turn.traffic);
      await made.connect(transport, { signal: both, timeout: timeoutMs });
      return made;
    });
    return {
      ask: (caller, work) =>
        turn.during(caller, async (both) => {
          const requestOptions = { signal: both, timeout: timeoutMs };
          return work(await listTools(client, requestOptions), callWith(client, requestOptions));
        }),
      close: () => client.close(),
    };
  } catch (thrown) {
    await transport?.close().catch(() => undefined);
    throw thrown;
  }
}

/** No capability is offered: no server may ask for a model, a person or a folder. What a tool answers is judged by nobody else. */
function clientOptions(mode: 'auto' | 'legacy', timeoutMs: number): ConstructorParameters<typeof Client>[1] {
  return {
    capabilities: {},
    versionNegotiation: { mode, probe: { timeoutMs: Math.ceil(timeoutMs / 2) } },
    inputRequired: { autoFulfill: false },
    jsonSchemaValidator: {
      getValidator: () => (input) => ({ valid: true, data: input as never, errorMessage: undefined }),
    },
  };
}

interface Turn {
  readonly traffic: Traffic;
  /** Ended by the first of an answer, a failure of the connection, and the caller. */
  during<T>(caller: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
}

function oneAtATime(limits: McpLimits): Turn {
  let broken: McpFailure | null = null;
  let timeouts = 0;
  /** Of what is asked now. */
  let current: AbortController | null = null;
  let last: Promise<unknown> = Promise.resolve();
  const traffic = countTraffic(limits, (failure) => {
    if (failure.isLasting) broken ??= failure;
    current?.abort(failure);
  });

  async function ask<T>(caller: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    caller.throwIfAborted();
    if (broken !== null) throw broken;
    const own = (current = new AbortController());
    const both = AbortSignal.any([caller, own.signal]);
    const aborted = new Promise<never>((_, reject) => {
      both.addEventListener('abort', () => reject(both.reason as Error), { once: true });
    });
    try {
      const result = await Promise.race([work(both), aborted]);
      timeouts = 0;
      return result;
    } catch (thrown) {
      caller.throwIfAborted();
      const failure = await failureOf(own.signal.aborted ? own.signal.reason : thrown);
      timeouts = failure.reason === 'McpTimeout' ? timeouts + 1 : 0;
      if (failure.isLasting || timeouts >= mostTimeouts) broken ??= failure;
      throw failure;
    } finally {
      traffic.settled();
      current = null;
    }
  }

  return {
    traffic,
    during(caller, work) {
      const turn = last.then(() => ask(caller, work));
      last = turn.catch(() => undefined);
      return turn;
    },
  };
}

/** All pages. The library's own list keeps what it was told, and writes to the standard output. */
async function listTools(client: Client, options: RequestOptions): Promise<readonly McpDefinition[]> {
  if (client.getServerCapabilities()?.tools === undefined) return [];
  const tools: McpDefinition[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < mostPages; page += 1) {
    const params = cursor === undefined ? {} : { cursor };
    const answer = await client.request({ method: 'tools/list', params }, options);
    tools.push(...answer.tools.map((tool) => definitionOf(tool)));
    cursor = answer.nextCursor;
    if (cursor === undefined) return tools;
  }
  throw new McpFailure('McpGarbage', `its list of tools has more than ${mostPages} pages`);
}

function definitionOf({ name, description = '', inputSchema, annotations = {} }: Tool): McpDefinition {
  // Both came as JSON.
  return { name, description, inputSchema: inputSchema as JsonObject, annotations: annotations as JsonObject };
}

function callWith(client: Client, options: RequestOptions): CallTool {
  return async ({ name, inputSchema }, input) => {
    const toolDefinition = { name, inputSchema: inputSchema as Tool['inputSchema'] };
    const result = await client.callTool({ name, arguments: input }, { ...options, toolDefinition });
    return {
      content: result.content as unknown as readonly JsonObject[],
      structured: (result.structuredContent ?? null) as JsonValue,
      isError: result.isError === true,
    };
  };
}
