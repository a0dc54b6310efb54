import type { Catalog, CatalogSource, Condition, SecretReference } from './catalog.ts';
import type { DeliveryEvent } from './delivery.ts';
import type { AppError } from './errors.ts';
import type { IntakeAnswer, Notification, RequestAnswer, RunRequest } from './event.ts';
import type { JsonObject } from './json.ts';
import type { CheckedModel } from './model-check.ts';
import type { Plan } from './plan.ts';
import type { Continuation } from './run.ts';
import type { Timestamp } from './time.ts';
import type { Verdict, VerdictRecord } from './verdict.ts';

/** Injected time. Tests use a fake one. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch. */
  now(): number;
  /** Monotonic milliseconds, for measuring only. */
  monotonic(): number;
  /** Resolves after `milliseconds`, or rejects with the signal's reason. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** Structured log. Secrets never reach it. */
export interface Log {
  debug(fields: Readonly<Record<string, unknown>>, message: string): void;
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
  child(fields: Readonly<Record<string, unknown>>): Log;
}

export interface HttpRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** From connect to the last byte. */
  readonly timeoutMs: number;
  /** The rest of the answer is not read. 0: its body is not waited for. */
  readonly maxResponseBytes: number;
  readonly signal?: AbortSignal;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly truncated: boolean;
}

/** The one outbound HTTP client. Throws AppError Unreachable or Timeout; `requestSent` in the error says whether the peer may have seen it. */
export interface HttpClient {
  send(request: HttpRequest): Promise<HttpResponse>;
}

/** A connection to keep, on which both sides send texts (WebSocket). */
export interface SocketRequest {
  /** `wss://`, or `ws://`. */
  readonly url: string;
  /** Until it is open. */
  readonly timeoutMs: number;
  /** How long the peer may be silent; it is asked for a sign of life before. */
  readonly idleMs: number;
  readonly onText: (text: string) => void;
  /** Ends it. */
  readonly signal: AbortSignal;
}

export interface Socket {
  /** Of a connection that has ended nothing is sent. */
  send(text: string): void;
  close(): void;
  /** Why it ended, once it has. */
  readonly ended: Promise<string>;
}

/** Opens connections under the same rules as {@link HttpClient}. Throws what that throws. */
export interface SocketClient {
  open(request: SocketRequest): Promise<Socket>;
}

/**
 * Secrets by namespace and reference. null = missing on our side; throws ResourcesExhausted where nobody can tell. Values are
 * never logged.
 */
export interface Secrets {
  get(namespace: string, reference: SecretReference): string | null;
  /** Why there is none, and where it is looked for: `there is no Secret shop/am with key token, ...`. Absent: nobody can say. */
  whyMissing?(namespace: string, reference: SecretReference): string;
}

/** Whether the cluster that is investigated can be read. */
export interface ClusterHealth {
  /** For people. */
  readonly description: string;
  /** Why a small read is not answered just now; null = it is. Answered within seconds. */
  problem(): Promise<string | null>;
  /** The last read that was not answered; null = all were. */
  lastFailure(): { readonly message: string; readonly at: Timestamp } | null;
}

/** Whether the store takes writes. */
export interface StoreHealth {
  /** What is wrong, in a few words without secrets; null = nothing. Soon answered, however slow the store is. */
  problem(): Promise<string | null>;
}

/** A run that a Sink asks for. */
export interface ChildRunRequest {
  /** Id of the delivery: one that is sent again has one run. */
  readonly key: string;
  readonly namespace: string;
  readonly sinkName: string;
  /** Name of the Workflow; `namespace/name` where it is of another namespace than the Sink. */
  readonly workflow: string;
  /** `.source.context` of the run. */
  readonly context: JsonObject;
  /** The run that the delivery tells of. */
  readonly parentRunId: string | null;
  /** The alert is resolved, since; null = it fires. */
  readonly resolvedAt: Timestamp | null;
}

/** Takes notifications in: answers only after the commit (2xx means durable). */
export interface Intake {
  /** Why nothing more is taken now, so that a sender is refused before its body is read; null = come in. */
  refusal?(): AppError | null;
  accept(source: CatalogSource, notification: Notification): Promise<IntakeAnswer>;
  /** A body that is no notification at all. */
  deadLetter(source: { namespace: string; name: string }, reason: string, message: string, body: string): Promise<void>;
}

/** Takes in what starts runs without being an alert. */
export interface RunRequests {
  /** Starts a run of the Source's Workflow; answers after the commit. */
  request(source: CatalogSource, request: RunRequest): Promise<RequestAnswer>;
}

/** A run about an alert that somebody asks for. */
export interface AlertRunRequest {
  readonly alertId: string;
  /** Name of a Workflow of the namespace of its Source; null = the one that this triggers. */
  readonly workflow: string | null;
  /** Who asks, for people; null = nobody knows. */
  readonly by: string | null;
}

export interface AlertRun {
  readonly runId: string;
  /** `namespace/name`. */
  readonly workflow: string;
  /** The run that it repeats; null = there was none in this episode. */
  readonly retryOf: string | null;
}

/** Takes in the runs about alerts that people ask for. */
export interface AlertRuns {
  /**
   * Answers after the commit. Throws NotFound, WorkflowNotReady, and Conflict where one of the same Workflow is at work or no
   * Workflow is named.
   */
  startForAlert(request: AlertRunRequest): Promise<AlertRun>;
}

/** Takes in the runs that Sinks ask for. */
export interface ChildRuns {
  /**
   * Makes a run of another Workflow; answers its id. Throws WorkflowNotReady (retryable: it may be there later), and Conflict where
   * the Workflow led there itself or too many did.
   */
  startChild(request: ChildRunRequest): Promise<string>;
}

/** What a Sink's receiver answered to one message of a test. */
export interface SinkTestMessage {
  readonly event: DeliveryEvent;
  readonly sent: boolean;
  /** What the receiver calls it; null = nothing. */
  readonly reference: string | null;
  /** Why it was not sent. */
  readonly reason: string | null;
}

export interface SinkTest {
  /** All messages. */
  readonly sent: boolean;
  /** Whether the Sink's condition would let the message through, which is sent all the same; null = it has none. */
  readonly conditionHolds: boolean | null;
  readonly messages: readonly SinkTestMessage[];
}

/** Tries Sinks out. */
export interface SinkTester {
  /** Sends a message that is marked as a test, and its end. Throws NotFound. */
  test(namespace: string, name: string): Promise<SinkTest>;
}

/** What a person asks on. */
export interface Question {
  readonly runId: string;
  readonly text: string;
  /** Who asks; null = nobody knows. */
  readonly by: string | null;
}

/** Tries whether models can do what an investigation asks of them. Nobody is asked but by `check`. */
export interface ModelChecks {
  /** What is known of the models that the agent steps of a Workflow ask: a condition of it; null = they ask none. */
  condition(plan: Plan): Promise<Condition | null>;
  /**
   * Asks each model of a Workflow three short questions and keeps what came of it. Throws NotFound and WorkflowNotReady before anybody
   * is asked, Conflict where one of them is being checked just now; rejects with the signal's reason.
   */
  check(
    namespace: string,
    name: string,
    options: {
      /** Of one question. */
      readonly timeoutMs: number;
      readonly signal: AbortSignal;
    },
  ): Promise<readonly CheckedModel[]>;
}

/** What a person says of the report of a run. */
export interface SaidVerdict extends Verdict {
  readonly runId: string;
}

/** Looks up how a conversation is gone on with. */
export interface Conversations {
  /**
   * What a run is made of that answers a question, and tells those of its Workflow's Sinks. Throws NotFound, and Conflict for a run
   * that has not ended or asked no model.
   */
  continuation(question: Question, isTold: (sinkName: string) => boolean): Promise<Continuation>;
}

/** What comes back from people. */
export interface Control {
  /** Asks a run to stop. Throws NotFound, or Conflict for a finished run. */
  cancel(runId: string, reason: string): Promise<void>;
  /** Sends a failed delivery again, with its attempts counted anew. Throws NotFound, or Conflict for one that is not failed. */
  retryDelivery(deliveryId: string): Promise<void>;
  /** The same for all failed deliveries of a Sink; answers how many. Throws NotFound where there are none and no such Sink. */
  retryDeliveries(namespace: string, sinkName: string): Promise<number>;
  /** Ends a delivery that is pending without sending it. Throws NotFound, or Conflict for one that has ended. */
  cancelDelivery(deliveryId: string, reason: string): Promise<void>;
  /** The same for all pending deliveries to a Sink; answers how many. Throws NotFound where there are none and no such Sink. */
  cancelDeliveries(namespace: string, sinkName: string, reason: string): Promise<number>;
  /** Makes a new run with `retry_of` and returns its id. Throws NotFound, or Conflict for an unfinished run. */
  retry(runId: string): Promise<string>;
  /**
   * Asks on about a conversation with a model: makes a run that goes on with it, within what its budget has left, and returns the id.
   * Throws NotFound, and Conflict for a run that has not ended or asked no model.
   */
  ask(question: Question): Promise<string>;
  /**
   * Keeps what a person says of the cause that a report states, and gives what holds now. Throws NotFound, and Conflict for a run that
   * has not ended or made no report.
   */
  judge(said: SaidVerdict): Promise<VerdictRecord>;
}

/** The catalog of this moment; a reload replaces it whole. */
export interface CatalogHolder {
  current(): Catalog;
}

/**
 * Hints that runs are due, shared by all replicas. A hint that is lost costs time, never a run: `wake_at` is the truth.
 */
export interface RunQueue {
  /** Puts hints in; a run that has one keeps it. */
  send(runIds: readonly string[]): Promise<void>;
  /** Takes at most `limit` hints out, oldest first; each goes to one replica only. */
  take(limit: number): Promise<readonly string[]>;
  /** Called when hints may have come, from whichever replica. Returns the unsubscriber. */
  onSent(listener: () => void): () => void;
  close(): Promise<void>;
}

/** What a commit announces to this process: wake-ups are hints, polling is the truth. */
export interface CommitHints {
  readonly runs: boolean;
  readonly deliveries: boolean;
}
