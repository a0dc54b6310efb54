import type { ProcessIdentity } from './run.ts';

// What runs commands and programs on a machine or in a cluster.

/** A step of a run. */
export interface CommandPlace {
  /** Of the Workflow. */
  readonly namespace: string;
  readonly runId: string;
  /** Place in the plan, `2.then`. */
  readonly path: string;
  /** Attempts before this one of which it is known how they ended: what is left of these is not taken for this one. */
  readonly endedBefore: number;
}

export interface CommandRequest {
  /** Whose command it is: the same until it is known how an attempt ended. */
  readonly place: CommandPlace;
  /** Text for `/bin/sh -c`. */
  readonly script: string;
  /** The whole environment: nothing is inherited but PATH. */
  readonly environment: Readonly<Record<string, string>>;
  readonly image: string;
  readonly timeoutMs: number;
  /** Of stdout and stderr each; the middle is cut and marked. */
  readonly outputLimitBytes: number;
  readonly signal: AbortSignal;
  /** Called once the process exists and before it may do anything that outlives us; awaited. */
  onStarted(process: ProcessIdentity): Promise<void>;
}

export interface CommandResult {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly truncated: boolean;
  readonly timedOut: boolean;
}

/** Runs the command of a `cli` step, in an empty folder of its own: a local process group, or a Kubernetes Job. */
export interface CommandRunner {
  /**
   * Throws CommandFailed where it cannot be started, ResourcesExhausted where it could not now; nothing has run then. ClusterUnavailable
   * where nobody knows what became of it: the next attempt of the same place finds it, and does not run it twice.
   */
  run(request: CommandRequest): Promise<CommandResult>;
}

export interface ProgramRequest {
  /** Absolute path of what is run. No shell reads it or the arguments. */
  readonly file: string;
  readonly arguments: readonly string[];
  /** The whole environment: nothing is inherited but PATH. */
  readonly environment: Readonly<Record<string, string>>;
  /** Of the attempt: what is left of all its programs is found by it. Unguessable. */
  readonly marker: string;
  /** What it writes to its standard output, as it comes. */
  readonly onOutput: (bytes: Uint8Array) => void;
  /** Called once the process exists; where it rejects the program is killed. */
  onStarted(process: ProcessIdentity): Promise<void>;
}

/** A program that is talked to over its standard input and output. */
export interface RunningProgram {
  /** Resolves when it takes more. Nothing is written to a program that has ended. */
  write(text: string): Promise<void>;
  /** Closes its input; kills it and all that it started where it does not end by itself. */
  end(): Promise<void>;
  /** Why it ended, with the last it wrote to its error output; resolves once it has. */
  readonly ended: Promise<string>;
}

/** Runs programs that answer, in empty folders of their own. */
export interface ProgramRunner {
  /** Throws ExecNotAllowed for a file that may not be run here, CommandFailed or ResourcesExhausted where it cannot be started. */
  start(request: ProgramRequest): Promise<RunningProgram>;
}
