import type { Labels, Severity } from './alert.ts';
import type { ErrorCode } from './errors.ts';
import type { JsonObject, JsonValue } from './json.ts';
import type { ObjectPlace } from './place.ts';
import type { Plan } from './plan.ts';
import type { Timestamp } from './time.ts';

export const runStatuses = ['pending', 'running', 'succeeded', 'failed', 'cancelled'] as const;
export type RunStatus = (typeof runStatuses)[number];

export const stepStatuses = ['running', 'succeeded', 'failed', 'cancelled', 'skipped'] as const;
export type StepStatus = (typeof stepStatuses)[number];

export type WaitingFor = 'slot' | 'retry' | 'timer' | 'approval' | 'child';

/** Legal transitions of a run (design 3.1.1). A final status never changes. */
export const runTransitions: Readonly<Record<RunStatus, readonly RunStatus[]>> = {
  pending: ['running', 'failed', 'cancelled'],
  running: ['succeeded', 'failed', 'cancelled'],
  succeeded: [],
  failed: [],
  cancelled: [],
};

export function isFinal(status: RunStatus): boolean {
  return runTransitions[status].length === 0;
}

/** The alert as it was when the run was made; a running run keeps it. */
export interface AlertSnapshot {
  readonly id: string;
  readonly name: string;
  readonly fingerprint: string;
  readonly severity: Severity;
  readonly status: 'firing' | 'resolved';
  readonly episode: number;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly summary: string | null;
  readonly description: string | null;
  readonly generatorUrl: string | null;
  readonly startsAt: Timestamp | null;
  readonly endsAt: Timestamp | null;
}

/** The group of alerts that a run answers for. */
export interface RunGroup {
  /** What its alerts have in common. */
  readonly labels: Labels;
  /** How many there were beside the first when the run began; absent: it has not. */
  readonly alerts?: number;
  /** Those of them that are looked at, as they were then. */
  readonly others?: readonly AlertSnapshot[];
}

/** What a run starts with (`workflows.input_context`). */
export interface RunInput {
  readonly source: { readonly name: string; readonly namespace: string; readonly type: string };
  readonly alert: AlertSnapshot | null;
  /** `.source.data` of a run without an alert; absent: empty. */
  readonly data?: JsonObject;
  /** What a run without an alert is about, in the form of an alert; absent = whatever is broken. */
  readonly asked?: AlertSnapshot;
  /** `spec.context` of the Source. */
  readonly context: JsonObject;
  /** How many Sinks that start Workflows led here, against loops. */
  readonly depth: number;
  /** Absent: it answers for its own alert alone. */
  readonly group?: RunGroup;
  /** A person asked on about another run's conversation with a model; absent = nobody did. */
  readonly followUp?: RunFollowUp;
  /** Whose end (or start) led here; absent = no run's. */
  readonly parent?: RunParent;
}

/** What a person asked on, and about which conversation. */
export interface RunFollowUp {
  readonly runId: string;
  /** Of the run's agent step. */
  readonly path: string;
  /** Redacted. */
  readonly question: string;
  /** Who asked; null = nobody knows. */
  readonly by: string | null;
}

/** What a run is made of that goes on with the conversation of another one. */
export interface Continuation {
  /** The one agent step. */
  readonly plan: Plan;
  readonly planHash: string;
  readonly followUp: RunFollowUp;
  /** What the other run was about; absent = whatever was broken. */
  readonly asked?: AlertSnapshot;
}

/** The run whose delivery asked for another one. */
export interface RunParent {
  readonly runId: string;
  /** The Workflows that led here, `namespace/name`, oldest first, the parent's own last. Earlier versions left the namespace out: that of the run. */
  readonly workflows: readonly string[];
}

/** A `workflows` row: one run. Waiting = running without a lease. */
export interface RunRecord {
  readonly id: string;
  /** Name of the Workflow; `namespace/name` where its Source was refused that one of another namespace. */
  readonly name: string;
  /** Of the Workflow, whose rights it has; of its Source where that was refused. */
  readonly namespace: string;
  /** `namespace/name` of the Source, or who asked. */
  readonly triggerSource: string;
  readonly status: RunStatus;
  readonly alertId: string | null;
  readonly episode: number;
  readonly planHash: string | null;
  readonly stepsCompleted: number;
  readonly totalSteps: number;
  readonly currentStep: string | null;
  readonly input: RunInput;
  readonly outputs: JsonObject;
  readonly error: string | null;
  readonly errorCode: ErrorCode | null;
  /** Events of its agent steps: the sequence of the newest one. */
  readonly agentEvents: number;
  /** Used by models, with what is reserved for requests that nobody knows the use of. */
  readonly modelTokens: number;
  /** Millionths of a dollar. */
  readonly modelCostMicros: number;
  readonly retryOf: string | null;
  /** Id of the delivery whose Sink asked for it; it has one run. */
  readonly requestedBy: string | null;
  readonly fence: number;
  readonly leaseOwner: string | null;
  readonly leaseUntil: Timestamp | null;
  readonly wakeAt: Timestamp | null;
  readonly waitingFor: WaitingFor | null;
  readonly deadlineAt: Timestamp;
  readonly cancelRequestedAt: Timestamp | null;
  readonly cancelReason: string | null;
  readonly startedAt: Timestamp | null;
  readonly completedAt: Timestamp | null;
  readonly createdAt: Timestamp;
}

/** What a run is made with. */
export type NewRunFields = Pick<
  RunRecord,
  | 'id'
  | 'name'
  | 'namespace'
  | 'triggerSource'
  | 'alertId'
  | 'episode'
  | 'planHash'
  | 'totalSteps'
  | 'input'
  | 'retryOf'
  | 'requestedBy'
  | 'deadlineAt'
>;

/** A run that waits to be claimed. */
export function pendingRun(fields: NewRunFields, now: Timestamp): RunRecord {
  return {
    ...fields,
    status: 'pending',
    stepsCompleted: 0,
    currentStep: null,
    outputs: {},
    error: null,
    errorCode: null,
    agentEvents: 0,
    modelTokens: 0,
    modelCostMicros: 0,
    fence: 0,
    leaseOwner: null,
    leaseUntil: null,
    wakeAt: now,
    waitingFor: null,
    cancelRequestedAt: null,
    cancelReason: null,
    startedAt: null,
    completedAt: null,
    createdAt: now,
  };
}

/** A `workflow_steps` row: one attempt of one step. Unique by (run, path, attempt). */
export interface StepRecord {
  readonly id: string;
  readonly runId: string;
  readonly name: string;
  readonly type: string;
  /** Place in the plan, from 1: `2`, `2.then`, `3.1`. */
  readonly path: string;
  readonly attempt: number;
  readonly status: StepStatus;
  readonly fence: number;
  readonly result: JsonValue;
  readonly error: string | null;
  readonly errorCode: ErrorCode | null;
  readonly retryable: boolean;
  /** The local process group, so that the next worker can kill one that was left alive. */
  readonly process: ProcessIdentity | null;
  readonly startedAt: Timestamp | null;
  readonly completedAt: Timestamp | null;
  readonly createdAt: Timestamp;
}

/** A process, told apart from a later one with the same id by its start time (kernel clock ticks since boot). */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTime: string;
  /** Unguessable; stands in the environment and in the folder's name of an attempt. Journals of older versions lack it. */
  readonly marker?: string;
}

/** A piece of evidence: what was looked at, how to see it again, and the part that matters. */
export interface Evidence {
  /** `e1`, `e2`, ... within the run, never reused. */
  readonly id: string;
  /** `object`, `events`, `logs`, `list`, `command`. */
  readonly kind: string;
  /** `pod/shop/checkout-7d9f`, or what else was looked at. */
  readonly object: string;
  /** The command that shows it again, `kubectl logs -n shop checkout-7d9f --previous`. */
  readonly command: string;
  /** When it was observed. */
  readonly time: Timestamp;
  /** Redacted and bounded. */
  readonly excerpt: string;
}

/** What a step attempt came to. Evidence is committed with it. */
export type StepOutcome = (
  | { readonly ok: true; readonly result: JsonValue }
  | {
      readonly ok: false;
      readonly code: ErrorCode;
      readonly message: string;
      readonly retryable: boolean;
      readonly result: JsonValue;
    }
) & { readonly evidence: readonly Evidence[] };

/** `shop/triage`; of a run that was refused the reference that its Source made. */
export function fullName({ namespace, name }: ObjectPlace): string {
  return name.includes('/') ? name : `${namespace}/${name}`;
}
