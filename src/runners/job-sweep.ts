import type { Clock, Log } from '../core/ports.ts';
import { isFinal } from '../core/run.ts';
import type { RunReader } from '../core/run-store.ts';
import type { Informer } from '../kube/watch/informer.ts';
import { identityOf } from '../kube/jobs/jobs.ts';
import type { Jobs } from '../kube/jobs/jobs.ts';
import { createWorkQueue } from '../kube/watch/work-queue.ts';
import { whenAborted } from '../lib/when-aborted.ts';
import { runLabel } from './job-object.ts';

export interface JobSweepOptions {
  /** The Jobs of commands. */
  readonly informer: Pick<Informer, 'get' | 'onChange'>;
  readonly jobs: Pick<Jobs, 'delete'>;
  readonly runs: Pick<RunReader, 'find'>;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly log: Log;
}

/** Nothing tells of the end of a run whose worker died. */
const lookAgainMs = 10_000;
/** An API server that was away has its Jobs deleted half a minute after it is back. */
const backOff = { firstMs: 1000, mostMs: 30_000 } as const;

/**
 * Deletes Jobs whose runs have ended, until `signal` is aborted: a run that is cancelled or passes its deadline after its worker died
 * ends without anybody who knows of its Job. Jobs of runs that the store does not know are another installation's.
 */
export async function sweepJobs(options: JobSweepOptions, signal: AbortSignal): Promise<void> {
  const { informer, jobs, runs, clock, random, log } = options;

  async function handle(key: string): Promise<number | null> {
    const job = informer.get(key);
    if (job === undefined) return null;
    const run = await runs.find(job.metadata.labels?.[runLabel] ?? '');
    if (run === undefined || !isFinal(run.status)) return lookAgainMs;
    await jobs.delete(identityOf(job));
    log.info({ run: run.id, job: key, status: run.status }, 'the Job of a run that has ended was deleted');
    return lookAgainMs;
  }
  const queue = createWorkQueue({ name: 'jobs of ended runs', handle, backOff, clock, random, log });
  const forget = informer.onChange(({ type, key }) => {
    if (type === 'deleted') queue.forget(key);
    else queue.add(key);
  });
  await whenAborted(signal);
  forget();
  await queue.stop(5000, 1000);
}
