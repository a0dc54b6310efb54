import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { dataKinds } from '../../core/namespace-data.ts';
import type { McpPlace, McpServer } from '../../core/plan.ts';
import { authentication } from '../../lib/authorization.ts';
import { parseDuration } from '../../lib/duration.ts';
import { rule } from '../../lib/rule.ts';
import { between, duration, map } from '../../lib/schema.ts';
import { secretRef } from '../../lib/secret-reference.ts';

/** Tools of all servers of a Workflow: a model is told of no more, its own ones included. */
const mostTools = 15;
const mostServers = 5;
/** Headers, or variables, of a server. */
const mostNames = 50;

const headerName = z
  .string()
  .max(100)
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/, 'is not a header name');
/** What the protocol and the connection set themselves. */
const ownHeader =
  /^(?:host|content-.*|transfer-encoding|connection|keep-alive|upgrade|te|trailer|expect|accept|cookie|last-event-id|mcp-.*|proxy-.*)$/;
const variableName = z
  .string()
  .max(255)
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,254}$/, 'must be a name of an environment variable');
/** What changes how a program is loaded, or what fist needs to find it again. */
const ownVariable = /^(?:PATH|LD_.*|DYLD_.*|NODE_OPTIONS|FIST_.*)$/;

const headers = headerName.check(
  rule(
    `!self.lowerAscii().matches('${ownHeader.source}')`,
    'is set by fist itself',
    (name) => !ownHeader.test(name.toLowerCase()),
  ),
);
const variables = variableName.check(
  rule(`!self.matches('${ownVariable.source}')`, 'is set by fist itself', (name) => !ownVariable.test(name)),
);

/** One MCP server as a Workflow names it. */
const mcpServer = z
  .strictObject({
    name: z
      .string()
      .max(20)
      .regex(
        /^[a-z]([-a-z0-9]{0,18}[a-z0-9])?$/,
        'must be at most 20 small letters, digits and -, and begin with a letter',
      )
      .meta({ description: 'Name of the server; its tools are called <name>__<tool>.' }),
    url: z
      .string()
      .max(2048)
      .regex(/^https?:\/\/[^\p{Z}\p{Cc}@]+$/u, 'must be an http or https address without credentials')
      .optional()
      .meta({ description: 'Address of a server that speaks streamable HTTP.' }),
    headers: map(
      headers,
      z
        .string()
        .max(4096)
        .regex(/^[\t\x20-\x7e]*$/, 'must be printable ASCII'),
      mostNames,
    )
      .optional()
      .meta({ description: 'Request headers, with url. No secrets: see secretHeaders and authentication.' }),
    secretHeaders: map(headers, secretRef, mostNames)
      .optional()
      .meta({ description: 'Request headers whose values are Secrets, with url.' }),
    authentication: authentication.optional(),
    command: z.array(z.string().max(4096)).min(1).max(50).optional().meta({
      description:
        'Instead of url: absolute path and arguments of a program that speaks over its standard input and output. No shell. The server must have been started with --allow-exec, or --allow-mcp-command <path>.',
    }),
    environment: map(variables, z.string().max(65_536), mostNames)
      .optional()
      .meta({ description: 'The whole environment of the program but PATH, with command. No secrets.' }),
    secretEnvironment: map(variables, secretRef, mostNames)
      .optional()
      .meta({ description: 'Environment variables whose values are Secrets, with command.' }),
    tools: z
      .array(
        z.strictObject({
          name: z.string().min(1).max(128).meta({ description: 'Name of the tool, as the server has it.' }),
          pin: z
            .string()
            .max(64)
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
    data: z.enum(dataKinds).optional().meta({
      description:
        'What its tools read of namespaces: they are not offered where spec.capabilities says that there is none of it.',
    }),
    timeout: duration
      .check(between('1s', '5m'))
      .default('30s')
      .meta({ description: 'Of the beginning, and of each call.' }),
  })
  .check(
    rule(
      'has(self.url) != has(self.command)',
      'needs exactly one of url and command',
      ({ url, command }) => (url === undefined) !== (command === undefined),
    ),
    rule(
      "!has(self.command) || size(self.command) == 0 || self.command[0].startsWith('/')",
      'must begin with an absolute path',
      ({ command }) => command?.[0] === undefined || isAbsolute(command[0]),
      ['command'],
    ),
    rule(
      'has(self.url) || !(has(self.headers) || has(self.secretHeaders) || has(self.authentication))',
      'headers, secretHeaders and authentication belong to url',
      ({ url, headers, secretHeaders, authentication }) =>
        url !== undefined || [headers, secretHeaders, authentication].every((field) => field === undefined),
    ),
    rule(
      'has(self.command) || !(has(self.environment) || has(self.secretEnvironment))',
      'environment and secretEnvironment belong to command',
      ({ command, environment, secretEnvironment }) =>
        command !== undefined || [environment, secretEnvironment].every((field) => field === undefined),
    ),
    rule(
      'self.tools.all(one, self.tools.exists_one(other, other.name == one.name))',
      'has a tool twice',
      ({ tools }) => new Set(tools.map(({ name }) => name)).size === tools.length,
      ['tools'],
    ),
  );

/** `spec.runtime.mcpServers` of a Workflow. */
export const mcpServers = z
  .array(mcpServer)
  .max(mostServers)
  .check(
    rule(
      'self.all(one, self.exists_one(other, other.name == one.name))',
      'has a name twice',
      (servers) => new Set(servers.map(({ name }) => name)).size === servers.length,
    ),
    rule(
      `self.map(server, size(server.tools)).sum() <= ${mostTools}`,
      `has more than ${mostTools} tools in all: a model chooses badly among many`,
      (servers) => servers.reduce((sum, { tools }) => sum + tools.length, 0) <= mostTools,
    ),
  )
  .meta({ description: 'MCP servers whose tools the model of agent steps may use. Reading tools only.' });

/** The servers as a plan has them. */
export function compileMcpServers(given: z.output<typeof mcpServers>): readonly McpServer[] {
  return given.map((server) => ({
    name: server.name,
    at: placeOf(server),
    tools: server.tools,
    ...(server.data === undefined ? {} : { data: server.data }),
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
