import type { z } from 'zod';
import type { JsonObject } from '../../core/json.ts';
import type { PastIncidents, Runbooks } from '../../core/readers.ts';
import type { AlertSnapshot, Evidence } from '../../core/run.ts';
import type { Timestamp } from '../../core/time.ts';
import type { Reads } from '../../investigation/reads.ts';
import type { PageReader } from '../guarded-pages.ts';
import type { ToolData } from '../data/lack.ts';
import type { BoundLogs, BoundMetrics } from '../guarded-readers.ts';

/** `no_data`: it was asked and there is nothing, which is no error. */
export type ToolStatus = 'ok' | 'no_data' | 'denied' | 'error';

/** What a call would look at, for the one policy function. */
export type Reach =
  /** Objects of a kind as in `kubectl get`; namespace null, empty, `*` or `all` = all of the cluster. */
  | { readonly of: 'cluster'; readonly resource: string; readonly namespace: string | null }
  /** PromQL; null = what the alert itself measures, or an expression of our own that names its namespace. */
  | { readonly of: 'metrics'; readonly expression: string | null }
  /** LogQL. */
  | { readonly of: 'logs'; readonly expression: string }
  | { readonly of: 'http'; readonly url: string }
  | { readonly of: 'runbooks' }
  | { readonly of: 'incidents' }
  | { readonly of: 'mcp'; readonly server: string; readonly tool: string };

/** What a tool came to, before it is redacted, bounded and numbered. */
export interface ToolAnswer {
  readonly status: Exclude<ToolStatus, 'denied'>;
  /** What the model reads: data of the outside world, or why there is none. */
  readonly text: string;
  /** The command that shows it to a person; null where there is none. */
  readonly command: string | null;
  /** `object`, `logs`, `metrics`, ... and what it is about, `pod/shop/web-1`; null: it proves nothing. */
  readonly evidence: { readonly kind: string; readonly object: string } | null;
  /** A stable word for why not, of an `error`: `Forbidden`, `NotCaptured`. */
  readonly reason?: string;
  /** Whether the end matters more than the beginning where it is cut. */
  readonly keepEnd?: boolean;
  /** How to ask for less, where it is cut. */
  readonly narrow?: string;
}

/** What the tools of one investigation have in common: reads only, each behind the policy. */
export interface ToolWorld {
  /** The investigation's view of the cluster: what was read is not read again. null = none is configured. */
  readonly reads: Reads | null;
  readonly alert: AlertSnapshot | null;
  /** null = none are configured; so with the others. */
  readonly metrics: BoundMetrics | null;
  readonly logs: BoundLogs | null;
  /** null = the Workflow names no hosts. */
  readonly pages: PageReader | null;
  readonly runbooks: Runbooks | null;
  readonly incidents: PastIncidents | null;
  /** The clock of the evidence. */
  readonly now: Timestamp;
  /** Of an answer, about, so that a tool can choose what to show. */
  readonly answerBytes: number;
}

/** The world of one call. */
export interface ToolIo extends ToolWorld {
  /** Aborted with the step, and when the tool's own time is over. */
  readonly signal: AbortSignal;
}

/** A tool, one file each. It reads only. */
export interface ToolDefinition<Input extends z.ZodObject = z.ZodObject> {
  /** As models call it. */
  readonly name: string;
  /** For models: what it answers and when to use it, in at most three sentences. */
  readonly description: string;
  /** Strict, each field described. */
  readonly input: Input;
  /** JSON Schema that models are told, where another program checks the input; absent = that of `input`. */
  readonly declared?: JsonObject;
  /** The description in few words, for small windows; absent = its first sentence. */
  readonly brief?: string;
  /** What it reads of namespaces beside the cluster: where there is none of it, it is not offered. Absent: it reads nothing of the kind. */
  readonly data?: ToolData;
  /** Why it cannot be offered here; null = it can. */
  unavailable(world: ToolWorld): string | null;
  /** Everything that a call with this input would look at. */
  reaches(input: z.output<Input>): readonly Reach[];
  /** May throw: the error becomes an answer, redacted. */
  run(io: ToolIo, input: z.output<Input>): Promise<ToolAnswer>;
}

/** What people are told of a tool in the reference, beside what models are told. */
export interface ToolReference<Input extends z.ZodObject> {
  readonly example: z.input<Input>;
  /** The command that the answer to the example names, so that a person sees the same; null where no command shows it. */
  readonly command: string | null;
  /** What bounds a call beside the bounds of all tools, a few words each. */
  readonly bounds: readonly string[];
}

/** A tool of this program. */
export interface OwnTool<Input extends z.ZodObject = z.ZodObject> extends ToolDefinition<Input> {
  readonly reference: ToolReference<Input>;
}

/** The identity, for its types. */
export function defineTool<Input extends z.ZodObject>(definition: OwnTool<Input>): OwnTool<Input> {
  return definition;
}

/** How a call ended, as the journal keeps it and the model reads it. */
export interface ExecutedCall {
  readonly status: ToolStatus;
  /** What the model reads: one delimited block of data, or one line that says why not. */
  readonly text: string;
  readonly command: string | null;
  /** null: it proves nothing. */
  readonly evidence: Evidence | null;
  /** Before it was cut. */
  readonly bytes: number;
  /** A stable word for why not: `InvalidInput`, `UnknownTool`, `NamespaceNotAllowed`, `Repeated`, `Timeout`; null = it was answered. */
  readonly reason: string | null;
  /** Answered from what an identical call answered before. */
  readonly cached: boolean;
  readonly durationMs: number;
}
