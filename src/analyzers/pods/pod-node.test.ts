import { describe, expect, test } from 'vitest';
import { analyze } from '../../../test/support/analyze.ts';
import { eventObject, podObject } from '../../../test/support/memory-cluster.ts';
import { podNode } from './pod-node.ts';

const lost = (since: string, status = 'Unknown') => ({
  metadata: { name: 'n1' },
  status: { conditions: [{ type: 'Ready', status, reason: 'NodeStatusUnknown', lastTransitionTime: since }] },
});
const unready = (since: string, meta: object = {}) =>
  podObject('web-1', {
    meta,
    state: { ready: false },
    status: { conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: since }] },
  });
const notCaptured = { instead: { 'list nodes': { kind: 'not_captured', reason: 'no nodes.json' } } } as const;

describe('pod-node', () => {
  test('a pod that fails with its node points at it', async () => {
    const [finding] = await analyze(podNode, 'pod', unready('2026-01-01T11:31:00Z'), {
      nodes: [lost('2026-01-01T11:30:00Z')],
    });
    expect(finding).toMatchObject({
      category: 'on-failed-node',
      cause: null,
      when: { from: '2026-01-01T11:31:00.000Z' },
      pointers: [{ kind: 'node', namespace: null, name: 'n1' }],
    });
    expect(finding?.description).toBe(
      'Pod web-1 is not ready: its node n1 is not ready since 2026-01-01 11:30:00 UTC.',
    );
  });

  test('a pod that failed before its node did, or whose node is ready, is not explained by it', async () => {
    expect(
      await analyze(podNode, 'pod', unready('2026-01-01T11:00:00Z'), { nodes: [lost('2026-01-01T11:30:00Z')] }),
    ).toEqual([]);
    expect(
      await analyze(podNode, 'pod', unready('2026-01-01T11:31:00Z'), { nodes: [lost('2026-01-01T11:30:00Z', 'True')] }),
    ).toEqual([]);
    expect(await analyze(podNode, 'pod', podObject('web-1'), { nodes: [lost('2026-01-01T11:30:00Z')] })).toEqual([]);
  });

  test('a deletion counts from when it was asked for, not from the end of the grace period', async () => {
    const nodes = [lost('2026-01-01T11:30:00Z')];
    const before = podObject('web-1', {
      meta: { deletionTimestamp: '2026-01-01T11:35:00Z', deletionGracePeriodSeconds: 1800 },
    });
    expect(await analyze(podNode, 'pod', before, { nodes })).toEqual([]);
    const after = podObject('web-1', {
      meta: { deletionTimestamp: '2026-01-01T11:35:00Z', deletionGracePeriodSeconds: 30 },
    });
    expect(await analyze(podNode, 'pod', after, { nodes })).toMatchObject([
      { category: 'on-failed-node', when: { from: '2026-01-01T11:34:30.000Z' } },
    ]);
  });

  test('one that hangs in Terminating, and a static one', async () => {
    const nodes = [lost('2026-01-01T11:30:00Z')];
    const hanging = unready('2026-01-01T11:31:00Z', { deletionTimestamp: '2026-01-01T11:36:00Z' });
    const [terminating] = await analyze(podNode, 'pod', hanging, { nodes });
    expect(terminating?.description).toContain('was to end by 2026-01-01 11:36:00 UTC and hangs in Terminating');
    const mirrored = unready('2026-01-01T11:31:00Z', { annotations: { 'kubernetes.io/config.mirror': 'x' } });
    const [mirror] = await analyze(podNode, 'pod', mirrored, { nodes });
    expect(mirror?.description).toMatch(/^Static pod web-1 is not ready/);
  });

  test('a node that is not there any more', async () => {
    const other = { metadata: { name: 'n2' }, status: {} };
    expect(await analyze(podNode, 'pod', unready('2026-01-01T11:31:00Z'), { nodes: [other] })).toMatchObject([
      { category: 'node-gone', decisive: true, cause: expect.stringContaining('its node n1 does not exist any more') },
    ]);
    const message = 'Deleting node n1 because it does not exist in the cloud provider';
    const events = [
      eventObject({ kind: 'Node', name: 'n1' }, 'DeletingNode', message, {
        metadata: { name: 'e', namespace: 'default' },
      }),
    ];
    const [told] = await analyze(podNode, 'pod', unready('2026-01-01T11:31:00Z'), { nodes: [other], events });
    expect(told?.cause).toContain(`it was taken away at 2026-01-01 11:59:00 UTC (DeletingNode: ${message})`);
    expect(told?.evidence.map(({ read }) => read)).toContainEqual({
      kind: 'events',
      of: 'node',
      namespace: null,
      name: 'n1',
    });
  });

  test('where nodes cannot be read, the event of the node controller tells it', async () => {
    const pod = unready('2026-01-01T11:31:00Z');
    expect(await analyze(podNode, 'pod', pod, {}, notCaptured)).toEqual([]);
    const events = [eventObject({ kind: 'Pod', name: 'web-1' }, 'NodeNotReady', 'Node is not ready')];
    expect(await analyze(podNode, 'pod', pod, { events }, notCaptured)).toMatchObject([
      {
        category: 'on-failed-node',
        decisive: true,
        cause: expect.stringContaining('its node n1 is not ready since 2026-01-01 11:30:00 UTC'),
      },
    ]);
  });
});
