import { agent } from './agent.ts';
import { cli } from './cli.ts';
import { conditional } from './conditional.ts';
import type { StepDefinition } from './define.ts';

/** Every step type. One more: its file, its test, a line here, an example. */
export const stepDefinitions: readonly StepDefinition[] = [cli, agent, conditional];

/** The definition of a type, or undefined. */
export function findStepDefinition(type: string): StepDefinition | undefined {
  return stepDefinitions.find((definition) => definition.type === type);
}
