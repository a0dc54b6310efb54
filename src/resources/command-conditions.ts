import type { Condition } from '../core/catalog.ts';
import type { Plan, PlanStep } from '../core/plan.ts';
import { cli, howToRunCommands } from '../workflows/steps/cli.ts';

/**
 * What keeps commands of a Workflow from running: this server runs none. Its alerts are taken and the steps before do what they can, so
 * it does not make the Workflow not ready.
 */
export function commandConditions({ steps }: Plan, runsCommands: boolean | undefined): readonly Condition[] {
  const [first, ...others] = runsCommands === false ? steps.flatMap(commandsOf) : [];
  if (first === undefined) return [];
  const rest = others.length === 0 ? '' : ` (and ${others.length} more)`;
  const message = `step "${first.name}"${rest} runs a command, which this server does not do: it fails, and says so; ${howToRunCommands}`;
  return [{ type: 'CommandsResolved', status: 'False', reason: 'CommandsOff', message }];
}

/** The steps with a command: this one, and those of its branches. */
function commandsOf(step: PlanStep): readonly PlanStep[] {
  return [...(step.type === cli.type ? [step] : []), ...Object.values(step.branches).flatMap(commandsOf)];
}
