import { createHash } from 'node:crypto';
import { PassThrough } from 'node:stream';
import type { KubernetesObject } from '../core/cluster.ts';
import { AppError, toAppError } from '../core/errors.ts';
import type { CommandRequest, CommandResult, CommandRunner } from '../core/command.ts';
import type { Clock } from '../core/ports.ts';
import type { JobEnd, JobTrouble } from '../kube/job-state.ts';
import type { JobIdentity, Jobs } from '../kube/jobs.ts';
import type { DesiredObject } from '../kube/writer.ts';
import { cappedOutput } from './capped-output.ts';
import type { CappedOutput } from './capped-output.ts';

export interface JobRunnerOptions {
  readonly jobs: Jobs;
  readonly clock: Clock;
  /** What its container asks for and may have. */
  readonly resources?: JobResources;
}

/** Quantities of Kubernetes. */
export interface JobResources {
  readonly requests: Readonly<Record<string, string>>;
  readonly limits: Readonly<Record<string, string>>;
}

const usualResources: JobResources = {
  requests: { cpu: '50m', memory: '64Mi' },
  limits: { memory: '256Mi' },
};

/** The name that the contract gives it. */
const container = 'cli';
export const runLabel = 'punchingfist.io/run';
export const stepLabel = 'punchingfist.io/step';
/** All Jobs of commands have it. */
export const jobLabels = { app: 'punching-fist', component: 'workflow-cli' } as const;

/** A Job that nobody comes back for is gone after so long. */
const keptSeconds = 600;
/** The cluster ends a Job so long after we would have. */
const spareSeconds = 120;
/** Of a log, whatever is kept of it. */
const mostLogBytes = 64 * 1024 * 1024;
/** How long a log is waited for once its Job has ended. */
const logMs = 20_000;
const lookAtTroubleMs = 5000;

/**
 * Runs commands as Jobs in the namespaces of their Workflows: restricted, without a token of the cluster, each with a name that is made of
 * run and step, so that a process that takes a run over finds the Job of the one before and waits for it.
 */
export function createJobRunner(options: JobRunnerOptions): CommandRunner {
  return { run: (request) => runAsJob(options, request) };
}

async function runAsJob(options: JobRunnerOptions, request: CommandRequest): Promise<CommandResult> {
  const { jobs } = options;
  request.signal.throwIfAborted();
  const wanted = jobOf(request, options.resources ?? usualResources);
  const { job } = await jobs.create(wanted, [runLabel, stepLabel]).catch((error: unknown) => {
    throw cannotStart(error);
  });
  try {
    const result = await follow(options, request, job);
    await jobs.delete(job).catch(() => undefined);
    return result;
  } catch (error) {
    // A server that stops, or has lost the run, leaves it to who goes on.
    if (!isLeftToOthers(request.signal)) await jobs.delete(job).catch(() => undefined);
    throw error;
  }
}

function isLeftToOthers(signal: AbortSignal): boolean {
  return signal.aborted && ['Interrupted', 'StaleFence'].includes(toAppError(signal.reason).code);
}

function cannotStart(thrown: unknown): AppError {
  const error = toAppError(thrown);
  const { next } = error;
  return new AppError('CommandFailed', `the Job of the command could not be made: ${error.message}`, {
    cause: thrown,
    retryable: error.retryable,
    ...(next === undefined ? {} : { next }),
  });
}

async function follow(
  { jobs, clock }: JobRunnerOptions,
  { signal, timeoutMs, outputLimitBytes }: CommandRequest,
  job: JobIdentity,
): Promise<CommandResult> {
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const pipe = new PassThrough();
  const output = cappedOutput(pipe, outputLimitBytes);
  const trouble = watchTrouble(jobs, job, clock, either);
  const late = clock.sleep(timeoutMs, either).then(
    () => 'late' as const,
    () => null,
  );
  const log = followLog(jobs, job, pipe, clock, either);
  try {
    const end = await Promise.race([
      jobs.untilEnd(job, either),
      late.then((isLate) => isLate ?? new Promise<never>(() => undefined)),
      trouble.hopeless,
    ]);
    if (end === 'late') return timedOut(output, trouble.last());
    await Promise.race([log, clock.sleep(logMs, either).catch(() => undefined)]);
    return await resultOf(jobs, job, end, output, trouble.last());
  } finally {
    over.abort();
    pipe.destroy();
  }
}

async function resultOf(
  jobs: Jobs,
  job: JobIdentity,
  end: JobEnd,
  output: CappedOutput,
  trouble: JobTrouble | null,
): Promise<CommandResult> {
  if (end.kind === 'gone') throw new AppError('CommandFailed', 'somebody deleted the Job of the command');
  if (end.kind === 'failed' && end.reason === 'DeadlineExceeded') return timedOut(output, trouble);
  const last = (await jobs.pods(job)).at(-1);
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
  jobs: Jobs,
  job: JobIdentity,
  pipe: PassThrough,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  try {
    let pod: KubernetesObject | undefined;
    while (pod === undefined) {
      pod = (await jobs.pods(job)).at(-1);
      if (pod === undefined) await clock.sleep(500, signal);
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

/** The Job of a command (batch/v1), as the `restricted` Pod Security Standard wants it. */
export function jobOf(request: CommandRequest, resources: JobResources = usualResources): DesiredObject {
  const { script, environment, image, timeoutMs, place } = request;
  const hash = createHash('sha256').update(`${place.runId}/${place.path}`).digest('hex').slice(0, 16);
  const labels = { ...jobLabels, [runLabel]: place.runId, [stepLabel]: labelValue(place.path) };
  const seconds = Math.ceil(timeoutMs / 1000) + spareSeconds;
  return {
    metadata: { name: `fist-${hash}`, namespace: place.namespace, labels },
    spec: {
      backoffLimit: 0,
      activeDeadlineSeconds: seconds,
      ttlSecondsAfterFinished: keptSeconds,
      template: {
        metadata: { labels },
        spec: {
          restartPolicy: 'Never',
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          terminationGracePeriodSeconds: 5,
          securityContext: {
            runAsNonRoot: true,
            runAsUser: 65_532,
            runAsGroup: 65_532,
            fsGroup: 65_532,
            seccompProfile: { type: 'RuntimeDefault' },
          },
          containers: [
            {
              name: container,
              image,
              command: ['/bin/sh', '-c', literal(script)],
              workingDir: '/work',
              env: Object.entries(environment).map(([name, value]) => ({ name, value: literal(value) })),
              resources,
              securityContext: {
                allowPrivilegeEscalation: false,
                readOnlyRootFilesystem: true,
                capabilities: { drop: ['ALL'] },
              },
              volumeMounts: [
                { name: 'work', mountPath: '/work' },
                { name: 'tmp', mountPath: '/tmp' },
              ],
            },
          ],
          volumes: [
            { name: 'work', emptyDir: {} },
            { name: 'tmp', emptyDir: {} },
          ],
        },
      },
    },
  };
}

/** Kubernetes expands `$(NAME)` in commands and in values of variables; `$$` is a dollar sign (core/v1 Container, EnvVar). */
function literal(value: string): string {
  return value.replaceAll('$', '$$$$');
}

/** `2.then` fits; anything else that a label cannot have is replaced, and its ends are letters or digits. */
function labelValue(text: string): string {
  const fitting = text.replaceAll(/[^A-Za-z0-9_.-]/g, '-').slice(0, 63);
  return fitting.replaceAll(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '');
}
