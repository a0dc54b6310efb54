import type { z } from 'zod';
import type { AgentEvent, AgentJournal, FollowUp } from '../../core/agent-event.ts';
import type { ModelCharge } from '../../core/agent-store.ts';
import type { Readers } from '../../agent/open-toolbox.ts';
import type { ClusterView } from '../../core/cluster.ts';
import type { JsonValue } from '../../core/json.ts';
import type { McpTools } from '../../agent/mcp/tools.ts';
import type { Capabilities, NamespaceData } from '../../core/namespace-data.ts';
import type { ModelAccess } from '../../agent/models/open.ts';
import type { CommandRunner } from '../../core/command.ts';
import type { Clock, Log } from '../../core/ports.ts';
import type { AlertSnapshot, ProcessIdentity, RunGroup, StepOutcome } from '../../core/run.ts';
import type { Timestamp } from '../../core/time.ts';

/** Addresses that a step names itself; null = it does not. */
export interface ReaderEndpoints {
  readonly metrics: string | null;
  readonly logs: string | null;
}

/** Where there are data, by people and by earlier runs. */
export interface StepData {
  readonly said: Capabilities;
  /** What servers answered, lately. Rejects where the store cannot be read. */
  known(servers: readonly string[]): Promise<readonly NamespaceData[]>;
  /** Keeps what they answered. Rejects where the store takes no writes. */
  learn(rows: readonly NamespaceData[]): Promise<void>;
}

/** The whole world of a step. It is one attempt: retries, time-outs and the journal are the engine's. */
export interface StepIo extends ClusterView {
  readonly runId: string;
  /** Name of the step in its Workflow. */
  readonly name: string;
  /** Place in the plan, `2`, `2.then`. */
  readonly path: string;
  /** From 1. */
  readonly attempt: number;
  /** Of the attempts before this one, those of which it is known how they ended. */
  readonly endedBefore: number;
  /** `run/path`, the same in all attempts: for receivers that honour it. */
  readonly idempotencyKey: string;
  /** Aborted on cancel, time-out, stop and a lost lease. */
  readonly signal: AbortSignal;
  /** Of this attempt. */
  readonly timeoutMs: number;
  readonly now: () => Timestamp;
  readonly clock: Clock;
  readonly log: Log;
  readonly alert: AlertSnapshot | null;
  /** Other alerts that the run answers for; null = it has its own alone. */
  readonly group: RunGroup | null;
  readonly image: string;
  /** Of the Workflow. */
  readonly namespace: string;
  /** `spec.runtime.environment`. */
  readonly environment: Readonly<Record<string, string>>;
  /** Names of the branches that the plan has for this step. */
  readonly branches: readonly string[];
  /** Throws TemplateInvalid. */
  render(template: string): string;
  /**
   * The text for `/bin/sh -c`, with values in the environment beside the rendered variables. Throws TemplateInvalid or
   * UnsafeArgument.
   */
  renderCommand(
    template: string,
    variables: Readonly<Record<string, string>>,
  ): { readonly script: string; readonly environment: Readonly<Record<string, string>> };
  /** Values show as `[value 1]` in the text and stand beside it. Throws TemplateInvalid. */
  renderApart(template: string): { readonly text: string; readonly values: readonly string[] };
  /** Throws TemplateInvalid. */
  evaluate(condition: string): boolean;
  /** null = `fist serve` was started without `--allow-exec`, or `fist operator` without `--allow-jobs`. */
  readonly commands: CommandRunner | null;
  /** What can be read beside the cluster: at the addresses that the step names, else where the Workflow or the server says. */
  openReaders(endpoints: ReaderEndpoints): Readers;
  readonly data: StepData;
  /** The models of the Workflow's llmConfig, or the server's, without those that a check found unable. */
  openModel(): Promise<ModelAccess>;
  /** The tools of the Workflow's MCP servers; they are to be closed. Rejects with the signal's reason alone. */
  openMcp(): Promise<McpTools>;
  /** Values of the Secrets of the resources: nothing that a step gives back may hold one. */
  readonly secretValues: () => Promise<readonly string[]>;
  /** Number of the first evidence of this attempt: 7 = `e7`. */
  readonly firstEvidenceNumber: number;
  /** Writes the process into the journal before it may do anything; rejects where the run was taken over. */
  readonly onProcess: (process: ProcessIdentity) => Promise<void>;
  /** A person asked on about a conversation, which the step goes on with; null = it is an investigation of its own. */
  readonly followUp: FollowUp | null;
  /** Of this step, for what a model is asked. Rejects where the run was taken over, and once the attempt has ended. */
  readonly journal: AgentJournal;
  /**
   * The conversation of the newest agent step in an earlier run of this Workflow for this alert that closed with this hash, so that
   * nobody is asked again about the same; empty = there is none.
   */
  readonly conversationWith: (evidenceHash: string) => Promise<readonly AgentEvent[]>;
  /** Why the budgets above the step have no room for a request that may use so much, in words; null = they have. */
  readonly budgetRefusal: (next: ModelCharge) => Promise<string | null>;
}

/** What a text field holds, for lint and rendering. */
export type TemplateKind = 'template' | 'condition' | 'command';

/** A field that holds a whole step, run where the result says `branch: <branch>`. */
export interface BranchField {
  readonly field: string;
  readonly branch: string;
  /** The step's type where the field does not say it; null = it must. */
  readonly defaultType: string | null;
}

/** Something in a step that does not do what was meant. */
export interface StepProblem {
  /** Within the step. */
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly next: string;
}

/** A step type. `config` has the step's own fields only; the common ones (`when`, `retry`, ...) are the plan's. */
export interface StepDefinition<Type extends string = string, Config extends z.ZodObject = z.ZodObject> {
  readonly type: Type;
  /** One line, for `fist explain`. */
  readonly description: string;
  readonly config: Config;
  /** Fields of `config` that are templates, or maps of them. */
  readonly templates: Readonly<Partial<Record<keyof z.output<Config> & string, TemplateKind>>>;
  readonly defaultTimeoutMs: number;
  /** What of a config that fits the schema does nothing all the same, as warnings of lint; absent = nothing. */
  check?(config: z.output<Config>): readonly StepProblem[];
  /** A step with branches answers `{branch: <name> | null}` in its result. */
  readonly branches: readonly BranchField[];
  /** May throw: an AppError fails the attempt with its code. */
  run(io: StepIo, config: z.output<Config>): Promise<StepOutcome>;
}

/** The identity, for its types: `config` of `run` follows from the schema. */
export function defineStep<Type extends string, Config extends z.ZodObject>(
  definition: StepDefinition<Type, Config>,
): StepDefinition<Type, Config> {
  return definition;
}

/** An outcome without evidence. */
export function succeeded(result: JsonValue): StepOutcome {
  return { ok: true, result, evidence: [] };
}
