import { randomUUID } from 'node:crypto';
import type { SecretReference } from '../../core/catalog.ts';
import type { McpPlace, McpServer } from '../../core/plan.ts';
import type { ProgramRunner } from '../../core/command.ts';
import type { ProcessIdentity } from '../../core/run.ts';
import { authorization } from '../../lib/authorization.ts';
import type { StandardFetch } from '../../lib/http.ts';
import { parseSecretReference } from '../../lib/secret-reference.ts';
import { connectMcp } from './connection.ts';
import type { McpConnection } from './connection.ts';
import type { McpDefinition } from './definition.ts';
import { urlTransport } from './http.ts';
import { failureOf } from './sdk-errors.ts';
import { programTransport } from './stdio.ts';
import type { McpLimits } from './traffic.ts';

/** What servers are reached with. */
export interface McpWorld {
  /** Of the one outbound client. */
  readonly fetch: StandardFetch;
  readonly programs: ProgramRunner;
  /** Of the Workflow's namespace. Throws SecretMissing. */
  secret(reference: SecretReference): string;
  /** Takes note of a program before anything is asked of it. */
  onProcess(process: ProcessIdentity): Promise<void>;
  readonly signal: AbortSignal;
  readonly limits?: McpLimits;
}

/** Connects to a server. `marker`: of the attempt, for what its program leaves behind. Rejects as {@link connectMcp} does. */
export async function openMcp(
  { at, timeoutMs }: Pick<McpServer, 'at' | 'timeoutMs'>,
  world: McpWorld,
  marker: string,
): Promise<McpConnection> {
  const { signal, limits } = world;
  return connectMcp({
    timeoutMs,
    signal,
    ...(limits === undefined ? {} : { limits }),
    async open(traffic) {
      if (at.of === 'url') return urlTransport(world.fetch, { url: at.url, headers: headersOf(at, world) }, traffic);
      const { command, environment, secretEnvironment } = at;
      const [file, ...rest] = command;
      const request = {
        file,
        arguments: rest,
        environment: { ...environment, ...secretsOf(secretEnvironment, world) },
        marker,
        onStarted: (process: ProcessIdentity) => world.onProcess(process),
      };
      return programTransport(world.programs, request, traffic);
    },
  });
}

/** All that a server offers, for a person who decides what of it is used. Rejects with McpFailure, or the signal's reason. */
export async function listMcp(
  server: Pick<McpServer, 'at' | 'timeoutMs'>,
  world: McpWorld,
): Promise<readonly McpDefinition[]> {
  const connection = await openMcp(server, world, randomUUID());
  try {
    return await connection.ask(world.signal, (tools) => tools);
  } finally {
    await connection.close().catch(failureOf);
  }
}

function headersOf(at: Extract<McpPlace, { of: 'url' }>, world: McpWorld): Record<string, string> {
  return {
    ...at.headers,
    ...secretsOf(at.secretHeaders, world),
    ...authorization(world, at.authentication ?? undefined),
  };
}

function secretsOf(references: Readonly<Record<string, string>>, world: McpWorld): Record<string, string> {
  return Object.fromEntries(
    Object.entries(references).map(([name, reference]) => [name, world.secret(parseSecretReference(reference))]),
  );
}
