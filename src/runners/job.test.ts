import { describe, expect, test } from 'vitest';
import { createFakeClock } from '../../test/support/clock.ts';
import { commandRequest } from '../../test/support/command-request.ts';
import { jobSettings } from '../../test/support/container.ts';
import type { KubernetesObject } from '../core/cluster.ts';
import type { CommandRunner } from '../core/command.ts';
import { AppError } from '../core/errors.ts';
import type { Clock } from '../core/ports.ts';
import type { JobEnd } from '../kube/jobs/job-state.ts';
import type { Jobs } from '../kube/jobs/jobs.ts';
import type { DesiredObject } from '../kube/connection/writer.ts';
import { createJobRunner } from './job.ts';

const identity = { namespace: 'shop', name: 'fist-1', uid: 'u1' };

function podThatEnded(exitCode: number, reason = 'Error'): KubernetesObject {
  const state = { terminated: { exitCode, reason } };
  return { metadata: { name: 'fist-1-x' }, status: { containerStatuses: [{ name: 'cli', state }] } };
}

/** Jobs of which there is one, that ends as `end` says. */
function fakeJobs(end: Promise<JobEnd>, pods: readonly KubernetesObject[] = [], changes: Partial<Jobs> = {}) {
  const made: DesiredObject[] = [];
  const deleted: string[] = [];
  const jobs: Jobs = {
    create: async (job) => {
      made.push(job);
      return { job: identity, isAdopted: false };
    },
    untilEnd: (_job, signal) => {
      const { promise: over, reject } = Promise.withResolvers<never>();
      const stop = (): void => reject(signal.reason as Error);
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop);
      return Promise.race([end, over]);
    },
    pods: async () => pods,
    trouble: async () => null,
    followLog: async ({ write }) => {
      await write(Buffer.from('hello\n'));
      return { kind: 'ended', bytes: 6, position: { at: '', lines: 0 } };
    },
    delete: async ({ name }) => {
      deleted.push(name);
      return 'deleted';
    },
    ...changes,
  };
  return { jobs, made, deleted };
}

function runnerOf(jobs: Jobs, clock: Clock = createFakeClock()): CommandRunner {
  return createJobRunner({ jobs, settings: jobSettings, clock, random: () => 1 });
}

const never = new Promise<JobEnd>(() => undefined);
const ended = (end: JobEnd): Promise<JobEnd> => Promise.resolve(end);
const failed = { kind: 'failed', reason: 'BackoffLimitExceeded', message: 'Job has reached the limit' } as const;

describe('a command as a Job', () => {
  test('its output and exit code come back, and the Job goes', async () => {
    const { jobs, deleted } = fakeJobs(ended({ kind: 'succeeded' }), [podThatEnded(0, 'Completed')]);
    const result = await runnerOf(jobs).run(commandRequest('echo hello'));
    expect(result).toEqual({
      exitCode: 0,
      signal: null,
      stdout: 'hello\n',
      stderr: '',
      truncated: false,
      timedOut: false,
    });
    expect(deleted).toEqual(['fist-1']);
  });

  test.each([
    [podThatEnded(7), 7, ''],
    [podThatEnded(137, 'OOMKilled'), 137, 'the container was ended because its memory was used up'],
  ])('a failure is the exit code of its container', async (pod, exitCode, stderr) => {
    const { jobs } = fakeJobs(ended(failed), [pod]);
    const result = await runnerOf(jobs).run(commandRequest('exit 7'));
    expect(result).toMatchObject({ exitCode, stderr, timedOut: false });
  });

  test('one that takes too long is deleted, and says what kept it', async () => {
    const clock = createFakeClock();
    const trouble = { reason: 'QuotaExceeded', message: 'exceeded quota: compute' };
    const { jobs, deleted } = fakeJobs(never, [], {
      trouble: async () => trouble,
      followLog: () => new Promise(() => undefined),
    });
    const running = runnerOf(jobs, clock).run(commandRequest('sleep 1000'));
    for (let seconds = 0; seconds < 25; seconds += 1) await clock.advance(1000);
    expect(await running).toMatchObject({ timedOut: true, stderr: 'QuotaExceeded: exceeded quota: compute' });
    expect(deleted).toEqual(['fist-1']);
  });

  test('what nobody mends while it waits fails at once', async () => {
    const clock = createFakeClock();
    const trouble = { reason: 'AdmissionRefused', message: 'violates PodSecurity' };
    const { jobs, deleted } = fakeJobs(never, [], { trouble: async () => trouble });
    const running = runnerOf(jobs, clock).run(commandRequest('true'));
    const failure = running.catch((error: unknown) => error);
    for (let seconds = 0; seconds < 6; seconds += 1) await clock.advance(1000);
    expect(await failure).toMatchObject({
      code: 'CommandFailed',
      message: expect.stringContaining('violates PodSecurity') as string,
    });
    expect(deleted).toEqual(['fist-1']);
  });

  test.each([
    ['Cancelled', ['fist-1']],
    ['Timeout', ['fist-1']],
    // Who takes the run over waits for it.
    ['Interrupted', []],
    ['StaleFence', []],
  ] as const)('%s: deleted %j', async (code, expected) => {
    const { jobs, deleted } = fakeJobs(never);
    const stopping = new AbortController();
    const running = runnerOf(jobs).run(commandRequest('true', { signal: stopping.signal }));
    const failure = running.catch((error: unknown) => error);
    await Promise.resolve();
    stopping.abort(new AppError(code, 'over'));
    expect(await failure).toMatchObject({ code });
    expect(deleted).toEqual(expected);
  });

  test('a cluster that cannot be asked for it says nothing about the command: the engine asks again after a pause', async () => {
    const away = new AppError('ClusterUnavailable', 'https://127.0.0.1 did not answer');
    const { jobs } = fakeJobs(never, [], { create: () => Promise.reject(away) });
    const running = runnerOf(jobs);
    await expect(running.run(commandRequest('true'))).rejects.toBe(away);
  });

  test('a kubeconfig that cannot be used does not get better by itself', async () => {
    const unusable = new AppError('ClusterUnavailable', 'no such context', { retryable: false });
    const { jobs } = fakeJobs(never, [], { create: () => Promise.reject(unusable) });
    const running = runnerOf(jobs);
    await expect(running.run(commandRequest('true'))).rejects.toMatchObject({
      code: 'CommandFailed',
      retryable: false,
    });
  });

  test.each(['ResourcesExhausted', 'ClusterUnavailable'] as const)(
    '%s once it has ended says nothing about the command: the Job stays for the next attempt',
    async (code) => {
      const failure = new AppError(code, 'nobody knows');
      const { jobs, deleted } = fakeJobs(never, [], { untilEnd: () => Promise.reject(failure) });
      const running = runnerOf(jobs);
      await expect(running.run(commandRequest('true'))).rejects.toBe(failure);
      expect(deleted).toEqual([]);
    },
  );

  test('one that cannot be made says why, and what to do', async () => {
    const refusal = new AppError('Forbidden', 'jobs.batch is forbidden', { next: 'allow it: a Role' });
    const { jobs } = fakeJobs(never, [], { create: () => Promise.reject(refusal) });
    await expect(runnerOf(jobs).run(commandRequest('true'))).rejects.toMatchObject({
      code: 'CommandFailed',
      message: 'the Job of the command could not be made: jobs.batch is forbidden',
      next: 'allow it: a Role',
    });
  });

  test.each([
    ['failed', ended(failed), podThatEnded(7), { exitCode: 7 }],
    ['took too long', never, podThatEnded(0), { timedOut: true }],
  ] as const)(
    'one that %s is deleted once the cluster is back: a retry runs anew',
    async (_how, end, pod, expected) => {
      const clock = createFakeClock();
      let tries = 0;
      const { jobs } = fakeJobs(end, [pod], {
        async delete() {
          tries += 1;
          if (clock.monotonic() < 40_000) throw new AppError('ClusterUnavailable', 'no answer');
          return 'deleted';
        },
      });
      let isOver = false;
      const running = runnerOf(jobs, clock)
        .run(commandRequest('exit 7'))
        .finally(() => (isOver = true));
      for (let seconds = 0; seconds < 35; seconds += 1) await clock.advance(1000);
      expect(isOver).toBe(false);
      for (let seconds = 0; seconds < 15; seconds += 1) await clock.advance(1000);
      expect(await running).toMatchObject(expected);
      expect(tries).toBeGreaterThan(2);
    },
  );

  test.each([
    ['when the retry begins', 1],
    ['never, because it is forbidden', 2],
  ])('a retry runs anew where the Job before it is deleted only %s', async (_when, left) => {
    const there = new Set<string>();
    const { jobs, made } = fakeJobs(ended(failed), [podThatEnded(7)], {
      // A name is taken until its Job is deleted.
      async create(job) {
        const { name } = job.metadata;
        const isAdopted = there.has(name);
        if (!isAdopted) made.push(job);
        there.add(name);
        return { job: { ...identity, name }, isAdopted };
      },
      async delete({ name, uid }) {
        if (left === 2 || uid !== undefined) throw new AppError('Forbidden', 'jobs.batch is forbidden');
        return there.delete(name) ? 'deleted' : 'absent';
      },
    });
    const { place } = commandRequest('');
    const attempt = (endedBefore: number) =>
      runnerOf(jobs).run(commandRequest('exit 7', { place: { ...place, endedBefore } }));
    await attempt(0);
    // Who takes over an attempt whose end nobody wrote down gets what came of it.
    await attempt(0);
    expect(made).toHaveLength(1);
    expect(await attempt(1)).toMatchObject({ exitCode: 7 });
    expect(made).toHaveLength(2);
    expect(there.size).toBe(left);
  });

  test('a retry waits until the cluster can be asked to delete the Job before it', async () => {
    const away = new AppError('ClusterUnavailable', 'no answer');
    const { jobs, made } = fakeJobs(never, [], { delete: () => Promise.reject(away) });
    const place = { ...commandRequest('').place, endedBefore: 1 };
    await expect(runnerOf(jobs).run(commandRequest('true', { place }))).rejects.toBe(away);
    expect(made).toEqual([]);
  });

  test('what came of it is not lost where the step ends before the cluster is back; a success waits for nothing', async () => {
    const clock = createFakeClock();
    const away = { delete: () => Promise.reject(new AppError('ClusterUnavailable', 'no answer')) };
    const stopping = new AbortController();
    const request = commandRequest('exit 7', { signal: stopping.signal });
    const running = runnerOf(fakeJobs(ended(failed), [podThatEnded(7)], away).jobs, clock).run(request);
    await clock.advance(1000);
    stopping.abort(new AppError('Timeout', 'over'));
    expect(await running).toMatchObject({ exitCode: 7 });
    const { jobs } = fakeJobs(ended({ kind: 'succeeded' }), [podThatEnded(0)], away);
    expect(await runnerOf(jobs, clock).run(commandRequest('true'))).toMatchObject({ exitCode: 0 });
  });

  test('while the cluster cannot be asked it goes on, and neither its log nor its exit code is lost', async () => {
    const clock = createFakeClock();
    const askedAtMs: number[] = [];
    const isAway = (): boolean =>
      clock.monotonic() < 12_000 || (clock.monotonic() > 15_000 && clock.monotonic() < 20_000);
    const { promise: end, resolve: hasEnded } = Promise.withResolvers<JobEnd>();
    const { jobs } = fakeJobs(end, [], {
      pods: async () => {
        askedAtMs.push(clock.monotonic());
        if (isAway()) throw new AppError('ClusterUnavailable', 'nobody answers');
        return [podThatEnded(7)];
      },
    });
    const running = runnerOf(jobs, clock).run(commandRequest('exit 7', { timeoutMs: 60_000 }));
    await clock.advance(16_000);
    expect(askedAtMs).toEqual([0, 500, 1500, 3500, 7500, 12_500]);
    hasEnded(failed);
    await clock.advance(10_000);
    expect(await running).toMatchObject({ exitCode: 7, stdout: 'hello\n', stderr: '' });
  });
});
