import type { SecretReference } from './catalog.ts';
import type { JsonObject } from './json.ts';
import type { Capabilities, DataKind } from './namespace-data.ts';

/** Of plans that this program makes and runs. It grows where a program that does not know a new field would do what it must not. */
export const planVersion = 1;

/** A compiled Workflow: what a run executes. Stored once per content in `plans`, named by its hash. */
export interface Plan {
  readonly version: typeof planVersion;
  readonly namespace: string;
  readonly name: string;
  readonly runtime: PlanRuntime;
  readonly steps: readonly PlanStep[];
  readonly outputs: readonly { readonly name: string; readonly value: string }[];
  /** Names of Sinks; `namespace/name` where one is of another namespace (access.ts). */
  readonly sinks: readonly string[];
  /** Wall clock with waits, from the creation of the run. Milliseconds. */
  readonly deadlineMs: number;
  /** Runs of this Workflow that execute at the same time; null = no limit. */
  readonly maxConcurrent: number | null;
  /** What a resolve of the alert does to a run that has not ended. */
  readonly onResolve: 'continue' | 'cancel';
  /** What its models may use above what a step may; absent = no limit. */
  readonly budget?: PlanBudget;
  /** How investigations look at the cluster; absent = as the server does for all (level read). */
  readonly clusterAccess?: ClusterAccess;
}

/** Not at all, or with the rights of a ServiceAccount in the Workflow's namespace. */
export type ClusterAccess = { readonly level: 'none' } | { readonly level: 'custom'; readonly serviceAccount: string };

/** What models may use at most; null = no limit. */
export interface ModelBudget {
  readonly tokens: number | null;
  /** Millionths of a dollar. */
  readonly costMicros: number | null;
}

export interface PlanBudget {
  /** Of one run, together with those that its conversation goes on from. */
  readonly run: ModelBudget | null;
  /** Of all runs of the Workflow, on a UTC day. */
  readonly day: ModelBudget | null;
}

export interface PlanRuntime {
  readonly image: string;
  /** Root `.env` of templates, and the environment of `cli` steps. Never the process's own. */
  readonly environment: Readonly<Record<string, string>>;
  /** null = analyzers only. */
  readonly llmConfig: LlmConfig | null;
  /** Whose metrics and logs investigations read; absent = what the server names. */
  readonly prometheus?: ReadAddress;
  readonly loki?: ReadAddress;
  /** Whose tools the model of agent steps may use; absent = none. */
  readonly mcpServers?: readonly McpServer[];
  /** What people say of where there are data; absent = what was learned holds. */
  readonly capabilities?: Capabilities;
}

/** A server that is only read. */
export interface ReadAddress {
  readonly url: string;
  /** A Secret's `name[/key]`; null = it asks for none. */
  readonly tokenSecret: string | null;
}

/** A server of the Model Context Protocol (MCP). */
export interface McpServer {
  /** Unique within the Workflow. */
  readonly name: string;
  readonly at: McpPlace;
  /** What is not here is never called. */
  readonly tools: readonly McpToolPin[];
  /** What they read of namespaces; absent = nothing that a namespace may lack. */
  readonly data?: DataKind;
  /** Of the beginning, and of each call. */
  readonly timeoutMs: number;
}

export interface McpToolPin {
  readonly name: string;
  /** Of the definition that a person has read: lowercase hex SHA-256. */
  readonly pin: string;
}

/** Values in `secret...` are Secrets, `name[/key]`. */
export type McpPlace =
  | {
      readonly of: 'url';
      readonly url: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly secretHeaders: Readonly<Record<string, string>>;
      readonly authentication: HttpAuthentication | null;
    }
  | {
      readonly of: 'program';
      /** An absolute path, and arguments. */
      readonly command: readonly [string, ...string[]];
      readonly environment: Readonly<Record<string, string>>;
      readonly secretEnvironment: Readonly<Record<string, string>>;
    };

/** Bearer token, or user name and password. */
export interface HttpAuthentication {
  readonly type: 'bearer' | 'basic';
  readonly username?: string | undefined;
  readonly secretRef?: string | undefined;
  readonly secretKeyRef?: SecretReference | undefined;
}

/** A model of a provider. */
export interface LlmTarget {
  readonly provider: string;
  readonly model: string | null;
  readonly endpoint: string | null;
  /** A Secret's `name[/key]`. */
  readonly apiKeySecret: string | null;
  /** Tokens of a request and its answer; absent = what is known of the model. */
  readonly contextTokens?: number;
  /** Dollars for a million tokens; absent = what is known of the model. */
  readonly price?: {
    readonly input: number;
    readonly cacheRead: number;
    readonly cacheWrite: number;
    readonly output: number;
  };
}

export interface LlmConfig extends LlmTarget {
  /** Of one answer; absent = the server's. */
  readonly maxOutputTokens?: number;
  /** Asked in this order where those before have failed for good. */
  readonly fallbacks?: readonly LlmTarget[];
}

/** One step. `config` is what the step type's own schema accepted. */
export interface PlanStep {
  readonly name: string;
  readonly type: string;
  readonly config: JsonObject;
  /** A condition; false skips the step. */
  readonly when: string | null;
  /** Of one attempt. */
  readonly timeoutMs: number;
  readonly retry: { readonly limit: number; readonly backoffMs: number; readonly maxBackoffMs: number };
  readonly continueOnError: boolean;
  /** What happens to an attempt that was running when its process died. */
  readonly interrupted: 'repeat' | 'fail';
  /** Sub-steps by branch name (`then`, `else`); path of a sub-step is `<path>.<branch>`. */
  readonly branches: Readonly<Record<string, PlanStep>>;
}
