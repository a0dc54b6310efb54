import type { CallToolResult, Server } from '@modelcontextprotocol/server';
import type { JsonObject } from '../../core/json.ts';
import type { Clock, Log } from '../../core/ports.ts';
import type { ApiCaller } from '../../lib/api-call.ts';
import { readVersion } from '../../lib/version.ts';
import { bodyReader } from '../body.ts';
import { createWaiting } from '../waiting.ts';
import { answerText, errorText } from './answer.ts';
import type { ToolWorld } from './define.ts';
import { instructionsOf, offeredTools } from './offer.ts';
import { listReports, readReportAt, reportTemplate } from './resources.ts';

/** How tools are offered. */
export interface AssistantOptions {
  /** Whether those that start investigations are offered, too. */
  readonly allowStart: boolean;
  readonly clock: Pick<Clock, 'now' | 'sleep'>;
  /** Whether a call may wait for the end of a run; asked again each second. */
  readonly mayWait: () => boolean;
  /** Counts a call of a tool: `ok`, or the code of its error. */
  readonly count: (tool: string, outcome: string) => void;
  readonly log: Pick<Log, 'error'>;
}

/** The API for one call; `signal` is aborted where nobody waits for its answer any more. */
export type ApiOf = (signal: AbortSignal) => ApiCaller;

/** Makes a server of the Model Context Protocol, for one connection or request. It keeps nothing from one call to the next. */
export type Assistant = (api: ApiOf) => Server;

/** The tools of assistants as servers of the protocol. Resolves once its library is loaded. */
export async function loadAssistant(options: AssistantOptions): Promise<Assistant> {
  const { Server, ProtocolError, ProtocolErrorCode } = await import('@modelcontextprotocol/server');
  const { tools, listed } = offeredTools(options.allowStart);
  const instructions = instructionsOf(options.allowStart);
  const worldOf = worlds(options);

  async function call(name: string, given: unknown, world: ToolWorld): Promise<CallToolResult> {
    const tool = tools.get(name);
    if (tool === undefined) throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'there is no such tool');
    try {
      const input = bodyReader(tool.input, 'the arguments')(given) as JsonObject;
      const text = await answerText(await tool.run(world, input));
      options.count(name, 'ok');
      return { content: [{ type: 'text', text }] };
    } catch (thrown) {
      const { code, text } = errorText(thrown);
      options.count(name, code);
      if (code === 'Internal') options.log.error({ error: thrown, tool: name }, 'a tool failed');
      return { content: [{ type: 'text', text }], isError: true };
    }
  }

  /** What is no tool has no errors but those of the protocol. */
  async function asProtocolError<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      const { code, text } = errorText(thrown);
      if (code === 'Internal') options.log.error({ error: thrown }, 'a resource could not be read');
      const isOurs = code === 'Internal';
      throw new ProtocolError(isOurs ? ProtocolErrorCode.InternalError : ProtocolErrorCode.InvalidParams, text);
    }
  }

  return (api) => {
    const server = new Server(
      { name: 'punching-fist', title: 'Punching Fist', version: readVersion() },
      { capabilities: { tools: {}, resources: {} }, instructions },
    );
    const world = (signal: AbortSignal) => worldOf(api(signal), signal);
    server.setRequestHandler('tools/list', () => ({ tools: listed }));
    server.setRequestHandler('tools/call', ({ params }, { mcpReq }) =>
      call(params.name, params.arguments, world(mcpReq.signal)),
    );
    server.setRequestHandler('resources/list', (_, { mcpReq }) =>
      asProtocolError(() => listReports(world(mcpReq.signal))),
    );
    server.setRequestHandler('resources/templates/list', () => ({ resourceTemplates: [reportTemplate] }));
    server.setRequestHandler('resources/read', ({ params }, { mcpReq }) =>
      asProtocolError(() => readReportAt(world(mcpReq.signal), params.uri)),
    );
    return server;
  };
}

function worlds({ clock, mayWait }: AssistantOptions): (api: ApiCaller, signal: AbortSignal) => ToolWorld {
  const waiting = createWaiting();
  return (api, signal) => ({
    api,
    nowMs: clock.now(),
    async pause(milliseconds) {
      if (!mayWait() || signal.aborted || !waiting.enter()) return false;
      try {
        await clock.sleep(milliseconds, signal);
        return true;
      } catch {
        return false;
      } finally {
        waiting.leave();
      }
    },
  });
}
