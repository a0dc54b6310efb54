import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Gap } from '../../core/finding.ts';
import type { JsonObject } from '../../core/json.ts';
import type { McpServer, McpToolPin } from '../../core/plan.ts';
import type { Log } from '../../core/ports.ts';
import { compileCheck, withinLimit } from '../../lib/json-schema.ts';
import type { SchemaProblem } from '../../lib/json-schema.ts';
import type { ToolDefinition } from '../tools/define.ts';
import { answerOf } from './answer.ts';
import type { McpConnection } from './connection.ts';
import { allowedTool, briefDescription, offeredDescription, offeredName } from './definition.ts';
import type { McpDefinition } from './definition.ts';
import type { McpFailure } from './failure.ts';
import { serverGap, toolGap } from './gaps.ts';
import { openMcp } from './open.ts';
import type { McpWorld } from './open.ts';
import { failureOf } from './sdk-errors.ts';

/** The tools of the MCP servers of one step. */
export interface McpTools {
  readonly tools: readonly ToolDefinition[];
  /** All that the Workflow allows, `server/tool`, for the policy. */
  readonly allowed: readonly string[];
  /** What was allowed and cannot be offered, and why, in words of our own: `prometheus__query: ...`. */
  readonly missing: readonly string[];
  /** What could not be used from the beginning or later, for the report. */
  gaps(): readonly Gap[];
  /** Ends the sessions, and the programs with all that they started. Never rejects. */
  close(): Promise<void>;
}

/** Where no server is configured. */
export const noMcpTools: McpTools = {
  tools: [],
  allowed: [],
  missing: [],
  gaps: () => [],
  close: () => Promise.resolve(),
};

/** Of a step. */
export interface StepWorld extends McpWorld {
  readonly log: Log;
}

interface OpenServer {
  readonly server: McpServer;
  readonly connection: McpConnection | null;
  readonly tools: readonly ToolDefinition[];
  readonly missing: readonly string[];
  readonly gaps: readonly Gap[];
}

/** Connects to servers, side by side, and takes of each the tools that are allowed. Rejects with the signal's reason alone. */
export async function openMcpTools(servers: readonly McpServer[], world: StepWorld): Promise<McpTools> {
  if (servers.length === 0) return noMcpTools;
  const marker = randomUUID();
  const dropped = new Map<McpServer, McpFailure>();
  const drop: Drop = (server, failure) => {
    if (failure.isLasting && !dropped.has(server)) dropped.set(server, failure);
    logFailure(world.log, server.name, failure);
  };
  const opened = await Promise.all(servers.map((server) => openServer(server, world, marker, drop)));
  const close = async (): Promise<void> => {
    await Promise.allSettled(opened.map(async ({ connection }) => connection?.close()));
  };
  if (world.signal.aborted) {
    await close();
    world.signal.throwIfAborted();
  }
  return {
    tools: opened.flatMap(({ tools }) => tools),
    allowed: servers.flatMap(({ name, tools }) => tools.map((tool) => `${name}/${tool.name}`)),
    missing: opened.flatMap(({ missing }) => missing),
    gaps: () => [
      ...opened.flatMap(({ gaps }) => gaps),
      ...[...dropped].map(([server, failure]) => serverGap(server, failure)),
    ],
    close,
  };
}

/** The tools of this program that come before those that a Workflow names: nothing is found out without them. */
const ownBefore = 8;

/** All tools, the most useful first: those that a Workflow names come before the more special ones of this program. */
export function withMcpTools(
  own: readonly ToolDefinition[],
  named: readonly ToolDefinition[],
): readonly ToolDefinition[] {
  return [...own.slice(0, ownBefore), ...named, ...own.slice(ownBefore)];
}

type Drop = (server: McpServer, failure: McpFailure) => void;

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
    return { server, connection, tools: [], missing, gaps: [serverGap(server, failure)] };
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
): Pick<OpenServer, 'tools' | 'missing' | 'gaps'> {
  const tools: ToolDefinition[] = [];
  const missing: string[] = [];
  const gaps: Gap[] = [];
  for (const allowed of server.tools) {
    const found = allowedTool(allowed, definitions);
    if ('definition' in found) {
      tools.push(toolOf(server, allowed, found.definition, connection, drop));
      continue;
    }
    missing.push(`${offeredName(server.name, allowed.name)}: ${found.message}`);
    gaps.push(toolGap(server, allowed.name, found));
  }
  return { tools, missing, gaps };
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
    brief: briefDescription(server.name, definition),
    input: inputOf(definition.inputSchema),
    declared: definition.inputSchema,
    ...(server.data === undefined ? {} : { data: { kind: server.data, isLearned: false } }),
    unavailable: () => null,
    reaches: () => [{ of: 'mcp', server: server.name, tool: name }],
    async run({ signal }, input) {
      try {
        return await connection.ask(signal, async (definitions, call) => {
          // It may be another one by now.
          const found = allowedTool(allowed, definitions);
          if ('definition' in found)
            return answerOf(server.name, name, await call(found.definition, input as JsonObject));
          return { status: 'error', reason: found.reason, text: found.message, command: null, evidence: null };
        });
      } catch (thrown) {
        signal.throwIfAborted();
        const failure = await failureOf(thrown);
        drop(server, failure);
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
