import type { SecretReference } from '../../core/catalog.ts';
import type { ErrorCode } from '../../core/errors.ts';
import type { McpPlace, McpServer } from '../../core/plan.ts';
import { parseSecretReference, secretFile } from '../../lib/secret-reference.ts';

/** Something that keeps a server from being used, as far as it is known before it is. */
export interface McpProblem {
  readonly code: ErrorCode;
  readonly message: string;
  readonly next: string;
}

/** Secrets that are missing, and programs that may not be run here. */
export function mcpProblems(
  servers: readonly McpServer[],
  world: { readonly hasSecret: (reference: SecretReference) => boolean; readonly commands: 'all' | readonly string[] },
): readonly McpProblem[] {
  return servers.flatMap(({ name, at }) => [
    ...secretProblems(name, at, world.hasSecret),
    ...programProblems(name, at, world.commands),
  ]);
}

function secretProblems(
  server: string,
  at: McpPlace,
  hasSecret: (reference: SecretReference) => boolean,
): readonly McpProblem[] {
  const named = Object.values(at.of === 'url' ? at.secretHeaders : at.secretEnvironment).map(parseSecretReference);
  const { secretRef: text, secretKeyRef: object } = (at.of === 'url' ? at.authentication : null) ?? {};
  const own = object ?? (text === undefined ? null : parseSecretReference(text));
  return [...named, ...(own === null ? [] : [own])]
    .filter((reference) => !hasSecret(reference))
    .map((reference) => ({
      code: 'SecretMissing',
      message: `MCP server ${server} needs key ${reference.key} of Secret ${reference.name}, which is not there; its tools are not offered`,
      next: secretFile(reference),
    }));
}

function programProblems(server: string, at: McpPlace, commands: 'all' | readonly string[]): readonly McpProblem[] {
  if (at.of === 'url' || commands === 'all' || commands.includes(at.command[0])) return [];
  const [file] = at.command;
  return [
    {
      code: 'ExecNotAllowed',
      message: `MCP server ${server} is the program ${file}, which this server may not run; its tools are not offered`,
      next: `start it with: fist serve --allow-mcp-command ${file}`,
    },
  ];
}
