import { isAbsolute } from 'node:path';
import { z } from 'zod';
import type { McpPlace, McpServer } from '../../core/plan.ts';
import { authentication } from '../../lib/authorization.ts';
import { parseDuration } from '../../lib/duration.ts';
import { duration } from '../../lib/schema.ts';
import { secretRef } from '../../lib/secret-reference.ts';

/** Tools of all servers of a Workflow: a model is told of no more, its own ones included. */
const mostTools = 15;
const mostServers = 5;

const headerName = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/, 'is not a header name');
/** What the protocol and the connection set themselves. */
const ownHeader =
  /^(?:host|content-.*|transfer-encoding|connection|keep-alive|upgrade|te|trailer|expect|accept|cookie|last-event-id|mcp-.*|proxy-.*)$/i;
const variableName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,254}$/, 'must be a name of an environment variable');
/** What changes how a program is loaded, or what fist needs to find it again. */
const ownVariable = /^(?:PATH|LD_.*|DYLD_.*|NODE_OPTIONS|FIST_.*)$/;

const headers = headerName.refine((name) => !ownHeader.test(name), 'is set by fist itself');
const variables = variableName.refine((name) => !ownVariable.test(name), 'is set by fist itself');

/** One MCP server as a Workflow names it. */
const mcpServer = z
  .strictObject({
    name: z
      .string()
      .regex(
        /^[a-z]([-a-z0-9]{0,18}[a-z0-9])?$/,
        'must be at most 20 small letters, digits and -, and begin with a letter',
      )
      .meta({ description: 'Name of the server; its tools are called <name>__<tool>.' }),
    url: z
      .string()
      .max(2048)
      .regex(/^https?:\/\/[^\s@]+$/, 'must be an http or https address without credentials')
      .optional()
      .meta({ description: 'Address of a server that speaks streamable HTTP.' }),
    headers: z
      .record(
        headers,
        z
          .string()
          .max(4096)
          .regex(/^[\t\x20-\x7e]*$/, 'must be printable ASCII'),
      )
      .optional()
      .meta({ description: 'Request headers, with url. No secrets: see secretHeaders and authentication.' }),
    secretHeaders: z
      .record(headers, secretRef)
      .optional()
      .meta({ description: 'Request headers whose values are Secrets, with url.' }),
    authentication: authentication.optional(),
    command: z.array(z.string().max(4096)).min(1).max(50).optional().meta({
      description:
        'Instead of url: absolute path and arguments of a program that speaks over its standard input and output. No shell. The server must have been started with --allow-exec, or --allow-mcp-command <path>.',
    }),
    environment: z
      .record(variables, z.string().max(65_536))
      .optional()
      .meta({ description: 'The whole environment of the program but PATH, with command. No secrets.' }),
    secretEnvironment: z
      .record(variables, secretRef)
      .optional()
      .meta({ description: 'Environment variables whose values are Secrets, with command.' }),
    tools: z
      .array(
        z.strictObject({
          name: z.string().min(1).max(128).meta({ description: 'Name of the tool, as the server has it.' }),
          pin: z
            .string()
            .regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits, as fist model tools prints them')
            .meta({ description: 'Hash of the definition that was read; the tool is not used once it has another.' }),
        }),
      )
      .min(1)
      .max(mostTools)
      .meta({
        description:
          'The only tools that are used. Each must say of itself that it only reads. fist model tools prints the lines.',
      }),
    timeout: duration.default('30s').meta({ description: 'Of the beginning, and of each call.' }),
  })
  .refine(({ url, command }) => (url === undefined) !== (command === undefined), {
    error: 'needs exactly one of url and command',
  })
  .refine(({ command }) => command === undefined || isAbsolute(command[0] ?? ''), {
    path: ['command', 0],
    error: 'must be an absolute path',
  })
  .refine(
    ({ url, headers, secretHeaders, authentication }) =>
      url !== undefined || [headers, secretHeaders, authentication].every((field) => field === undefined),
    { error: 'headers, secretHeaders and authentication belong to url' },
  )
  .refine(
    ({ command, environment, secretEnvironment }) =>
      command !== undefined || [environment, secretEnvironment].every((field) => field === undefined),
    { error: 'environment and secretEnvironment belong to command' },
  )
  .refine(({ timeout }) => parseDuration(timeout) >= 1000 && parseDuration(timeout) <= 300_000, {
    path: ['timeout'],
    error: 'must be between 1s and 5m',
  })
  .refine(({ tools }) => new Set(tools.map(({ name }) => name)).size === tools.length, {
    path: ['tools'],
    error: 'has a tool twice',
  });

/** `spec.runtime.mcpServers` of a Workflow. */
export const mcpServers = z
  .array(mcpServer)
  .max(mostServers)
  .refine((servers) => new Set(servers.map(({ name }) => name)).size === servers.length, 'has a name twice')
  .refine(
    (servers) => servers.reduce((sum, { tools }) => sum + tools.length, 0) <= mostTools,
    `has more than ${mostTools} tools in all: a model chooses badly among many`,
  )
  .meta({ description: 'MCP servers whose tools the model of agent steps may use. Reading tools only.' });

/** The servers as a plan has them. */
export function compileMcpServers(given: z.output<typeof mcpServers>): readonly McpServer[] {
  return given.map((server) => ({
    name: server.name,
    at: placeOf(server),
    tools: server.tools,
    timeoutMs: parseDuration(server.timeout),
  }));
}

function placeOf(server: z.output<typeof mcpServer>): McpPlace {
  const { url, headers = {}, secretHeaders = {}, authentication = null } = server;
  if (url !== undefined) return { of: 'url', url, headers, secretHeaders, authentication };
  const { environment = {}, secretEnvironment = {} } = server;
  const [file = '', ...rest] = server.command ?? [];
  return { of: 'program', command: [file, ...rest], environment, secretEnvironment };
}
