import { describe, expect, test } from 'vitest';
import { analyze } from '../../../test/support/analyze.ts';
import { eventObject, podObject } from '../../../test/support/memory-cluster.ts';
import { podStart } from './pod-start.ts';
import { missingReference } from '../reading/references.ts';
import { ownWords } from './runtime-words.ts';
import { startProblem } from './start-words.ts';

const about = { kind: 'Pod', name: 'web-1' };
const waiting = (reason: string, message: string, extra: object = {}) =>
  podObject('web-1', {
    spec: { containers: [{ name: 'app', lifecycle: { postStart: { exec: {} } } }] },
    status: { phase: 'Pending' },
    state: { state: { waiting: { reason, message } }, ...extra },
  });
const runc = (words: string) =>
  `failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: ${words}: unknown`;

test('the error of another container is not its own', async () => {
  const pod = podObject('web-1', {
    spec: { containers: [{ name: 'app' }, { name: 'side' }] },
    status: {
      phase: 'Pending',
      containerStatuses: ['app', 'side'].map((name) => ({
        name,
        state: { waiting: { reason: 'CreateContainerConfigError' } },
      })),
    },
  });
  const of = (name: string, message: string, at: string) =>
    eventObject({ ...about, fieldPath: `spec.containers{${name}}` } as never, 'Failed', `Error: ${message}`, {
      lastTimestamp: at,
    });
  const events = [
    of('app', 'secret "db" not found', '2026-01-01T11:58:00Z'),
    of('side', 'configmap "proxy" not found', '2026-01-01T11:59:00Z'),
  ];
  const findings = await analyze(podStart, 'pod', pod, { events });
  expect(findings.map(({ facts }) => [facts['container'], facts['missing']])).toEqual([
    ['app', 'secret db'],
    ['side', 'config map proxy'],
  ]);
});

describe('what a container that cannot be started comes to', () => {
  test.each([
    [
      runc('exec: "/bin/webb": stat /bin/webb: no such file or directory'),
      'command-not-found',
      'command /bin/webb does not exist',
    ],
    [
      runc('error during container init: exec: "ap": executable file not found in $PATH'),
      'command-not-found',
      'command ap does not exist',
    ],
    [
      'container_linux.go:380: starting container process caused: exec: "/entry.sh": permission denied: unknown',
      'command-not-found',
      '/entry.sh may not be executed',
    ],
    [
      'container create failed: executable file `serve` not found in $PATH: No such file or directory',
      'command-not-found',
      'command serve is not found',
    ],
    [runc('exec /app: exec format error'), 'command-not-found', 'architecture of the node'],
    [
      'failed to generate container "1" spec: failed to generate spec: no command specified',
      'command-not-found',
      'which command to run',
    ],
    [
      runc('chdir to cwd ("/srv/app") set in config.json failed: no such file or directory'),
      'command-not-found',
      'working directory /srv/app',
    ],
    [
      'container has runAsNonRoot and image will run as root (pod: "web-1_shop(1)", container: app)',
      'security-refused',
      'must not run as root',
    ],
    [
      'container has runAsNonRoot and image has non-numeric user (nginx), cannot verify user is non-root',
      'security-refused',
      'user nginx',
    ],
    [
      'failed to create containerd container: unable to find user app: no matching entries in passwd file',
      'security-refused',
      'user app',
    ],
    [
      'cannot load seccomp profile "/var/lib/kubelet/seccomp/a.json": open: no such file or directory',
      'security-refused',
      'security profile',
    ],
    [
      runc(
        'error mounting "/var/lib/kubelet/pods/1/volumes/x" to rootfs at "/etc/nginx/nginx.conf": not a directory: Are you trying to mount a directory onto a file (or vice-versa)?',
      ),
      'mount-refused',
      'directory onto a file',
    ],
    ['failed to prepare subPath for volumeMount "config" of container "app"', 'mount-refused', 'subPath'],
    [
      runc('error running prestart hook #0: nvidia-container-cli: initialization error: nvml error: driver not loaded'),
      'device-missing',
      'device',
    ],
    [runc('container init was OOM-killed (memory limit too low?)'), 'start-error', 'memory limit is too small'],
    [
      'failed to reserve container name "app_web-1_shop_1_0": name "app_web-1_shop_1_0" is reserved for "4c1e"',
      'start-error',
      'earlier attempt',
    ],
    ['context deadline exceeded', 'start-error', 'does not answer in time'],
    [
      runc('exec: "sh -c serve": executable file not found in $PATH'),
      'command-not-found',
      'command sh -c serve does not exist',
    ],
    ['failed to sync secret cache: timed out waiting for the condition', 'start-error', 'from the API server in time'],
    ['cannot find volume "data" to mount into container "app"', 'mount-refused', 'cannot be mounted into it'],
    ['moon in the wrong phase', 'start-error', 'container runtime refuses it'],
  ])('%s', (message, category, words) => {
    const problem = startProblem('CreateContainerError', message);
    expect(problem.category).toBe(category);
    expect(problem.words).toContain(words);
  });

  test('the own words are those that tell something; of long ones the end', () => {
    expect(ownWords(runc('exec: "/bin/webb": no such file or directory'))).toBe(
      '"exec: "/bin/webb": no such file or directory"',
    );
    expect(ownWords(`${'some words: '.repeat(60)}the end`)).toMatch(/^"… (?:some words: )+the end"$/);
  });
});

describe('what is missing', () => {
  test.each([
    ['secret "web-db" not found', { kind: 'secret', name: 'web-db', key: null }],
    [
      'MountVolume.SetUp failed for volume "c" : configmap "settings" not found',
      { kind: 'config map', name: 'settings', key: null },
    ],
    ["couldn't find key DB_URL in Secret shop/web-db", { kind: 'secret', name: 'web-db', key: 'DB_URL' }],
    ["couldn't find key REGION in ConfigMap shop/settings", { kind: 'config map', name: 'settings', key: 'REGION' }],
    [
      'MountVolume.SetUp failed for volume "c" : references non-existent secret key: tls.crt',
      { kind: 'secret', name: '', key: 'tls.crt' },
    ],
    ['configmap references non-existent config key: app.yaml', { kind: 'config map', name: '', key: 'app.yaml' }],
    ['persistentvolumeclaim "data" not found', null],
  ])('%s', (message, missing) => {
    expect(missingReference(message)).toEqual(missing);
  });
});

describe('pod-start', () => {
  test('a secret that is missing is named; secrets are never asked for', async () => {
    const [finding] = await analyze(podStart, 'pod', waiting('CreateContainerConfigError', 'secret "db" not found'));
    expect(finding).toMatchObject({
      category: 'config-missing',
      decisive: true,
      cause:
        'Container app of pod web-1 cannot be started: secret db does not exist (not found) in namespace shop ("secret "db" not found").',
      facts: { missing: 'secret db' },
    });
  });

  test('the keys of a config map that lacks one are told, its values are not', async () => {
    const pod = waiting('CreateContainerConfigError', "couldn't find key REGION in ConfigMap shop/settings");
    const [finding] = await analyze(podStart, 'pod', pod, {
      configmaps: [{ metadata: { name: 'settings', namespace: 'shop' }, data: { URL: 'canary', MODE: 'x' } }],
    });
    expect(finding?.description).toContain('Config map settings has the keys: URL, MODE.');
    expect(JSON.stringify(finding)).not.toContain('canary');
    const absent = waiting('CreateContainerConfigError', 'configmap "settings" not found');
    expect((await analyze(podStart, 'pod', absent))[0]?.description).toContain('There is no config map settings.');
  });

  test('where the status has no words the newest event has them', async () => {
    const events = [
      eventObject(about, 'Failed', 'Error: secret "old" not found', { lastTimestamp: '2026-01-01T10:00:00Z' }),
      eventObject(about, 'Failed', 'Error: secret "db" not found'),
    ];
    const [finding] = await analyze(podStart, 'pod', waiting('CreateContainerConfigError', ''), { events });
    expect(finding?.cause).toContain('secret db does not exist');
    const [none] = await analyze(podStart, 'pod', waiting('CreateContainerError', ''));
    expect(none).toMatchObject({ cause: null, decisive: false });
  });

  test('a start error in the last end of a container that loops, not in one that runs again', async () => {
    const lastState = {
      terminated: {
        reason: 'StartError',
        exitCode: 128,
        message: runc('exec: "ap": executable file not found in $PATH'),
      },
    };
    const looping = waiting('CrashLoopBackOff', 'back-off', { restartCount: 2, lastState });
    expect((await analyze(podStart, 'pod', looping))[0]).toMatchObject({ category: 'command-not-found' });
    const running = podObject('web-1', { state: { restartCount: 2, lastState } });
    expect(await analyze(podStart, 'pod', running)).toEqual([]);
  });

  test('a postStart hook that fails: its container loops, and only an event tells of the hook', async () => {
    const events = [
      eventObject(
        about,
        'FailedPostStartHook',
        'Exec lifecycle hook ([/bin/warm]) for Container "app" failed - error: command \'/bin/warm\' exited with 1',
      ),
    ];
    const lastState = { terminated: { reason: 'Completed', exitCode: 0 } };
    const pod = waiting('CrashLoopBackOff', 'back-off', { restartCount: 3, lastState });
    const [finding] = await analyze(podStart, 'pod', pod, { events });
    expect(finding).toMatchObject({ category: 'hook-failed', decisive: true });
    expect(finding?.cause).toContain("command '/bin/warm' exited with 1");
    expect(await analyze(podStart, 'pod', pod)).toEqual([]);
  });
});
