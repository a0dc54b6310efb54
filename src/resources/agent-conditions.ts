import { mcpProblems } from '../agent/mcp/problems.ts';
import { chooseModels } from '../agent/models/choose.ts';
import type { ChoiceWorld } from '../agent/models/choose.ts';
import type { Condition, SecretReference } from '../core/catalog.ts';
import type { Plan, PlanStep } from '../core/plan.ts';
import type { Secrets } from '../core/ports.ts';
import { parseSecretReference, secretFile } from '../lib/secret-reference.ts';

/** What agent steps are held against. */
export interface AgentOptions {
  readonly secrets: Secrets;
  /** What the server says of models; absent: Workflows are not held against it. */
  readonly models?: Pick<ChoiceWorld, 'defaults' | 'prices'> | undefined;
  /** Programs that may be run as MCP servers; absent: as `models`. */
  readonly mcpCommands?: 'all' | readonly string[] | undefined;
}

/**
 * What keeps agent steps of a Workflow from asking a model, or metrics and logs, or the model from its tools. Secrets and the server's environment may
 * come later, and runs report without a model, a model does without tools: it does not make the Workflow not ready.
 */
export function agentConditions(
  { namespace, runtime, steps }: Plan,
  { models, mcpCommands, secrets }: AgentOptions,
): readonly Condition[] {
  if (!steps.some(asksModel)) return [];
  const secret = (reference: SecretReference) => secrets.get(namespace, reference);
  const hasSecret = (reference: SecretReference) => secret(reference) !== null;
  return [
    ...(models === undefined
      ? []
      : unresolved('ModelsResolved', chooseModels(runtime.llmConfig, { ...models, secret })?.problems ?? [])),
    ...(models === undefined ? [] : unresolved('ReadersResolved', readerProblems(runtime, hasSecret))),
    ...(mcpCommands === undefined
      ? []
      : unresolved('McpServersResolved', mcpProblems(runtime.mcpServers ?? [], { hasSecret, commands: mcpCommands }))),
  ];
}

/** Metrics and logs that an investigation cannot ask for, because the Secret of a token is missing. */
function readerProblems(
  { prometheus, loki }: Plan['runtime'],
  hasSecret: (reference: SecretReference) => boolean,
): readonly Unresolved[] {
  const named = [
    { field: 'spec.prometheus.tokenSecret', what: 'metrics', text: prometheus?.tokenSecret },
    { field: 'spec.loki.tokenSecret', what: 'logs', text: loki?.tokenSecret },
  ];
  return named.flatMap(({ field, what, text }) => {
    const reference = text === null || text === undefined ? null : parseSecretReference(text);
    if (reference === null || hasSecret(reference)) return [];
    const { name, key } = reference;
    const message = `${field} names key ${key} of Secret ${name}, which is not there; its ${what} are not read, and reports say so`;
    return [{ code: 'SecretMissing', message, next: secretFile(reference) }];
  });
}

/** What keeps a step from asking somebody. */
interface Unresolved {
  readonly code: string;
  readonly message: string;
  readonly next: string;
}

function unresolved(type: string, [first, ...others]: readonly Unresolved[]): readonly Condition[] {
  if (first === undefined) return [];
  const rest = others.length === 0 ? '' : ` (and ${others.length} more)`;
  return [{ type, status: 'False', reason: first.code, message: `${first.message}; ${first.next}${rest}` }];
}

/** Whether a step, or one of its branches, may ask a model. */
export function asksModel({ type, branches }: PlanStep): boolean {
  return type === 'agent' || Object.values(branches).some(asksModel);
}
