import type { LlmConfig } from '../core/plan.ts';
import type { Clock } from '../core/ports.ts';
import type { ModelAccess } from './models/open.ts';
import type { ToolSources } from './open-toolbox.ts';

/** An item of a step's `tools`, in either of the contract's shapes. */
export type ToolChoice = string | { readonly name?: string; readonly endpoint?: string };

/** What agent steps need of the program, the same for all. */
export interface AgentServices {
  /** The model of a Workflow in this namespace, or the server's. */
  openModel(config: LlmConfig | null, namespace: string): ModelAccess;
  /** What a step's `tools` come to, and what they may look at. */
  toolsOf(choices: readonly ToolChoice[]): Pick<ToolSources, 'tools' | 'allowed'>;
  readonly clock: Clock;
}
