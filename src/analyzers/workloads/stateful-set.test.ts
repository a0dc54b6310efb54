import { describe, expect, test } from 'vitest';
import { analyze } from '../../../test/support/analyze.ts';
import { podObject } from '../../../test/support/memory-cluster.ts';
import { podRevision } from '../pods/pod-revision.ts';
import { updates } from './updates.ts';

const owner = { kind: 'StatefulSet', name: 'web', uid: 's1', controller: true };
const set = (spec: object, status: object) => ({
  kind: 'StatefulSet',
  metadata: { name: 'web', namespace: 'shop', uid: 's1' },
  spec: { replicas: 3, template: { spec: { containers: [{ name: 'app', image: 'nginx:1.27' }] } }, ...spec },
  status,
});
const member = (ordinal: number, revision: string, ready: boolean) =>
  podObject(`web-${ordinal}`, {
    meta: { ownerReferences: [owner], labels: { 'controller-revision-hash': revision } },
    spec: { containers: [{ name: 'app', image: revision === 'new' ? 'nginx:1.27' : 'nginx:1.99' }] },
    ...(ready ? {} : { state: { ready: false } }),
  });

describe('pod-revision', () => {
  const mended = { currentRevision: 'new', updateRevision: 'new' };

  test('a broken pod of an old revision has to be deleted by hand', async () => {
    const [finding] = await analyze(podRevision, 'pod', member(2, 'old', false), { statefulsets: [set({}, mended)] });
    expect(finding).toMatchObject({ category: 'stuck-on-old-revision', decisive: true, object: 'pod/shop/web-2' });
    expect(finding?.cause).toContain(
      'has the old revision old of StatefulSet web (app: the pod has image nginx:1.99, the template nginx:1.27)',
    );
    const place = { namespace: 'shop', pod: 'web-2', container: '', workload: null };
    const advice = podRevision.categories['stuck-on-old-revision'].advice(finding!, place);
    expect(advice.map(({ action }) => action)).toContain('kubectl -n shop delete pod web-2');
  });

  test('not one that is ready, of the newest revision, held by a partition, or replaced without waiting', async () => {
    const found = (pod: object, spec: object = {}) =>
      analyze(podRevision, 'pod', pod, { statefulsets: [set(spec, mended)] });
    expect(await found(member(2, 'old', true))).toEqual([]);
    expect(await found(member(2, 'new', false))).toEqual([]);
    expect(await found(member(0, 'old', false), { updateStrategy: { rollingUpdate: { partition: 1 } } })).toEqual([]);
    expect(await found(member(2, 'old', false), { updateStrategy: { type: 'OnDelete' } })).toEqual([]);
    expect(await found(member(2, 'old', false), { podManagementPolicy: 'Parallel' })).toEqual([]);
    expect(await analyze(podRevision, 'pod', member(2, 'old', false))).toEqual([]);
  });
});

describe('pods that are updated only when they are deleted', () => {
  const failing = (kind: string, container: object, waiting: object, last: object = {}) =>
    podObject('web-1', {
      meta: {
        ownerReferences: [{ ...owner, kind }],
        labels: { 'controller-revision-hash': 'old' },
      },
      spec: { containers: [{ name: 'app', image: 'nginx:1.27', ...container }] },
      state: { ready: false, restartCount: 4, state: { waiting }, lastState: last },
    });
  const loops = { reason: 'CrashLoopBackOff' };
  const ended = { terminated: { reason: 'Error', exitCode: 2, finishedAt: '2026-01-01T11:58:00Z' } };
  const today = set({ updateStrategy: { type: 'OnDelete' } }, { currentRevision: 'old', updateRevision: 'new' });
  const causeOf = async (pod: object, log = '') => {
    const logs = { 'shop/web-1/app previous': log };
    const objects = { statefulsets: [today], daemonsets: [{ ...today, kind: 'DaemonSet' }] };
    const [finding] = await analyze(podRevision, 'pod', pod, objects, { logs });
    return finding?.cause ?? null;
  };

  test('an option that is gone from the template, and that the log complains of', async () => {
    const cause = await causeOf(
      failing('StatefulSet', { args: ['--cache-size=lots', '--log-level=error'] }, loops, ended),
      'error: invalid argument "lots" for "--cache-size" flag\n',
    );
    expect(cause).toContain('the template of today has no more: cache-size.');
    expect(cause).toContain('With updateStrategy OnDelete the controller does not replace the pod');
  });

  test('an image, a variable and a secret, also of a daemon set', async () => {
    const pull = { reason: 'ImagePullBackOff', message: 'Back-off pulling image "nginx:1.99"' };
    expect(await causeOf(failing('DaemonSet', { image: 'nginx:1.99' }, pull))).toContain(
      'an old template of DaemonSet web',
    );
    const secret = { reason: 'CreateContainerConfigError', message: 'secret "web-old" not found' };
    const env = [{ name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'web-old', key: 'token' } } }];
    expect(await causeOf(failing('StatefulSet', { env }, secret))).toContain('has no more: web-old.');
  });

  test('a failure that has nothing to do with what was changed', async () => {
    const old = { args: ['--cache-size=lots'], env: [{ name: 'MODE', value: 'refused' }] };
    const log = 'error: dial tcp 10.0.0.9:5432: connection refused\n';
    expect(await causeOf(failing('StatefulSet', old, loops, ended), log)).toBeNull();
  });
});

describe('updates', () => {
  const behind = { currentRevision: 'old', updateRevision: 'new', updatedReplicas: 1, readyReplicas: 3 };

  test('pods that wait to be deleted by hand, of both kinds', async () => {
    const agent = {
      kind: 'DaemonSet',
      metadata: { name: 'agent', namespace: 'shop' },
      spec: { updateStrategy: { type: 'OnDelete' } },
      status: { desiredNumberScheduled: 3, updatedNumberScheduled: 1, numberReady: 3 },
    };
    expect(await analyze(updates, 'daemonset', agent)).toMatchObject([
      {
        category: 'update-on-delete',
        decisive: true,
        cause:
          'DaemonSet agent has updateStrategy OnDelete: 2 of its 3 pods have an old template and wait to be deleted by hand.',
      },
    ]);
    const broken = { ...agent, status: { ...agent.status, numberReady: 2 } };
    expect(await analyze(updates, 'daemonset', broken)).toMatchObject([{ cause: null, severity: 'medium' }]);
    const pods = [member(0, 'old', true), member(1, 'new', true)];
    const kept = await analyze(updates, 'statefulset', set({ updateStrategy: { type: 'OnDelete' } }, behind), { pods });
    expect(kept[0]).toMatchObject({ category: 'update-on-delete', facts: { old_pod: 'web-0' } });
    const done = { ...behind, currentRevision: 'new' };
    const objects = { pods: [0, 1, 2].map((ordinal) => member(ordinal, 'new', true)) };
    expect(await analyze(updates, 'statefulset', set({ updateStrategy: { type: 'OnDelete' } }, done), objects)).toEqual(
      [],
    );
  });

  test('a partition that holds the update back', async () => {
    const spec = { updateStrategy: { rollingUpdate: { partition: 2 } } };
    const pods = [0, 1, 2].map((ordinal) => member(ordinal, 'new', true));
    expect(await analyze(updates, 'statefulset', set(spec, behind), { pods })).toMatchObject([
      { category: 'update-partition', severity: 'medium', decisive: true },
    ]);
    const goesOn = { ...behind, updatedReplicas: 0 };
    expect(await analyze(updates, 'statefulset', set(spec, goesOn), { pods })).toMatchObject([{ severity: 'info' }]);
  });

  test('pods that wait for an earlier one', async () => {
    const pods = [member(0, 'new', true), member(1, 'new', false)];
    const [finding] = await analyze(updates, 'statefulset', set({}, {}), { pods });
    expect(finding).toMatchObject({
      category: 'ordered-start',
      cause: null,
      pointers: [{ kind: 'pod', name: 'web-1' }],
    });
    expect(finding?.description).toContain('does not start web-2 until web-1 is ready');
    expect(await analyze(updates, 'statefulset', set({ podManagementPolicy: 'Parallel' }, {}), { pods })).toEqual([]);
    expect(await analyze(updates, 'statefulset', set({ replicas: 2 }, {}), { pods })).toEqual([]);
  });
});
