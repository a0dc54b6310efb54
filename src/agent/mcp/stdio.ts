import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/client';
import type { ProgramRequest, ProgramRunner, RunningProgram } from '../../core/command.ts';
import { jsonProblem } from '../../lib/json-bounds.ts';
import { createLineReader } from '../../lib/line-reader.ts';
import type { Traffic } from './traffic.ts';

/** What a message may be made of, so that it is soon parsed. */
const messageBounds = { values: 50_000, depth: 64 };

/**
 * The library's transport over a program: one message a line. The library's own one starts programs itself, with the environment
 * of this process, and reads lines of any length. Of what comes by itself nothing is passed on: no notification changes what is
 * done here.
 */
export function programTransport(
  programs: ProgramRunner,
  request: Omit<ProgramRequest, 'onOutput'>,
  traffic: Traffic,
): Transport {
  let program: RunningProgram | undefined;
  const lines = createLineReader(traffic.limits.messageBytes, {
    tooLong: () => traffic.tooLarge(),
    line(bytes) {
      const message = parse(bytes);
      if (message === null) return traffic.garbage();
      traffic.message();
      if ('id' in message) transport.onmessage?.(message);
    },
  });
  // By `pid` and `stderr` the library knows that it talks to a program.
  const transport: Transport & { readonly pid: null; readonly stderr: null } = {
    pid: null,
    stderr: null,
    async start() {
      const started = await programs.start({
        ...request,
        onOutput(bytes) {
          traffic.bytes(bytes.length);
          lines.push(bytes);
        },
      });
      program = started;
      void started.ended.then((why) => {
        traffic.ended(why);
        transport.onclose?.();
      });
    },
    async send(message) {
      if ('method' in message && 'id' in message) traffic.asked();
      await program?.write(`${JSON.stringify(message)}\n`);
    },
    async close() {
      await program?.end();
    },
  };
  return transport;
}

/** null: it is none. Some programs write other things to their output as well. */
function parse(bytes: Buffer): JSONRPCMessage | null {
  if (jsonProblem(bytes, messageBounds) !== null) return null;
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof value === 'object' && value !== null && 'jsonrpc' in value ? (value as JSONRPCMessage) : null;
  } catch {
    return null;
  }
}
