import { describe, expect, test } from 'vitest';
import { analyze } from '../../../test/support/analyze.ts';
import { eventObject, podObject } from '../../../test/support/memory-cluster.ts';
import { podDeleted } from './pod-deleted.ts';

const running = { state: { running: { startedAt: '2026-01-01T08:00:00Z' } } };

test('within its grace period nothing is a fault', async () => {
  const pod = podObject('web-1', {
    meta: { deletionTimestamp: '2026-01-01T12:00:10Z', deletionGracePeriodSeconds: 30 },
    state: running,
  });
  expect((await analyze(podDeleted, 'pod', pod))[0]).toMatchObject({
    category: 'terminating',
    severity: 'info',
    cause: null,
    when: { from: '2026-01-01T11:59:40.000Z' },
  });
});

test('a grace period of an hour is over at its end, not an hour later', async () => {
  const pod = podObject('web-1', {
    meta: { deletionTimestamp: '2026-01-01T11:40:00Z', deletionGracePeriodSeconds: 3600 },
    state: running,
  });
  expect((await analyze(podDeleted, 'pod', pod))[0]).toMatchObject({
    category: 'stuck-terminating',
    when: { from: '2026-01-01T10:40:00.000Z' },
  });
});

test('held by a finalizer: it is named', async () => {
  const pod = podObject('web-1', {
    meta: {
      deletionTimestamp: '2026-01-01T11:10:00Z',
      deletionGracePeriodSeconds: 30,
      finalizers: ['example.com/drain'],
    },
    state: { state: { terminated: { reason: 'Error', exitCode: 137, finishedAt: '2026-01-01T11:10:00Z' } } },
  });
  const [finding] = await analyze(podDeleted, 'pod', pod);
  expect(finding).toMatchObject({ category: 'stuck-terminating', severity: 'high', decisive: true, pointers: [] });
  expect(finding?.cause).toBe(
    'Pod web-1 was deleted at 2026-01-01 11:09:30 UTC, 50m30s before, and hangs in Terminating: it stays because finalizer example.com/drain is not removed.',
  );
});

test('its containers still run: the node is looked at', async () => {
  const pod = podObject('web-1', {
    meta: { deletionTimestamp: '2026-01-01T11:10:00Z', deletionGracePeriodSeconds: 30 },
    state: running,
  });
  const [finding] = await analyze(podDeleted, 'pod', pod);
  expect(finding).toMatchObject({
    category: 'stuck-terminating',
    decisive: false,
    pointers: [{ kind: 'node', namespace: null, name: 'n1' }],
  });
  expect(finding?.cause).toContain(
    'its grace period of 30s is over and app still runs by the last word of the kubelet of node n1',
  );
});

describe('the kubelet cannot end it', () => {
  const dying = podObject('web-1', {
    meta: { deletionTimestamp: '2026-01-01T11:10:00Z', deletionGracePeriodSeconds: 30, finalizers: ['example.com/x'] },
    state: running,
  });
  const about = { kind: 'Pod', name: 'web-1' };
  const find = async (message: string, extra: object = {}, pods: readonly object[] = []) =>
    (
      await analyze(podDeleted, 'pod', dying, { events: [eventObject(about, 'FailedKillPod', message, extra)], pods })
    )[0];

  test('a container', async () => {
    const finding = await find(
      'error killing pod: failed to "KillContainer" for "proxy" with KillContainerError: "rpc error: code = Unknown desc = tried to kill container, but did not receive an exit event"',
    );
    expect(finding).toMatchObject({ category: 'kill-failed', decisive: true, facts: { node: 'n1' } });
    expect(finding?.cause).toContain(
      'the container runtime of node n1 cannot kill container proxy ("tried to kill container, but did not receive an exit event").',
    );
  });

  test('its network: the plugin of the node is looked at', async () => {
    const plugin = podObject('calico-node-abcde', {
      meta: {
        namespace: 'calico-system',
        ownerReferences: [{ kind: 'DaemonSet', name: 'calico-node', uid: 'd1', controller: true }],
      },
      state: { ready: false },
    });
    const finding = await find(
      'error killing pod: failed to "KillPodSandbox" for "5b1f" with KillPodSandboxError: "rpc error: code = Unknown desc = failed to destroy network for sandbox \\"9ac\\": plugin type=\\"calico\\" failed (delete): error getting ClusterInformation: connection is unauthorized: Unauthorized"',
      {},
      [plugin],
    );
    expect(finding?.cause).toMatch(/the network plugin of node n1 cannot take down its network \(".*Unauthorized"\)/);
    expect(finding?.pointers).toEqual([
      { kind: 'pod', namespace: 'calico-system', name: 'calico-node-abcde' },
      { kind: 'node', namespace: null, name: 'n1' },
    ]);
  });

  test('its sandbox', async () => {
    const finding = await find(
      'error killing pod: failed to "KillPodSandbox" for "5b1f" with KillPodSandboxError: "rpc error: code = DeadlineExceeded desc = context deadline exceeded"',
    );
    expect(finding?.cause).toContain('cannot end its sandbox ("context deadline exceeded")');
  });

  test('what it has not said for long, or said before, is over', async () => {
    const message = 'error killing pod: failed to "KillContainer" for "app" with KillContainerError: "x"';
    expect(await find(message, { lastTimestamp: '2026-01-01T11:20:00Z' })).toMatchObject({
      category: 'stuck-terminating',
    });
    expect(await find(message, { lastTimestamp: '2026-01-01T11:00:00Z' })).toMatchObject({
      category: 'stuck-terminating',
    });
  });
});

test('a container that went with its node', async () => {
  const last = {
    reason: 'Unknown',
    exitCode: 255,
    startedAt: '2026-01-01T08:00:00Z',
    finishedAt: '2026-01-01T11:40:00Z',
  };
  const pod = podObject('web-1', { state: { restartCount: 1, lastState: { terminated: last } } });
  const [unknown] = await analyze(podDeleted, 'pod', pod);
  expect(unknown).toMatchObject({
    category: 'node-restart',
    decisive: false,
    pointers: [{ kind: 'node', name: 'n1' }],
  });
  const about = { kind: 'Node', name: 'n1' };
  const reboot = eventObject(about, 'Rebooted', 'Node n1 has been rebooted, boot id: 5b1', {
    metadata: { name: 'n1.x', namespace: 'default' },
    lastTimestamp: '2026-01-01T11:42:00Z',
  });
  const [proved] = await analyze(podDeleted, 'pod', pod, { events: [reboot] });
  expect(proved).toMatchObject({ decisive: true });
  expect(proved?.cause).toContain('Node n1 was restarted, and container app of pod web-1 ended with it.');
});

test('a pod that lives and whose containers ended by themselves is not looked at', async () => {
  const last = { reason: 'Error', exitCode: 1, finishedAt: '2026-01-01T11:40:00Z' };
  const pod = podObject('web-1', { state: { restartCount: 1, lastState: { terminated: last } } });
  expect(await analyze(podDeleted, 'pod', pod)).toEqual([]);
});

test('a container that was lost, and waits for an init container that now fails, is not why', async () => {
  const last = { reason: 'Unknown', exitCode: 255, finishedAt: '2026-01-01T11:40:00Z' };
  const held = (init: object) =>
    podObject('web-1', {
      spec: { initContainers: [{ name: 'copy' }], containers: [{ name: 'app' }] },
      status: {
        initContainerStatuses: [{ name: 'copy', ready: false, restartCount: 4, ...init }],
        containerStatuses: [
          {
            name: 'app',
            ready: false,
            restartCount: 1,
            state: { waiting: { reason: 'PodInitializing' } },
            lastState: { terminated: last },
          },
        ],
      },
    });
  const failing = held({ state: { waiting: { reason: 'CrashLoopBackOff' } } });
  expect((await analyze(podDeleted, 'pod', failing))[0]).toMatchObject({ severity: 'low' });
  const working = held({ state: { running: { startedAt: '2026-01-01T11:41:00Z' } } });
  expect((await analyze(podDeleted, 'pod', working))[0]).toMatchObject({ severity: 'high' });
});
