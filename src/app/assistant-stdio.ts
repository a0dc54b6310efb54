import { setTimeout as sleep } from 'node:timers/promises';
import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/server';
import { AppError } from '../core/errors.ts';
import type { Clock, Log } from '../core/ports.ts';
import { jsonProblem } from '../lib/json-bounds.ts';
import { createLineReader } from '../lib/line-reader.ts';
import { whenAborted } from '../lib/when-aborted.ts';
import { loadAssistant } from '../server/mcp/server.ts';
import type { ApiOf } from '../server/mcp/server.ts';

/** Of one message: a question to an investigation has a few thousand characters. */
const mostMessageBytes = 1024 * 1024;
const messageBounds = { values: 20_000, depth: 64 };

export interface StdioOptions {
  /** Messages, one a line. */
  readonly input: AsyncIterable<Uint8Array>;
  /** Takes a line. Rejects where it cannot be written. */
  readonly write: (line: string) => Promise<void> | void;
  readonly api: ApiOf;
  /** Whether the tools that start investigations are offered. */
  readonly allowStart: boolean;
  readonly clock: Pick<Clock, 'now' | 'sleep'>;
  readonly log: Pick<Log, 'warn' | 'error'>;
  /** Ends it at once. */
  readonly signal: AbortSignal;
  /** How long answers are waited for when the input has ended. Milliseconds. */
  readonly patienceMs?: number;
}

const defaultPatienceMs = 5000;

/**
 * Speaks the Model Context Protocol over lines until the input ends; what was asked before is answered still, if that does not take long.
 * Rejects where an answer cannot be written.
 */
export async function serveAssistant(options: StdioOptions): Promise<void> {
  const { input, api, allowStart, clock, log, signal, patienceMs = defaultPatienceMs } = options;
  const { serveStdio } = await import('@modelcontextprotocol/server/stdio');
  const assistant = await loadAssistant({ allowStart, clock, mayWait: () => true, count: () => undefined, log });
  const wire = lineTransport(options);
  const handle = serveStdio(() => assistant(api), {
    transport: wire.transport,
    maxSubscriptions: 0,
    onerror: (error) => log.warn({ why: error.message }, 'a message could not be served'),
  });
  const aborted = whenAborted(signal);
  try {
    await Promise.race([wire.read(input), wire.broken, aborted]);
    await Promise.race([wire.settled(), wire.broken, aborted, sleep(patienceMs, null, { ref: false })]);
  } finally {
    await handle.close();
  }
}

/** The library's own transport takes lines of any depth, says nothing to what is no message, and at the end of the input answers nothing any more. */
function lineTransport({ write, log }: Pick<StdioOptions, 'write' | 'log'>) {
  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => undefined);
  const asked = new Set<string | number>();
  let settle = (): void => undefined;

  const lines = createLineReader(mostMessageBytes, {
    line(bytes) {
      const problem = jsonProblem(bytes, messageBounds);
      const message = problem === null ? parse(bytes) : null;
      if (message === null) return refuse(problem ?? 'is not JSON');
      if (typeof message !== 'object' || Array.isArray(message)) return refuse('is no message: batches are not taken');
      take(message as JSONRPCMessage);
    },
    tooLong: () => refuse(`is longer than ${mostMessageBytes} bytes`),
  });

  /** What cannot be read has no id. */
  function refuse(why: string): void {
    log.warn({ why }, 'a line is no message');
    void send({ jsonrpc: '2.0', id: null, error: { code: -32_700, message: `the line ${why}` } } as never);
  }

  function take(message: JSONRPCMessage): void {
    if ('method' in message && 'id' in message && message.id !== undefined) asked.add(message.id);
    // Whoever cancels waits for no answer, and gets none.
    if ('method' in message && message.method === 'notifications/cancelled')
      answered((message.params as { requestId?: string | number } | undefined)?.requestId);
    transport.onmessage?.(message);
  }

  function answered(id: string | number | undefined): void {
    if (id !== undefined) asked.delete(id);
    if (asked.size === 0) settle();
  }

  async function send(message: JSONRPCMessage): Promise<void> {
    try {
      await write(`${JSON.stringify(message)}\n`);
    } catch (thrown) {
      broken.reject(thrown instanceof Error ? thrown : new AppError('Internal', String(thrown)));
      throw thrown;
    }
    if (!('method' in message)) answered(message.id);
  }

  const transport: Transport = { start: async () => undefined, send, close: async () => transport.onclose?.() };
  return {
    transport,
    broken: broken.promise,
    async read(input: AsyncIterable<Uint8Array>): Promise<void> {
      for await (const bytes of input) lines.push(bytes);
      // The last line may have no end.
      lines.push(new Uint8Array([10]));
    },
    settled: (): Promise<void> =>
      asked.size === 0
        ? Promise.resolve()
        : new Promise((resolve) => {
            settle = resolve;
          }),
  };
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return null;
  }
}
