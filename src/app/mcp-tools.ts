import { definitionRefusal, pinOf } from '../agent/mcp/definition.ts';
import { McpFailure } from '../agent/mcp/failure.ts';
import { listMcp } from '../agent/mcp/open.ts';
import { failureOf } from '../agent/mcp/sdk-errors.ts';
import { AppError } from '../core/errors.ts';
import type { McpPlace } from '../core/plan.ts';
import { systemClock } from '../lib/clock.ts';
import { createHttpClient } from '../lib/http.ts';
import { createProgramRunner } from '../runners/program.ts';

/** An MCP server as a person names it. */
export interface McpTarget {
  /** An http or https address, or the absolute path of a program with its arguments. */
  readonly words: readonly string[];
  /** Variables of this environment that the program gets. */
  readonly variables: readonly string[];
  readonly timeoutMs: number;
}

/** A tool that a server offers: text from outside. */
export interface OfferedTool {
  readonly name: string;
  readonly description: string;
  /** Of its definition, for the Workflow; null where it would not be used. */
  readonly pin: string | null;
  /** Why not; null = it can be used. */
  readonly refusal: string | null;
}

/** Variable with the bearer token of a server that is asked by its address. */
const tokenVariable = 'FIST_MCP_TOKEN';

/**
 * What an MCP server offers, each with the pin that a Workflow names it by. It is asked for its list alone. Throws InvalidInput for what is
 * no server, and Unreachable with what the server did.
 */
export async function listMcpTools(
  { words, variables, timeoutMs }: McpTarget,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<readonly OfferedTool[]> {
  const at = placeOf(words, variables, environment);
  const http = createHttpClient();
  const path = environment['PATH'] ?? '/usr/bin:/bin';
  const world = {
    fetch: http.fetch,
    programs: createProgramRunner({ clock: systemClock(), path, allowed: 'all' }),
    secret: () => environment[tokenVariable] ?? '',
    onProcess: async () => {},
    signal: new AbortController().signal,
  };
  try {
    const definitions = await listMcp({ at, timeoutMs }, world);
    return definitions.map((definition) => {
      const refusal = definitionRefusal(definition)?.message ?? null;
      const { name, description } = definition;
      return { name, description, refusal, pin: refusal === null ? pinOf(definition) : null };
    });
  } catch (thrown) {
    throw inWords(await failureOf(thrown), words[0] ?? '');
  } finally {
    await http.close();
  }
}

function placeOf(
  [first = '', ...rest]: readonly string[],
  variables: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): McpPlace {
  if (!/^https?:\/\//i.test(first)) {
    const missing = variables.find((name) => environment[name] === undefined);
    if (missing !== undefined) throw new AppError('InvalidInput', `${missing} is not set here`, { field: '--env' });
    const own = Object.fromEntries(variables.map((name) => [name, environment[name] ?? '']));
    return { of: 'program', command: [first, ...rest], environment: own, secretEnvironment: {} };
  }
  if (rest.length > 0 || variables.length > 0)
    throw new AppError('InvalidInput', 'arguments and --env belong to a program, not to an address');
  const isKnown = (environment[tokenVariable] ?? '') !== '';
  const authentication = isKnown ? ({ type: 'bearer', secretRef: 'token' } as const) : null;
  return { of: 'url', url: first, headers: {}, secretHeaders: {}, authentication };
}

function inWords(failure: McpFailure, server: string): AppError {
  const { reason, message, detail } = failure;
  const said = detail === '' ? message : `${message}: ${detail}`;
  if (reason === 'McpNotStarted')
    return new AppError('InvalidInput', `${server} cannot be used as an MCP server: ${said}`, {
      next: 'an address, http://..., or the absolute path of a program and its arguments',
    });
  const details = reason === 'McpUnauthorized' ? { next: `a token in ${tokenVariable}` } : {};
  return new AppError('Unreachable', `MCP server ${server}: ${said}`, details);
}
