import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { createFakeClock } from '../../test/support/clock.ts';
import type { KubernetesObject } from '../core/cluster.ts';
import { AppError } from '../core/errors.ts';
import type { CommandRequest } from '../core/command.ts';
import type { JobEnd } from '../kube/job-state.ts';
import type { Jobs } from '../kube/jobs.ts';
import type { DesiredObject } from '../kube/writer.ts';
import { createJobRunner, jobOf, runLabel, stepLabel } from './job.ts';

function request(script: string, changes: Partial<CommandRequest> = {}): CommandRequest {
  return {
    place: { namespace: 'shop', runId: '00000000-0000-4000-8000-000000000000', path: '2.then' },
    script,
    environment: {},
    image: 'busybox',
    timeoutMs: 20_000,
    outputLimitBytes: 1000,
    signal: new AbortController().signal,
    onStarted: () => Promise.resolve(),
    ...changes,
  };
}

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
    find: async () => [],
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

const never = new Promise<JobEnd>(() => undefined);
const ended = (end: JobEnd): Promise<JobEnd> => Promise.resolve(end);
const failed = { kind: 'failed', reason: 'BackoffLimitExceeded', message: 'Job has reached the limit' } as const;

describe('a command as a Job', () => {
  test('its output and exit code come back, and the Job goes', async () => {
    const { jobs, deleted } = fakeJobs(ended({ kind: 'succeeded' }), [podThatEnded(0, 'Completed')]);
    const result = await createJobRunner({ jobs, clock: createFakeClock() }).run(request('echo hello'));
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
    const result = await createJobRunner({ jobs, clock: createFakeClock() }).run(request('exit 7'));
    expect(result).toMatchObject({ exitCode, stderr, timedOut: false });
  });

  test('one that takes too long is deleted, and says what kept it', async () => {
    const clock = createFakeClock();
    const trouble = { reason: 'QuotaExceeded', message: 'exceeded quota: compute' };
    const { jobs, deleted } = fakeJobs(never, [], {
      trouble: async () => trouble,
      followLog: () => new Promise(() => undefined),
    });
    const running = createJobRunner({ jobs, clock }).run(request('sleep 1000'));
    for (let seconds = 0; seconds < 25; seconds += 1) await clock.advance(1000);
    expect(await running).toMatchObject({ timedOut: true, stderr: 'QuotaExceeded: exceeded quota: compute' });
    expect(deleted).toEqual(['fist-1']);
  });

  test('what nobody mends while it waits fails at once', async () => {
    const clock = createFakeClock();
    const trouble = { reason: 'AdmissionRefused', message: 'violates PodSecurity' };
    const { jobs, deleted } = fakeJobs(never, [], { trouble: async () => trouble });
    const running = createJobRunner({ jobs, clock }).run(request('true'));
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
    const running = createJobRunner({ jobs, clock: createFakeClock() }).run(
      request('true', { signal: stopping.signal }),
    );
    const failure = running.catch((error: unknown) => error);
    await Promise.resolve();
    stopping.abort(new AppError(code, 'over'));
    expect(await failure).toMatchObject({ code });
    expect(deleted).toEqual(expected);
  });

  test('one that cannot be made says why, and what to do', async () => {
    const refusal = new AppError('Forbidden', 'jobs.batch is forbidden', { next: 'allow it: a Role' });
    const { jobs } = fakeJobs(never, [], { create: () => Promise.reject(refusal) });
    await expect(createJobRunner({ jobs, clock: createFakeClock() }).run(request('true'))).rejects.toMatchObject({
      code: 'CommandFailed',
      message: 'the Job of the command could not be made: jobs.batch is forbidden',
      next: 'allow it: a Role',
    });
  });
});

interface PodSpec {
  readonly automountServiceAccountToken: boolean;
  readonly restartPolicy: string;
  readonly containers: readonly {
    readonly command: readonly string[];
    readonly env: readonly { readonly name: string; readonly value: string }[];
    readonly securityContext: object;
  }[];
}

function podSpecOf(job: DesiredObject): PodSpec {
  return (job['spec'] as { template: { spec: PodSpec } }).template.spec;
}

/** As third_party/forked/golang/expansion of Kubernetes: `$$` is a dollar sign, `$(NAME)` the value of a variable that is there. */
function expanded(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replaceAll(/\$\$|\$\(([^)]*)\)/g, (whole, name: string | undefined) =>
    whole === '$$' ? '$' : (variables.get(name ?? '') ?? whole),
  );
}

/** Runs what a kubelet would start. */
function asKubelet({ containers: [container] }: PodSpec): string {
  const variables = new Map<string, string>();
  for (const { name, value } of container?.env ?? []) variables.set(name, expanded(value, variables));
  const [file = '', ...args] = (container?.command ?? []).map((part) => expanded(part, variables));
  return spawnSync(file, args, { env: Object.fromEntries(variables), encoding: 'utf8' }).stdout;
}

describe('the Job', () => {
  test('has the name of run and step, in all attempts, and labels that say whose it is', () => {
    const one = jobOf(request('true', { environment: { FIST_ATTEMPT: '1' } }));
    const other = jobOf(request('true', { environment: { FIST_ATTEMPT: '2' } }));
    expect(one.metadata.name).toBe(other.metadata.name);
    expect(one.metadata.name).toMatch(/^fist-[0-9a-f]{16}$/);
    expect(one.metadata['labels']).toMatchObject({
      [runLabel]: '00000000-0000-4000-8000-000000000000',
      [stepLabel]: '2.then',
    });
    const elsewhere = jobOf(request('true', { place: { namespace: 'shop', runId: 'r', path: '2' } }));
    expect(elsewhere.metadata.name).not.toBe(one.metadata.name);
  });

  test('has no token of the cluster and no rights on its node', () => {
    const spec = podSpecOf(jobOf(request('true')));
    expect(spec).toMatchObject({
      automountServiceAccountToken: false,
      restartPolicy: 'Never',
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    });
    expect(spec.containers[0]?.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });

  test.each([
    ['text', 'echo "$FIST_1"', 'a b', 'a b\n'],
    ['a variable of the cluster', 'echo "$FIST_1"', '$(SECRET)', '$(SECRET)\n'],
    ['dollar signs', 'echo "$FIST_1"', '$$ $$$ $HOME ${HOME} $(id) `id`', '$$ $$$ $HOME ${HOME} $(id) `id`\n'],
    [
      'a substitution of the script that is called like a variable',
      'SECRET() { echo run; }; echo "$(SECRET)"',
      '',
      'run\n',
    ],
    ['a process id', 'test "$$" -gt 1 && echo yes', '', 'yes\n'],
    ['lines and quotes', 'printf %s "$FIST_1"', 'it\'s\n"two" lines\\', 'it\'s\n"two" lines\\'],
  ])('runs as a local process does: %s', (_name, script, value, output) => {
    const environment = { SECRET: 'hidden', FIST_1: value };
    expect(asKubelet(podSpecOf(jobOf(request(script, { environment }))))).toBe(output);
  });
});

test.each([
  ['2.then', '2.then'],
  [`${'1.then.'.repeat(9)}2`, '1.then.'.repeat(9).slice(0, 62)],
  ['-odd name-', 'odd-name'],
])('the path %s is a label that an API server takes', (path, label) => {
  const { metadata } = jobOf(request('true', { place: { namespace: 'shop', runId: 'r', path } }));
  expect(metadata['labels']).toMatchObject({ [stepLabel]: label });
  expect(label).toMatch(/^[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/);
});
