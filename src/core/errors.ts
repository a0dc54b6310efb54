/**
 * The codes of every error that a person or a program may see. `retryable` says whether the same call may succeed
 * later without anybody changing anything; `exitCode` is the CLI's answer (0 done, 1 the answer is no, 2 usage or
 * configuration, 3 cannot reach or not allowed, 4 timed out waiting).
 */
export const errorCodes = {
  // configuration and input
  InvalidInput: {
    retryable: false,
    exitCode: 2,
    meaning: 'A value that a person or a program gave is wrong; the message names it.',
  },
  InvalidResource: {
    retryable: false,
    exitCode: 2,
    meaning: 'A Source, Workflow or Sink does not fit its schema or refers to something absent.',
  },
  TemplateInvalid: {
    retryable: false,
    exitCode: 1,
    meaning: 'A template does not parse, or failed while it was rendered.',
  },
  NotFound: { retryable: false, exitCode: 1, meaning: 'The named object does not exist.' },
  Conflict: {
    retryable: false,
    exitCode: 1,
    meaning: 'The object is in a state that does not allow this (a finished run cannot be cancelled).',
  },
  Unauthenticated: { retryable: false, exitCode: 3, meaning: 'No token, or a wrong one.' },
  Forbidden: { retryable: false, exitCode: 3, meaning: 'The caller is known and lacks the right.' },
  SecretMissing: { retryable: true, exitCode: 2, meaning: 'A referenced Secret or key does not exist on our side.' },
  // store
  StoreUnusable: {
    retryable: false,
    exitCode: 2,
    meaning:
      'The database cannot be used as it is: not ours, of another schema version, damaged, lost, an import not ended, or a right is missing.',
  },
  StoreLocked: { retryable: true, exitCode: 2, meaning: 'Another server has this database open.' },
  StoreUnavailable: {
    retryable: true,
    exitCode: 3,
    meaning: 'The database is slow, full, away, or its files are not what they were.',
  },
  StoreConflict: {
    retryable: true,
    exitCode: 3,
    meaning: 'Another replica wrote the same rows at the same time; the work is done again on fresh ones.',
  },
  StaleFence: {
    retryable: false,
    exitCode: 3,
    meaning: 'Another worker took the run over; this result was not written.',
  },
  RateLimited: {
    retryable: true,
    exitCode: 3,
    meaning: 'The Source takes no more requests just now (spec.rateLimit); the same request is taken later.',
  },
  Draining: { retryable: true, exitCode: 3, meaning: 'The server is starting up or stopping.' },
  Unreachable: { retryable: true, exitCode: 3, meaning: 'A server did not answer.' },
  ResourcesExhausted: {
    retryable: true,
    exitCode: 3,
    meaning: 'This machine or process has no descriptor, process or memory left for it. Nothing else is wrong.',
  },
  // runs and steps
  Timeout: { retryable: true, exitCode: 4, meaning: 'The attempt took longer than its timeout.' },
  RunTimeout: { retryable: false, exitCode: 4, meaning: 'The run passed its deadline.' },
  Interrupted: { retryable: true, exitCode: 1, meaning: 'The process that ran this attempt ended; it runs again.' },
  Stopped: {
    retryable: true,
    exitCode: 1,
    meaning: 'The server was stopped gracefully during this attempt; it runs again.',
  },
  CrashLoop: { retryable: false, exitCode: 1, meaning: 'Five attempts in a row were interrupted.' },
  Cancelled: { retryable: false, exitCode: 1, meaning: 'A person or a newer episode cancelled it.' },
  WorkflowNotReady: {
    retryable: false,
    exitCode: 1,
    meaning: 'The Workflow that the Source names is absent or invalid.',
  },
  StepFailed: { retryable: false, exitCode: 1, meaning: 'The step did its work and the result is a failure.' },
  CommandFailed: { retryable: true, exitCode: 1, meaning: 'The command ended with a non-zero exit code.' },
  ExecNotAllowed: {
    retryable: false,
    exitCode: 2,
    meaning:
      'cli steps run only where the server was started with --allow-exec, or the operator with --allow-jobs; MCP servers that are programs with --allow-exec or --allow-mcp-command.',
  },
  UnsafeArgument: {
    retryable: false,
    exitCode: 1,
    meaning:
      'A value in a command is empty, begins with - or @, leaves its path (.. or /), holds NUL, or is larger than 32 KiB.',
  },
  // agent
  ModelUnknown: {
    retryable: false,
    exitCode: 2,
    meaning: 'llmConfig.provider names no model provider of this version. There is no stand-in.',
  },
  ModelMisconfigured: {
    retryable: false,
    exitCode: 2,
    meaning: 'llmConfig lacks what its provider needs: a model, an endpoint, a key; the message names it.',
  },
  ModelUnfit: {
    retryable: false,
    exitCode: 2,
    meaning:
      'A check found that the model calls no tools, or gives no report in its form, and no other one is named: fist model check.',
  },
  ModelUnavailable: { retryable: true, exitCode: 3, meaning: 'The model provider could not be reached.' },
  ClusterUnavailable: {
    retryable: true,
    exitCode: 3,
    meaning: 'The cluster, or the folder that stands for it, could not be read.',
  },
  // deliveries
  DeliveryRefused: { retryable: false, exitCode: 1, meaning: 'The receiver refused the delivery for good.' },
  DeliveryFailed: { retryable: true, exitCode: 3, meaning: 'The receiver did not take the delivery this time.' },
  SinkNotReady: { retryable: true, exitCode: 1, meaning: 'The Sink that a Workflow names is absent or invalid.' },
  // last
  Internal: { retryable: false, exitCode: 1, meaning: 'A defect of the program. Please report it with the log line.' },
} as const satisfies Record<string, { retryable: boolean; exitCode: number; meaning: string }>;

/** A stable code of {@link errorCodes}. */
export type ErrorCode = keyof typeof errorCodes;

/** What an {@link AppError} may carry beside its code and message. */
export interface AppErrorDetails {
  /** Overrides the table where the case is known better (an HTTP 400 is not retryable, a 503 is). */
  readonly retryable?: boolean;
  readonly cause?: unknown;
  /** Path of the wrong field, `spec.steps[0].command`. */
  readonly field?: string;
  /** The next command or action for the person who reads it. */
  readonly next?: string;
  /** Finer than the code, for metrics and checks: StoreSlow, StoreFull, StoreDown, StoreDamaged of StoreUnavailable. */
  readonly reason?: string;
}

/** The one error class: a stable code, whether trying again may help, and what to do next. */
export class AppError extends Error {
  override readonly name: string = 'AppError';
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly field: string | undefined;
  readonly next: string | undefined;
  readonly reason: string | undefined;

  constructor(code: ErrorCode, message: string, details: AppErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.retryable = details.retryable ?? errorCodes[code].retryable;
    this.field = details.field;
    this.next = details.next;
    this.reason = details.reason;
  }
}

/** Wraps whatever was thrown; an AppError passes unchanged. */
export function toAppError(thrown: unknown, code: ErrorCode = 'Internal'): AppError {
  if (thrown instanceof AppError) return thrown;
  return new AppError(code, thrown instanceof Error ? thrown.message : String(thrown), { cause: thrown });
}
