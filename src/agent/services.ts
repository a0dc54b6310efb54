import type { AgentJournal } from '../core/agent-event.ts';
import type { Cluster } from '../core/cluster.ts';
import type { LlmConfig } from '../core/plan.ts';
import type { AlertSnapshot } from '../core/run.ts';
import type { Timestamp } from '../core/time.ts';
import type { InvestigationFailure } from '../investigation/input.ts';
import type { PatientModel } from './models/model.ts';
import type { ToolboxRequest } from './run.ts';
import type { Toolbox } from './toolbox.ts';

/** What a Workflow's `llmConfig` came to. */
export type OpenedModel =
  /** None is asked for: the analyzers alone. */
  | { readonly kind: 'none' }
  | { readonly kind: 'open'; readonly model: PatientModel }
  /** Unknown, or without a key: there is no stand-in. */
  | { readonly kind: 'refused'; readonly failure: InvestigationFailure };

/** The step that asks. */
export interface AgentCaller {
  readonly runId: string;
  readonly namespace: string;
  readonly workflow: string;
  readonly alert: AlertSnapshot | null;
  readonly cluster: Cluster | null;
  readonly journal: AgentJournal;
  now(): Timestamp;
  readonly signal: AbortSignal;
}

/** What an agent step needs of the program beside its own world. */
export interface AgentServices {
  /** Loads a provider's SDK, if it has to. */
  openModel(config: LlmConfig | null, caller: Pick<AgentCaller, 'namespace' | 'runId'>): Promise<OpenedModel>;
  openToolbox(
    request: ToolboxRequest & { readonly tools: readonly ToolChoice[] },
    caller: AgentCaller,
  ): Promise<Toolbox>;
}

/** An item of a step's `tools`, in either of the contract's shapes. */
export interface ToolChoice {
  readonly name: string;
  readonly endpoint: string | null;
}
