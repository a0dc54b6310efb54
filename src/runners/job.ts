import { PassThrough } from 'node:stream';
import type { KubernetesObject } from '../core/cluster.ts';
import { AppError, toAppError } from '../core/errors.ts';
import type { CommandRequest, CommandResult, CommandRunner } from '../core/command.ts';
import type { Clock } from '../core/ports.ts';
import { backOffMs } from '../lib/back-off.ts';
import type { JobEnd, JobTrouble } from '../kube/jobs/job-state.ts';
import type { JobIdentity, Jobs } from '../kube/jobs/jobs.ts';
import { cappedOutput } from './capped-output.ts';
import type { CappedOutput } from './capped-output.ts';
import { container, jobBefore, jobOf, runLabel, stepLabel } from './job-object.ts';
import type { JobSettings } from './job-object.ts';

export interface JobRunnerOptions {
  readonly jobs: Jobs;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly settings: JobSettings;
}

/** Of a log, whatever is kept of it. */
const mostLogBytes = 64 * 1024 * 1024;
/** How long a log is waited for once its Job has ended. */
const logMs = 20_000;
const lookAtTroubleMs = 5000;
/** Between looks for the pod of a Job, and while the cluster cannot be asked for it. */
const podPause = { firstMs: 500, mostMs: 5000 } as const;

/**
 * Runs commands as Jobs in the namespaces of their Workflows: restricted, without a token of the cluster, each with a name that is made of
 * run, step and how many attempts have ended, so that a process that takes a run over finds the Job of the one before and waits for it, and
 * a retry does not.
 */
export function createJobRunner(options: JobRunnerOptions): CommandRunner {
  return { run: (request) => runAsJob(options, request) };
}

async function runAsJob(options: JobRunnerOptions, request: CommandRequest): Promise<CommandResult> {
  const { jobs } = options;
  request.signal.throwIfAborted();
  const { job } = await begin(options, request).catch((error: unknown) => {
    throw cannotStart(error);
  });
  try {
    const result = await follow(options, request, job);
    const hasSucceeded = result.exitCode === 0 && !result.timedOut;
    // It is not run again, and what is left of a run that has ended is swept: not worth a wait.
    await (hasSucceeded ? jobs.delete(job).catch(() => undefined) : deleteFailed(options, job, request.signal));
    return result;
  } catch (error) {
    if (!isTakenUpAgain(request.signal, error)) await deleteFailed(options, job, request.signal);
    throw error;
  }
}

async function begin({ jobs, settings }: JobRunnerOptions, request: CommandRequest): ReturnType<Jobs['create']> {
  const left = jobBefore(request.place);
  // It may still run, where it took too long and could not be deleted. Who may not delete it has to let it end by itself.
  if (left !== null)
    await jobs.delete(left).catch((error: unknown) => {
      if (isAway(toAppError(error))) throw error;
    });
  return jobs.create(jobOf(request, settings), [runLabel, stepLabel]);
}

/** As soon as the cluster can be asked for it: the command of a step does not run beside its retry. */
async function deleteFailed(options: JobRunnerOptions, job: JobIdentity, signal: AbortSignal): Promise<void> {
  await onceThere(options, () => options.jobs.delete(job), signal).catch(() => undefined);
}

/** The next attempt finds the Job and waits for it: nobody knows yet what becomes of it, and its command is not to run twice. */
function isTakenUpAgain(signal: AbortSignal, error: unknown): boolean {
  // A server that stops, or has lost the run, leaves it to who goes on.
  if (signal.aborted) return ['Interrupted', 'StaleFence'].includes(toAppError(signal.reason).code);
  return isAway(toAppError(error));
}

/** It says nothing about the command: the engine makes the attempt again after a pause. */
function isAway({ code, retryable }: AppError): boolean {
  return retryable && (code === 'ClusterUnavailable' || code === 'ResourcesExhausted');
}

function cannotStart(thrown: unknown): AppError {
  const error = toAppError(thrown);
  if (isAway(error)) return error;
  const { next } = error;
  return new AppError('CommandFailed', `the Job of the command could not be made: ${error.message}`, {
    cause: thrown,
    retryable: error.retryable,
    ...(next === undefined ? {} : { next }),
  });
}

async function follow(
  options: JobRunnerOptions,
  { signal, timeoutMs, outputLimitBytes }: CommandRequest,
  job: JobIdentity,
): Promise<CommandResult> {
  const { jobs, clock } = options;
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const pipe = new PassThrough();
  const output = cappedOutput(pipe, outputLimitBytes);
  const trouble = watchTrouble(jobs, job, clock, either);
  const late = clock.sleep(timeoutMs, either).then(
    () => 'late' as const,
    () => null,
  );
  const log = followLog(options, job, pipe, either);
  try {
    const end = await Promise.race([
      jobs.untilEnd(job, either),
      late.then((isLate) => isLate ?? new Promise<never>(() => undefined)),
      trouble.hopeless,
    ]);
    if (end === 'late') return timedOut(output, trouble.last());
    await Promise.race([log, clock.sleep(logMs, either).catch(() => undefined)]);
    if (end.kind === 'gone') throw new AppError('CommandFailed', 'somebody deleted the Job of the command');
    if (end.kind === 'failed' && end.reason === 'DeadlineExceeded') return timedOut(output, trouble.last());
    return resultOf(end, output, (await podsOf(options, job, either)).at(-1));
  } finally {
    over.abort();
    pipe.destroy();
  }
}

/** Its pods, as soon as the cluster can be asked for them. Rejects with the signal's reason. */
function podsOf(
  options: JobRunnerOptions,
  job: JobIdentity,
  signal: AbortSignal,
): Promise<readonly KubernetesObject[]> {
  return onceThere(options, () => options.jobs.pods(job), signal);
}

/** Asks again while the cluster is away; at least once, and until the signal is aborted, with whose reason it rejects. */
async function onceThere<T>(
  { clock, random }: JobRunnerOptions,
  ask: () => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask();
    } catch (error) {
      if (toAppError(error).code !== 'ClusterUnavailable') throw error;
    }
    await clock.sleep(backOffMs(podPause, tries, random()), signal);
  }
}

function resultOf(
  end: Exclude<JobEnd, { readonly kind: 'gone' }>,
  output: CappedOutput,
  last: KubernetesObject | undefined,
): CommandResult {
  const ended = last === undefined ? null : terminationOf(last);
  const words = [ended?.reason === 'OOMKilled' ? 'the container was ended because its memory was used up' : '']
    .concat(end.kind === 'failed' && ended === null ? `${end.reason}: ${end.message}` : '')
    .filter((text) => text !== '');
  return {
    exitCode: ended?.exitCode ?? (end.kind === 'succeeded' ? 0 : null),
    signal: null,
    stdout: output.text(),
    stderr: words.join('\n'),
    truncated: output.truncated(),
    timedOut: false,
  };
}

function timedOut(output: CappedOutput, trouble: JobTrouble | null): CommandResult {
  return {
    exitCode: null,
    signal: null,
    stdout: output.text(),
    stderr: trouble === null ? '' : `${trouble.reason}: ${trouble.message}`,
    truncated: output.truncated(),
    timedOut: true,
  };
}

interface Termination {
  readonly exitCode: number;
  readonly reason: string;
}

/** null = its container has not ended, as far as is known. */
function terminationOf({ status }: KubernetesObject): Termination | null {
  const statuses = (status?.['containerStatuses'] ?? []) as unknown as readonly {
    readonly name?: string;
    readonly state?: { readonly terminated?: Partial<Termination> };
  }[];
  const terminated = statuses.find(({ name }) => name === container)?.state?.terminated;
  return typeof terminated?.exitCode === 'number'
    ? { exitCode: terminated.exitCode, reason: terminated.reason ?? '' }
    : null;
}

/** The log of its first pod; there is no other, because it is never tried again. */
async function followLog(
  options: JobRunnerOptions,
  job: JobIdentity,
  pipe: PassThrough,
  signal: AbortSignal,
): Promise<void> {
  const { jobs, clock, random } = options;
  try {
    let pod: KubernetesObject | undefined;
    for (let looks = 1; pod === undefined; looks += 1) {
      pod = (await podsOf(options, job, signal)).at(-1);
      if (pod === undefined) await clock.sleep(backOffMs(podPause, looks, random()), signal);
    }
    await jobs.followLog({
      namespace: job.namespace,
      pod: pod.metadata.name,
      container,
      mostBytes: mostLogBytes,
      write: async (bytes) => void pipe.write(bytes),
      signal,
    });
  } catch (error) {
    // What cannot be read says so in the place of the output.
    if (!signal.aborted) pipe.write(`[the log could not be read: ${toAppError(error).message}]\n`);
  }
}

/** Reasons that nobody mends while a command waits. */
const hopelessReasons: ReadonlySet<string> = new Set(['AdmissionRefused', 'Forbidden', 'Invalid', 'InvalidImageName']);

/** Looks every while at what keeps the Job from running. `hopeless` rejects where that will not change by itself. */
function watchTrouble(jobs: Jobs, job: JobIdentity, clock: Clock, signal: AbortSignal) {
  let last: JobTrouble | null = null;
  async function look(): Promise<never> {
    for (;;) {
      await clock.sleep(lookAtTroubleMs, signal);
      last = await jobs.trouble(job).catch(() => last);
      if (last !== null && hopelessReasons.has(last.reason))
        throw new AppError('CommandFailed', `the command cannot run: ${last.reason}: ${last.message}`);
    }
  }
  const hopeless = look().catch((error: unknown) => {
    if (signal.aborted) return new Promise<never>(() => undefined);
    throw error;
  });
  hopeless.catch(() => undefined);
  return { hopeless, last: () => last };
}
