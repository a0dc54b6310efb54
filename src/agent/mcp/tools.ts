import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { JsonObject } from '../../core/json.ts';
import type { McpServer, McpToolPin } from '../../core/plan.ts';
import type { Log } from '../../core/ports.ts';
import { allDone } from '../../lib/all-done.ts';
import { compileCheck, withinLimit } from '../../lib/json-schema.ts';
import type { SchemaProblem } from '../../lib/json-schema.ts';
import type { ToolDefinition } from '../tools/define.ts';
import { answerOf } from './answer.ts';
import type { McpConnection } from './connection.ts';
import { offeredDescription, offeredName, toolRefusal } from './definition.ts';
import type { McpDefinition } from './definition.ts';
import type { McpFailure } from './failure.ts';
import { openMcp } from './open.ts';
import type { McpWorld } from './open.ts';
import { failureOf } from './sdk-errors.ts';

/** The tools of the MCP servers of one step. */
export interface McpTools {
  readonly tools: readonly ToolDefinition[];
  /** What was allowed and cannot be offered, and why, in words of our own: `prometheus__query: ...`. */
  readonly missing: readonly string[];
  /** Servers that failed after the beginning, and why. */
  dropped(): readonly string[];
  /** Ends the sessions, and the programs with all that they started. */
  close(): Promise<void>;
}

/** Where no server is configured. */
export const noMcpTools: McpTools = { tools: [], missing: [], dropped: () => [], close: () => Promise.resolve() };

/** Of a step. */
export interface StepWorld extends McpWorld {
  readonly log: Log;
}

interface OpenServer {
  readonly server: McpServer;
  readonly connection: McpConnection | null;
  readonly tools: readonly ToolDefinition[];
  readonly missing: readonly string[];
}

/** Connects to servers, side by side, and takes of each the tools that are allowed. Rejects with the signal's reason alone. */
export async function openMcpTools(servers: readonly McpServer[], world: StepWorld): Promise<McpTools> {
  if (servers.length === 0) return noMcpTools;
  const marker = randomUUID();
  const dropped = new Map<string, McpFailure>();
  const drop = (server: string, failure: McpFailure): void => {
    if (failure.isLasting && !dropped.has(server)) dropped.set(server, failure);
    logFailure(world.log, server, failure);
  };
  const opened = await Promise.all(servers.map((server) => openServer(server, world, marker, drop)));
  const close = async (): Promise<void> => {
    await allDone(opened.map(({ connection }) => connection?.close()));
  };
  if (world.signal.aborted) {
    await close();
    world.signal.throwIfAborted();
  }
  return {
    tools: opened.flatMap(({ tools }) => tools),
    missing: opened.flatMap(({ missing }) => missing),
    dropped: () => [...dropped].map(([server, { message }]) => `MCP server ${server}: ${message}`),
    close,
  };
}

type Drop = (server: string, failure: McpFailure) => void;

async function openServer(server: McpServer, world: StepWorld, marker: string, drop: Drop): Promise<OpenServer> {
  let connection: McpConnection | null = null;
  try {
    connection = await openMcp(server, world, marker);
    const definitions = await connection.ask(world.signal, (tools) => tools);
    return { server, connection, ...offer(server, definitions, connection, drop) };
  } catch (thrown) {
    const failure = await failureOf(thrown);
    if (!world.signal.aborted) logFailure(world.log, server.name, failure);
    const missing = server.tools.map(({ name }) => `${offeredName(server.name, name)}: ${failure.message}`);
    return { server, connection, tools: [], missing };
  }
}

/** What the other side said may hold what is secret; it is redacted and goes to the log alone. */
function logFailure(log: Log, server: string, { reason, detail }: McpFailure): void {
  log.warn({ server, reason, detail }, 'mcp-failed');
}

function offer(
  server: McpServer,
  definitions: readonly McpDefinition[],
  connection: McpConnection,
  drop: Drop,
): Pick<OpenServer, 'tools' | 'missing'> {
  const tools: ToolDefinition[] = [];
  const missing: string[] = [];
  for (const allowed of server.tools) {
    const refusal = toolRefusal(allowed, definitions);
    const definition = definitions.find(({ name }) => name === allowed.name);
    if (refusal === null && definition !== undefined) tools.push(toolOf(server, allowed, definition, connection, drop));
    else missing.push(`${offeredName(server.name, allowed.name)}: ${refusal?.message ?? ''}`);
  }
  return { tools, missing };
}

function toolOf(
  server: McpServer,
  allowed: McpToolPin,
  definition: McpDefinition,
  connection: McpConnection,
  drop: Drop,
): ToolDefinition {
  const { name } = allowed;
  return {
    name: offeredName(server.name, name),
    description: offeredDescription(server.name, definition),
    input: inputOf(definition.inputSchema),
    declared: definition.inputSchema,
    unavailable: () => null,
    reaches: () => [{ of: 'mcp', server: server.name, tool: name }],
    async run({ signal }, input) {
      try {
        return await connection.ask(signal, async (definitions, call) => {
          // It may be another one by now.
          const refusal = toolRefusal(allowed, definitions);
          if (refusal !== null) {
            const { reason, message } = refusal;
            return { status: 'error', reason, text: message, command: null, evidence: null };
          }
          return answerOf(server.name, name, await call(definition, input as JsonObject));
        });
      } catch (thrown) {
        signal.throwIfAborted();
        const failure = await failureOf(thrown);
        drop(server.name, failure);
        return failedAnswer(failure);
      }
    },
  };
}

function failedAnswer({ reason, message, detail }: McpFailure): Awaited<ReturnType<ToolDefinition['run']>> {
  const text = detail === '' ? message : `${message}: ${detail}`;
  return { status: 'error', reason, text, command: null, evidence: null };
}

/** Objects that fit the schema of the server; what it is no schema by our reading, the server judges alone. */
function inputOf(schema: JsonObject): z.ZodObject {
  const check = checkOf(schema);
  return z.looseObject({}).superRefine((value, context) => {
    const problem = check?.(value) ?? null;
    if (problem === null) return;
    context.addIssue({
      code: 'custom',
      path: problem.field === '' ? [] : problem.field.split('.'),
      message: problem.message,
    });
  });
}

/** Drafts that are read; of another one nothing is checked here. */
const knownDraft = /draft-07|2020-12/;

function checkOf({ $schema: draft, ...schema }: JsonObject): ((value: unknown) => SchemaProblem | null) | null {
  const isKnown = typeof draft === 'string' && knownDraft.test(draft);
  try {
    const check = compileCheck(isKnown ? { $schema: draft, ...schema } : schema, { unknownKeywords: 'ignored' });
    return (value) => withinLimit(() => check(value));
  } catch {
    return null;
  }
}
